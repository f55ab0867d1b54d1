"""Who answers the MCP server's requests: which tools, resources and prompts there are, and what they do.

Loaded when the first request needs it, not before: see `mcp_server.server`.
"""

import logging
from collections.abc import Mapping
from functools import cached_property

from mcp.shared.exceptions import MCPError
from mcp_types import (
    INTERNAL_ERROR,
    CallToolRequestParams,
    GetPromptRequestParams,
    GetPromptResult,
    ListPromptsResult,
    ListResourcesResult,
    ListResourceTemplatesResult,
    ReadResourceRequestParams,
    ReadResourceResult,
    SubscriptionsListenRequestParams,
    SubscriptionsListenResult,
    Tool,
)

from mcp_server.assembly import Assembly
from mcp_server.cancellations import Cancellations
from mcp_server.eras import RequestContext
from mcp_server.failures import rejection_text, run_error_in
from mcp_server.owner import owner_of_call
from mcp_server.prompts import filled_prompt, listed_prompts
from mcp_server.refusal import refused
from mcp_server.resources import TEMPLATES, Resources
from mcp_server.run_actions import RunActions
from mcp_server.run_calls import CallAnswer, RunCalls
from mcp_server.run_tools import RunTools
from mcp_server.task_listening import TaskListening
from mcp_server.tasks import Tasks
from mcp_server.workflow_tools import WorkflowCaller, WorkflowTool
from workflows.catalog import Catalog
from workflows.runs.errors import InputRejected, RunError

logger = logging.getLogger(__name__)


class Handlers:
    """Answers every request that is about workflows and runs.

    Args:
        assembly: The server's parts.
        tools: A tool for each of its workflows.
        cancellations: Why calls were cancelled.

    Attributes:
        tasks: Answers what is asked of tasks.
    """

    def __init__(self, assembly: Assembly, tools: "Tools", cancellations: Cancellations) -> None:
        self._tools = tools
        self._calls = calls = RunCalls(assembly, cancellations)
        self._caller = WorkflowCaller(assembly, calls)
        self._run_tools = RunTools(assembly)
        self._run_actions = RunActions(assembly, calls)
        self._resources = Resources(assembly)
        self._catalog = assembly.catalog
        self._listening = TaskListening(assembly)
        self.tasks = Tasks(assembly)

    async def call_tool(self, ctx: RequestContext, params: CallToolRequestParams) -> CallAnswer:
        """Answer `tools/call`; what goes wrong is told in words."""
        arguments = params.arguments or {}
        tool, run_tool, action = (
            self._tools.by_name.get(params.name),
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
            return refused(rejection_text(error))
        except BaseExceptionGroup as group:
            error = run_error_in(group)
            if error is None:
                raise
            return refused(rejection_text(error))
        except MCPError:
            raise
        except Exception:  # the last net: the caller is told in words, and the log has the traceback
            logger.exception("tool %s", params.name)
            return refused(f"{params.name} failed by a mistake of this server. Its log on standard error says where.")
        known = ", ".join(definition.name for definition in self._tools.definitions)
        return refused(f"There is no tool {params.name!r}. Tools: {known}.")

    def list_resources(self) -> ListResourcesResult:
        """Answer `resources/list`."""
        return ListResourcesResult(resources=self._resources.listed())

    def list_templates(self) -> ListResourceTemplatesResult:
        """Answer `resources/templates/list`."""
        return ListResourceTemplatesResult(resource_templates=list(TEMPLATES))

    async def read_resource(self, ctx: RequestContext, params: ReadResourceRequestParams) -> ReadResourceResult:
        """Answer `resources/read`.

        Raises:
            MCPError: There is no such resource, or it cannot be read.
        """
        try:
            return await self._resources.read(str(params.uri), owner_of_call(ctx))
        except RunError as error:
            raise MCPError(code=INTERNAL_ERROR, message=rejection_text(error), data={"uri": str(params.uri)}) from error

    def list_prompts(self) -> ListPromptsResult:
        """Answer `prompts/list`."""
        return ListPromptsResult(prompts=listed_prompts(self._catalog))

    def get_prompt(self, params: GetPromptRequestParams) -> GetPromptResult:
        """Answer `prompts/get`.

        Raises:
            MCPError: There is no such prompt, or an argument is missing.
        """
        return filled_prompt(self._catalog, params.name, params.arguments or {})

    async def listen(self, ctx: RequestContext, params: SubscriptionsListenRequestParams) -> SubscriptionsListenResult:
        """Answer `subscriptions/listen`, until the client ends it."""
        return await self._listening(ctx, params)


class Tools:
    """All tools of a catalog.

    Args:
        catalog: Which workflows there are.

    Attributes:
        catalog: The same.
    """

    def __init__(self, catalog: Catalog) -> None:
        self.catalog = catalog

    @cached_property
    def by_name(self) -> Mapping[str, WorkflowTool]:
        """Those that are workflows."""
        return {workflow.name: WorkflowTool.of(workflow) for workflow in self.catalog.workflows}

    @cached_property
    def definitions(self) -> list[Tool]:
        """All of them, as clients list them."""
        workflows = (tool.definition() for tool in self.by_name.values())
        return [*workflows, *RunTools.definitions(), *RunActions.definitions()]


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
