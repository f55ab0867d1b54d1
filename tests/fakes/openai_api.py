"""OpenAI's two protocols on loopback: Chat Completions, as many servers speak it, and Responses, as OpenAI does."""

from collections.abc import Iterator, Mapping
from collections.abc import Set as AbstractSet
from typing import Any, cast

import orjson
from pydantic import JsonValue

from tests.fakes.messages_request import Message, RequestBody
from tests.fakes.messages_script import Block, Reply, Status, Text, Thinking, ToolUse
from tests.fakes.messages_stream import Frame, Identity, output_tokens
from tests.fakes.provider_api import data_frame, pieces

Json = dict[str, JsonValue]

_STOPS = {"tool_use": "tool_calls", "max_tokens": "length", "refusal": "content_filter"}
_TYPES = {401: "authentication_error", 403: "permission_error", 429: "rate_limit_exceeded", 500: "server_error"}


def openai_error(status: Status) -> Json:
    """An error as both protocols say it; the script's type is the code."""
    kind = _TYPES.get(status.code, "invalid_request_error")
    return {"error": {"message": status.message, "type": kind, "param": None, "code": status.type or None}}


def content_of(block: Block) -> str:
    """What counts as a block's content; of a call, its arguments."""
    return orjson.dumps(block.input).decode() if isinstance(block, ToolUse) else block.text


class ChatCompletions:
    """The Chat Completions protocol.

    Args:
        reasoning_field: Under which name the server shows what its model thinks.
        base: What the paths begin with.
    """

    def __init__(self, reasoning_field: str = "reasoning_content", base: str = "") -> None:
        self.path = f"{base}/chat/completions"
        self.models_path = f"{base}/models"
        self._reasoning_field = reasoning_field

    def read(self, body: Mapping[str, JsonValue]) -> RequestBody:
        messages = cast("list[Any]", body["messages"])
        system = "\n".join(message["content"] for message in messages if message["role"] == "system")
        return RequestBody(
            model=cast("str", body["model"]),
            system=system,
            messages=[_chat_message(message) for message in messages if message["role"] != "system"],
            tools=[tool["function"] for tool in cast("list[Any]", body.get("tools", []))],
            stream=body["stream"] is True,
        )

    def frames(self, reply: Reply, identity: Identity, breaks: AbstractSet[int]) -> Iterator[Frame]:
        yield self._chunk(identity, 0, {"role": "assistant", "content": ""})
        if reply.unheard_of:
            yield Frame(b": a comment, as OpenRouter sends them\n\n", 0)
            yield Frame(b'event: weather\nid: 7\nretry: 10\ndata: {"forecast": "rain"}\n\n', 0)
            yield self._chunk(identity, 0, {"hologram": "not yet", "tool_calls": None, "content": None})
        end = calls = 0
        for block in reply.blocks:
            if isinstance(block, ToolUse):
                opening: Json = {"name": block.name, "arguments": ""}
                call: Json = {"index": calls, "id": identity.call_id(calls), "type": "function", "function": opening}
                yield self._chunk(identity, end, {"tool_calls": [call]})
            for piece in pieces(content_of(block), reply.piece, {position - end for position in breaks}):
                end += len(piece)
                yield self._chunk(identity, end, self._delta(block, piece, calls))
            calls += isinstance(block, ToolUse)
        yield self._chunk(identity, end, {}, _STOPS.get(reply.why_it_stops, "stop"))
        used = output_tokens(reply)
        usage: Json = {
            "prompt_tokens": identity.input_tokens,
            "completion_tokens": used,
            "total_tokens": identity.input_tokens + used,
        }
        yield data_frame({"id": identity.message_id, "model": identity.model, "choices": [], "usage": usage}, end)
        yield data_frame("[DONE]", end)

    def error(self, status: Status) -> Json:
        return openai_error(status)

    def error_frame(self, error_type: str) -> bytes:
        error: Json = {"message": "scripted error", "type": error_type, "code": error_type}
        return data_frame({"error": error}, 0).data

    def _chunk(self, identity: Identity, end: int, delta: Json, finish_reason: str | None = None) -> Frame:
        choice: Json = {"index": 0, "delta": delta, "finish_reason": finish_reason}
        return data_frame(
            {
                "id": identity.message_id,
                "object": "chat.completion.chunk",
                "model": identity.model,
                "choices": [choice],
                "usage": None,
            },
            end,
        )

    def _delta(self, block: Block, piece: str, call: int) -> Json:
        match block:
            case Text():
                return {"content": piece}
            case Thinking():
                return {self._reasoning_field: piece}
            case ToolUse():
                return {"tool_calls": [{"index": call, "function": {"arguments": piece}}]}


