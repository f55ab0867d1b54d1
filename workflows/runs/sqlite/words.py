"""The table of words: what other processes have to say to the one that works on a run."""

import sqlite3
from collections.abc import Sequence
from dataclasses import asdict
from typing import Any, assert_never, cast

import orjson

from workflows.runs.plain_json import plain_json
from workflows.runs.run import GateReply, Steering, Word

_WAITING = """
SELECT word.number, word.run_id, word.word FROM word JOIN run USING (run_id)
WHERE run.process = ? AND run.run_id IN (SELECT value FROM json_each(?))
"""


def leave(connection: sqlite3.Connection, run_id: str, word: Word) -> None:
    """Leave a word for whoever works on the run."""
    text = orjson.dumps({"type": _type(word), **cast("dict[str, object]", plain_json(asdict(word)))}).decode()
    connection.execute("INSERT INTO word (run_id, word) VALUES (?, ?)", (run_id, text))


def waiting(connection: sqlite3.Connection, process: str, run_ids: Sequence[str]) -> bool:
    """Whether there are words for these runs of a process; changes nothing."""
    return connection.execute(f"{_WAITING} LIMIT 1", (process, _list(run_ids))).fetchone() is not None


def take(connection: sqlite3.Connection, process: str, run_ids: Sequence[str]) -> Sequence[tuple[str, Word]]:
    """Take the words for these runs of a process out, oldest first, each with its run."""
    rows = connection.execute(f"{_WAITING} ORDER BY word.number", (process, _list(run_ids))).fetchall()
    connection.executemany("DELETE FROM word WHERE number = ?", [(number,) for number, _, _ in rows])
    return [(run_id, _word(orjson.loads(text))) for _, run_id, text in rows]


def _list(run_ids: Sequence[str]) -> str:
    return orjson.dumps(list(run_ids)).decode()


def _type(word: Word) -> str:
    match word:
        case Steering():
            return "steering"
        case GateReply():
            return "gate_reply"
        case _:
            assert_never(word)


def _word(entry: dict[str, Any]) -> Word:
    kind = entry.pop("type")
    return Steering(**entry) if kind == "steering" else GateReply(**entry)
