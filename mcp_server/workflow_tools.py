"""The tools that are workflows: one per workflow, its input and the common options in, a run's result out."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import cast

from mcp_types import Tool, ToolAnnotations
from pydantic import BaseModel, ConfigDict, Field, create_model

from mcp_server import run_page
from mcp_server.assembly import Assembly
from mcp_server.eras import RequestContext
from mcp_server.failures import validated
from mcp_server.owner import owner_of_call
from mcp_server.results import WorkflowResult
from mcp_server.run_calls import Attendance, CallAnswer, RunCalls
from workflows.budget import Limits
from workflows.runs.engine import RunRequest, StartedRun
from workflows.runs.run import Isolation, Permissions, RunOptions
from workflows.workflow import Workflow

MAX_COST_USD = "Stop when this many US dollars are spent; a request that is under way is still finished, and paid for."


class CommonOptions(BaseModel):
    """What every workflow's tool takes besides the workflow's own input."""

    model_config = ConfigDict(extra="forbid")

    workspace: str | None = Field(
        default=None,
        description="Directory to work in: absolute, or relative to the server's first root, which is the default.",
    )
    wait_seconds: float | None = Field(
        default=None,
        ge=0,
        le=86_400,
        description="Answer after this many seconds even if the run is not over; it goes on, and get_run finds it.",
    )
    max_cost_usd: float | None = Field(default=None, gt=0, description=MAX_COST_USD)
    max_seconds: float | None = Field(default=None, gt=0, le=86_400, description="Stop the run after this long.")
    isolation: Isolation | None = Field(
        default=None,
        description="worktree: the agents work on a branch of their own in a git work tree of their own, which begins "
        "as the workspace is now; the result names the branch. in_place: they work in the workspace itself. "
        "Default: what suits the workflow.",
    )
    permissions: Permissions = Field(
        default="role",
        description="ask: agents that write ask the user for what their role does not allow by itself; "
        "role: that is denied, and they go on without.",
    )


@dataclass(frozen=True, slots=True)
class WorkflowTool:
    """One workflow as a tool.

    Attributes:
        workflow: The workflow.
        arguments: Model of the tool's arguments: the workflow's input and the common options.
    """

    workflow: Workflow
    arguments: type[CommonOptions]

    @classmethod
    def of(cls, workflow: Workflow) -> "WorkflowTool":
        """The tool of a workflow."""
        fields = {name: (field.annotation, field) for name, field in workflow.input_model.model_fields.items()}
        create = cast("Callable[..., type[CommonOptions]]", create_model)  # its fields are known only now
        return cls(workflow, create(f"{workflow.name}_arguments", __base__=CommonOptions, **fields))

    def definition(self) -> Tool:
        """The tool as clients list it."""
        output = WorkflowResult[self.workflow.output_model]
        return Tool(
            name=self.workflow.name,
            title=self.workflow.title,
            description=self.workflow.description,
            input_schema=self.arguments.model_json_schema(),
            output_schema=output.model_json_schema(mode="serialization"),
            annotations=ToolAnnotations(
                title=self.workflow.title,
                read_only_hint=not self.workflow.writes,
                destructive_hint=self.workflow.writes,
                idempotent_hint=False,
                open_world_hint=True,
            ),
            _meta={"anthropic/alwaysLoad": True, **run_page.TOOL_META},
        )


class WorkflowCaller:
    """Answers calls of workflow tools.

    Args:
        assembly: The server's parts.
        calls: Attends runs for calls.
    """

    def __init__(self, assembly: Assembly, calls: RunCalls) -> None:
        self._assembly = assembly
        self._calls = calls

    async def call(self, tool: WorkflowTool, arguments: dict[str, object], ctx: RequestContext) -> CallAnswer:
        """Run a workflow, or join its run, and report it until it ends.

        Args:
            tool: Which.
            arguments: The call's arguments.
            ctx: The request.

        Raises:
            workflows.runs.errors.RunError: It could not be started.
        """
        options = validated(tool.arguments, arguments)
        started = await self._assembly.engine.start(self._request(tool.workflow, options, owner_of_call(ctx)))
        self._assembly.on_request(started)
        run = started.run
        attendance = Attendance(
            after=run.last_seq if started.joined else 0,
            introduction=_introduction(started, options),
            wait_seconds=options.wait_seconds,
            joined=started.joined and not started.resumed,
        )
        return await self._calls.attend(run, attendance, ctx)

    def _request(self, workflow: Workflow, options: CommonOptions, owner: str) -> RunRequest:
        values = {name: getattr(options, name) for name in workflow.input_model.model_fields}
        return RunRequest(
            workflow=workflow,
            input=validated(workflow.input_model, values),
            workspace=self._assembly.workspaces.choose(options.workspace, writes=workflow.writes),
            owner=owner,
            limits=Limits(max_cost_usd=options.max_cost_usd, max_seconds=options.max_seconds),
            options=RunOptions(isolation=options.isolation, permissions=options.permissions),
        )


def _introduction(started: StartedRun, options: CommonOptions) -> str:
    """Words before the first line of a call whose run was there before it."""
    if not started.joined:
        return ""
    limited = options.max_cost_usd is not None or options.max_seconds is not None
    limits = ", whose own limits hold" if limited else ""
    return f"{'resumed' if started.resumed else 'joined'} run {started.run.run_id}{limits} · "
