"""What is particular to the Messages API: how a request looks on the wire, and what only its answers hold."""

import asyncio
import subprocess
import sys
import threading
from collections.abc import Mapping
from pathlib import Path
from typing import Any, TypeAlias

import anyio
import orjson
import pytest
from pydantic import BaseModel, Field

from agents.agent import Source
from agents.errors import AgentMisconfigured, ContextOverflowed, NotLoggedIn, ProviderOverloaded, RateLimited
from agents.models.anthropic_access import AnthropicAccess
from agents.models.anthropic_api import AnthropicModel
from agents.models.anthropic_request import chooses_its_thinking
from agents.models.deltas import (
    CallPreparing,
    CallReady,
    Cited,
    Delta,
    ProviderToolEnded,
    ProviderToolStarted,
    Stopped,
    TextDelta,
    Used,
)
from agents.models.model import TokenCount
from agents.models.reply_shape import reply_schema_of
from agents.models.request import AssistantMessage, ModelRequest, ToolCall, ToolOffer, UserMessage
from tests.agents.models.model_contract import LONG, ask, failure_of, text_of, told
from tests.agents.models.test_anthropic_contract import served_messages_api
from tests.fakes.messages_script import CutStream, Malformed, Reply, Status, Text, Thinking, say

pytestmark = pytest.mark.anyio

Json: TypeAlias = Mapping[str, Any]

TOOL = ToolOffer(name="look", description="Looks.", input_schema={"type": "object", "properties": {}})

MESSAGE: Json = {"id": "m", "type": "message", "role": "assistant", "model": "claude-test-5-1", "content": []}


class Verdict(BaseModel):
    approved: bool
    score: int = Field(ge=0, le=10)


async def body_of(request: ModelRequest, model: str = "claude-test-5") -> Json:
    """The body of the HTTP request that a request becomes."""
    async with served_messages_api([say("hello")]) as served:
        asked = AnthropicModel(model, AnthropicAccess(api_key="sk-planted", base_url=served.api.url))
        await told(asked, request)
        await asked.aclose()
        return served.requests[0].body.model_dump()


def sse(*events: Json) -> Malformed:
    """A stream of exactly these events."""
    frames = (f"event: {event['type']}\ndata: {orjson.dumps(event).decode()}\n\n" for event in events)
    return Malformed("".join(frames))


def started(**usage: Any) -> Json:
    reported = {"input_tokens": 10, "output_tokens": 1, **usage}
    return {"type": "message_start", "message": {**MESSAGE, "usage": reported}}


def block(index: int, content: Json, *deltas: Json) -> tuple[Json, ...]:
    return (
        {"type": "content_block_start", "index": index, "content_block": content},
        *({"type": "content_block_delta", "index": index, "delta": delta} for delta in deltas),
        {"type": "content_block_stop", "index": index},
    )


def ended(reason: str = "end_turn", **usage: Any) -> tuple[Json, ...]:
    delta = {"stop_reason": reason, "stop_sequence": None}
    return (
        {"type": "message_delta", "delta": delta, "usage": {"output_tokens": 20, **usage}},
        {"type": "message_stop"},
    )


async def deltas_of(*events: Json, price_of: Any = None) -> list[Delta]:
    async with served_messages_api([sse(*events)]) as served:
        return await told(served.model(price_of=price_of) if price_of else served.model())


# ---- requests


async def test_a_plain_request_has_a_limit_and_nothing_it_does_not_need() -> None:
    body = await body_of(ask("hello"))

    assert body["messages"] == [{"role": "user", "content": "hello"}]
    assert body["max_tokens"] == 32_000
    assert body["stream"] is True
    assert not {"system", "tools", "cache_control", "output_config"} & {name for name, value in body.items() if value}


async def test_the_stable_prefix_is_cached() -> None:
    body = await body_of(ask(instructions="Be kind."))

    assert body["system"] == [{"type": "text", "text": "Be kind.", "cache_control": {"type": "ephemeral"}}]


async def test_a_conversation_with_tools_is_cached_to_its_end() -> None:
    body = await body_of(ask(instructions="Be kind.", tools=(TOOL,)))

    assert body["cache_control"] == {"type": "ephemeral"}
    assert body["tools"] == [
        {"name": "look", "description": "Looks.", "input_schema": {"type": "object", "properties": {}}}
    ]


