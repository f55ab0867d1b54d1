"""A request as the Messages API wants it. Pure: nothing is sent here."""

import re
from typing import cast

from anthropic import transform_schema
from anthropic.types import (
    CacheControlEphemeralParam,
    ContentBlockParam,
    MessageParam,
    OutputConfigParam,
    TextBlockParam,
    ThinkingConfigParam,
    ToolResultBlockParam,
    ToolUnionParam,
    ToolUseBlockParam,
)
from anthropic.types.message_create_params import MessageCreateParamsBase

from agents.errors import AgentMisconfigured
from agents.models.anthropic_access import MAX_OUTPUT_TOKENS
from agents.models.call_arguments import arguments_of
from agents.models.reply_shape import told_schema
from agents.models.request import (
    AssistantMessage,
    Effort,
    Message,
    ModelRequest,
    ReplySchema,
    ToolOffer,
    ToolResult,
    ToolResults,
    UserMessage,
)

_CACHED: CacheControlEphemeralParam = {"type": "ephemeral"}
_VERSION = re.compile(r"-(?P<major>\d{1,2})(?!\d)(?:-(?P<minor>\d{1,2})(?!\d))?")
_FIRST_ADAPTIVE = (4, 6)
"""The first version that chooses by itself how much to think; the ones before it know a budget of tokens only."""
_BUDGETS: dict[Effort, int] = {"low": 2_048, "medium": 8_192, "high": 16_384}
_LEAST_BUDGET = 1_024


def parameters_of(model: str, request: ModelRequest) -> MessageCreateParamsBase:
    """The parameters of `messages.create`.

    Args:
        model: Name of the model.
        request: What to ask.

    Raises:
        AgentMisconfigured: The shape of the reply cannot be told to the API.
    """
    limit = request.max_output_tokens or MAX_OUTPUT_TOKENS
    parameters = MessageCreateParamsBase(
        model=model, max_tokens=limit, messages=[_message(message) for message in request.messages]
    )
    held_to_schema = request.reply_schema is not None and not request.web_searches
    instructions = request.instructions
    if request.reply_schema is not None and not held_to_schema:
        # Answers that cite cannot be held to a schema, and whatever has searched the web cites.
        instructions = "\n\n".join(part for part in (instructions, told_schema(request.reply_schema)) if part)
    if instructions:
        parameters["system"] = [TextBlockParam(type="text", text=instructions, cache_control=_CACHED)]
    if tools := _tools(request):
        parameters["tools"] = tools
        parameters["cache_control"] = _CACHED  # the conversation goes on, so its end is the next request's prefix
    if (thinking := _thinking(model, request.effort, limit)) is not None:
        parameters["thinking"] = thinking
    if output := _output(model, request, held_to_schema=held_to_schema):
        parameters["output_config"] = output
    return parameters


def chooses_its_thinking(model: str) -> bool:
    """Whether a model takes `adaptive` thinking and an effort. A name without a version counts as a new one."""
    found = _VERSION.search(model)
    return found is None or (int(found["major"]), int(found["minor"] or 0)) >= _FIRST_ADAPTIVE


def _message(message: Message) -> MessageParam:
    match message:
        case UserMessage(text):
            return {"role": "user", "content": text}
        case ToolResults(results):
            return {"role": "user", "content": [_result(result) for result in results]}
        case AssistantMessage(echo=list(echo)) if echo:
            return {"role": "assistant", "content": cast("list[ContentBlockParam]", echo)}
        case AssistantMessage():
            return {"role": "assistant", "content": _told_answer(message)}


def _told_answer(message: AssistantMessage) -> list[ContentBlockParam]:
    text: list[ContentBlockParam] = [TextBlockParam(type="text", text=message.text)] if message.text.strip() else []
    calls = [
        ToolUseBlockParam(
            type="tool_use",
            id=call.call_id,
            name=call.tool,
            input=cast("dict[str, object]", arguments_of(call.arguments) or {}),
        )
        for call in message.tool_calls
    ]
    return [*text, *calls]


def _result(result: ToolResult) -> ToolResultBlockParam:
    return {
        "type": "tool_result",
        "tool_use_id": result.call_id,
        "content": result.output,
        "is_error": not result.ok,
    }


def _tools(request: ModelRequest) -> list[ToolUnionParam]:
    tools: list[ToolUnionParam] = [_offer(tool) for tool in request.tools]
    if request.web_searches:
        # The plain search: later ones run code between searches, which costs extra and needs a newer model.
        tools.append({"type": "web_search_20250305", "name": "web_search", "max_uses": request.web_searches})
    return tools


def _offer(tool: ToolOffer) -> ToolUnionParam:
    return {
        "name": tool.name,
        "description": tool.description,
        "input_schema": cast("dict[str, object]", dict(tool.input_schema)),
    }


def _thinking(model: str, effort: Effort | None, limit: int) -> ThinkingConfigParam | None:
    if chooses_its_thinking(model):
        return {"type": "adaptive", "display": "summarized"}  # otherwise newer models think without a word
    if effort is None:
        return None
    budget = min(_BUDGETS[effort], limit // 2)
    return {"type": "enabled", "budget_tokens": budget} if budget >= _LEAST_BUDGET else None


def _output(model: str, request: ModelRequest, *, held_to_schema: bool) -> OutputConfigParam:
    output = OutputConfigParam()
    if request.reply_schema is not None and held_to_schema:
        output["format"] = {"type": "json_schema", "schema": _narrowed(request.reply_schema)}
    if request.effort is not None and chooses_its_thinking(model):
        output["effort"] = request.effort
    return output


def _narrowed(reply: ReplySchema) -> dict[str, object]:
    """The schema within what the API accepts; bounds it does not know become part of the descriptions."""
    try:
        return cast("dict[str, object]", transform_schema(dict(reply.schema)))
    except (ValueError, TypeError, AssertionError) as error:
        raise AgentMisconfigured(
            f"The shape {reply.name} cannot be told to the Messages API: {error}",
            recovery=("Give every field of the shape a type",),
        ) from error
