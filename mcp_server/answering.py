"""What those are told whose program cannot ask its user by itself: what a run asks, and how to answer it."""

from collections.abc import Mapping
from typing import cast

from workflows.runs.events import Json
from workflows.runs.run import Run


def how_to_answer(run: Run) -> str:
    """What a client that cannot ask its user is told."""
    asked = " ".join(f"({gate.gate_id}) {gate.question}" if len(run.gates) > 1 else gate.question for gate in run.gates)
    fields = ", ".join(_fields(run.gates[0].schema)) if run.gates else ""
    shape = f"an object with {fields}" if fields else "the answer"
    which = " and the gate_id" if len(run.gates) > 1 else ""
    return (
        f"The run waits for a person's answer: {asked} Ask the user, then call answer_run with run_id {run.run_id}"
        f"{which} and answer = {shape}; outcome = declined if the user refuses. The run holds nothing meanwhile."
    )


def _fields(schema: Json) -> list[str]:
    properties = cast("object", schema.get("properties"))
    if not isinstance(properties, Mapping):
        return []
    return [f"{name} ({_kind(field)})" for name, field in cast("Json", properties).items()]


def _kind(field: object) -> str:
    kind = cast("Mapping[str, object]", field).get("type") if isinstance(field, Mapping) else None
    return kind if isinstance(kind, str) else "value"
