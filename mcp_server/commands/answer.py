"""`agent-workflows answer`."""

import json
from typing import cast

import click

from mcp_server.assembly import Assembly
from mcp_server.commands.following import follow_to_the_end, with_assembly
from mcp_server.commands.options import catalog_with, json_option, offline_option, settings_from, workflow_option
from mcp_server.own_runs import own_run_by_prefix
from workflows.runs.events import Json
from workflows.runs.run import Gate, GateReply, Run

_YES_NO = {"yes": True, "y": True, "no": False, "n": False}


@click.command()
@click.argument("run_id", metavar="RUN")
@click.argument("answer", required=False)
@click.option("--decline", is_flag=True, help="Refuse to answer.")
@click.option("--gate", "gate_id", default="", help="Which question, where several are open.")
@offline_option
@workflow_option
@json_option
def command(
    *,
    run_id: str,
    answer: str | None,
    decline: bool,
    gate_id: str,
    offline: bool | None,
    own_workflows: tuple[str, ...],
    as_json: bool,
) -> None:
    """Answer the question RUN waits with, and watch it go on.

    ANSWER is JSON, or plain words where one text is asked for, or yes or no where one decision is; without it the
    question is shown.
    """
    if answer is not None and decline:
        raise click.UsageError("Give an ANSWER or --decline, not both")

    async def act(assembly: Assembly) -> int:
        run = await own_run_by_prefix(assembly, run_id)
        if answer is None and not decline:
            _show(run)
            return 0
        given = _parsed(answer, _meant(run, gate_id)) if answer is not None else None
        reply = GateReply(gate_id=gate_id, outcome="declined" if decline else "accepted", answer=given, by="terminal")
        run = await assembly.engine.answer(run.run_id, reply)
        return await follow_to_the_end(assembly, run, as_json=as_json, own=True)

    with_assembly(settings_from(offline=offline), catalog_with(own_workflows), act)


def _show(run: Run) -> None:
    if not run.gates:
        click.echo(f"Run {run.run_id} asks nothing: it is {run.status}.")
    for gate in run.gates:
        click.echo(f"{gate.gate_id}: {gate.question}")
        click.echo(f"  An answer fits this JSON schema: {json.dumps(dict(gate.schema))}")


def _meant(run: Run, gate_id: str) -> Gate | None:
    return next((gate for gate in run.gates if gate_id in {gate.gate_id, ""}), None)


def _parsed(answer: str, gate: Gate | None) -> object:
    try:
        return cast("object", json.loads(answer))
    except ValueError:
        return _plain(answer, gate)


def _plain(answer: str, gate: Gate | None) -> object:
    """Plain words as the one field of the question that takes them, if there is one."""
    schema: Json = gate.schema if gate is not None else {}
    fields = cast("dict[str, Json]", schema.get("properties") or {})
    required = cast("list[str]", schema.get("required") or list(fields))
    if len(required) == 1 and required[0] in fields:
        kind = fields[required[0]].get("type")
        if kind == "boolean" and answer.lower() in _YES_NO:
            return {required[0]: _YES_NO[answer.lower()]}
        if kind == "string":
            return {required[0]: answer}
    return answer
