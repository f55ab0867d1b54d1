"""`agent-workflows runs`."""

import sys

import click
from rich.console import Console
from rich.table import Column, Table
from rich.text import Text

from mcp_server.assembly import Assembly
from mcp_server.commands.following import with_assembly
from mcp_server.commands.options import catalog_with, settings_from
from mcp_server.owner import OWNER
from workflows.runs.run import RunFilter


@click.command()
@click.option("--limit", type=click.IntRange(1, 1000), default=20, show_default=True, help="How many, newest first.")
def command(*, limit: int) -> None:
    """List runs, newest first."""

    async def act(assembly: Assembly) -> int:
        await assembly.engine.reconcile_all()
        found = await assembly.log.find(RunFilter(owner=OWNER, limit=limit))
        kept = [Column(name, no_wrap=True) for name in ("run", "status", "done", "workflow", "started (UTC)")]
        table = Table(*kept, Column("newest line", no_wrap=True, ratio=1), box=None, pad_edge=False, expand=True)
        for run in found:
            done = f"{run.progress:.0f} %"
            table.add_row(
                run.run_id, run.status, done, run.workflow, run.created_at[5:16].replace("T", " "), Text(run.message)
            )
        Console(file=sys.stdout).print(table if found else "There are no runs yet.")
        return 0

    with_assembly(settings_from(), catalog_with(()), act)
