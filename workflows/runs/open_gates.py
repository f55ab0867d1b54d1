"""Rules about answering: which question an answer is for, whether it fits, and until when it may come."""

from dataclasses import replace
from datetime import UTC, datetime

from workflows.runs.errors import InputRejected, RunNotWaiting
from workflows.runs.run import Gate, GateReply, Run


def checked_reply(run: Run, reply: GateReply) -> GateReply:
    """A reply as it can be given to a run, with the id of its question.

    Args:
        run: A run.
        reply: What is to settle a question; an empty `gate_id` means the only one that is open.

    Raises:
        RunNotWaiting: There is no such question, or it was settled before.
        InputRejected: The answer does not fit, or it is not said which of several questions it is for.
    """
    gate = _gate(run, reply.gate_id)
    if reply.outcome == "accepted":
        from workflows.runs.answer_check import check_answer  # only now: see there

        check_answer(gate, reply.answer)
    return replace(reply, gate_id=gate.gate_id)


def not_waiting(run: Run) -> RunNotWaiting:
    """What is raised where nobody waits for an answer."""
    return RunNotWaiting(
        f"Run {run.run_id} does not wait for this answer: it is {run.status}. "
        "Either it never asked, or somebody was quicker.",
        recovery=(f"get_run with run_id {run.run_id} shows how it stands",),
    )


def overdue(run: Run) -> Gate | None:
    """A question whose time is over."""
    now = datetime.now(UTC)
    return next(
        (gate for gate in run.gates if gate.expires_at and datetime.fromisoformat(gate.expires_at) <= now), None
    )


def let_go(run: Run) -> bool:
    """Whether the process that asked has let go of the run, which it does right after; true if it does not wait."""
    return run.parked or run.status != "waiting"


def is_open(run: Run, gate_id: str) -> bool:
    """Whether the run still waits with this question."""
    return run.status == "waiting" and any(gate.gate_id == gate_id for gate in run.gates)


def seconds_left(run: Run) -> float | None:
    """Seconds until the first question's time is over; None if none has a limit."""
    limits = [datetime.fromisoformat(gate.expires_at) for gate in run.gates if gate.expires_at]
    return max(0.0, (min(limits) - datetime.now(UTC)).total_seconds()) if limits else None


def _gate(run: Run, gate_id: str) -> Gate:
    if run.status != "waiting":
        raise not_waiting(run)
    if not gate_id and len(run.gates) > 1:
        choice = "; ".join(f"{gate.gate_id}: {gate.question}" for gate in run.gates)
        raise InputRejected("gate_id", f"gate_id: the run waits for several answers, so say which: {choice}")
    for gate in run.gates:
        if gate_id in {gate.gate_id, ""}:
            return gate
    raise not_waiting(run)
