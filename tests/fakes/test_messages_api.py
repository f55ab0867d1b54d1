import json
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager

import anyio
import httpx
import pytest
from pydantic import JsonValue

from tests.fakes.messages_api import MessagesApi, messages_api
from tests.fakes.messages_request import ModelRequest
from tests.fakes.messages_script import (
    Answer,
    CutStream,
    Malformed,
    Reply,
    Script,
    ScriptFailed,
    Silent,
    Slow,
    Status,
    Text,
    Thinking,
    ToolUse,
    always,
    by_marker,
    by_step,
    call,
    say,
    turns,
)

pytestmark = pytest.mark.anyio

Event = dict[str, JsonValue]


@asynccontextmanager
async def client_of(script: Script | list[Answer]) -> AsyncGenerator[tuple[MessagesApi, httpx.AsyncClient]]:
    with anyio.fail_after(5):
        async with messages_api(script) as api, httpx.AsyncClient(base_url=api.url, trust_env=False) as client:
            yield api, client


def body_of(prompt: str = "Hello", *, stream: bool = True, system: str = "", **fields: JsonValue) -> Event:
    messages: JsonValue = [{"role": "user", "content": prompt}]
    return {"model": "some-model", "messages": messages, "system": system, "stream": stream, "max_tokens": 9} | fields


def events_of(text: str) -> list[Event]:
    return [json.loads(line.removeprefix("data: ")) for line in text.splitlines() if line.startswith("data: ")]


def joined(events: list[Event], kind: str) -> str:
    deltas = [event["delta"] for event in events if event["type"] == "content_block_delta"]
    return "".join(str(delta[kind]) for delta in deltas if isinstance(delta, dict) and kind in delta)


async def streamed(client: httpx.AsyncClient, **fields: JsonValue) -> list[Event]:
    return events_of((await client.post("/v1/messages", json=body_of() | fields)).text)


async def test_a_stream_has_every_event_in_the_order_of_the_protocol() -> None:
    reply = Reply((Thinking("hmm"), Text("Hi"), ToolUse("Read", {"file_path": "a"})), piece=100)
    async with client_of(always(reply)) as (_, client):
        events = await streamed(client)
    block = ["content_block_start", "content_block_delta", "content_block_stop"]
    signed = [*block[:2], *block[1:]]
    assert [event["type"] for event in events] == [
        "message_start",
        *(signed + block + block),
        "message_delta",
        "message_stop",
    ]
    assert (joined(events, "thinking"), joined(events, "text")) == ("hmm", "Hi")
    assert json.loads(joined(events, "partial_json")) == {"file_path": "a"}
    assert events[-2]["delta"] == {"stop_reason": "tool_use", "stop_sequence": None}


async def test_the_usage_is_that_of_the_request_and_of_the_reply() -> None:
    async with client_of(always(say("x" * 400))) as (api, client):
        response = await client.post("/v1/messages", json=body_of("y" * 4000, stream=False))
        usage = response.json()["usage"]
        counted = await client.post("/v1/messages/count_tokens", json=body_of("y" * 4000, stream=False))
        events = await streamed(client)
    assert 1000 <= usage["input_tokens"] <= 1100
    assert usage["output_tokens"] == 100
    assert counted.json() == {"input_tokens": usage["input_tokens"]}
    assert events[-2]["usage"] == usage | {"input_tokens": api.delivered[1].input_tokens}
    assert [delivered.output_tokens for delivered in api.delivered] == [100, 100]


async def test_without_streaming_the_same_reply_is_one_message() -> None:
    reply = Reply((Text("Hi"), ToolUse("Read", {"file_path": "a"})))
    async with client_of(always(reply)) as (_, client):
        message = (await client.post("/v1/messages", json=body_of(stream=False))).json()
    text, tool = message["content"]
    assert text == {"type": "text", "text": "Hi"}
    assert (tool["name"], tool["input"]) == ("Read", {"file_path": "a"})
    assert message["stop_reason"] == "tool_use"


