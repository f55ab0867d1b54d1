"""What goes through the graph library between a node that asks and the engine that has the question answered."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, cast

from workflows.runs.events import Json
from workflows.runs.plain_text import one_line
from workflows.runs.run import GateReply

_MARK = "agent_workflows_question"
_LONGEST_QUESTION = 2000


@dataclass(frozen=True, slots=True, kw_only=True)
class GateRequest:
    """A question as a node asks it.

    Attributes:
        question: In words.
        schema: JSON schema of an answer; empty if anything goes.
        max_seconds: How long to wait for an answer; None: as long as it takes.
        foreign: True for a graph that knows nothing of this program: it gets the bare answer.
    """

    question: str
    schema: Json
    max_seconds: float | None = None
    foreign: bool = False

    def to_json(self) -> dict[str, object]:
        """What the node hands to the graph library."""
        return {_MARK: self.question, "schema": dict(self.schema), "max_seconds": self.max_seconds}

    @classmethod
    def of(cls, value: object) -> "GateRequest":
        """What a node has handed to the graph library, also one that knows nothing of this program."""
        entry: Mapping[str, Any] = cast("Mapping[str, Any]", value) if isinstance(value, Mapping) else {}
        if _MARK in entry:
            return cls(question=entry[_MARK], schema=entry["schema"], max_seconds=entry["max_seconds"])
        return cls(question=_words(cast("object", value)), schema={}, foreign=True)

    def resumption(self, reply: GateReply) -> object:
        """What the node gets back."""
        if self.foreign:
            return reply.answer
        return {"outcome": reply.outcome, "answer": reply.answer, "by": reply.by}


def reply_of(entry: Mapping[str, object]) -> GateReply:
    """The reply in what a node gets back."""
    values = cast("Mapping[str, Any]", entry)
    return GateReply(gate_id="", outcome=values["outcome"], answer=values["answer"], by=values["by"])


def _words(value: object) -> str:
    if isinstance(value, Mapping):
        entry = cast("Mapping[str, object]", value)
        for name in ("question", "message", "query", "prompt", "description"):
            if isinstance(text := entry.get(name), str):
                return text[:_LONGEST_QUESTION]
    return (
        value[:_LONGEST_QUESTION] if isinstance(value, str) else one_line(str(cast("object", value)), _LONGEST_QUESTION)
    )
