"""What servers make of the Chat Completions protocol."""

from typing import Any

import pytest

from agents.agent import Source
from agents.errors import ModelNotFound, ModelRefused, NotLoggedIn, RateLimited, StreamCut
from agents.json_fields import JsonObject
from agents.models.answer_reader import ErrorTold
from agents.models.api_access import ApiAccess
from agents.models.chat_request import Dialect, body_of
from agents.models.chat_stream import ChatReader
from agents.models.deltas import (
    CallPreparing,
    CallReady,
    Cited,
    Delta,
    Retrying,
    Stopped,
    TextDelta,
    ThinkingDelta,
    Used,
)
from agents.models.model import TokenCount, unknown_price
from agents.models.openai_compatible import ChatModel, compatible_access, openrouter_model
from agents.models.reply_shape import read_reply
from agents.models.request import (
    AssistantMessage,
    ModelRequest,
    ReplySchema,
    ToolCall,
    ToolResult,
    ToolResults,
    UserMessage,
)
from agents.models.retrying import RetryingModel
from tests.agents.models.model_contract import KEY, WEATHER, ask, failure_of, told
from tests.agents.models.served_provider import access_to
from tests.fakes.messages_script import CutStream, Malformed, Reply, Status, Text, Thinking, say
from tests.fakes.openai_api import ChatCompletions
from tests.fakes.provider_api import provider_api

OPENROUTER = Dialect(effort=True, schema_beside_tools=True, reports_cost=True)
SHAPE = ReplySchema(
    name="Weather", schema={"type": "object", "properties": {"sky": {"type": "string"}}, "required": ["sky"]}
)


def chunk(finish: str | None = None, /, **delta: Any) -> JsonObject:
    return {"model": "m", "choices": [{"index": 0, "delta": delta, "finish_reason": finish}]}


def read(*chunks: JsonObject) -> list[Delta]:
    reader = ChatReader("asked", unknown_price)
    deltas = [delta for one in chunks for delta in reader.read(one)]
    return [*deltas, *reader.finish()]


def calls_of(deltas: list[Delta]) -> list[ToolCall]:
    return [delta.call for delta in deltas if isinstance(delta, CallReady)]


# ---- answers


@pytest.mark.parametrize("name", ["reasoning", "reasoning_content"])
def test_reasoning_is_read_under_either_name(name: str) -> None:
    assert ThinkingDelta("hmm") in read(chunk(**{name: "hmm"}), chunk("stop", content="hello"))


def test_reasoning_that_comes_under_both_names_is_told_once() -> None:
    deltas = read(chunk(reasoning="hmm", reasoning_content="hmm"), chunk("stop", content="hello"))

    assert deltas.count(ThinkingDelta("hmm")) == 1


def test_a_call_that_comes_whole_and_without_an_index_is_a_call() -> None:
    first = {"id": "a", "function": {"name": "weather", "arguments": '{"place":"A"}'}}
    second = {"id": "b", "function": {"name": "weather", "arguments": '{"place":"B"}'}}

    calls = calls_of(read(chunk("stop", tool_calls=[first, second])))

    assert [(call.call_id, call.arguments) for call in calls] == [("a", '{"place":"A"}'), ("b", '{"place":"B"}')]


def test_two_calls_under_one_index_are_two_calls() -> None:
    first = {"index": 0, "id": "a", "function": {"name": "weather", "arguments": "{}"}}
    second = {"index": 0, "id": "b", "function": {"name": "weather", "arguments": "{}"}}

    assert len(calls_of(read(chunk(tool_calls=[first]), chunk("tool_calls", tool_calls=[second])))) == 2


def test_a_call_whose_arguments_are_an_object_is_a_call() -> None:
    one = {"index": 0, "id": "a", "function": {"name": "weather", "arguments": {"place": "A"}}}

    assert calls_of(read(chunk("tool_calls", tool_calls=[one])))[0].arguments == '{"place":"A"}'


def test_a_call_without_an_id_gets_one() -> None:
    one = {"index": 0, "function": {"name": "weather", "arguments": "{}"}}

    assert calls_of(read(chunk("tool_calls", tool_calls=[one])))[0].call_id == "call_0"


def test_an_answer_with_calls_called_tools_whatever_its_end_says() -> None:
    one = {"index": 0, "id": "a", "function": {"name": "weather", "arguments": "{}"}}
    deltas = read(chunk("stop", tool_calls=[one]))

    assert CallPreparing("weather") in deltas
    assert isinstance(deltas[-1], Stopped)
    assert deltas[-1].reason == "called_tools"


