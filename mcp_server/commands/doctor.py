"""`agent-workflows doctor`."""

import dataclasses
import os
import sys

import anyio
import click
import orjson
from rich.console import Console
from rich.table import Column, Table
from rich.text import Text

from agents.command_runner import command_runner
from mcp_server.commands.options import offline_option, settings_from, workflow_option
from mcp_server.diagnosis import Check, Diagnosis, diagnose
from mcp_server.failures import BLAME
from mcp_server.settings import Settings
from workflows.catalog import Catalog
from workflows.runs.redaction import Redactor


@click.command()
@offline_option
@workflow_option
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object.")
def command(*, offline: bool | None, own_workflows: tuple[str, ...], as_json: bool) -> None:
    """Show what each role runs on, and check that it would work."""
    settings = settings_from(offline=offline)
    diagnosis = anyio.run(_diagnose, settings, Catalog.with_own(own_workflows))
    if as_json:
        told = orjson.dumps(dataclasses.asdict(diagnosis), option=orjson.OPT_INDENT_2).decode()
        click.echo(Redactor(os.environ).redact(told))
    else:
        _print(diagnosis, Console(file=sys.stdout, highlight=False))
    sys.exit(0 if diagnosis.ok else 1)


async def _diagnose(settings: Settings, catalog: Catalog) -> Diagnosis:
    async with command_runner() as runner:
        return await diagnose(settings, os.environ, runner.run, left_out=catalog.left_out)


def _print(diagnosis: Diagnosis, console: Console) -> None:
    redact = Redactor(os.environ).redact
    if diagnosis.roles:
        kept = [Column(name, no_wrap=True) for name in ("", "role", "runs on")]
        table = Table(*kept, Column("why", ratio=1), box=None, pad_edge=False, expand=True)
        for role in diagnosis.roles:
            table.add_row("✅" if role.ok else "❌", role.role, role.runs_on, Text(redact(role.why)))
        console.print(table)
        console.print()
    for check in diagnosis.checks:
        console.print(Text(redact(_line(check))))
        if not check.ok:
            for remedy in check.recovery:
                console.print(Text(f"   {redact(remedy)}"))
    for why in diagnosis.left_out:
        console.print(Text(redact(f"❌ A workflow is left out. {why}")))
    for note in diagnosis.notes:
        console.print(Text(f"⚠️ {redact(note)}"))
    console.print(Text(_verdict(diagnosis)))


def _line(check: Check) -> str:
    if check.ok:
        return f"✅ {check.name}: {check.message} ({check.seconds:.1f} s)"
    used = "" if check.roles else " (no role runs on it)"
    return f"{'❌' if check.roles else '⚠️'} {check.name}{used}: {check.message} Cause lies with: {BLAME[check.blame]}."


def _verdict(diagnosis: Diagnosis) -> str:
    if diagnosis.ok:
        return "Every workflow can run."
    roles = ", ".join(role.role for role in diagnosis.roles if not role.ok)
    return f"Workflows with these roles cannot run: {roles}." if roles else "Not every workflow of your own is there."