async def test_the_prefix_is_the_same_in_every_request_of_a_conversation() -> None:
    first = ask(instructions="Be kind.", tools=(TOOL,), reply_schema=reply_schema_of(Verdict))
    later = ModelRequest(
        instructions=first.instructions,
        tools=first.tools,
        reply_schema=first.reply_schema,
        messages=(*first.messages, AssistantMessage("hi"), UserMessage("and?")),
    )
    bodies = [await body_of(first), await body_of(later)]

    for part in ("system", "tools", "output_config", "thinking"):
        assert bodies[0][part] == bodies[1][part]
    assert bodies[1]["messages"][:1] == bodies[0]["messages"]


async def test_a_shape_is_told_within_what_the_api_accepts() -> None:
    body = await body_of(ask(reply_schema=reply_schema_of(Verdict)))

    told_format = body["output_config"]["format"]
    assert told_format["type"] == "json_schema"
    schema = told_format["schema"]
    assert schema["additionalProperties"] is False
    assert "minimum" not in schema["properties"]["score"]
    assert "minimum: 0" in schema["properties"]["score"]["description"]


async def test_a_shape_that_the_api_cannot_be_told_is_refused_before_it_is_asked() -> None:
    class Anything(BaseModel):
        value: object

    async with served_messages_api([]) as served:
        with pytest.raises(AgentMisconfigured, match="Anything"):
            await told(served.model(), ask(reply_schema=reply_schema_of(Anything)))
        assert not served.requests


async def test_a_search_of_the_web_is_bounded_and_its_answer_not_held_to_a_schema() -> None:
    body = await body_of(ask(web_searches=3, reply_schema=reply_schema_of(Verdict)))

    assert body["tools"] == [{"type": "web_search_20250305", "name": "web_search", "max_uses": 3}]
    assert "output_config" not in body
    assert "Verdict" in body["system"][0]["text"]


@pytest.mark.parametrize(
    ("model", "effort", "thinking", "output"),
    [
        ("claude-opus-5-5", None, {"type": "adaptive", "display": "summarized"}, None),
        ("claude-opus-5-5", "low", {"type": "adaptive", "display": "summarized"}, {"effort": "low"}),
        ("claude-sonnet-4-6", "high", {"type": "adaptive", "display": "summarized"}, {"effort": "high"}),
        ("claude-haiku-4-5-20251001", None, None, None),
        ("claude-haiku-4-5-20251001", "medium", {"type": "enabled", "budget_tokens": 8192}, None),
        ("claude-opus-4-5-20251101", "low", {"type": "enabled", "budget_tokens": 2048}, None),
        ("some-new-name", None, {"type": "adaptive", "display": "summarized"}, None),
    ],
)
async def test_thinking_is_asked_for_in_the_way_the_model_knows(
    model: str, effort: Any, thinking: Json | None, output: Json | None
) -> None:
    body = await body_of(ask(effort=effort), model)

    assert body.get("thinking") == thinking
    assert body.get("output_config") == output


@pytest.mark.parametrize(
    ("model", "chooses"),
    [
        ("claude-3-7-sonnet-20250219", False),
        ("claude-opus-4-20250514", False),
        ("claude-opus-4-1", False),
        ("claude-haiku-4-5-20251001", False),
        ("claude-opus-4-6", True),
        ("claude-sonnet-5", True),
        ("claude-fable-5-2", True),
        ("claude-sonnet-10-20290101", True),
        ("claude-next", True),
    ],
)
def test_models_choose_their_thinking_from_version_4_6_on(model: str, *, chooses: bool) -> None:
    assert chooses_its_thinking(model) is chooses


async def test_thinking_leaves_room_for_the_answer() -> None:
    body = await body_of(ask(effort="high", max_output_tokens=4096), "claude-haiku-4-5")

    assert body["thinking"] == {"type": "enabled", "budget_tokens": 2048}


async def test_an_answer_is_sent_back_as_it_came() -> None:
    """Thinking is signed: changed or left out, the API refuses the conversation."""
    signed = {"type": "thinking", "thinking": "hmm", "signature": "c2lnbmVkIGJ5IHRoZSBmYWtl"}
    async with served_messages_api([Reply((Thinking("hmm"), Text("hello"))), say("again")]) as served:
        model = served.model()
        stop = (await told(model))[-1]
        assert isinstance(stop, Stopped)
        answer = AssistantMessage("hello", (), stop.echo)
        await told(model, ModelRequest(messages=(UserMessage("hello"), answer, UserMessage("and?"))))

        sent = served.requests[1].body.messages[1].blocks
    assert sent == [signed, {"type": "text", "text": "hello"}]


# ---- answers


