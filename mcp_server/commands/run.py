"""`agent-workflows run`."""

import json
from pathlib import Path
from typing import cast

import click

from mcp_server.assembly import Assembly
from mcp_server.commands.following import follow_to_the_end, with_assembly
from mcp_server.commands.options import catalog_with, json_option, offline_option, settings_from, workflow_option
from mcp_server.failures import validated
from mcp_server.owner import OWNER
from workflows.budget import Limits
from workflows.runs.engine import RunRequest
from workflows.runs.run import Isolation, Permissions, RunOptions
from workflows.workflow import Workflow


@click.command()
@click.argument("workflow")
@click.argument("text", required=False)
@click.option(
    "--workspace",
    type=click.Path(exists=True, file_okay=False, path_type=Path),
    default=".",
    show_default=True,
    help="Directory the agents work in.",
)
@click.option("--input", "input_json", metavar="JSON", help="The whole input as a JSON object; TEXT wins over it.")
@click.option(
    "--isolation",
    type=click.Choice(["worktree", "in_place"]),
    help="Work on a branch and in a git work tree of its own, or in the workspace itself.",
)
@click.option(
    "--permissions",
    type=click.Choice(["role", "ask"]),
    default="role",
    show_default=True,
    help="Whether agents that write ask you for what their role does not allow; `answer` answers.",
)
@click.option("--max-cost-usd", type=click.FloatRange(min=0, min_open=True), help="Stop when this is spent.")
@click.option("--max-seconds", type=click.FloatRange(min=0, min_open=True), help="Stop after this long.")
@offline_option
@workflow_option
@json_option
def command(
    *,
    workflow: str,
    text: str | None,
    workspace: Path,
    input_json: str | None,
    isolation: Isolation | None,
    permissions: Permissions,
    max_cost_usd: float | None,
    max_seconds: float | None,
    offline: bool | None,
    own_workflows: tuple[str, ...],
    as_json: bool,
) -> None:
    """Run WORKFLOW and watch it; TEXT is its main input, for example the task."""
    settings = settings_from(offline=offline, roots=[workspace.absolute()])
    catalog = catalog_with(own_workflows)

    async def act(assembly: Assembly) -> int:
        chosen = catalog.get(workflow)
        request = RunRequest(
            workflow=chosen,
            input=validated(chosen.input_model, _input(chosen, text, input_json)),
            workspace=assembly.workspaces.choose(None, writes=chosen.writes),
            owner=OWNER,
            limits=Limits(max_cost_usd=max_cost_usd, max_seconds=max_seconds),
            options=RunOptions(isolation=isolation, permissions=permissions),
        )
        started = await assembly.engine.start(request)
        return await follow_to_the_end(assembly, started.run, as_json=as_json, own=not started.joined)

    with_assembly(settings, catalog, act)


def _input(workflow: Workflow, text: str | None, input_json: str | None) -> dict[str, object]:
    try:
        given: object = json.loads(input_json) if input_json else {}
    except ValueError as error:
        raise click.UsageError(f"--input is not JSON: {error}") from error
    if not isinstance(given, dict):
        raise click.UsageError("--input must be a JSON object")
    fields = cast("dict[str, object]", given)
    main = next(iter(workflow.input_model.model_fields))
    return {**fields, main: text} if text is not None else fields