def test_a_call_that_the_limit_cut_off_is_not_made() -> None:
    one = {"index": 0, "id": "a", "function": {"name": "weather", "arguments": '{"pla'}}
    deltas = read(chunk("length", tool_calls=[one]))

    assert calls_of(deltas) == []
    assert isinstance(deltas[-1], Stopped)
    assert deltas[-1].reason == "output_limit"


def test_a_refusal_in_words_is_an_error_with_these_words() -> None:
    with pytest.raises(ModelRefused, match="I cannot help"):
        read(chunk(refusal="I cannot "), chunk("stop", refusal="help with that"))


def test_a_citation_is_told() -> None:
    citation = {"type": "url_citation", "url_citation": {"url": "https://a.example", "title": "A", "content": "so"}}

    assert Cited(Source("https://a.example", "A", "so")) in read(chunk("stop", content="x", annotations=[citation]))


# ---- what was used


def used_of(usage: JsonObject, price: float | None = None) -> Used:
    reader = ChatReader("asked", lambda _model, _count: price)
    list(reader.read(chunk("stop", content="hello")))
    list(reader.read({"choices": [], "usage": usage}))
    [used] = [delta for delta in reader.finish() if isinstance(delta, Used)]
    return used


def test_cached_tokens_are_counted_once_and_priced_apart() -> None:
    counts: list[TokenCount] = []

    def price_of(_model: str, count: TokenCount) -> None:
        counts.append(count)

    reader = ChatReader("asked", price_of)
    usage: JsonObject = {
        "prompt_tokens": 100,
        "completion_tokens": 7,
        "prompt_tokens_details": {"cached_tokens": 60, "cache_write_tokens": 10},
    }
    list(reader.read({**chunk("stop", content="hello"), "usage": usage}))
    list(reader.finish())

    assert counts == [TokenCount(input_tokens=30, cache_read_tokens=60, cache_write_tokens=10, output_tokens=7)]
    assert used_of(usage).input_tokens == 100


def test_the_cost_that_the_server_tells_counts() -> None:
    assert used_of({"prompt_tokens": 1, "completion_tokens": 1, "cost": 0.25}, price=9.0).cost_usd == 0.25


def test_a_server_that_does_not_tell_what_was_used_leaves_the_cost_unknown() -> None:
    assert used_of({}, price=9.0).cost_usd is None


SPENT: JsonObject = {"prompt_tokens": 5, "completion_tokens": 2, "cost": 0.5}
BOOM: JsonObject = {"error": {"message": "boom"}}


def use_of_failed(*chunks: JsonObject) -> Used | None:
    """What is told of the use of an answer whose last chunk is an error."""
    reader = ChatReader("asked", unknown_price)
    for one in chunks[:-1]:
        list(reader.read(one))
    with pytest.raises(ErrorTold):
        list(reader.read(chunks[-1]))
    return reader.use_of_a_broken_answer()


@pytest.mark.parametrize("finish", [None, "error", "stop"])
def test_an_error_costs_what_comes_with_it(finish: str | None) -> None:
    used = use_of_failed(chunk(finish, content="hi"), {**BOOM, "usage": SPENT})

    assert used == Used(model="m", input_tokens=5, output_tokens=2, cost_usd=0.5)


def test_an_error_costs_what_was_told_before_it() -> None:
    used = use_of_failed(chunk("stop", content="hi"), {"choices": [], "usage": SPENT}, BOOM)

    assert used == Used(model="m", input_tokens=5, output_tokens=2, cost_usd=0.5)


@pytest.mark.parametrize("finish", [None, "error", "stop"])
def test_what_an_error_has_cost_that_does_not_say_it_is_unknown(finish: str | None) -> None:
    used = use_of_failed(chunk(finish, content="hi"), BOOM)

    assert used == Used(model="m", input_tokens=0, output_tokens=0, cost_usd=None)


def test_an_error_before_anything_began_costs_nothing_unless_it_says_so() -> None:
    assert use_of_failed(BOOM) is None
    assert use_of_failed({**BOOM, "usage": SPENT}) == Used(model="asked", input_tokens=5, output_tokens=2, cost_usd=0.5)


def test_an_answer_whose_use_was_told_costs_no_more_when_it_was_a_refusal() -> None:
    reader = ChatReader("asked", unknown_price)
    list(reader.read({**chunk("content_filter", content="hi"), "usage": SPENT}))

    with pytest.raises(ModelRefused):
        list(reader.finish())

    assert reader.use_of_a_broken_answer() is None


