"""The MCP server: which tools, resources and prompts there are, and who answers them.

The SDK's low-level server is used because every schema, error text and result here is made by this program: unknown
arguments are refused by name, and what a failed call must say is never withheld.
"""

import logging
import os
from collections.abc import Iterable, Mapping
from functools import cached_property
from importlib.metadata import PackageNotFoundError, version

from mcp.server.lowlevel import Server
from mcp.shared.exceptions import MCPError
from mcp_types import (
    INTERNAL_ERROR,
    CallToolRequestParams,
    CallToolResult,
    GetPromptRequestParams,
    GetPromptResult,
    ListPromptsResult,
    ListResourcesResult,
    ListResourceTemplatesResult,
    ListToolsResult,
    PaginatedRequestParams,
    ReadResourceRequestParams,
    ReadResourceResult,
    TextContent,
    Tool,
)

from mcp_server import run_page
from mcp_server.assembly import Assembly
from mcp_server.cancellations import Cancellations
from mcp_server.eras import TASKS
from mcp_server.failures import rejection_text, run_error_in
from mcp_server.owner import owner_of_call
from mcp_server.prompts import filled_prompt, listed_prompts
from mcp_server.resources import TEMPLATES, Resources
from mcp_server.run_actions import RunActions
from mcp_server.run_calls import CallAnswer, RequestContext, RunCalls
from mcp_server.run_tools import RunTools
from mcp_server.task_listening import TaskListening
from mcp_server.tasks import TaskParams, Tasks, TaskUpdateParams
from mcp_server.workflow_tools import WorkflowCaller, WorkflowTool
from workflows.catalog import Catalog
from workflows.runs.errors import InputRejected, RunError
from workflows.runs.redaction import Redactor

logger = logging.getLogger(__name__)

INSTRUCTIONS = """\
Each workflow tool runs a team of agents and can take minutes; while it runs, it reports every step as progress.
Call it once and wait: calling it again with the same input joins the run that is under way instead of starting another.
If a call ends early (time-out, lost connection, wait_seconds), the run goes on: get_run with its run_id shows how far
it is and, once it is over, its result; list_runs finds runs whose id you no longer have. cancel_run ends one.
Results are short; whole texts (designs, diffs, reviews) are resources under runs://<run_id>/artifacts/.
A result with "offline": true was made by scripted agents, not by a model: say so when you report it.
"""


