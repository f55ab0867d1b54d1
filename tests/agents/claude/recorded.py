"""Recorded runs of the Claude CLI 2.1.329, and the story that is told of each."""

from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import TypeVar

import orjson
from pydantic import BaseModel, TypeAdapter

from agents.claude.lines import LineFramer, LineTooLong
from agents.claude.messages import CliMessage
from agents.claude.narrate import Narrator
from agents.claude.parser import parse_message
from agents.events import AgentSaid, Progressed, TextStreamed

_T = TypeVar("_T")
DIRECTORY = Path(__file__).parents[2] / "recordings" / "claude_cli"


class Recording(BaseModel):
    """One entry of index.json: how a run was made and how it ended."""

    file: str
    exit_code: int
    stderr: str | None
    lines: int
    arrival_s: list[float] | None

    @property
    def bytes(self) -> bytes:
        return (DIRECTORY / self.file).read_bytes()

    @property
    def stderr_text(self) -> str:
        return "" if self.stderr is None else (DIRECTORY / self.stderr).read_text()


@cache
def recordings() -> dict[str, Recording]:
    """All recorded streams, by the two digits their names begin with."""
    index = TypeAdapter(list[Recording]).validate_python(orjson.loads((DIRECTORY / "index.json").read_bytes()))
    return {entry.file[:2]: entry for entry in index if entry.file.endswith(".jsonl")}


def lines_of(stream: bytes) -> list[bytes]:
    framer = LineFramer()
    lines = framer.feed(stream) + framer.close()
    return [line for line in lines if not isinstance(line, LineTooLong)]


def messages_of(number: str) -> list[CliMessage]:
    return [parse_message(line) for line in lines_of(recordings()[number].bytes)]


class Clock:
    """A clock that shows what it is set to."""

    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        return self.now


@dataclass(frozen=True, slots=True)
class Story:
    """What was told, and the narrator who told it."""

    events: list[AgentSaid]
    narrator: Narrator

    def of_type(self, kind: type[_T]) -> list[_T]:
        return [event for event in self.events if isinstance(event, kind)]

    def text(self, speaker: tuple[str, ...] = ()) -> str:
        return "".join(event.text for event in self.of_type(TextStreamed) if event.speaker == speaker)

    def messages(self) -> list[str]:
        return [event.message for event in self.of_type(Progressed)]


def story_of(number: str) -> Story:
    """Tell a recorded run, each line at the time it arrived; one second apart where that was not noted."""
    clock = Clock()
    narrator = Narrator(Path("/workspace"), clock)
    events: list[AgentSaid] = []
    messages = messages_of(number)
    arrivals = recordings()[number].arrival_s or [float(second) for second in range(len(messages))]
    for message, arrived in zip(messages, arrivals, strict=True):
        clock.now = arrived
        events += narrator.tell(message)
    return Story(events, narrator)
