"""`agent-workflows serve`."""

import signal
from functools import partial
from typing import NoReturn

import click

from mcp_server.commands.options import catalog_if_needed, catalog_with, offline_option, settings_from, workflow_option
from mcp_server.doorstep import Doorstep
from mcp_server.ends import SIGNALS, exit_now
from mcp_server.introduction import left_out
from mcp_server.module_loading import load
from mcp_server.settings import Settings, SettingsInvalid
from mcp_server.wire import Wire


@click.command()
@offline_option
@workflow_option
@click.option(
    "--http",
    metavar="HOST:PORT",
    help="Serve over HTTP instead: MCP at /mcp, an API, and a page to watch runs. PORT alone is on 127.0.0.1.",
)
def command(*, offline: bool | None, own_workflows: tuple[str, ...], http: str | None) -> None:
    """Serve MCP over standard input and output, or over HTTP."""
    settings = settings_from(offline=offline)
    if http is not None:
        _serve_http(settings, own_workflows, http)
    wire = Wire.claim()  # before anybody else's code: nothing it or its imports print can reach the wire
    for number in SIGNALS:  # until the server listens for them: there is nothing to end in order yet
        signal.signal(number, lambda number, _: exit_now(128 + number))
    catalog = catalog_if_needed(own_workflows)
    doorstep = Doorstep(wire, "" if catalog is None else left_out(catalog), on_gone=partial(exit_now, 0))
    load("mcp_server.serving").serve(settings, catalog, doorstep)


def _serve_http(settings: Settings, own_workflows: tuple[str, ...], address: str) -> NoReturn:
    network = load("mcp_server.http.network")  # none of it is needed on a pipe
    exposure = load("mcp_server.http.exposure")
    try:
        listen = network.ListenAddress.parse(address)
        exposure.check(settings, listen)
    except ValueError as error:
        raise click.UsageError(f"--http: {error}") from error
    except SettingsInvalid as error:
        raise click.UsageError(error.message) from error
    catalog = catalog_with(own_workflows)
    load("mcp_server.http.serving").serve(settings, catalog, listen)
    raise AssertionError("serving does not return")
