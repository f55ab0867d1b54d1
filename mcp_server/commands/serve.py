"""`agent-workflows serve`."""

import gc
import importlib

import click

from mcp_server.commands.options import catalog_with, offline_option, settings_from, workflow_option
from mcp_server.wire import Wire


@click.command()
@offline_option
@workflow_option
def command(*, offline: bool | None, own_workflows: tuple[str, ...]) -> None:
    """Serve MCP over standard input and output."""
    settings = settings_from(offline=offline)
    wire = Wire.claim()  # before anybody else's code: nothing it or its imports print can reach the wire
    catalog = catalog_with(own_workflows)
    gc.disable()  # what is loaded now stays; to look for garbage in between takes a twentieth of the start
    serving = importlib.import_module("mcp_server.serving")
    gc.freeze()  # nor is it ever looked through again, which would hold everything up for many milliseconds
    gc.enable()
    serving.serve(settings, catalog, wire)
