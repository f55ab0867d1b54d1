"""The real server with the conformance suite's own tools, resources and prompts beside its own."""

import re

from mcp.server.mcpserver import require_client_extension
from mcp.server.request_state import RequestStateBoundary, RequestStateSecurity
from mcp_types import (
    BlobResourceContents,
    CallToolRequestParams,
    CompleteRequestParams,
    CompleteResult,
    Completion,
    ContentBlock,
    ElicitResult,
    EmptyResult,
    GetPromptRequestParams,
    GetPromptResult,
    ImageContent,
    InputRequiredResult,
    ListPromptsResult,
    ListResourcesResult,
    ListResourceTemplatesResult,
    ListToolsResult,
    PaginatedRequestParams,
    Prompt,
    PromptArgument,
    PromptMessage,
    ReadResourceRequestParams,
    ReadResourceResult,
    Resource,
    ResourceTemplate,
    SetLevelRequestParams,
    SubscribeRequestParams,
    TextContent,
    TextResourceContents,
    UnsubscribeRequestParams,
)

from mcp_server.assembly import Assembly
from mcp_server.eras import TASKS, RequestContext
from mcp_server.opening import Opened
from mcp_server.run_calls import CallAnswer
from mcp_server.server import WorkflowServer
from mcp_server.task_params import TaskParams
from mcp_server.task_shape import Task, TaskShapes
from mcp_server.tasks import Tasks
from tests.conformance.fixture_questions import ASKING_TOOLS, NAME, form, required
from tests.conformance.fixture_tools import PLAIN_TOOLS, RED_DOT_PNG, resource
from tests.conformance.fixture_workflows import ONLY_AS_TASKS, PROTOCOL_ERROR

FIXTURES = {one.definition.name: one for one in (*PLAIN_TOOLS, *ASKING_TOOLS)}

RESOURCES = [
    Resource(uri="test://static-text", name="static-text", description="A text.", mime_type="text/plain"),
    Resource(uri="test://static-binary", name="static-binary", description="An image.", mime_type="image/png"),
    Resource(uri="test://watched-resource", name="watched", description="Can be watched.", mime_type="text/plain"),
]
TEMPLATE = ResourceTemplate(
    uri_template="test://template/{id}/data",
    name="template",
    description="Data of an id.",
    mime_type="application/json",
)
PROMPTS = [
    Prompt(name="test_simple_prompt", description="One message."),
    Prompt(
        name="test_prompt_with_arguments",
        description="With two arguments.",
        arguments=[PromptArgument(name="arg1", required=True), PromptArgument(name="arg2", required=True)],
    ),
    Prompt(
        name="test_prompt_with_embedded_resource",
        description="With a resource.",
        arguments=[PromptArgument(name="resourceUri", required=True)],
    ),
    Prompt(name="test_prompt_with_image", description="With an image."),
    Prompt(name="test_input_required_result_prompt", description="Asks first."),
]


