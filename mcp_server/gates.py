"""A run's question to a person, as each protocol era puts it, and the person's answer, as each brings it back.

* Handshake era: the server asks while the call is open (`elicitation/create`).
* 2026-07-28: the call is answered with what is asked (`input_required`) and comes again with the answer.
* Tasks: the task is `input_required`, and `tasks/update` brings the answer.
* A client that cannot ask, or that answers `cancel` by itself as headless ones do: the call is answered with a normal
  result that says what is asked, and `answer_run` takes the answer.
"""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any, cast

from mcp_types import ElicitRequest, ElicitRequestFormParams, ElicitResult

from mcp_server.gate_forms import answer_in, form_of
from workflows.runs.events import Json
from workflows.runs.run import Gate, GateReply, Run


def form_schema(gate: Gate) -> dict[str, Any]:
    """The schema of the form that asks a question: flat, because clients show no other."""
    return dict(form_of(gate.schema))


def question_in_words(gate: Gate, refusal: str = "") -> str:
    """A question, behind why its last answer was not taken."""
    return f"{refusal}\n\n{gate.question}" if refusal else gate.question


def questions_of(run: Run, refusals: Mapping[str, str] = MappingProxyType({})) -> dict[str, ElicitRequest]:
    """The forms of all questions that are open, by gate id.

    Args:
        run: The run that asks.
        refusals: Why answers were not taken, by gate id.
    """
    return {gate.gate_id: _question_of(gate, refusals.get(gate.gate_id, "")) for gate in run.gates}


def _question_of(gate: Gate, refusal: str) -> ElicitRequest:
    form = ElicitRequestFormParams(message=question_in_words(gate, refusal), requested_schema=form_schema(gate))
    return ElicitRequest(params=form)


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
            answer = answer_in(gate.schema, cast("Json", result.content or {}))
            return GateReply(gate_id=gate.gate_id, outcome="accepted", answer=answer, by=by)
        case "decline":
            return GateReply(gate_id=gate.gate_id, outcome="declined", by=by)
        case "cancel":
            return None
