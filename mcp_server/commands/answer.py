"""`agent-workflows answer`."""

import json

import click

from mcp_server.assembly import Assembly
from mcp_server.commands.following import follow_to_the_end, with_assembly
from mcp_server.commands.options import catalog_with, json_option, offline_option, settings_from, workflow_option
from mcp_server.gate_forms import typed_answer
from mcp_server.own_runs import own_run_by_prefix
from workflows.runs.events import Json
from workflows.runs.run import GateReply, Run


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
        given = None if answer is None else typed_answer(_schema(run, gate_id), answer)
        reply = GateReply(gate_id=gate_id, outcome="declined" if decline else "accepted", answer=given, by="terminal")
        run = await assembly.engine.answer(run.run_id, reply)
        # Who asks while its agent waits is answered where it runs, which may be elsewhere.
        here = assembly.engine.runs_here(run.run_id)
        return await follow_to_the_end(assembly, run, as_json=as_json, own=here)

    with_assembly(settings_from(offline=offline), catalog_with(own_workflows), act)


def _show(run: Run) -> None:
    if not run.gates:
        click.echo(f"Run {run.run_id} asks nothing: it is {run.status}.")
    for gate in run.gates:
        click.echo(f"{gate.gate_id}: {gate.question}")
        click.echo(f"  An answer fits this JSON schema: {json.dumps(dict(gate.schema))}")


def _schema(run: Run, gate_id: str) -> Json:
    """Of the question that is meant; where there is none, the engine says so."""
    return next((gate.schema for gate in run.gates if gate_id in {gate.gate_id, ""}), dict[str, object]())
