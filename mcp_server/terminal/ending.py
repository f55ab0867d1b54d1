"""What there is to tell at the end of a run, as blocks of text; how they look is decided elsewhere."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Literal, TypeAlias, cast

from mcp_server.failures import BLAME
from workflows.runs.admission import artifact_uri
from workflows.runs.events import Json
from workflows.runs.log import ArtifactInfo
from workflows.runs.message import cost, duration
from workflows.runs.plain_text import one_line, plain_text
from workflows.runs.run import Run, RunFailure

_EMPTY: tuple[object, ...] = (None, "", [], {}, ())
_MOST_ITEMS = 30
_LONGEST_ITEM = 300
_ALWAYS_FIRST = ("files", "tests_run", "tests", "review", "findings", "sources")
_TITLES = {"files": "Files changed", "tests_run": "Tests run"}


@dataclass(frozen=True, slots=True)
class Block:
    """A piece of what is shown.

    Attributes:
        kind: `bad` and `note` are single lines, `title` stands above others, `item` is one line of a list,
            `answer`, `markdown` and `diff` are long texts, of which the answer is never cut, `fine_print` is small.
        text: Harmless text.
    """

    kind: Literal["bad", "note", "title", "item", "answer", "markdown", "diff", "fine_print"]
    text: str


Blocks: TypeAlias = Sequence[Block]


@dataclass(frozen=True, slots=True, kw_only=True)
class Ending:
    """How a run stands at its end.

    Attributes:
        run_id: The run.
        workflow: Its workflow; empty where that is not known.
        status: As in `Run`.
        offline: Whether scripted agents stood in for models.
        answer: The answer in words; what the newest line was where there is none.
        result: The typed output.
        artifacts: Name, URI and size in bytes of what it has made.
        workspace: Where the files are; empty where that is not known.
        input_tokens: Tokens read.
        output_tokens: Tokens written.
        cost_usd: US dollars, None where unknown.
        seconds: How long it was at work, None where unknown.
        failure: Why it did not reach its end.
        question: What it asks a person, where it waits for one.
    """

    run_id: str
    workflow: str = ""
    status: str
    offline: bool
    answer: str
    result: Json = field(default_factory=dict[str, object])
    artifacts: Sequence[tuple[str, str, int]] = ()
    workspace: str = ""
    input_tokens: int = 0
    output_tokens: int = 0
    cost_usd: float | None = 0.0
    seconds: float | None = None
    failure: RunFailure | None = None
    question: str = ""


def ending_of(run: Run, artifacts: Sequence[ArtifactInfo]) -> Ending:
    """The end of a run as its row has it."""
    return Ending(
        run_id=run.run_id,
        workflow=run.workflow,
        status=run.status,
        offline=run.offline,
        answer=run.final_response or run.message,
        result=run.result or {},
        artifacts=[(info.name, artifact_uri(run.run_id, info.name), info.bytes) for info in artifacts],
        workspace=run.workspace,
        input_tokens=run.usage.input_tokens,
        output_tokens=run.usage.output_tokens,
        cost_usd=run.usage.cost_usd,
        seconds=run.seconds if run.ended else None,
        failure=run.failure,
        question=run.gates[0].question if run.gates else "",
    )


def blocks(ending: Ending) -> Blocks:
    """What to tell about the end of a run, most important first."""
    return [*_outcome(ending), *_output(ending), *_kept(ending), *_fine_print(ending)]


def _outcome(ending: Ending) -> Blocks:
    name = one_line(ending.workflow, 60) or "The run"
    match ending.status:
        case "completed":
            return [Block("answer", plain_text(ending.answer))]
        case "failed" | "cancelled":
            return _failure(name, ending)
        case "interrupted":
            again = f"Go on with it, what was finished is not done again: agent-workflows resume {ending.run_id}"
            return [Block("bad", f"{name} was interrupted: the process that ran it is gone."), Block("note", again)]
        case "waiting":
            how = f"Answer it: agent-workflows answer {ending.run_id} ANSWER (without ANSWER it shows what fits)"
            asked = ending.question or ending.answer
            return [Block("note", f"{name} waits for an answer: {one_line(asked, 1000)}"), Block("note", how)]
        case status:
            newest = one_line(ending.answer, _LONGEST_ITEM)
            again = f"Watch it: agent-workflows watch {ending.run_id}"
            return [Block("note", f"{name} is {one_line(status)}: {newest}".rstrip(": ")), Block("note", again)]


def _failure(name: str, ending: Ending) -> Blocks:
    verb = "was cancelled" if ending.status == "cancelled" else "failed"
    failure = ending.failure
    if failure is None:
        return [Block("bad", f"{name} {verb}: {one_line(ending.answer, 1000)}")]
    told = [Block("bad", f"{name} {verb} ({one_line(failure.kind, 60)}): {one_line(failure.message, 1000)}")]
    if failure.blame and ending.status != "cancelled":
        told.append(Block("note", f"Cause lies with: {BLAME.get(failure.blame, one_line(failure.blame, 60))}"))
    if failure.recovery:
        told += [Block("title", "What helps"), *_items(failure.recovery)]
    if failure.partial:
        finished = [f"{one_line(stage, 60)}: {_excerpt(output)}" for stage, output in failure.partial.items()]
        told += [Block("title", "Finished before"), *_items(finished)]
    return told


def _output(ending: Ending) -> Blocks:
    result = ending.result
    known = [name for name in _ALWAYS_FIRST if name in result]
    names = [*known, *(name for name in result if name not in known)]
    told: list[Block] = []
    for name in names:
        value = result[name]
        if value not in _EMPTY and not (isinstance(value, str) and ending.answer.endswith(value)):
            told += _field(name, value)
    return told


def _field(name: str, value: object) -> Blocks:
    title = _TITLES.get(name) or one_line(name.replace("_", " "), 60).capitalize()
    if isinstance(value, str):
        text = plain_text(value).strip("\n")
        if "\n" not in text and len(text) <= _LONGEST_ITEM:
            return [Block("title", f"{title}: {text}")]
        return [Block("title", title), Block("diff" if name == "diff" else "markdown", text)]
    if isinstance(value, Mapping):
        facts = dict(cast("Mapping[str, object]", value))
        verdict = facts.pop("verdict", "")
        headline = f"{title}: {one_line(str(verdict), 100)}" if verdict else title
        told = [line for key, fact in facts.items() if fact not in _EMPTY for line in _fact(key, fact)]
        return [Block("title", headline), *_items(told)]
    if isinstance(value, Sequence):
        return [Block("title", title), *_items([_excerpt(item) for item in cast("Sequence[object]", value)])]
    return [Block("title", f"{title}: {_excerpt(value)}")]


def _fact(name: str, value: object) -> Sequence[str]:
    inner = _facts_in(value)
    return [_telling(fact) for fact in inner] if inner else [f"{one_line(name, 60)}: {_excerpt(value)}"]


def _facts_in(value: object) -> Sequence[Mapping[str, object]]:
    """A list's items if every one of them is an object, else nothing."""
    if not isinstance(value, Sequence) or isinstance(value, str):
        return ()
    items = cast("Sequence[object]", value)
    facts = [cast("Mapping[str, object]", item) for item in items if isinstance(item, Mapping)]
    return facts if len(facts) == len(items) else ()


