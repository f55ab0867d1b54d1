"""`agent-workflows replay`."""

import sys

import click

from mcp_server.assembly import Assembly
from mcp_server.commands.following import EXIT_CODES, with_assembly
from mcp_server.commands.options import catalog_with, json_option, settings_from
from mcp_server.own_runs import own_run_by_prefix
from mcp_server.replay import LONGEST_SPEED, Replay
from mcp_server.terminal.results import print_result
from mcp_server.terminal.view import choose_view


@click.command()
@click.argument("run_id", metavar="RUN")
@click.option(
    "--speed",
    type=click.FloatRange(min=0, min_open=True, max=LONGEST_SPEED),
    default=1.0,
    show_default=True,
    help="How many times as fast as it was; long pauses are shortened.",
)
@json_option
def command(*, run_id: str, speed: float, as_json: bool) -> None:
    """Play RUN, which is over, once more as it was; no model is called."""

    async def act(assembly: Assembly) -> int:
        run = await own_run_by_prefix(assembly, run_id)
        replay = Replay.of(assembly.log, run, speed)
        with choose_view(sys.stdout, json=as_json, workspace=run.workspace) as view:
            view.note(f"replay of run {run.run_id}")
            async for events in replay.events():
                for event in events:
                    view.show(event)
        if not as_json:
            print_result(run, await assembly.log.artifacts(run.run_id), stream=sys.stdout)
        return EXIT_CODES.get(run.status, 1)

    with_assembly(settings_from(), catalog_with(()), act)
