"""A request as OpenAI's Chat Completions protocol wants it. Pure: nothing is sent here.

Many servers speak that protocol, and each knows a part of it: what only some know is left out for the others. The
shape of a reply is told in words as well as by schema, for a server passes over a schema that it cannot enforce.
"""

from dataclasses import dataclass

from agents.json_fields import Json, JsonObject
from agents.models.call_arguments import arguments_of
from agents.models.reply_shape import told_schema
from agents.models.request import (
    AssistantMessage,
    Message,
    ModelRequest,
    ReplySchema,
    ToolCall,
    ToolOffer,
    ToolResult,
    ToolResults,
    UserMessage,
)
from agents.models.strict_schema import strict_schema


@dataclass(frozen=True, slots=True, kw_only=True)
class Dialect:
    """What a server knows beyond what all know.

    Attributes:
        effort: It takes how much to reason, as OpenRouter does (`reasoning`); others refuse it for some models.
        schema_beside_tools: It can hold an answer to a schema and leave the model free to call tools. Servers that
            make a grammar of the schema cannot.
        reports_cost: It tells what a request cost, if it is asked to.
    """

    effort: bool = False
    schema_beside_tools: bool = False
    reports_cost: bool = False


def body_of(model: str, request: ModelRequest, dialect: Dialect) -> JsonObject:
    """The body of `POST /chat/completions`.

    Args:
        model: Name of the model.
        request: What to ask.
        dialect: What the server knows.
    """
    body: JsonObject = {
        "model": model,
        "stream": True,
        "stream_options": {"include_usage": True},
        "messages": [*_instructions(request), *(part for message in request.messages for part in _messages(message))],
    }
    if request.max_output_tokens is not None:
        body["max_tokens"] = request.max_output_tokens
    if request.tools:
        body["tools"] = [_offer(tool) for tool in request.tools]
    if request.reply_schema is not None and (dialect.schema_beside_tools or not request.tools):
        body["response_format"] = _format(request.reply_schema)
    if request.effort is not None and dialect.effort:
        body["reasoning"] = {"effort": request.effort}
    if dialect.reports_cost:
        body["usage"] = {"include": True}
    return body


def told_call(call: ToolCall) -> JsonObject:
    """A call as it is sent back. What was no JSON is not sent: servers refuse the whole conversation for it."""
    arguments = call.arguments if arguments_of(call.arguments) is not None and call.arguments.strip() else "{}"
    return {"id": call.call_id, "type": "function", "function": {"name": call.tool, "arguments": arguments}}


def _instructions(request: ModelRequest) -> list[Json]:
    shape = told_schema(request.reply_schema) if request.reply_schema is not None else ""
    text = "\n\n".join(part for part in (request.instructions, shape) if part)
    return [{"role": "system", "content": text}] if text else []


def _messages(message: Message) -> list[Json]:
    match message:
        case UserMessage(text):
            return [{"role": "user", "content": text}]
        case ToolResults(results):
            return [{"role": "tool", "tool_call_id": result.call_id, "content": _output(result)} for result in results]
        case AssistantMessage(echo=dict(echo)) if echo:
            return [echo]
        case AssistantMessage(text, calls):
            told: JsonObject = {"role": "assistant", "content": text}
            if calls:
                told["tool_calls"] = [told_call(call) for call in calls]
            return [told]


def _output(result: ToolResult) -> str:
    """The protocol has no mark for a call that failed."""
    return result.output if result.ok else f"The call failed: {result.output}"


def _offer(tool: ToolOffer) -> Json:
    function: JsonObject = {
        "name": tool.name,
        "description": tool.description,
        "parameters": dict(tool.input_schema),
    }
    return {"type": "function", "function": function}


def _format(reply: ReplySchema) -> Json:
    strict = strict_schema(reply.schema)
    schema: JsonObject = dict(strict if strict is not None else reply.schema)
    return {
        "type": "json_schema",
        "json_schema": {"name": reply.name, "strict": strict is not None, "schema": schema},
    }
