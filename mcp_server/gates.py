"""A run's question to a person, as each protocol era puts it, and the person's answer, as each brings it back.

* Handshake era: the server asks while the call is open (`elicitation/create`).
* 2026-07-28: the call is answered with what is asked (`input_required`) and comes again with the answer.
* Tasks: the task is `input_required`, and `tasks/update` brings the answer.
* A client that cannot ask, or that answers `cancel` by itself as headless ones do: the call is answered with a normal
  result that says what is asked, and `answer_run` takes the answer.
"""

from collections.abc import Mapping
from typing import Any, cast

from mcp_types import ElicitRequest, ElicitRequestFormParams, ElicitResult

from workflows.runs.events import Json
from workflows.runs.run import Gate, GateReply, Run

_PRIMITIVE = frozenset({"string", "number", "integer", "boolean"})
ANSWER = "answer"
"""Field of the form for a question whose answers are no flat object."""


def form_schema(gate: Gate) -> dict[str, Any]:
    """The schema of the form that asks a question: flat, because clients show no other."""
    return dict(gate.schema if _is_flat(gate.schema) else _one_field(gate))


def question_of(gate: Gate) -> ElicitRequest:
    """The form that asks a question."""
    return ElicitRequest(params=ElicitRequestFormParams(message=gate.question, requested_schema=form_schema(gate)))


def questions_of(run: Run) -> dict[str, ElicitRequest]:
    """The forms of all questions that are open, by gate id."""
    return {gate.gate_id: question_of(gate) for gate in run.gates}


def reply_from(gate: Gate, result: ElicitResult, by: str) -> GateReply | None:
    """What a client's answer settles; None if it settles nothing.

    `cancel` is no answer: a person has put the form away, or there is no person.

    Args:
        gate: The question.
        result: What came back.
        by: The client's name.
    """
    match result.action:
        case "accept":
            content = cast("Mapping[str, object]", result.content or {})
            answer = dict(content) if _is_flat(gate.schema) else content.get(ANSWER)
            return GateReply(gate_id=gate.gate_id, outcome="accepted", answer=answer, by=by)
        case "decline":
            return GateReply(gate_id=gate.gate_id, outcome="declined", by=by)
        case "cancel":
            return None


def _is_flat(schema: Json) -> bool:
    """Whether clients can show it as a form: an object of texts, numbers, booleans and choices."""
    properties = cast("object", schema.get("properties"))
    if schema.get("type") != "object" or not isinstance(properties, Mapping) or not properties:
        return False
    return all(_is_primitive(field) for field in cast("Json", properties).values())


def _is_primitive(field: object) -> bool:
    return isinstance(field, Mapping) and cast("Mapping[str, Any]", field).get("type") in _PRIMITIVE


def _one_field(gate: Gate) -> Json:
    kind = gate.schema.get("type")
    described: dict[str, object] = {
        "type": kind if isinstance(kind, str) and kind in _PRIMITIVE else "string",
        "title": "Answer",
    }
    return {"type": "object", "properties": {ANSWER: described}, "required": [ANSWER]}