class Responses:
    """The Responses protocol.

    Args:
        base: What the paths begin with.
    """

    def __init__(self, base: str = "") -> None:
        self.path = f"{base}/responses"
        self.models_path = f"{base}/models"

    def read(self, body: Mapping[str, JsonValue]) -> RequestBody:
        return RequestBody(
            model=cast("str", body.get("model") or body["preset"]),
            system=cast("str", body.get("instructions", "")),
            messages=[_responses_message(item) for item in cast("list[Any]", body["input"])],
            tools=cast("list[Any]", body.get("tools", [])),
            stream=body["stream"] is True,
        )

    def frames(self, reply: Reply, identity: Identity, breaks: AbstractSet[int]) -> Iterator[Frame]:
        opening: Json = {"id": identity.message_id, "model": identity.model, "status": "in_progress", "output": []}
        yield event_frame("response.created", 0, response=opening)
        if reply.unheard_of:
            yield event_frame("response.weather.changed", 0, forecast="rain")
            yield event_frame("response.output_item.added", 0, item={"type": "hologram", "id": "h"}, output_index=9)
            yield event_frame("response.output_item.done", 0, item={"type": "hologram", "id": "h"}, output_index=9)
            yield event_frame("response.output_text.delta", 0)
        end = 0
        output: list[JsonValue] = []
        for index, block in enumerate(reply.blocks):
            item = self._item(block, identity.call_id(index))
            yield from self._opened(item, index, end)
            for piece in pieces(content_of(block), reply.piece, {position - end for position in breaks}):
                end += len(piece)
                yield event_frame(_DELTAS[type(block)], end, delta=piece, output_index=index)
            yield from self._closed(block, item, index, end)
            output.append(item)
        yield self._ended(reply, identity, output, end)

    def error(self, status: Status) -> Json:
        return openai_error(status)

    def error_frame(self, error_type: str) -> bytes:
        return event_frame("error", 0, code=error_type, message="scripted error", param=None).data

    def usage(self, identity: Identity, reply: Reply) -> Json:
        used = output_tokens(reply)
        return {
            "input_tokens": identity.input_tokens,
            "output_tokens": used,
            "total_tokens": identity.input_tokens + used,
        }

    def _opened(self, item: Json, index: int, end: int) -> Iterator[Frame]:
        bare: Json = {**item, "content": [], "arguments": ""} if item["type"] != "reasoning" else {"type": "reasoning"}
        yield event_frame("response.output_item.added", end, item=bare, output_index=index)

    def _closed(self, block: Block, item: Json, index: int, end: int) -> Iterator[Frame]:
        match block:
            case Text(text):
                yield event_frame("response.output_text.done", end, text=text, output_index=index)
            case Thinking(text):
                yield event_frame("response.reasoning_summary_text.done", end, text=text, output_index=index)
            case ToolUse():
                arguments = item["arguments"]
                yield event_frame("response.function_call_arguments.done", end, arguments=arguments, output_index=index)
        yield event_frame("response.output_item.done", end, item=item, output_index=index)

    def _ended(self, reply: Reply, identity: Identity, output: list[JsonValue], end: int) -> Frame:
        reasons = {"max_tokens": "max_output_tokens", "refusal": "content_filter"}
        why = reasons.get(reply.why_it_stops)
        status = "completed" if why is None else "incomplete"
        response: Json = {
            "id": identity.message_id,
            "model": identity.model,
            "status": status,
            "incomplete_details": None if why is None else {"reason": why},
            "output": output,
            "usage": self.usage(identity, reply),
        }
        return event_frame(f"response.{status}", end, response=response)

    def _item(self, block: Block, call_id: str) -> Json:
        match block:
            case Text(text):
                part: Json = {"type": "output_text", "text": text, "annotations": []}
                return {"type": "message", "id": f"m_{call_id}", "role": "assistant", "content": [part]}
            case Thinking(text):
                summary: list[JsonValue] = [{"type": "summary_text", "text": text}]
                return {"type": "reasoning", "id": f"r_{call_id}", "summary": summary, "encrypted_content": "c2VhbGVk"}
            case ToolUse(name):
                return {
                    "type": "function_call",
                    "id": f"f_{call_id}",
                    "call_id": call_id,
                    "name": name,
                    "arguments": content_of(block),
                    "status": "completed",
                }


_DELTAS: dict[type[Block], str] = {
    Text: "response.output_text.delta",
    Thinking: "response.reasoning_summary_text.delta",
    ToolUse: "response.function_call_arguments.delta",
}


def event_frame(kind: str, end: int, **fields: JsonValue) -> Frame:
    """An event of the Responses protocol."""
    return data_frame({"type": kind, **fields}, end, event=kind)


def _chat_message(message: Any) -> Message:
    match message["role"]:
        case "tool":
            result: Json = {
                "type": "tool_result",
                "tool_use_id": message["tool_call_id"],
                "content": message["content"],
            }
            return Message(role="user", content=[result])
        case role:
            calls: list[Json] = [
                {
                    "type": "tool_use",
                    "id": call["id"],
                    "name": call["function"]["name"],
                    "input": orjson.loads(call["function"]["arguments"]),
                }
                for call in message.get("tool_calls", [])
            ]
            text: Json = {"type": "text", "text": message["content"]}
            return Message(role=role, content=[text, *calls])


def _responses_message(item: Any) -> Message:
    match item["type"]:
        case "function_call":
            call: Json = {
                "type": "tool_use",
                "id": item["call_id"],
                "name": item["name"],
                "input": orjson.loads(item["arguments"]),
            }
            return Message(role="assistant", content=[call])
        case "function_call_output":
            result: Json = {"type": "tool_result", "tool_use_id": item["call_id"], "content": item["output"]}
            return Message(role="user", content=[result])
        case "reasoning":
            return Message(role="assistant", content=[])
        case _:
            content = item["content"]
            text = content if isinstance(content, str) else "".join(part["text"] for part in content)
            return Message(role=item["role"], content=text)
