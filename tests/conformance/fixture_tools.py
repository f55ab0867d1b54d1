"""The tools that the conformance suite calls by name; their names and answers are the suite's own."""

import json
from collections.abc import Awaitable, Callable
from dataclasses import dataclass

import anyio
from mcp.shared.exceptions import MCPError
from mcp_types import (
    MISSING_REQUIRED_CLIENT_CAPABILITY,
    AudioContent,
    CallToolRequestParams,
    CallToolResult,
    ContentBlock,
    EmbeddedResource,
    ImageContent,
    InputRequiredResult,
    ProgressNotification,
    ProgressNotificationParams,
    SamplingMessage,
    TextContent,
    TextResourceContents,
    Tool,
)

from mcp_server.run_calls import RequestContext

RED_DOT_PNG = "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAIAAACQd1PeAAAADElEQVR4nGP4z8AAAAMBAQDJ/pLvAAAAAElFTkSuQmCC"
"""One red pixel."""
SILENCE_WAV = "UklGRiYAAABXQVZFZm10IBAAAAABAAEAQB8AAEAfAAABAAgAZGF0YQIAAACAgA=="
"""Two samples of nothing."""
PAUSE_SECONDS = 0.05
"""What the suite wants between two notifications."""

Answer = CallToolResult | InputRequiredResult
Answering = Callable[[RequestContext, CallToolRequestParams], Awaitable[Answer]]


@dataclass(frozen=True)
class FixtureTool:
    """A tool that only the suite calls.

    Attributes:
        definition: As it is listed.
        answer: Answers a call.
    """

    definition: Tool
    answer: Answering


def text(said: str, *, is_error: bool = False) -> CallToolResult:
    """A result that is one text."""
    return CallToolResult(content=[TextContent(text=said)], is_error=is_error)


def tool(
    name: str, description: str, answer: Answering, properties: dict[str, dict[str, object]] | None = None
) -> FixtureTool:
    """A tool; all its properties are required."""
    known = properties or {}
    schema: dict[str, object] = {"type": "object", "properties": known, "required": sorted(known)}
    return FixtureTool(Tool(name=name, description=description, input_schema=schema), answer)


def always(*content: ContentBlock, is_error: bool = False) -> Answering:
    """Answers every call alike."""

    async def answer(_ctx: RequestContext, _params: CallToolRequestParams) -> CallToolResult:
        return CallToolResult(content=list(content), is_error=is_error)

    return answer


def resource(uri: str, said: str, mime_type: str = "text/plain") -> EmbeddedResource:
    """A text resource in a result."""
    return EmbeddedResource(resource=TextResourceContents(uri=uri, mime_type=mime_type, text=said))


async def greet(_ctx: RequestContext, params: CallToolRequestParams) -> CallToolResult:
    """Never a task."""
    return text(f"Hello, {(params.arguments or {}).get('name')}!")


async def with_logging(ctx: RequestContext, _params: CallToolRequestParams) -> CallToolResult:
    """Sends three log messages; the SDK drops them in the era in which nobody has asked for them."""
    for said in ("Tool execution started", "Tool processing data", "Tool execution completed"):
        await ctx.session.send_log_message("info", said, related_request_id=ctx.request_id)  # pyright: ignore[reportDeprecated] - the suite still asks for it
        await anyio.sleep(PAUSE_SECONDS)
    return text("Logged three times.")


async def with_progress(ctx: RequestContext, _params: CallToolRequestParams) -> CallToolResult:
    """Reports progress as the suite spells it out."""
    token = (ctx.meta or {}).get("progress_token")
    for progress in (0, 50, 100):
        if token is not None:
            params = ProgressNotificationParams(progress_token=token, progress=progress, total=100)
            await ctx.session.send_notification(ProgressNotification(params=params), related_request_id=ctx.request_id)
        await anyio.sleep(PAUSE_SECONDS)
    return text("Reported three times.")


async def sampling(ctx: RequestContext, params: CallToolRequestParams) -> CallToolResult:
    """Asks the client's model."""
    prompt = TextContent(text=str((params.arguments or {}).get("prompt")))
    said = await ctx.session.create_message(  # pyright: ignore[reportDeprecated] - the suite still asks for it
        [SamplingMessage(role="user", content=prompt)], max_tokens=100, related_request_id=ctx.request_id
    )
    return text(f"LLM response: {getattr(said.content, 'text', '')}")


def eliciting(schema: dict[str, object], prefix: str, message: str = "") -> Answering:
    """Asks the client's user.

    Args:
        schema: Of the answer.
        prefix: Of the result.
        message: What is asked; empty for the call's own `message`.
    """

    async def answer(ctx: RequestContext, params: CallToolRequestParams) -> CallToolResult:
        asked = message or str((params.arguments or {}).get("message"))
        said = await ctx.session.elicit_form(asked, schema, related_request_id=ctx.request_id)
        return text(f"{prefix}: action={said.action}, content={json.dumps(said.content)}")

    return answer