async def test_a_search_of_the_web_is_told_with_its_sources() -> None:
    use: Json = {"type": "server_tool_use", "id": "srvtoolu_1", "name": "web_search", "input": {}}
    page = {"type": "web_search_result", "url": "https://a.example", "title": "A", "encrypted_content": "x"}
    found = {"type": "web_search_tool_result", "tool_use_id": "srvtoolu_1", "content": [page]}
    cites = {
        "type": "web_search_result_location",
        "url": "https://a.example",
        "title": "A",
        "cited_text": "far",
        "encrypted_index": "y",
    }
    deltas = await deltas_of(
        started(),
        *block(0, use, *({"type": "input_json_delta", "partial_json": piece} for piece in ('{"query":', '"moon"}'))),
        *block(1, found),
        *block(
            2,
            {"type": "text", "text": "", "citations": []},
            {"type": "text_delta", "text": "It is far."},
            {"type": "citations_delta", "citation": cites},
        ),
        *ended(server_tool_use={"web_search_requests": 1, "web_fetch_requests": 0}),
    )  # fmt: skip

    begun = ProviderToolStarted("srvtoolu_1", "web_search", '{"query":"moon"}')
    assert deltas[1:3] == [CallPreparing("web_search"), begun], "what was told as used before it is not all of it"
    assert ProviderToolEnded("srvtoolu_1", "web_search", ok=True, output="A — https://a.example") in deltas
    assert Cited(Source("https://a.example", "A", "far")) in deltas
    stop = deltas[-1]
    assert isinstance(stop, Stopped)
    assert isinstance(stop.echo, list)
    assert stop.echo[0] == {**use, "input": {"query": "moon"}}
    assert stop.echo[1] == found
    assert stop.echo[2] == {"type": "text", "text": "It is far.", "citations": [cites]}


async def test_a_search_that_failed_says_so() -> None:
    failed = {"type": "web_search_tool_result_error", "error_code": "max_uses_exceeded"}
    found = {"type": "web_search_tool_result", "tool_use_id": "srvtoolu_1", "content": failed}

    deltas = await deltas_of(started(), *block(0, found), *ended())

    assert (
        ProviderToolEnded("srvtoolu_1", "web_search", ok=False, output="The search failed: max_uses_exceeded") in deltas
    )


async def test_a_turn_that_is_paused_says_so() -> None:
    stop = (await deltas_of(started(), *ended("pause_turn")))[-1]

    assert isinstance(stop, Stopped)
    assert stop.reason == "paused"


async def test_tokens_are_priced_by_what_they_were() -> None:
    counts: list[tuple[str, TokenCount]] = []

    def price_of(model: str, count: TokenCount) -> float:
        counts.append((model, count))
        return count.output_tokens * 1.0

    cached = {"ephemeral_5m_input_tokens": 3, "ephemeral_1h_input_tokens": 4}
    deltas = await deltas_of(
        started(cache_read_input_tokens=100, cache_creation_input_tokens=7, cache_creation=cached),
        *ended(server_tool_use={"web_search_requests": 2, "web_fetch_requests": 0}),
        price_of=price_of,
    )

    assert counts[-1] == (
        "claude-test-5-1",
        TokenCount(
            input_tokens=10,
            cache_read_tokens=100,
            cache_write_tokens=3,
            cache_write_1h_tokens=4,
            output_tokens=20,
            web_searches=2,
        ),
    )
    used = [delta for delta in deltas if isinstance(delta, Used)]
    assert [(u.input_tokens, u.output_tokens, u.cost_usd) for u in used] == [(117, 1, 1.0), (0, 19, 19.0)]


async def test_a_call_whose_input_comes_at_once_is_read() -> None:
    use: Json = {"type": "tool_use", "id": "toolu_1", "name": "look", "input": {"at": "moon"}}

    deltas = await deltas_of(started(), *block(0, use), *ended("tool_use"))

    assert CallReady(ToolCall("toolu_1", "look", '{"at":"moon"}')) in deltas


async def test_a_call_whose_input_is_no_json_is_handed_over_as_it_is() -> None:
    use: Json = {"type": "tool_use", "id": "toolu_1", "name": "look", "input": {}}
    broken = {"type": "input_json_delta", "partial_json": '{"at": mo'}

    deltas = await deltas_of(started(), *block(0, use, broken), *ended("tool_use"))

    assert CallReady(ToolCall("toolu_1", "look", '{"at": mo')) in deltas


