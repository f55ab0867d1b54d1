"""What is particular to the Responses protocol, at OpenAI and at Perplexity."""

from typing import Any

import pytest

from agents.agent import Source
from agents.errors import BillingRefused, ModelRefused, ProviderFailed, RequestRejected
from agents.json_fields import JsonObject
from agents.models import openai_responses, perplexity
from agents.models.answer_reader import ErrorTold
from agents.models.deltas import (
    CallReady,
    Cited,
    Delta,
    ProviderToolEnded,
    ProviderToolStarted,
    Stopped,
    TextDelta,
    ThinkingDelta,
    Used,
)
from agents.models.model import TokenCount
from agents.models.openai_responses import OpenAIModel
from agents.models.perplexity import PerplexityModel
from agents.models.request import AssistantMessage, ModelRequest, ReplySchema, ToolResult, ToolResults, UserMessage
from agents.models.responses_stream import ResponsesReader
from tests.agents.models.model_contract import WEATHER, ask, failure_of, text_of, told
from tests.agents.models.served_provider import access_to
from tests.fakes.messages_script import Answer, CutStream, Reply, Status, Text, Thinking, ToolUse, say
from tests.fakes.openai_api import Responses
from tests.fakes.perplexity_api import AgentApi, Found
from tests.fakes.provider_api import provider_api

SHAPE = ReplySchema(
    name="Weather", schema={"type": "object", "properties": {"sky": {"type": "string"}}, "required": ["sky"]}
)


def read(*events: JsonObject, price: float | None = None) -> list[Delta]:
    reader = ResponsesReader("asked", lambda _model, _count: price)
    deltas = [delta for event in events for delta in reader.read(event)]
    return [*deltas, *reader.finish()]


def completed(*output: JsonObject, **more: Any) -> JsonObject:
    return {"type": "response.completed", "response": {"model": "m", "output": list(output), **more}}


def message(text: str, *annotations: JsonObject) -> JsonObject:
    part: JsonObject = {"type": "output_text", "text": text, "annotations": list(annotations)}
    return {"type": "message", "id": "m", "content": [part]}


# ---- answers


def test_text_that_comes_in_the_last_event_only_is_told() -> None:
    assert TextDelta("hello") in read(completed(message("hello")))


def test_a_source_is_told_once_however_often_it_is_named() -> None:
    citation: JsonObject = {"type": "url_citation", "url": "https://a.example", "title": "A"}
    added: JsonObject = {"type": "response.output_text.annotation.added", "annotation": citation}
    done: JsonObject = {"type": "response.output_item.done", "item": message("hello", citation)}
    deltas = read({"type": "response.output_text.delta", "delta": "hello"}, added, done, completed())

    assert deltas.count(Cited(Source("https://a.example", "A"))) == 1


def test_a_search_is_told_when_it_begins_and_when_it_ends() -> None:
    added: JsonObject = {"type": "response.output_item.added", "item": {"type": "web_search_call", "id": "ws_1"}}
    action: JsonObject = {"type": "search", "query": "rain in Wales"}
    done: JsonObject = {
        "type": "response.output_item.done",
        "item": {"type": "web_search_call", "id": "ws_1", "status": "completed", "action": action},
    }
    deltas = read(added, done, completed(message("It rains.")))

    assert deltas[0] == ProviderToolStarted("ws_1", "web_search", "{}")
    assert deltas[1] == ProviderToolEnded("ws_1", "web_search", ok=True, output="rain in Wales")


def test_what_reasoning_led_to_goes_back_with_it() -> None:
    items: list[JsonObject] = [
        {"type": "reasoning", "id": "r1", "encrypted_content": "c2VhbGVk"},
        {"type": "web_search_call", "id": "ws_1", "status": "completed", "action": {"type": "open_page", "url": "u"}},
        message("hello"),
    ]
    done: list[JsonObject] = [{"type": "response.output_item.done", "item": item} for item in items]
    deltas = read(*done, completed())

    assert isinstance(deltas[-1], Stopped)
    assert deltas[-1].echo == items


def test_searches_are_part_of_what_was_used() -> None:
    counts: list[TokenCount] = []

    def price_of(_model: str, count: TokenCount) -> None:
        counts.append(count)

    reader = ResponsesReader("asked", price_of)
    item: JsonObject = {"type": "web_search_call", "id": "ws_1", "status": "completed"}
    usage: JsonObject = {
        "input_tokens": 50,
        "output_tokens": 5,
        "input_tokens_details": {"cached_tokens": 20, "cache_write_tokens": 10},
    }
    events: list[JsonObject] = [{"type": "response.output_item.done", "item": item}, completed(usage=usage)]
    for event in events:
        list(reader.read(event))
    list(reader.finish())

    assert counts == [
        TokenCount(input_tokens=20, cache_read_tokens=20, cache_write_tokens=10, output_tokens=5, web_searches=1)
    ]