class ConformanceServer(WorkflowServer):
    """`WorkflowServer` with more to call.

    Args:
        assembly: The server's parts.
    """

    def __init__(self, assembly: Assembly) -> None:
        super().__init__(Opened(assembly))
        self.add_request_handler("completion/complete", CompleteRequestParams, _complete)
        self.add_request_handler("logging/setLevel", SetLevelRequestParams, _empty)
        self.add_request_handler("resources/subscribe", SubscribeRequestParams, _empty)
        self.add_request_handler("resources/unsubscribe", UnsubscribeRequestParams, _empty)
        self.add_request_handler("prompts/get", GetPromptRequestParams, self._prompt)
        self.add_request_handler("tools/call", CallToolRequestParams, self._called)
        self.add_request_handler("tasks/get", TaskParams, self._task)
        self._assembly, self._tasks, self._shapes = assembly, Tasks(assembly), TaskShapes(assembly)
        if not any(isinstance(one, RequestStateBoundary) for one in self.middleware):
            self.middleware.append(RequestStateBoundary(RequestStateSecurity.ephemeral(), default_audience=self.name))

    async def _list_tools(self, ctx: RequestContext, params: PaginatedRequestParams | None) -> ListToolsResult:
        own = await super()._list_tools(ctx, params)
        return ListToolsResult(tools=[*own.tools, *(one.definition for one in FIXTURES.values())])

    async def _called(self, ctx: RequestContext, params: CallToolRequestParams) -> CallAnswer:
        fixture = FIXTURES.get(params.name)
        if fixture is not None:
            return await fixture.answer(ctx, params)
        if params.name in ONLY_AS_TASKS:
            require_client_extension(ctx, TASKS)
        if params.name != "test_tool_with_task":
            return await self._call_tool(ctx, params)
        told = (params.input_responses or {}).get("user_name")
        if not isinstance(told, ElicitResult):
            return required({"user_name": NAME}, "")
        name = str((told.content or {}).get("name"))
        asked = {"arguments": {"user_name": name}, "input_responses": None}
        return await self._call_tool(ctx, params.model_copy(update=asked))

    async def _task(self, ctx: RequestContext, params: TaskParams) -> Task:
        run = await self._assembly.log.get(params.task_id)
        if run is not None and run.workflow == PROTOCOL_ERROR and run.ended:
            return self._shapes.failed(run, "Nobody can go on with this one.")
        return await self._tasks.get(ctx, params)

    async def _list_resources(self, ctx: RequestContext, params: PaginatedRequestParams | None) -> ListResourcesResult:
        own = await super()._list_resources(ctx, params)
        return ListResourcesResult(resources=[*own.resources, *RESOURCES])

    async def _list_templates(
        self, ctx: RequestContext, params: PaginatedRequestParams | None
    ) -> ListResourceTemplatesResult:
        own = await super()._list_templates(ctx, params)
        return ListResourceTemplatesResult(resource_templates=[*own.resource_templates, TEMPLATE])

    async def _read_resource(self, ctx: RequestContext, params: ReadResourceRequestParams) -> ReadResourceResult:
        uri = str(params.uri)
        if uri == "test://static-binary":
            return ReadResourceResult(contents=[BlobResourceContents(uri=uri, mime_type="image/png", blob=RED_DOT_PNG)])
        if uri in {"test://static-text", "test://watched-resource"}:
            said = "This is the content of the static text resource."
            return ReadResourceResult(contents=[TextResourceContents(uri=uri, mime_type="text/plain", text=said)])
        if found := re.fullmatch(r"test://template/([^/]+)/data", uri):
            said = f'{{"id":"{found[1]}","templateTest":true,"data":"Data for ID: {found[1]}"}}'
            return ReadResourceResult(contents=[TextResourceContents(uri=uri, mime_type="application/json", text=said)])
        return await super()._read_resource(ctx, params)

    async def _list_prompts(self, ctx: RequestContext, params: PaginatedRequestParams | None) -> ListPromptsResult:
        own = await super()._list_prompts(ctx, params)
        return ListPromptsResult(prompts=[*own.prompts, *PROMPTS])

    async def _prompt(
        self, ctx: RequestContext, params: GetPromptRequestParams
    ) -> GetPromptResult | InputRequiredResult:
        arguments = params.arguments or {}
        match params.name:
            case "test_simple_prompt":
                return _said(TextContent(text="This is a simple prompt for testing."))
            case "test_prompt_with_arguments":
                said = f"Prompt with arguments: arg1='{arguments.get('arg1')}', arg2='{arguments.get('arg2')}'"
                return _said(TextContent(text=said))
            case "test_prompt_with_embedded_resource":
                embedded = resource(str(arguments.get("resourceUri")), "Embedded resource content for testing.")
                return _said(embedded, TextContent(text="Please process the embedded resource above."))
            case "test_prompt_with_image":
                image = ImageContent(data=RED_DOT_PNG, mime_type="image/png")
                return _said(image, TextContent(text="Please analyze the image above."))
            case "test_input_required_result_prompt":
                told = (params.input_responses or {}).get("user_context")
                if told is None:
                    asked = form("What context should the prompt use?", context={"type": "string"})
                    return required({"user_context": asked}, "")
                return _said(TextContent(text=f"Context: {told.model_dump(mode='json')}"))
            case _:
                return await self._get_prompt(ctx, params)


async def _complete(_ctx: RequestContext, _params: CompleteRequestParams) -> CompleteResult:
    return CompleteResult(completion=Completion(values=["paris", "park", "party"], total=3, has_more=False))


async def _empty(_ctx: RequestContext, _params: object) -> EmptyResult:
    return EmptyResult()


def _said(*content: ContentBlock) -> GetPromptResult:
    return GetPromptResult(messages=[PromptMessage(role="user", content=one) for one in content])