def test_what_an_answer_that_broke_off_has_cost_is_unknown_though_it_counted_so_far() -> None:
    reader = ChatReader("asked", unknown_price)
    list(reader.read({**chunk(content="hi"), "usage": SPENT}))

    assert reader.use_of_a_broken_answer() == Used(model="m", input_tokens=5, output_tokens=2, cost_usd=None)


def test_usage_in_every_chunk_counts_once() -> None:
    first: JsonObject = {"prompt_tokens": 5, "completion_tokens": 1}
    last: JsonObject = {"prompt_tokens": 5, "completion_tokens": 9}
    deltas = read({**chunk(content="a"), "usage": first}, {**chunk("stop", content="b"), "usage": last})

    assert [(u.input_tokens, u.output_tokens) for u in deltas if isinstance(u, Used)] == [(5, 9)]


# ---- requests


def test_instructions_and_shape_are_told_in_words_and_the_shape_by_schema() -> None:
    body: Any = body_of("m", ask(instructions="Be brief.", reply_schema=SHAPE), Dialect())

    assert body["messages"][0]["role"] == "system"
    assert body["messages"][0]["content"].startswith("Be brief.")
    assert '"sky"' in body["messages"][0]["content"]
    assert body["response_format"]["json_schema"]["strict"] is True
    assert body["response_format"]["json_schema"]["schema"]["additionalProperties"] is False
    assert body["stream_options"] == {"include_usage": True}


def test_a_server_that_cannot_do_both_is_not_asked_for_a_schema_beside_tools() -> None:
    request = ask(reply_schema=SHAPE, tools=(WEATHER,))

    assert "response_format" not in body_of("m", request, Dialect())
    assert "response_format" in body_of("m", request, OPENROUTER)


def test_effort_is_told_where_it_is_understood() -> None:
    assert "reasoning" not in body_of("m", ask(effort="high"), Dialect())
    assert body_of("m", ask(effort="high"), OPENROUTER)["reasoning"] == {"effort": "high"}


def test_arguments_that_are_no_json_are_not_sent_back() -> None:
    answer = AssistantMessage("", (ToolCall("a", "weather", '{"pla'),))
    results = ToolResults((ToolResult("a", "no JSON", ok=False),))
    body: Any = body_of("m", ModelRequest(messages=(UserMessage("hi"), answer, results)), Dialect())

    assert body["messages"][1]["tool_calls"][0]["function"]["arguments"] == "{}"
    assert body["messages"][2]["content"] == "The call failed: no JSON"


def test_what_a_server_needs_back_is_in_the_echo() -> None:
    call = {
        "index": 0,
        "id": "a",
        "function": {"name": "weather", "arguments": "{}"},
        "extra_content": {"google": {"thought_signature": "c2lnbmVk"}},
    }
    detail = {"type": "reasoning.encrypted", "data": "c2VhbGVk"}
    deltas = read(chunk(reasoning_content="hmm", reasoning_details=[detail]), chunk("tool_calls", tool_calls=[call]))

    assert isinstance(deltas[-1], Stopped)
    echo: Any = deltas[-1].echo
    assert echo["tool_calls"][0]["extra_content"] == call["extra_content"]
    assert echo["reasoning_details"] == [detail]
    assert echo["reasoning_content"] == "hmm"


# ---- over the wire


@pytest.mark.anyio
async def test_openrouters_comments_and_errors_in_the_middle_are_understood() -> None:
    script = [CutStream(say("one two three"), after=7, error="rate_limit_exceeded")]
    async with provider_api(ChatCompletions(), script) as api:
        model = openrouter_model("maker/m", access_to(api.url))
        failure = await failure_of(model)
        await model.aclose()

    assert type(failure) is RateLimited
    assert failure.partial == "one two"
    assert failure.retry_safe


@pytest.mark.anyio
async def test_an_answer_is_whole_even_if_the_server_hangs_up_before_it_told_what_was_used() -> None:
    events = 'data: {"choices":[{"delta":{"content":"hello"},"finish_reason":"stop"}]}\n\n'
    async with provider_api(ChatCompletions(), [Malformed(events)]) as api:
        model = ChatModel("m", access_to(api.url))
        deltas = await told(model)
        await model.aclose()

    assert TextDelta("hello") in deltas
    assert isinstance(deltas[-1], Stopped)


