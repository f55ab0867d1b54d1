"""`agent-workflows watch`."""

import click

from mcp_server.assembly import Assembly
from mcp_server.commands.following import follow_to_the_end, with_assembly
from mcp_server.commands.options import catalog_with, json_option, settings_from
from mcp_server.own_runs import own_run_by_prefix


@click.command()
@click.argument("run_id", metavar="RUN")
@json_option
def command(*, run_id: str, as_json: bool) -> None:
    """Watch RUN, whichever server runs it; Ctrl-C stops watching, not the run."""

    async def act(assembly: Assembly) -> int:
        return await follow_to_the_end(assembly, await own_run_by_prefix(assembly, run_id), as_json=as_json, own=False)

    with_assembly(settings_from(), catalog_with(()), act)
