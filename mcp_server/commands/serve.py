"""`agent-workflows serve`."""

import importlib

import click

from mcp_server.commands.options import catalog_with, offline_option, settings_from, workflow_option
from mcp_server.wire import Wire


@click.command()
@offline_option
@workflow_option
def command(*, offline: bool | None, own_workflows: tuple[str, ...]) -> None:
    """Serve MCP over standard input and output."""
    settings, catalog = settings_from(offline=offline), catalog_with(own_workflows)
    wire = Wire.claim()
    serving = importlib.import_module("mcp_server.serving")  # after the claim: nothing it imports can reach the wire
    serving.serve(settings, catalog, wire)