async def missing_capability(ctx: RequestContext, _params: CallToolRequestParams) -> CallToolResult:
    """Refuses a client that has not declared sampling."""
    declared = ctx.session.client_capabilities
    if declared is None or declared.sampling is None:
        raise MCPError(
            code=MISSING_REQUIRED_CLIENT_CAPABILITY,
            message="This tool needs sampling.",
            data={"requiredCapabilities": {"sampling": {}}},
        )
    return text("The client can sample.")


PERSON: dict[str, object] = {
    "type": "object",
    "properties": {
        "username": {"type": "string", "description": "User's response"},
        "email": {"type": "string", "description": "User's email address"},
    },
    "required": ["username", "email"],
}
DEFAULTS: dict[str, object] = {
    "type": "object",
    "properties": {
        "name": {"type": "string", "default": "John Doe"},
        "age": {"type": "integer", "default": 30},
        "score": {"type": "number", "default": 95.5},
        "status": {"type": "string", "enum": ["active", "inactive", "pending"], "default": "active"},
        "verified": {"type": "boolean", "default": True},
    },
}


def titled(*words: str) -> list[dict[str, str]]:
    """Options with titles."""
    return [{"const": f"value{number}", "title": f"{word} Option"} for number, word in enumerate(words, 1)]


ENUMS: dict[str, object] = {
    "type": "object",
    "properties": {
        "untitledSingle": {"type": "string", "enum": ["option1", "option2", "option3"]},
        "titledSingle": {"type": "string", "oneOf": titled("First", "Second", "Third")},
        "legacyEnum": {
            "type": "string",
            "enum": ["opt1", "opt2", "opt3"],
            "enumNames": ["Option One", "Option Two", "Option Three"],
        },
        "untitledMulti": {"type": "array", "items": {"type": "string", "enum": ["option1", "option2", "option3"]}},
        "titledMulti": {"type": "array", "items": {"anyOf": titled("First", "Second", "Third")}},
    },
}
SCHEMA_2020_12: dict[str, object] = {
    "$schema": "https://json-schema.org/draft/2020-12/schema",
    "type": "object",
    "$defs": {
        "address": {
            "$anchor": "addressDef",
            "type": "object",
            "properties": {"street": {"type": "string"}, "city": {"type": "string"}},
        }
    },
    "properties": {
        "name": {"type": "string"},
        "address": {"$ref": "#/$defs/address"},
        "contactMethod": {"type": "string", "enum": ["phone", "email"]},
        "phone": {"type": "string"},
        "email": {"type": "string"},
    },
    "allOf": [{"anyOf": [{"required": ["phone"]}, {"required": ["email"]}]}],
    "if": {"properties": {"contactMethod": {"const": "phone"}}, "required": ["contactMethod"]},
    "then": {"required": ["phone"]},
    "else": {"required": ["email"]},
    "additionalProperties": False,
}
MIXED = '{"test":"data","value":123}'
STRING: dict[str, object] = {"type": "string"}

PLAIN_TOOLS = (
    tool("greet", "Says hello.", greet, {"name": STRING}),
    tool("test_simple_text", "One text.", always(TextContent(text="This is a simple text response for testing."))),
    tool("test_image_content", "One image.", always(ImageContent(data=RED_DOT_PNG, mime_type="image/png"))),
    tool("test_audio_content", "One sound.", always(AudioContent(data=SILENCE_WAV, mime_type="audio/wav"))),
    tool(
        "test_embedded_resource",
        "One resource.",
        always(resource("test://embedded-resource", "This is an embedded resource content.")),
    ),
    tool(
        "test_multiple_content_types",
        "Text, image and resource.",
        always(
            TextContent(text="Multiple content types test:"),
            ImageContent(data=RED_DOT_PNG, mime_type="image/png"),
            resource("test://mixed-content-resource", MIXED, "application/json"),
        ),
    ),
    tool(
        "test_error_handling",
        "Always fails.",
        always(TextContent(text="This tool intentionally returns an error for testing"), is_error=True),
    ),
    tool("test_tool_with_logging", "Logs.", with_logging),
    tool("test_logging_tool", "Logs.", with_logging),
    tool("test_tool_with_progress", "Reports progress.", with_progress),
    tool("test_sampling", "Asks the client's model.", sampling, {"prompt": STRING}),
    tool("test_elicitation", "Asks the user.", eliciting(PERSON, "User response"), {"message": STRING}),
    tool(
        "test_elicitation_sep1034_defaults",
        "Asks with defaults.",
        eliciting(DEFAULTS, "Elicitation completed", "Who are you?"),
    ),
    tool(
        "test_elicitation_sep1330_enums",
        "Asks with choices.",
        eliciting(ENUMS, "Elicitation completed", "What do you choose?"),
    ),
    tool("test_missing_capability", "Needs sampling.", missing_capability),
    FixtureTool(
        Tool(name="json_schema_2020_12_tool", description="Has a rich schema.", input_schema=SCHEMA_2020_12),
        always(TextContent(text="Its schema is all there is to it.")),
    ),
    tool(
        "test_custom_header",
        "Has a parameter that is mirrored into a header.",
        always(TextContent(text="Its parameter was in the header.")),
        {"region": {"type": "string", "x-mcp-header": "Region"}},
    ),
)
