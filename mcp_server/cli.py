"""The `agent-workflows` command: which subcommands there are, each in a module of its own.

A subcommand's module is imported when it is asked for, so that `serve` answers its first request without the terminal
library, and everything else without the wire.
"""

from typing import cast

import click

from mcp_server.collision import refuse_rival
from mcp_server.module_loading import load

COMMANDS = {
    "answer": "mcp_server.commands.answer",
    "cancel": "mcp_server.commands.cancel",
    "demo": "mcp_server.commands.demo",
    "doctor": "mcp_server.commands.doctor",
    "replay": "mcp_server.commands.replay",
    "resume": "mcp_server.commands.resume",
    "run": "mcp_server.commands.run",
    "runs": "mcp_server.commands.runs",
    "serve": "mcp_server.commands.serve",
    "steer": "mcp_server.commands.steer",
    "watch": "mcp_server.commands.watch",
}
"""Subcommands and the modules whose `command` they are."""


class Commands(click.Group):
    """Loads a subcommand when it is asked for."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        """Their names."""
        del ctx
        return sorted(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """The one of this name."""
        del ctx
        module = COMMANDS.get(cmd_name)
        return cast("click.Command", load(module).command) if module else None


@click.group(cls=Commands, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(package_name="agent-workflows-mcp", message="agent-workflows %(version)s")
def cli() -> None:
    """Agent workflows you can watch: an MCP server, and a terminal for its runs."""


def main() -> None:
    """Entry point of the console script."""
    refuse_rival()
    cli(prog_name="agent-workflows")