async def test_pieces_have_the_size_that_was_asked_for_and_join_to_the_whole() -> None:
    async with client_of(always(Reply((Text("abcdefgh"),), piece=3))) as (_, client):
        events = await streamed(client)
    pieces = [event["delta"] for event in events if event["type"] == "content_block_delta"]
    assert pieces == [{"type": "text_delta", "text": piece} for piece in ("abc", "def", "gh")]


async def test_what_was_asked_is_kept_with_its_headers() -> None:
    async with client_of(always(say("Hi"))) as (api, client):
        headers = {"X-Claude-Code-Session-Id": "s1", "x-api-key": "k"}
        await client.post("/v1/messages", json=body_of("What?", system="You are a tester."), headers=headers)
    request = api.requests[0]
    assert (request.prompt, request.system, request.session_id) == ("What?", "You are a tester.", "s1")
    assert request.headers["x-api-key"] == "k"


async def test_a_script_sees_the_tool_results_of_the_conversation() -> None:
    conversation: JsonValue = [
        {"role": "user", "content": "go"},
        {"role": "assistant", "content": [{"type": "tool_use", "id": "t1", "name": "Bash", "input": {}}]},
        {
            "role": "user",
            "content": [
                {
                    "type": "tool_result",
                    "tool_use_id": "t1",
                    "is_error": True,
                    "content": [{"type": "text", "text": "no"}],
                }
            ],
        },
    ]
    async with client_of(by_step(call("Bash"), say("seen"))) as (api, client):
        events = await streamed(client, messages=conversation)
    assert joined(events, "text") == "seen"
    (result,) = api.requests[0].tool_results
    assert (result.tool, result.call_id, result.text, result.ok) == ("Bash", "t1", "no", False)


async def test_a_slow_stream_halts_where_it_should_until_it_is_released() -> None:
    release = anyio.Event()
    async with client_of(always(Slow(say("one two three"), {7: release}))) as (api, client):
        seen = ""
        async with client.stream("POST", "/v1/messages", json=body_of()) as response:
            async for line in response.aiter_lines():
                seen += line + "\n"
                if '"one two"' in line:
                    await client.get("/another/request/gives/the/stream/time/to/run/on")
                    assert api.delivered == []
                    release.set()
    assert joined(events_of(seen), "text") == "one two three"
    assert len(api.delivered) == 1


async def test_a_cut_stream_ends_in_the_middle_of_the_last_block() -> None:
    reply = Reply((Text("Now I write."), ToolUse("Write", {"content": "0123456789" * 10})), piece=10)
    async with client_of(always(CutStream(reply))) as (_, client):
        received = bytearray()

        async def read() -> None:
            async with client.stream("POST", "/v1/messages", json=body_of()) as response:
                async for piece in response.aiter_bytes():
                    received.extend(piece)

        with pytest.raises(httpx.RemoteProtocolError):
            await read()
    events = events_of(received.decode())
    assert joined(events, "text") == "Now I write."
    half = joined(events, "partial_json")
    assert half.startswith('{"content":"0123')
    assert len(half) == len(json.dumps({"content": "0123456789" * 10}, separators=(",", ":"))) // 2
    assert events[-1]["type"] == "content_block_delta"


async def test_a_stream_can_end_with_an_error_event() -> None:
    async with client_of(always(CutStream(say("abcdef"), after=2, error="overloaded_error"))) as (_, client):
        events = await streamed(client)
    assert joined(events, "text") == "ab"
    assert events[-1]["error"] == {"type": "overloaded_error", "message": "scripted error"}


@pytest.mark.parametrize(
    ("code", "kind"), [(400, "invalid_request_error"), (401, "authentication_error"), (529, "overloaded_error")]
)
async def test_a_status_is_answered_with_the_error_type_of_the_api(code: int, kind: str) -> None:
    async with client_of(always(Status(code, "because"))) as (_, client):
        response = await client.post("/v1/messages", json=body_of())
    assert (response.status_code, response.json()["error"]) == (code, {"type": kind, "message": "because"})


