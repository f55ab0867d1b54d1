"""Options and arguments that several subcommands share, and what becomes of them."""

import os
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any, TypeVar, cast

import click

from mcp_server.module_loading import load
from mcp_server.settings import Settings, SettingsInvalid, load_settings
from workflows.entry_points import offered

if TYPE_CHECKING:
    from workflows.catalog import Catalog

CommandT = TypeVar("CommandT", bound=Callable[..., Any])

offline_option = click.option(
    "--offline", is_flag=True, default=None, help="Use scripted agents instead of a model; every result says so."
)
workflow_option = click.option(
    "--workflow",
    "own_workflows",
    multiple=True,
    metavar="FILE.py[:NAME]",
    help="Offer a workflow or a compiled LangGraph graph of your own as well: a file, or module:attribute. "
    "May be given several times.",
)
json_option = click.option("--json", "as_json", is_flag=True, help="Print one event per line, as JSON.")


def settings_from(**given: object) -> Settings:
    """The settings, or a usage error."""
    try:
        return load_settings(**given)
    except SettingsInvalid as error:
        raise click.UsageError(error.message) from error


def catalog_if_needed(own_workflows: Sequence[str]) -> "Catalog | None":
    """Like `catalog_with`; None where there are only the built-in ones, and so nothing to say of any."""
    return catalog_with(own_workflows) if own_workflows or offered() else None


def catalog_with(own_workflows: Sequence[str]) -> "Catalog":
    """The built-in workflows and those given on the command line; says which of them are left out, and why."""
    catalog = cast("Catalog", load("workflows.catalog").Catalog.with_own(own_workflows))
    redact = load("workflows.runs.redaction").Redactor(os.environ).redact  # somebody's own code may raise anything
    for error in catalog.left_out:
        click.echo(redact("\n   ".join([f"❌ A workflow is left out. {error.message}", *error.recovery])), err=True)
    return catalog
