"""What the child writes, as events and facts."""

import math
from pathlib import Path

import anyio

from agents.claude.dialogue import Dialogue
from agents.claude.lines import LineFramer, LineTooLong
from agents.claude.narrate import Narrator
from agents.claude.parser import parse_message
from agents.events import Emit, Progressed
from agents.guarded_emit import GuardedEmit


class Conversation:
    """One run of the CLI, as it is heard.

    Args:
        workspace: Directory that file paths are told relative to.
        emit: Where to tell it.

    Attributes:
        say: Passes an event on.
        narrator: The story so far.
        dialogue: Where people take part; None where nobody does.
        finished_at: Since when nothing more is expected, by the event loop's clock; infinite until then.
    """

    def __init__(self, workspace: Path, emit: Emit) -> None:
        self.say: Emit = GuardedEmit(emit)
        self.narrator = Narrator(workspace)
        self.dialogue: Dialogue | None = None
        self.finished_at = math.inf
        self._framer = LineFramer()

    @property
    def has_finished(self) -> bool:
        """Whether nothing more is expected."""
        more_to_come = self.dialogue is not None and (self.dialogue.has_more_to_tell or self.dialogue.awaits_person)
        return self.narrator.finished and not more_to_come

    @property
    def is_refused(self) -> bool:
        """Whether the key or the login was refused."""
        return self.narrator.auth_failed

    @property
    def running_work(self) -> str:
        """What runs now, for people; empty while it is the model that is awaited."""
        if tools := self.narrator.open_tools:
            return tools[-1].tool
        return "background work" if self.narrator.background_tasks else ""

    @property
    def awaits_person(self) -> bool:
        """Whether it is a person that is awaited, who may take as long as they like."""
        return self.dialogue is not None and self.dialogue.awaits_person

    def hear(self, piece: bytes) -> None:
        """Take what the child wrote."""
        self._tell(self._framer.feed(piece))

    def close(self) -> None:
        """Take the last line, if it came without a newline, and tell what was left open."""
        if not self.narrator.finished:
            self._tell(self._framer.close())
        if self.dialogue is not None:
            self.dialogue.close()
        for said in self.narrator.close():
            self.say(said)

    def _tell(self, lines: list[bytes | LineTooLong]) -> None:
        for line in lines:
            if isinstance(line, LineTooLong):
                self.say(Progressed(message=f"claude wrote a line of {line.bytes:,} bytes, which was left out"))
                continue
            message = parse_message(line)
            for said in self.narrator.tell(message):
                self.say(said)
            if self.dialogue is not None:
                self.dialogue.hear(message)
        if not self.has_finished:
            self.finished_at = math.inf
        elif self.finished_at == math.inf:
            self.finished_at = anyio.current_time()
