"""What turns a provider's stream into deltas. Implementations do no I/O: events in, deltas out."""

from collections.abc import Iterator
from typing import Protocol

from agents.json_fields import JsonObject
from agents.models.deltas import Delta, Used


class ErrorTold(Exception):
    """The stream itself says that it failed.

    Attributes:
        fields: The error as the provider tells it.
    """

    def __init__(self, fields: JsonObject) -> None:
        super().__init__("the provider told an error in its stream")
        self.fields = fields


class AnswerReader(Protocol):
    """Reads one answer."""

    @property
    def text(self) -> str:
        """All text so far."""
        ...

    @property
    def has_begun(self) -> bool:
        """Whether anything of an answer has come."""
        ...

    @property
    def is_whole(self) -> bool:
        """Whether the answer has come to its end."""
        ...

    @property
    def is_over(self) -> bool:
        """Whether nothing more is to come."""
        ...

    def read(self, event: JsonObject) -> Iterator[Delta]:
        """Take an event; one of a kind it does not know is left out.

        Raises:
            ErrorTold: The event is an error.
        """
        ...

    def finish(self) -> Iterator[Delta]:
        """Say how the answer ended, after its last event.

        Raises:
            agents.errors.AgentError: It ended, and is no answer.
        """
        ...

    def use_of_a_broken_answer(self) -> Used | None:
        """What an answer that broke off has cost beyond what was told; mostly nobody says. None if it never began."""
        ...
