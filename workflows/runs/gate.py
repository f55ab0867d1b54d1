"""Asks a person in the middle of a workflow: one call in a node, typed by a model.

    answer = ask_person("Shall this plan be carried out?", Approval)

The run is then parked: it is in its checkpoints, and holds no process and no connection. When the answer comes, the
node runs once more from its top, and this time the call returns. So the call stands first in a small node of its own,
and what has effects outside comes in the node after it.

Imports the graph library: for the modules that hold graphs, which are loaded late.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Generic, TypeAlias, TypeVar, cast

from langgraph.types import interrupt
from pydantic import BaseModel, ValidationError

from workflows.runs.gate_request import GateRequest, reply_of

AnswerT = TypeVar("AnswerT", bound=BaseModel)


@dataclass(frozen=True, slots=True)
class Answered(Generic[AnswerT]):
    """Somebody answered.

    Attributes:
        answer: The answer.
        by: Who.
    """

    answer: AnswerT
    by: str


@dataclass(frozen=True, slots=True)
class Declined:
    """Somebody refused to answer.

    Attributes:
        by: Who.
    """

    by: str


@dataclass(frozen=True, slots=True)
class Expired:
    """Nobody answered in time."""


Answer: TypeAlias = Answered[AnswerT] | Declined | Expired


def ask_person(question: str, answer_model: type[AnswerT], *, max_seconds: float | None = None) -> Answer[AnswerT]:
    """Ask a person, and go on when there is an answer.

    Args:
        question: What is asked, in words that can be understood without the run's history.
        answer_model: Shape of an answer: a flat model of texts, numbers, booleans and choices, because that is what
            clients can show as a form. An answer that does not fit is refused, and the question stays open.
        max_seconds: How long to wait for an answer; None: as long as it takes.
    """
    request = GateRequest(question=question, schema=answer_model.model_json_schema(), max_seconds=max_seconds)
    while True:
        reply = reply_of(cast("Mapping[str, object]", interrupt(request.to_json())))
        match reply.outcome:
            case "declined":
                return Declined(reply.by)
            case "expired":
                return Expired()
            case "accepted":
                try:
                    return Answered(answer_model.model_validate(reply.answer), reply.by)
                except ValidationError:  # it fits the schema and not the model's own rules: asked again
                    continue