async def test_a_rate_limit_says_when_to_come_back() -> None:
    async with client_of([Status(429, retry_after=7), say("now")]) as (_, client):
        refused = await client.post("/v1/messages", json=body_of())
        assert (refused.status_code, refused.headers["retry-after"]) == (429, "7")
        assert joined(await streamed(client), "text") == "now"


async def test_silence_lasts_until_the_client_gives_up() -> None:
    async with client_of(always(Silent())) as (api, client), anyio.create_task_group() as tasks:
        tasks.start_soon(streamed, client)
        await api.received(1)
        tasks.cancel_scope.cancel()
    assert api.delivered == []


async def test_a_malformed_answer_is_sent_as_it_is() -> None:
    async with client_of(always(Malformed("not an event"))) as (_, client):
        response = await client.post("/v1/messages", json=body_of())
    assert (response.status_code, response.text) == (200, "not an event")


async def test_other_paths_are_not_there() -> None:
    async with client_of(always(say("Hi"))) as (api, client):
        assert (await client.head("/api/hello")).status_code == 404
        assert (await client.get("/v1/messages")).status_code == 404
    assert api.other_paths == ["HEAD /api/hello", "GET /v1/messages"]


async def test_every_conversation_plays_the_list_from_its_beginning() -> None:
    async with client_of([say("first"), say("second")]) as (_, client):

        async def ask(session: str) -> str:
            headers = {"x-claude-code-session-id": session}
            return (await client.post("/v1/messages", json=body_of(), headers=headers)).text

        told = [joined(events_of(await ask(session)), "text") for session in ("a", "b", "b", "a")]
    assert told == ["first", "first", "second", "second"]


async def test_the_system_prompt_decides_before_the_prompt_who_is_asked() -> None:
    script = by_marker({"[planner]": always(say("plan")), "[writer]": always(say("write"))})
    async with client_of(script) as (_, client):
        by_system = await streamed(client, **body_of("What does the [planner] say?", system="You are the [writer]."))
        by_prompt = await streamed(client, **body_of("You are the [planner]."))
    assert (joined(by_system, "text"), joined(by_prompt, "text")) == ("write", "plan")


async def test_what_claude_asks_beside_its_conversation_does_not_disturb_the_script() -> None:
    async with client_of([say("one"), say("two")]) as (api, client):

        async def ask(system: str, prompt: str) -> str:
            headers = {"x-claude-code-session-id": "s"}
            blocks: JsonValue = [{"type": "text", "text": "fingerprint"}, {"type": "text", "text": system}]
            body = body_of(prompt) | {"system": blocks}
            return joined(events_of((await client.post("/v1/messages", json=body, headers=headers)).text), "text")

        assert await ask("You are an agent.", "Build it.") == "one"
        assert await ask("You write titles.", "A title for: Build it.") not in {"one", "two"}
        assert await ask("You are an agent.", "Build it.") == "two"
    assert [request.prompt for request in api.auxiliary] == ["A title for: Build it."]


@pytest.mark.parametrize(
    "script", [by_step(), by_marker({"nowhere": always(say("x"))}), turns()], ids=["by_step", "by_marker", "turns"]
)
async def test_a_script_without_an_answer_fails_the_test_that_uses_it(script: Script) -> None:
    with pytest.raises(ScriptFailed):
        async with client_of(script) as (_, client):
            assert (await client.post("/v1/messages", json=body_of())).status_code == 400


async def test_what_fails_inside_arrives_as_itself_and_not_in_a_group() -> None:
    async def fail() -> None:
        async with client_of(by_step()) as (_, client):
            await client.post("/v1/messages", json=body_of())
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError) as caught:
        await fail()
    assert "The script ends" in str(caught.value.__notes__)


async def test_a_script_may_wait_for_something_before_it_answers() -> None:
    release = anyio.Event()

    async def script(_: ModelRequest) -> Answer:
        await release.wait()
        return say("late")

    async with client_of(script) as (api, client), anyio.create_task_group() as tasks:

        async def ask() -> None:
            assert joined(await streamed(client), "text") == "late"

        tasks.start_soon(ask)
        await api.received(1)
        release.set()
