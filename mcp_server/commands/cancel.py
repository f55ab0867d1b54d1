"""`agent-workflows cancel`."""

import sys

import click

from mcp_server.assembly import Assembly
from mcp_server.commands.following import with_assembly
from mcp_server.commands.options import catalog_with, settings_from
from mcp_server.own_runs import own_run_by_prefix
from mcp_server.terminal.results import print_result


@click.command()
@click.argument("run_id", metavar="RUN")
@click.option("--reason", default="", help="Kept with the run.")
def command(*, run_id: str, reason: str) -> None:
    """End RUN and everything it started, whichever server runs it."""

    async def act(assembly: Assembly) -> int:
        run = await own_run_by_prefix(assembly, run_id)
        run = await assembly.engine.cancel(run.run_id, by="terminal", reason=reason)
        print_result(run, await assembly.log.artifacts(run.run_id), stream=sys.stdout)
        return 0

    with_assembly(settings_from(), catalog_with(()), act)
