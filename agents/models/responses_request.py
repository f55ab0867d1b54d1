"""A request as OpenAI's Responses protocol wants it, which Perplexity's Agent API speaks too. Pure: nothing is sent."""

from agents.json_fields import Json, JsonObject
from agents.models.call_arguments import arguments_of
from agents.models.request import (
    AssistantMessage,
    Message,
    ModelRequest,
    ReplySchema,
    ToolCall,
    ToolOffer,
    ToolResults,
    UserMessage,
)
from agents.models.strict_schema import strict_schema


def common_body(request: ModelRequest) -> JsonObject:
    """What both want in the same form: instructions, conversation, own tools and limits.

    Nothing is kept at the provider (`store`): every request brings its whole conversation.
    """
    body: JsonObject = {
        "stream": True,
        "store": False,
        "input": [item for message in request.messages for item in _items(message)],
    }
    if request.instructions:
        body["instructions"] = request.instructions
    if request.tools:
        body["tools"] = [_offer(tool) for tool in request.tools]
    if request.max_output_tokens is not None:
        body["max_output_tokens"] = request.max_output_tokens
    return body


def json_schema_of(reply: ReplySchema) -> JsonObject:
    """The shape of a reply, strict where it can be."""
    strict = strict_schema(reply.schema)
    schema: JsonObject = dict(strict if strict is not None else reply.schema)
    return {"name": reply.name, "strict": strict is not None, "schema": schema}


def with_tool(body: JsonObject, tool: JsonObject) -> None:
    """Offer one more tool, of the provider's own."""
    offered = body.get("tools")
    body["tools"] = [*(offered if isinstance(offered, list) else []), tool]


def _items(message: Message) -> list[Json]:
    match message:
        case UserMessage(text):
            return [{"type": "message", "role": "user", "content": text}]
        case ToolResults(results):
            return [
                {
                    "type": "function_call_output",
                    "call_id": result.call_id,
                    "output": result.output if result.ok else f"The call failed: {result.output}",
                }
                for result in results
            ]
        case AssistantMessage(echo=list(echo)) if echo:
            return list(echo)
        case AssistantMessage(text, calls):
            told: list[Json] = [{"type": "message", "role": "assistant", "content": text}] if text.strip() else []
            return [*told, *(_told_call(call) for call in calls)]


def _told_call(call: ToolCall) -> Json:
    arguments = call.arguments if arguments_of(call.arguments) is not None and call.arguments.strip() else "{}"
    return {"type": "function_call", "call_id": call.call_id, "name": call.tool, "arguments": arguments}


def _offer(tool: ToolOffer) -> Json:
    return {
        "type": "function",
        "name": tool.name,
        "description": tool.description,
        "parameters": dict(tool.input_schema),
        "strict": False,  # strict arguments would have to name every field that may be left out
    }