@pytest.mark.parametrize("told", [True, False])
def test_a_failure_costs_what_it_says_and_otherwise_an_unknown_amount(*, told: bool) -> None:
    usage: JsonObject = {"input_tokens": 5, "output_tokens": 2}
    response: JsonObject = {"model": "m", "error": {"message": "boom"}, "usage": usage if told else None}
    reader = ResponsesReader("asked", lambda _model, _count: 0.5)
    list(reader.read({"type": "response.output_text.delta", "delta": "hi"}))
    with pytest.raises(ErrorTold):
        list(reader.read({"type": "response.failed", "response": response}))

    known = Used(model="m", input_tokens=5, output_tokens=2, cost_usd=0.5)
    unknown = Used(model="m", input_tokens=0, output_tokens=0, cost_usd=None)
    assert reader.use_of_a_broken_answer() == (known if told else unknown)


def test_a_refusal_in_words_is_an_error_with_these_words() -> None:
    with pytest.raises(ModelRefused, match="I cannot help"):
        read({"type": "response.refusal.delta", "delta": "I cannot help"}, completed())


def test_reasoning_that_is_not_kept_anywhere_is_not_sent_back() -> None:
    kept: JsonObject = {"type": "reasoning", "id": "r1", "summary": [], "encrypted_content": "c2VhbGVk"}
    lost: JsonObject = {"type": "reasoning", "id": "r2", "summary": []}
    done: list[JsonObject] = [{"type": "response.output_item.done", "item": item} for item in (kept, lost)]
    deltas = read(*done, completed())

    assert isinstance(deltas[-1], Stopped)
    assert deltas[-1].echo == [kept]


@pytest.mark.anyio
@pytest.mark.parametrize(("error", "kind"), [("insufficient_quota", BillingRefused), ("server_error", ProviderFailed)])
async def test_an_error_in_the_middle_keeps_what_came(error: str, kind: type[ProviderFailed]) -> None:
    async with provider_api(Responses(), [CutStream(say("one two three"), after=7, error=error)]) as api:
        model = OpenAIModel("m", access_to(api.url))
        failure = await failure_of(model)
        await model.aclose()

    assert type(failure) is kind
    assert failure.partial == "one two"


# ---- OpenAI's requests


def test_nothing_is_kept_at_openai_and_reasoning_comes_along() -> None:
    body = openai_responses.body_of("m", ask(instructions="Be brief.", effort="low"))

    assert body["store"] is False
    assert body["include"] == ["reasoning.encrypted_content"]
    assert body["reasoning"] == {"summary": "auto", "effort": "low"}
    assert body["instructions"] == "Be brief."


def test_a_shape_and_a_search_are_asked_for_in_openais_way() -> None:
    body: Any = openai_responses.body_of("m", ask(reply_schema=SHAPE, web_searches=3))

    assert body["text"]["format"]["type"] == "json_schema"
    assert body["text"]["format"]["strict"] is True
    assert body["tools"] == [{"type": "web_search"}]
    assert body["max_tool_calls"] == 3


def test_the_limit_of_searches_is_not_put_on_ones_own_tools() -> None:
    body = openai_responses.body_of("m", ask(web_searches=3, tools=(WEATHER,)))

    assert "max_tool_calls" not in body


@pytest.mark.anyio
async def test_what_a_model_does_not_take_is_left_out_and_the_request_sent_again() -> None:
    class NoReasoning(Responses):
        def error(self, status: Status) -> dict[str, Any]:
            told = super().error(status)
            return {"error": {**told["error"], "param": status.type, "code": "unsupported_parameter"}}  # pyright: ignore[reportGeneralTypeIssues] - it is an object

    script: list[Answer] = [
        Status(400, "not with this model", type="reasoning.summary"),
        Status(400, "not with this model", type="include[0]"),
        say("hello"),
    ]
    async with provider_api(NoReasoning(), lambda _: script.pop(0)) as api:
        model = OpenAIModel("gpt-4.1", access_to(api.url))
        deltas = await told(model)
        await model.aclose()

    assert text_of(deltas) == "hello"
    assert [("reasoning" in body, "include" in body) for body in api.bodies] == [
        (True, True),
        (False, True),
        (False, False),
    ]


@pytest.mark.anyio
async def test_what_is_refused_for_another_reason_is_not_sent_again() -> None:
    async with provider_api(Responses(), [Status(400, "no such thing")]) as api:
        model = OpenAIModel("m", access_to(api.url))
        failure = await failure_of(model)
        await model.aclose()

    assert type(failure) is RequestRejected
    assert len(api.bodies) == 1