@pytest.mark.anyio
async def test_an_answer_without_an_end_is_cut() -> None:
    events = 'data: {"choices":[{"delta":{"content":"hello"},"finish_reason":null}]}\n\ndata: [DONE]\n\n'
    async with provider_api(ChatCompletions(), [Malformed(events)]) as api:
        model = ChatModel("m", access_to(api.url))
        failure = await failure_of(model)
        await model.aclose()

    assert type(failure) is StreamCut
    assert failure.partial == "hello"


@pytest.mark.anyio
async def test_a_server_of_ones_own_is_asked_without_a_key() -> None:
    async with provider_api(ChatCompletions(base="/v1"), [say("hello")]) as api:
        model = ChatModel("qwen3", compatible_access({"OPENAI_BASE_URL": f"{api.url}/v1/"}))
        await told(model)
        await model.aclose()

    assert "authorization" not in api.headers[0]
    assert api.bodies[0]["model"] == "qwen3"


@pytest.mark.anyio
async def test_a_rate_limit_is_told_and_the_request_repeated_when_the_provider_says() -> None:
    slept: list[float] = []

    async def sleep(seconds: float) -> None:
        slept.append(seconds)

    async with provider_api(ChatCompletions(), [Status(429, retry_after=8), say("hello")]) as api:
        model = RetryingModel(ChatModel("m", access_to(api.url)), sleep=sleep)
        deltas = await told(model)
        await model.aclose()

    assert deltas[0] == Retrying(reason="rate_limit", message="rate limited, next try in 8 s", seconds=8.0)
    assert slept == [8.0]
    assert isinstance(deltas[-1], Stopped)


@pytest.mark.anyio
async def test_a_wrong_path_is_said_to_be_possible_where_nothing_is_found() -> None:
    async with provider_api(ChatCompletions(base="/v1"), []) as api:
        model = ChatModel("m", access_to(api.url))
        failure = await failure_of(model)
        await model.aclose()

    assert type(failure) is ModelNotFound
    assert failure.recovery[1] == "or correct TEST_BASE_URL: of its path nothing may be missing, such as /v1"


@pytest.mark.anyio
async def test_half_a_character_in_the_conversation_is_replaced() -> None:
    async with provider_api(ChatCompletions(), [say("hello")]) as api:
        model = ChatModel("m", access_to(api.url))
        await told(model, ask("the file caf\udce9 of 1 €"))
        await model.aclose()

    assert api.requests[0].prompt == "the file caf? of 1 €"


@pytest.mark.anyio
async def test_the_key_is_sent_without_the_line_break_it_was_copied_with() -> None:
    async with provider_api(ChatCompletions(), [say("hello")]) as api:
        model = ChatModel("m", access_to(api.url, key=f"{KEY}\n"))
        await told(model)
        await model.aclose()

    assert api.headers[0]["authorization"] == f"Bearer {KEY}"


@pytest.mark.anyio
@pytest.mark.parametrize("key", ["sk-\N{EN DASH}0123456789", "sk-0123\n456789", ""])
async def test_what_cannot_be_a_key_is_not_sent(key: str) -> None:
    model = ChatModel("m", access_to("http://127.0.0.1:9", key=key))
    failure = await failure_of(model)
    await model.aclose()

    assert type(failure) is NotLoggedIn
    assert "TEST_API_KEY" in " ".join([failure.message, *failure.recovery])
    assert not key or key not in failure.message


@pytest.mark.anyio
@pytest.mark.parametrize("address", ["", "localhost:11434", "ftp://a.example", "http://localhost:port"])
async def test_an_address_that_is_none_is_a_mistake_of_the_set_up(address: str) -> None:
    access = ApiAccess(
        provider="The server", base_url=address, key_variable="K", address_variable="OPENAI_BASE_URL", needs_key=False
    )
    model = ChatModel("m", access)
    failure = await failure_of(model)
    await model.aclose()

    assert failure.kind == "agent_misconfigured"
    assert failure.recovery == ("Correct OPENAI_BASE_URL",)


@pytest.mark.anyio
async def test_a_shape_can_be_asked_for_and_read() -> None:
    from pydantic import BaseModel

    class Weather(BaseModel):
        sky: str

    reply = Reply((Thinking("hmm"), Text('{"sky":"grey"}')))
    async with provider_api(ChatCompletions("reasoning"), [reply]) as api:
        model = ChatModel("m", access_to(api.url))
        deltas = await told(model, ask(reply_schema=SHAPE))
        await model.aclose()

    text = "".join(delta.text for delta in deltas if isinstance(delta, TextDelta))
    assert read_reply(text, Weather) == Weather(sky="grey")
