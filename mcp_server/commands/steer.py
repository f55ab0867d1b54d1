"""`agent-workflows steer`."""

import click

from mcp_server.assembly import Assembly
from mcp_server.commands.following import with_assembly
from mcp_server.commands.options import catalog_with, settings_from
from mcp_server.own_runs import own_run_by_prefix
from workflows.runs.run import Steering


@click.command()
@click.argument("run_id", metavar="RUN")
@click.argument("text")
def command(*, run_id: str, text: str) -> None:
    """Add an instruction to RUN while it is under way: TEXT is what its agents are to mind from now on."""
    if not text.strip():
        raise click.UsageError("TEXT is empty: say what the agents are to mind")

    async def act(assembly: Assembly) -> int:
        run = await own_run_by_prefix(assembly, run_id)
        run = await assembly.engine.steer(run.run_id, Steering(text=text, by="terminal"))
        click.echo(f"The agents of run {run.run_id} are told.")
        return 0

    with_assembly(settings_from(), catalog_with(()), act)