@pytest.mark.anyio
async def test_signed_reasoning_goes_back_with_the_result_of_a_call() -> None:
    replies: list[Answer] = [Reply((Thinking("hmm"), ToolUse("weather", {"place": "A"}))), say("rain")]
    async with provider_api(Responses(), lambda _: replies.pop(0)) as api:
        model = OpenAIModel("m", access_to(api.url))
        first = await told(model, ask(tools=(WEATHER,)))
        [call] = [delta.call for delta in first if isinstance(delta, CallReady)]
        stop = first[-1]
        assert isinstance(stop, Stopped)
        answer = AssistantMessage("", (call,), stop.echo)
        results = ToolResults((ToolResult(call.call_id, "it rains"),))
        await told(model, ModelRequest(messages=(UserMessage("hello"), answer, results), tools=(WEATHER,)))
        await model.aclose()

    sent: Any = api.bodies[1]["input"]
    assert [item["type"] for item in sent] == ["message", "reasoning", "function_call", "function_call_output"]
    assert sent[1]["encrypted_content"] == "c2VhbGVk"


# ---- Perplexity


@pytest.mark.parametrize(
    ("model", "chosen"),
    [
        ("sonar", {"model": "perplexity/sonar"}),
        ("perplexity/kimi-k3", {"model": "perplexity/kimi-k3"}),
        ("high", {"preset": "high"}),
    ],
)
def test_a_model_has_its_maker_and_a_preset_has_none(model: str, chosen: JsonObject) -> None:
    body = perplexity.body_of(model, ask())

    assert {name: body[name] for name in ("model", "preset") if name in body} == chosen


def test_the_web_is_searched_only_where_the_request_allows_it() -> None:
    assert "tools" not in perplexity.body_of("sonar", ask())
    body: Any = perplexity.body_of("sonar", ask(web_searches=4, tools=(WEATHER,), reply_schema=SHAPE))

    assert [tool["type"] for tool in body["tools"]] == ["function", "web_search", "fetch_url"]
    assert body["max_steps"] == 5
    assert "response_format" in body


@pytest.mark.anyio
async def test_perplexity_tells_its_searches_and_their_sources_as_data() -> None:
    found = (Found("https://a.example", "A", "rain"), Found("https://b.example", "B"))
    wire = AgentApi(("rain in Wales", "rain today"), found, cost_usd=0.0123)
    async with provider_api(wire, [Reply((Text("It rains [1]."),))]) as api:
        model = PerplexityModel("sonar", access_to(api.url))
        deltas = await told(model, ask(web_searches=2))
        await model.aclose()

    assert deltas[0] == ThinkingDelta("I should look this up.")
    [started] = [delta for delta in deltas if isinstance(delta, ProviderToolStarted)]
    [ended] = [delta for delta in deltas if isinstance(delta, ProviderToolEnded)]
    assert started.input == '{"queries":["rain in Wales","rain today"]}'
    assert ended.call_id == started.call_id
    assert ended.output == "A — https://a.example\nB — https://b.example"
    assert [delta.source for delta in deltas if isinstance(delta, Cited)] == [
        Source("https://a.example", "A", "rain"),
        Source("https://b.example", "B"),
    ]
    assert text_of(deltas) == "It rains [1]."
    assert [delta.cost_usd for delta in deltas if isinstance(delta, Used)] == [0.0123]
    assert [delta.model for delta in deltas if isinstance(delta, Used)] == ["perplexity/sonar"]


def test_perplexity_gets_its_answer_back_in_the_form_it_takes() -> None:
    call: JsonObject = {
        "type": "function_call",
        "id": "fc_1",
        "call_id": "c1",
        "name": "weather",
        "arguments": "{}",
        "status": "completed",
        "thought_signature": "c2lnbmVk",
    }
    items: list[JsonObject] = [message("hello"), call, {"type": "search_results"}]
    kept = [perplexity.plain_item(item) for item in items]

    assert kept == [
        {"type": "message", "role": "assistant", "content": "hello"},
        {
            "type": "function_call",
            "call_id": "c1",
            "name": "weather",
            "arguments": "{}",
            "thought_signature": "c2lnbmVk",
        },
        None,
    ]


@pytest.mark.anyio
async def test_an_error_in_perplexitys_stream_is_an_error() -> None:
    async with provider_api(AgentApi(), [CutStream(say("one two three"), after=7, error="whatever")]) as api:
        model = PerplexityModel("sonar", access_to(api.url))
        failure = await failure_of(model)
        await model.aclose()

    assert type(failure) is ProviderFailed
    assert failure.partial == "one two"