def _items(texts: Sequence[str]) -> Blocks:
    items = [Block("item", one_line(text, _LONGEST_ITEM)) for text in texts[:_MOST_ITEMS]]
    if len(texts) > _MOST_ITEMS:
        items.append(Block("item", f"… {len(texts) - _MOST_ITEMS} more"))
    return items


def _excerpt(value: object) -> str:
    """A value on one line: a finding, a command and a source in words, anything else as compact JSON."""
    if isinstance(value, str):
        return one_line(value, _LONGEST_ITEM)
    if isinstance(value, Mapping):
        return _telling(cast("Mapping[str, object]", value))
    if isinstance(value, Sequence):
        items = cast("Sequence[object]", value)
        if all(isinstance(item, str) for item in items):
            return one_line("; ".join(map(str, items)), _LONGEST_ITEM)
    return one_line(json.dumps(value, ensure_ascii=False, default=str), _LONGEST_ITEM)


def _telling(fact: Mapping[str, object]) -> str:
    match fact:
        case {"path": path, "change": change}:
            return one_line(f"{path} · {change}", _LONGEST_ITEM)
        case {"agent": agent, "outcome": outcome}:
            return one_line(f"{agent}: {outcome}", _LONGEST_ITEM)
        case {"file": file, "claim": claim, **rest}:
            place = f"{file}:{rest['line']}" if rest.get("line") else f"{file}"
            severity = f" [{rest['severity']}]" if rest.get("severity") else ""
            suggestion = f" → {rest['suggestion']}" if rest.get("suggestion") else ""
            fixed = " (fixed)" if rest.get("fixed") is True else ""
            return one_line(f"{place}{severity} {claim}{suggestion}{fixed}", _LONGEST_ITEM)
        case {"command": command, "passed": passed, **rest}:
            mark = "?" if passed is None else "✔" if passed else "✘"
            seconds = rest.get("seconds")
            took = f" · {duration(seconds)}" if isinstance(seconds, int | float) else ""
            return one_line(f"{mark} {command}{took}", _LONGEST_ITEM)
        case {"title": title, "url": url}:
            return one_line(f"{title} <{url}>", _LONGEST_ITEM)
        case _:
            return one_line(json.dumps(dict(fact), ensure_ascii=False, default=str), _LONGEST_ITEM)


def _kept(ending: Ending) -> Blocks:
    if not ending.artifacts:
        return []
    items = [f"{name} · {size:,} bytes · {uri}" for name, uri, size in ending.artifacts]
    return [Block("title", "Kept whole"), *_items(items)]


def _fine_print(ending: Ending) -> Blocks:
    facts: list[str] = []
    if ending.offline:
        facts.append("offline: scripted agents, no model")
    if ending.seconds is not None:
        facts.append(duration(ending.seconds))
    if ending.input_tokens or ending.output_tokens:
        facts.append(f"{ending.input_tokens:,} tokens read, {ending.output_tokens:,} written")
    if ending.cost_usd is None:
        facts.append("cost unknown")
    elif ending.input_tokens or ending.output_tokens:
        facts.append(cost(ending.cost_usd))
    facts.append(f"run {ending.run_id}")
    files = f"\nfiles in {one_line(ending.workspace)}" if ending.workspace else ""
    return [Block("fine_print", " · ".join(facts) + files)]
