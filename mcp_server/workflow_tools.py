"""The tools that are workflows: one per workflow, its input and the common options in, a run's result out."""

from collections.abc import Callable, Sequence
from contextlib import aclosing
from dataclasses import dataclass
from typing import cast

import anyio
from mcp.server.context import ServerRequestContext
from mcp_types import (
    CallToolResult,
    ContentBlock,
    ProgressNotification,
    ProgressNotificationParams,
    ResourceLink,
    TextContent,
    Tool,
    ToolAnnotations,
)
from pydantic import BaseModel, ConfigDict, Field, create_model

from mcp_server.assembly import Assembly
from mcp_server.call_ledger import CallLedger
from mcp_server.cancellations import Cancellations
from mcp_server.failures import failure_text, rejection_text, run_error_in, validated
from mcp_server.owner import owner_of_call, session_of_call
from mcp_server.progress import ProgressFrame, ProgressReporter, SendProgress
from mcp_server.results import WorkflowResult, made, result_json
from workflows.budget import Limits
from workflows.runs.admission import artifact_uri
from workflows.runs.engine import RunRequest, StartedRun
from workflows.runs.errors import RunError, RunNotFound
from workflows.runs.log import ArtifactInfo
from workflows.runs.run import Run
from workflows.workflow import Workflow

EVENT_META = "io.github.agent-workflows/event"
"""Key under which a progress notification carries the event it stands for."""
MOST_LINKS = 12
"""Resource links in one result; the rest of the artifacts are in its `artifacts`."""

MAX_COST_USD = "Stop when this many US dollars are spent; a request that is under way is still finished, and paid for."

RequestContext = ServerRequestContext[dict[str, object], object]


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
            _meta={"anthropic/alwaysLoad": True},
        )


class WorkflowCaller:
    """Answers calls of workflow tools.

    Args:
        assembly: The server's parts.
        cancellations: Why calls were cancelled.
    """

    def __init__(self, assembly: Assembly, cancellations: Cancellations) -> None:
        self._assembly = assembly
        self._cancellations = cancellations
        self._ledger = CallLedger()

    async def call(self, tool: WorkflowTool, arguments: dict[str, object], ctx: RequestContext) -> CallToolResult:
        """Run a workflow, or join its run, and report it until it ends.

        Raises:
            workflows.runs.errors.RunError: It could not be started.
        """
        options = validated(tool.arguments, arguments)
        started = await self._assembly.engine.start(self._request(tool.workflow, options, owner_of_call(ctx)))
        run_id = started.run.run_id
        with self._ledger.attached(run_id):
            try:
                await self._follow(started, options.wait_seconds, ctx)
            except anyio.get_cancelled_exc_class():
                if await self._nobody_wants(run_id, ctx):
                    self._assembly.engine.cancel_soon(run_id, by="client", reason="the call was cancelled")
                raise
            except RunError as error:
                return _left(run_id, error)
            except BaseExceptionGroup as group:
                error = run_error_in(group)
                if error is None:
                    raise
                return _left(run_id, error)
        return await self._result(run_id)

    async def _nobody_wants(self, run_id: str, ctx: RequestContext) -> bool:
        """Whether a cancelled call's run is to end.

        Not if the client only gave up waiting, if others wait for it, here or where it runs, or if this server goes
        away and leaves the run to be found again.
        """
        if await self._cancellations.client_gave_up(ctx.request_id, session_of_call(ctx)):
            return False
        engine = self._assembly.engine
        return not engine.closed and engine.runs_here(run_id) and self._ledger.is_last(run_id)

    def _request(self, workflow: Workflow, options: CommonOptions, owner: str) -> RunRequest:
        values = {name: getattr(options, name) for name in workflow.input_model.model_fields}
        return RunRequest(
            workflow=workflow,
            input=validated(workflow.input_model, values),
            workspace=self._assembly.workspaces.choose(options.workspace, writes=workflow.writes),
            owner=owner,
            limits=Limits(max_cost_usd=options.max_cost_usd, max_seconds=options.max_seconds),
        )

    async def _follow(self, started: StartedRun, wait_seconds: float | None, ctx: RequestContext) -> None:
        run = started.run
        after = run.last_seq if started.joined else 0
        token = (ctx.meta or {}).get("progress_token")
        if token is None:
            with anyio.move_on_after(wait_seconds):
                await self._wait(run, after)
            return
        engine, log = self._assembly.engine, self._assembly.log
        reporter = ProgressReporter(log, engine, _sender(ctx, token), run.workspace)
        await reporter.follow(run, after, wait_seconds)
        await reporter.close()

    async def _wait(self, run: Run, after: int) -> None:
        async with aclosing(self._assembly.engine.follow(run.run_id, after)) as batches:
            async for _ in batches:
                pass

    async def _result(self, run_id: str) -> CallToolResult:
        run = await self._assembly.log.get(run_id)
        if run is None:
            raise RunNotFound(f"Run {run_id!r} is gone.")
        return run_result(run, await self._assembly.log.artifacts(run_id))


def run_result(run: Run, artifacts: Sequence[ArtifactInfo]) -> CallToolResult:
    """A run as a tool's result."""
    structured = result_json(run, artifacts)
    if run.status in {"failed", "cancelled", "interrupted"}:
        return CallToolResult(
            content=[TextContent(text=failure_text(run))], structured_content=structured, is_error=True
        )
    links: list[ContentBlock] = [
        ResourceLink(name=info.name, uri=artifact_uri(run.run_id, info.name), mime_type=info.media_type)
        for info in made(artifacts)[:MOST_LINKS]
    ]
    return CallToolResult(content=[TextContent(text=str(structured["summary"])), *links], structured_content=structured)


def _left(run_id: str, error: RunError) -> CallToolResult:
    """The answer when a run cannot be watched any more; the run itself has its own fate."""
    text = f"{rejection_text(error)}\nThe run {run_id} could not be followed further; get_run says how it stands."
    return CallToolResult(content=[TextContent(text=text)], is_error=True)


def _sender(ctx: RequestContext, token: str | int) -> SendProgress:
    async def send(frame: ProgressFrame) -> None:
        params = ProgressNotificationParams(
            progress_token=token,
            progress=frame.progress,
            total=100,
            message=frame.message,
            _meta={EVENT_META: dict(frame.event)},
        )
        await ctx.session.send_notification(ProgressNotification(params=params), related_request_id=ctx.request_id)

    return send
