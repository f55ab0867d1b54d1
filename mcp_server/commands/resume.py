"""`agent-workflows resume`."""

import click

from mcp_server.assembly import Assembly
from mcp_server.commands.following import follow_to_the_end, with_assembly
from mcp_server.commands.options import catalog_with, json_option, offline_option, settings_from, workflow_option
from mcp_server.own_runs import own_run_by_prefix


@click.command()
@click.argument("run_id", metavar="RUN")
@offline_option
@workflow_option
@json_option
def command(*, run_id: str, offline: bool | None, own_workflows: tuple[str, ...], as_json: bool) -> None:
    """Go on with RUN, whose server has died, and watch it; what was finished is not done again."""

    async def act(assembly: Assembly) -> int:
        run = await own_run_by_prefix(assembly, run_id)
        here = run.status == "interrupted"
        run = await assembly.engine.resume(run.run_id, by="terminal")
        return await follow_to_the_end(assembly, run, as_json=as_json, own=here)

    with_assembly(settings_from(offline=offline), catalog_with(own_workflows), act)