class WorkflowServer(Server[dict[str, object]]):
    """The MCP server of an assembly.

    Args:
        assembly: The server's parts.
    """

    def __init__(self, assembly: Assembly) -> None:
        cancellations = Cancellations()
        self._calls = calls = RunCalls(assembly, cancellations)
        self._caller = WorkflowCaller(assembly, calls)
        self._run_tools = RunTools(assembly)
        self._run_actions = RunActions(assembly, calls)
        self._resources = Resources(assembly)
        self._catalog = assembly.catalog
        super().__init__(
            "agent-workflows",
            version=own_version(),
            title="Agent workflows",
            description="Whole multi-agent workflows as tools, reported live.",
            instructions=INSTRUCTIONS + _left_out(assembly.catalog),
            on_list_tools=self._list_tools,
            on_subscriptions_listen=TaskListening(assembly),
            on_list_resources=self._list_resources,
            on_list_resource_templates=self._list_templates,
            on_read_resource=self._read_resource,
            on_list_prompts=self._list_prompts,
            on_get_prompt=self._get_prompt,
        )
        # The parameter `on_call_tool` knows nothing of answers that are tasks.
        self.add_request_handler("tools/call", CallToolRequestParams, self._call_tool)
        tasks = Tasks(assembly)
        self.add_request_handler("tasks/get", TaskParams, tasks.get)
        self.add_request_handler("tasks/update", TaskUpdateParams, tasks.update)
        self.add_request_handler("tasks/cancel", TaskParams, tasks.cancel)
        self.extensions[TASKS] = {}
        self.extensions[run_page.EXTENSION] = {}
        self.middleware.append(cancellations.note)

    @cached_property
    def _tools(self) -> Mapping[str, WorkflowTool]:
        """By name. To make their schemas takes a quarter of a second, which the first answer does not wait for."""
        return {workflow.name: WorkflowTool.of(workflow) for workflow in self._catalog.workflows}

    @cached_property
    def _definitions(self) -> list[Tool]:
        return _listed(self._tools.values())

    async def _list_tools(self, _ctx: RequestContext, _params: PaginatedRequestParams | None) -> ListToolsResult:
        return ListToolsResult(tools=self._definitions)

    async def _call_tool(self, ctx: RequestContext, params: CallToolRequestParams) -> CallAnswer:
        arguments = params.arguments or {}
        tool, run_tool, action = (
            self._tools.get(params.name),
            RunTools.named(params.name),
            RunActions.named(params.name),
        )
        try:
            if (tool is not None or action is not None) and (run_id := _asked_for(params)) is not None:
                return await self._calls.attend_again(run_id, arguments, params.input_responses or {}, ctx)
            if tool is not None:
                return await self._caller.call(tool, arguments, ctx)
            if run_tool is not None:
                return await self._run_tools.call(run_tool, arguments, ctx)
            if action is not None:
                return await self._run_actions.call(action, arguments, ctx)
        except RunError as error:
            return _refused(rejection_text(error))
        except BaseExceptionGroup as group:
            error = run_error_in(group)
            if error is None:
                raise
            return _refused(rejection_text(error))
        except MCPError:
            raise
        except Exception:  # the last net: the caller is told in words, and the log has the traceback
            logger.exception("tool %s", params.name)
            return _refused(f"{params.name} failed by a mistake of this server. Its log on standard error says where.")
        known = ", ".join(definition.name for definition in self._definitions)
        return _refused(f"There is no tool {params.name!r}. Tools: {known}.")

    async def _list_resources(
        self, _ctx: RequestContext, _params: PaginatedRequestParams | None
    ) -> ListResourcesResult:
        return ListResourcesResult(resources=self._resources.listed())

    async def _list_templates(
        self, _ctx: RequestContext, _params: PaginatedRequestParams | None
    ) -> ListResourceTemplatesResult:
        return ListResourceTemplatesResult(resource_templates=list(TEMPLATES))

    async def _read_resource(self, ctx: RequestContext, params: ReadResourceRequestParams) -> ReadResourceResult:
        try:
            return await self._resources.read(str(params.uri), owner_of_call(ctx))
        except RunError as error:
            raise MCPError(code=INTERNAL_ERROR, message=rejection_text(error), data={"uri": str(params.uri)}) from error

    async def _list_prompts(self, _ctx: RequestContext, _params: PaginatedRequestParams | None) -> ListPromptsResult:
        return ListPromptsResult(prompts=listed_prompts(self._catalog))

    async def _get_prompt(self, _ctx: RequestContext, params: GetPromptRequestParams) -> GetPromptResult:
        return filled_prompt(self._catalog, params.name, params.arguments or {})


def definitions(catalog: Catalog) -> list[Tool]:
    """All tools as clients list them."""
    return _listed(map(WorkflowTool.of, catalog.workflows))


def _listed(tools: Iterable[WorkflowTool]) -> list[Tool]:
    return [*(tool.definition() for tool in tools), *RunTools.definitions(), *RunActions.definitions()]


def _left_out(catalog: Catalog) -> str:
    """Which workflows a user has offered and cannot have: clients show no standard error."""
    told = "".join(f"A workflow is left out: {error.message}\n" for error in catalog.left_out)
    return Redactor(os.environ).redact(told) if told else ""


def _asked_for(params: CallToolRequestParams) -> str | None:
    """The run for which an earlier answer of a call has asked its user; None for a call that comes for the first time.

    Raises:
        InputRejected: The call brings answers, and not the state that says whose they are.
    """
    if params.input_responses and params.request_state is None:
        raise InputRejected(
            "requestState",
            "requestState: it is missing, so nothing says to which run the inputResponses belong.",
            recovery=("Repeat the call with the requestState of the answer that asked",),
        )
    return params.request_state


def _refused(text: str) -> CallToolResult:
    return CallToolResult(content=[TextContent(text=text)], is_error=True)


def own_version() -> str:
    """This program's version."""
    try:
        return version("agent-workflows-mcp")
    except PackageNotFoundError:  # run from a tree that was never installed
        return "0"