@pytest.mark.parametrize(
    "odd",
    [
        {"type": "message_start"},
        {"type": "message_start", "message": {}},
        {"type": "message_delta"},
        {"type": "message_delta", "delta": {"stop_reason": "end_turn"}},
        {"type": "message_delta", "delta": {"stop_reason": "a new one"}, "usage": {}},
        {"type": "content_block_start", "index": 5},
        {"type": "content_block_start", "index": 5, "content_block": {"type": "tool_use"}},
        {"type": "content_block_delta", "index": 0, "delta": {"type": "text_delta"}},
        {"type": "content_block_delta", "index": 0, "delta": {"type": "text_delta", "text": None}},
        {"type": "content_block_delta", "index": 0, "delta": {"type": "thinking_delta", "thinking": "x"}},
        {"type": "content_block_stop"},
    ],
)
async def test_events_of_an_odd_shape_are_survived(odd: Json) -> None:
    [start, *rest] = block(0, {"type": "text", "text": ""}, {"type": "text_delta", "text": "hello"})

    deltas = await deltas_of(started(), start, odd, *rest, *ended())

    assert text_of(deltas) == "hello"
    assert isinstance(deltas[-1], Stopped)


async def test_an_answer_whose_usage_is_not_told_is_still_an_answer() -> None:
    start: Json = {"type": "message_start", "message": MESSAGE}

    deltas = await deltas_of(start, *block(0, {"type": "text", "text": "hello"}), *ended())

    assert TextDelta("hello") in deltas


# ---- failures


@pytest.mark.parametrize(
    ("error", "kind"), [("overloaded_error", ProviderOverloaded), ("rate_limit_error", RateLimited)]
)
async def test_an_error_in_the_middle_of_a_stream_is_the_error_it_names(error: str, kind: type[Exception]) -> None:
    async with served_messages_api([CutStream(say(LONG), after=24, error=error)]) as served:
        failure = await failure_of(served.model())

    assert type(failure) is kind
    assert failure.partial == LONG[:24]


async def test_no_capacity_has_a_status_of_its_own() -> None:
    async with served_messages_api([Status(529)]) as served:
        assert type(await failure_of(served.model())) is ProviderOverloaded


@pytest.mark.parametrize(
    "answer", [Status(413, "too large"), Reply((Text("so"),), stop_reason="model_context_window_exceeded")]
)
async def test_a_conversation_can_be_too_long_in_other_ways(answer: Any) -> None:
    async with served_messages_api([answer]) as served:
        assert type(await failure_of(served.model())) is ContextOverflowed


@pytest.fixture
def no_login(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """A home directory in which nobody has logged in."""
    monkeypatch.setenv("HOME", str(tmp_path))


@pytest.mark.usefixtures("no_login")
async def test_without_a_key_it_says_which_variable_to_set() -> None:
    async with served_messages_api([]) as served:
        failure = await failure_of(served.model(key=None))

    assert type(failure) is NotLoggedIn
    assert failure.message == "The Messages API needs a key, and none is set."
    assert "ANTHROPIC_API_KEY" in failure.recovery[0]


@pytest.mark.usefixtures("no_login")
async def test_a_login_that_cannot_be_read_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ANTHROPIC_PROFILE", "work")
    async with served_messages_api([]) as served:
        failure = await failure_of(served.model(key=None))

    assert type(failure) is NotLoggedIn
    assert "work" in failure.message
    assert "ANTHROPIC_API_KEY" in failure.recovery[0]


async def test_the_key_of_the_environment_is_used_and_not_shown(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ANTHROPIC_API_KEY", "sk-planted-in-the-environment")
    async with served_messages_api([Status(401, "sk-planted-in-the-environment is wrong")]) as served:
        failure = await failure_of(served.model(key=None))
        assert served.requests[0].headers["authorization"] == "Bearer sk-planted-in-the-environment"

    assert failure.message == "The Messages API says: *** is wrong"


async def test_nobody_who_is_cancelled_waits_for_the_sdk(monkeypatch: pytest.MonkeyPatch) -> None:
    importing, imported = anyio.Event(), threading.Event()
    loop = asyncio.get_running_loop()

    def connect(_: AnthropicModel) -> None:
        loop.call_soon_threadsafe(importing.set)
        imported.wait(5)

    monkeypatch.setattr(AnthropicModel, "_connect", connect)
    try:
        with anyio.fail_after(4):
            async with anyio.create_task_group() as tasks:
                tasks.start_soon(told, AnthropicModel("claude-test-5"))
                await importing.wait()
                tasks.cancel_scope.cancel()
        assert not imported.is_set()
    finally:
        imported.set()


def test_a_model_is_made_without_importing_the_sdk() -> None:
    program = (
        "import sys\n"
        "from agents.models.anthropic_api import AnthropicModel\n"
        "from agents.model_agent import ModelAgent\n"
        "AnthropicModel('claude-test-5')\n"
        "print(*sorted({'anthropic', 'httpx', 'httpx2', 'bs4', 'markdownify'} & set(sys.modules)))"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, timeout=30)

    assert done.stdout.strip() == "", done.stdout
    assert done.returncode == 0, done.stderr
