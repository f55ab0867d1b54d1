"""The agent over a model: what it does with what the model says, and what it says itself."""

import asyncio
from collections.abc import AsyncGenerator, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import anyio
import anyio.lowlevel
import pytest
from pydantic import BaseModel

from agents.agent import AgentReply, Source, Usage
from agents.conversation.conversation import REPLY_ATTEMPTS
from agents.conversation.task_tools import ModelTools
from agents.errors import (
    AgentMisconfigured,
    CostLimitReached,
    ModelRefused,
    RateLimited,
    ReplyCutOff,
    ReplyInvalid,
    ResponseMalformed,
    StreamCut,
    TimeLimitReached,
    TurnLimitReached,
)
from agents.events import (
    AgentSaid,
    Progressed,
    StreamWithdrawn,
    TextStreamed,
    ThinkingStreamed,
    Thought,
    ToolEnded,
    ToolStarted,
    UsageReported,
    Waiting,
)
from agents.model_agent import ModelAgent
from agents.models.deltas import (
    AskedAgain,
    CallReady,
    Cited,
    Delta,
    ProviderToolEnded,
    ProviderToolStarted,
    Retrying,
    Stopped,
    TextDelta,
    ThinkingDelta,
    ThinkingEnded,
    Used,
)
from agents.models.model import Abilities
from agents.models.request import AssistantMessage, ModelRequest, ToolCall, UserMessage
from agents.models.retrying import RetryingModel
from tests.agents.model_agent_play import Play, run_no_command
from tests.fakes.model import FakeModel, Part, calls, says

pytestmark = pytest.mark.anyio


class Person(BaseModel):
    name: str
    age: int


# ---- answering


async def test_the_reply_is_what_the_model_says(tmp_path: Path) -> None:
    play = Play(tmp_path, says("hello ", TextDelta("you")))

    assert (await play.run()).text == "hello you"
    assert play.heard(TextStreamed) == [TextStreamed(text="hello "), TextStreamed(text="you")]


async def test_instructions_and_prompt_are_told_apart(tmp_path: Path) -> None:
    play = Play(tmp_path, says("hello"))

    await play.run(instructions="Be kind.", prompt="/help @file")

    [request] = play.model.requests
    assert request.instructions == "Be kind."
    assert request.messages == (UserMessage("/help @file"),)


async def test_it_says_what_it_runs_on_and_that_it_waits_for_the_model(tmp_path: Path) -> None:
    play = Play(tmp_path, says("hello"))
    play.model.abilities = replace(play.model.abilities, max_output_tokens=8_000)

    await play.run()

    assert play.said[:2] == [
        Progressed(message="works on fake:model", details={"model": "fake:model", "max_tokens": 8_000}),
        Waiting(reason="model", message="waiting for fake:model"),
    ]


async def test_thinking_is_streamed_and_then_told_whole(tmp_path: Path) -> None:
    play = Play(tmp_path, (ThinkingDelta("hm"), ThinkingDelta("m"), ThinkingEnded(), TextDelta("hello")))

    await play.run()

    assert play.said[2:5] == [ThinkingStreamed(text="hm"), ThinkingStreamed(text="m"), Thought(text="hmm")]


async def test_thinking_whose_end_is_not_told_ends_where_text_begins(tmp_path: Path) -> None:
    play = Play(tmp_path, (ThinkingDelta("hm"), TextDelta("hello")))

    await play.run()

    assert play.said[3:5] == [Thought(text="hm"), TextStreamed(text="hello")]


async def test_usage_is_reported_as_it_comes_and_adds_up_to_the_replys(tmp_path: Path) -> None:
    play = Play(tmp_path, calls("Nothing"), says("hello", cost_usd=0.02))

    reply = await play.run()

    reported = play.heard(UsageReported)
    assert reported == [
        UsageReported(model="model", input_tokens=10, output_tokens=5, cost_usd=0.01),
        UsageReported(model="model", input_tokens=10, output_tokens=5, cost_usd=0.02),
    ]
    assert reply.usage == Usage(20, 10, 0.03)


async def test_an_unknown_cost_stays_unknown(tmp_path: Path) -> None:
    reply = await Play(tmp_path, calls("Nothing"), says("hello", cost_usd=None)).run()

    assert reply.usage.cost_usd is None
    assert reply.usage.known_cost_usd == 0.01


async def test_sources_are_data_of_the_reply(tmp_path: Path) -> None:
    source = Source("https://example.org", "Example", "a passage")
    play = Play(tmp_path, says("hello", Cited(source), Cited(source)))

    assert (await play.run()).sources == (source,)


async def test_a_search_of_the_provider_is_told_like_a_tool(tmp_path: Path) -> None:
    started = ProviderToolStarted("s1", "web_search", '{"query":"moon"}')
    play = Play(tmp_path, says("hello", started, ProviderToolEnded("s1", "web_search", ok=True, output="The moon")))

    await play.run(web=True)

    [begin, end] = play.heard(ToolStarted, ToolEnded)
    assert begin == ToolStarted(tool="web_search", call_id="s1", input={"query": "moon"})
    assert isinstance(end, ToolEnded)
    assert (end.call_id, end.ok, end.output) == ("s1", True, "The moon")


async def test_a_search_that_goes_on_after_a_pause_is_one_call(tmp_path: Path) -> None:
    begun = ProviderToolStarted("s1", "web_search", "{}")
    ended = ProviderToolEnded("s1", "web_search", ok=True, output="The moon")
    play = Play(tmp_path, (begun, Stopped(reason="paused", echo=["e"])), says("hello", ended))

    await play.run(web=True)

    [start, end] = play.heard(ToolStarted, ToolEnded)
    assert isinstance(start, ToolStarted)
    assert isinstance(end, ToolEnded)
    assert start.call_id == end.call_id
    assert end.seconds > 0


async def test_a_paused_turn_goes_on_where_it_stopped(tmp_path: Path) -> None:
    play = Play(tmp_path, (TextDelta("one, "), Stopped(reason="paused", echo=["e"])), says("two"))

    assert (await play.run()).text == "one, two"
    assert play.model.requests[1].messages[1:] == (AssistantMessage("one, ", (), ["e"]),)


async def test_an_answer_that_is_cut_off_is_an_error_that_keeps_it(tmp_path: Path) -> None:
    play = Play(tmp_path, (TextDelta("and then"), Stopped(reason="output_limit")))

    with pytest.raises(ReplyCutOff) as failure:
        await play.run()
    assert failure.value.partial == "and then"


# ---- instructions that are added


async def test_an_added_instruction_is_read_with_the_next_request(tmp_path: Path) -> None:
    added: asyncio.Queue[str] = asyncio.Queue()
    taken = anyio.Event()

    async def next_instruction() -> str:
        if added.empty() and added_once.is_set():
            taken.set()  # it is asked for again, so the first one has arrived
        text = await added.get()
        added_once.set()
        return text

    async def add() -> None:
        added.put_nowait("in French, please")
        await taken.wait()

    added_once = anyio.Event()
    play = Play(tmp_path, (TextDelta("hello"), add), says("bonjour"))

    reply = await play.run(next_instruction=next_instruction)

    assert reply.text == "bonjour"
    assert play.model.requests[1].messages[1:] == (AssistantMessage("hello"), UserMessage("in French, please"))


async def test_what_the_source_of_instructions_raises_comes_out_as_it_is(tmp_path: Path) -> None:
    async def next_instruction() -> str:
        raise LookupError("the line is dead")

    with pytest.raises(LookupError, match="the line is dead"):
        await Play(tmp_path, (TextDelta("hello"), anyio.sleep_forever)).run(next_instruction=next_instruction)


async def test_an_error_of_the_model_comes_out_as_it_is_while_instructions_are_awaited(tmp_path: Path) -> None:
    async def next_instruction() -> str:
        await anyio.sleep_forever()
        raise AssertionError

    with pytest.raises(StreamCut):
        await Play(tmp_path, (StreamCut("cut"),)).run(next_instruction=next_instruction)


# ---- typed replies


async def test_a_typed_reply_is_an_instance_of_its_model(tmp_path: Path) -> None:
    play = Play(tmp_path, says('{"name":"Ada","age":36}'))

    reply = await play.run(reply_model=Person)

    assert reply.data == Person(name="Ada", age=36)
    schema = play.model.requests[0].reply_schema
    assert schema is not None
    assert schema.name == "Person"


async def test_a_code_fence_around_a_typed_reply_is_taken_off(tmp_path: Path) -> None:
    reply = await Play(tmp_path, says('Here:\n```json\n{"name":"Ada","age":36}\n```\n')).run(reply_model=Person)

    assert reply.data == Person(name="Ada", age=36)


async def test_a_reply_of_another_shape_is_asked_for_again_with_the_reason(tmp_path: Path) -> None:
    play = Play(tmp_path, says('{"name":"Ada"}'), says('{"name":"Ada","age":36}'))

    reply = await play.run(reply_model=Person)

    assert reply.data == Person(name="Ada", age=36)
    again = play.model.requests[1].messages[-1]
    assert isinstance(again, UserMessage)
    assert "age: Field required" in again.text
    assert Progressed(message="the reply does not have the shape Person; it is asked for again") in play.said


async def test_a_reply_that_never_fits_is_given_up(tmp_path: Path) -> None:
    play = Play(tmp_path, *[says("no")] * REPLY_ATTEMPTS)

    with pytest.raises(ReplyInvalid, match="Person") as failure:
        await play.run(reply_model=Person)
    assert len(play.model.requests) == REPLY_ATTEMPTS
    assert failure.value.retry_safe


async def test_the_shape_is_told_in_words_where_the_provider_cannot_hold_to_it(tmp_path: Path) -> None:
    play = Play(tmp_path, says('{"name":"Ada","age":36}'))
    play.model.abilities = Abilities(tools=True, reply_schema=False, web_search=False)

    await play.run(reply_model=Person, instructions="Be kind.")

    [request] = play.model.requests
    assert request.reply_schema is None
    assert request.instructions.startswith("Be kind.\n\nYour final answer is exactly one JSON value")


async def test_an_empty_answer_is_not_sent_back(tmp_path: Path) -> None:
    play = Play(tmp_path, (), says('{"name":"Ada","age":36}'))

    await play.run(reply_model=Person)

    assert not any(isinstance(message, AssistantMessage) for message in play.model.requests[1].messages)


# ---- limits


async def test_no_request_is_made_when_the_money_is_spent(tmp_path: Path) -> None:
    play = Play(tmp_path, calls("Nothing", text="I try."), says("never said"))

    with pytest.raises(CostLimitReached) as failure:
        await play.run(max_cost_usd=0.01)
    assert len(play.model.requests) == 1
    assert failure.value.partial == "I try."


async def test_a_limit_that_an_unknown_price_makes_void_is_said_to_be_so_once(tmp_path: Path) -> None:
    unknown: tuple[Part, ...] = (
        CallReady(ToolCall("a", "Nothing", "{}")),
        Used(model="m", input_tokens=1, output_tokens=1, cost_usd=None),
    )
    play = Play(tmp_path, unknown, unknown, says("hello"))

    await play.run(max_cost_usd=5.0)

    words = "what fake:model costs is not known in full, so max_cost_usd cannot hold it back"
    assert play.heard(Progressed)[1:] == [Progressed(message=words)]


async def with_retries(play: Play, **limits: float) -> AgentReply:
    """Run the agent on a model that repeats what fails, without waiting."""
    model = RetryingModel(play.model, sleep=lambda _: anyio.lowlevel.checkpoint())
    with anyio.fail_after(5):
        return await ModelAgent(model, play.tools).run(play.task(**limits), play.said.append)


async def test_a_retry_is_not_made_when_the_money_is_spent(tmp_path: Path) -> None:
    spent = Used(model="model", input_tokens=10, output_tokens=5, cost_usd=1.0)
    cut: tuple[Part, ...] = (TextDelta("hel"), spent, StreamCut("cut", partial="hel"))
    play = Play(tmp_path, cut, cut)

    with pytest.raises(CostLimitReached) as failure:
        await with_retries(play, max_cost_usd=1.0)
    assert len(play.model.requests) == 1
    assert [said.cost_usd for said in play.said if isinstance(said, UsageReported)] == [1.0]
    assert failure.value.partial == "hel"
    assert not play.heard(StreamWithdrawn)
    assert not [said for said in play.said if isinstance(said, Waiting) and said.reason == "retry"]


async def test_what_the_attempts_of_an_answer_cost_adds_up_to_the_limit(tmp_path: Path) -> None:
    cut: tuple[Part, ...] = (Used(model="m", input_tokens=1, output_tokens=0, cost_usd=0.4), StreamCut("cut"))
    play = Play(tmp_path, calls("Nothing"), cut, cut, cut, cut)

    with pytest.raises(CostLimitReached, match=r"\$0\.81 of max_cost_usd 0\.80"):
        await with_retries(play, max_cost_usd=0.8)
    assert len(play.model.requests) == 3


async def test_a_retry_is_no_round_of_the_role(tmp_path: Path) -> None:
    retrying = Retrying(reason="retry", message="stream cut, next try in 1 s", seconds=1.0)
    play = Play(tmp_path, says("hel", retrying, AskedAgain(2), TextDelta("hello")))

    assert (await play.run(max_turns=1, max_cost_usd=1.0)).text == "hello"


async def test_no_request_is_made_beyond_the_rounds_of_the_role(tmp_path: Path) -> None:
    play = Play(tmp_path, calls("Nothing"), calls("Nothing"), says("never said"))

    with pytest.raises(TurnLimitReached, match="2 rounds"):
        await play.run(max_turns=2)
    assert len(play.model.requests) == 2


async def test_the_time_limit_ends_the_stream_and_keeps_what_was_said(tmp_path: Path) -> None:
    play = Play(tmp_path, (TextDelta("hello"), anyio.sleep_forever))

    with pytest.raises(TimeLimitReached, match="max_seconds") as failure:
        await play.run(max_seconds=0.05)
    assert failure.value.partial == "hello"
    assert play.model.closed == 1


async def test_what_an_answer_has_cost_that_the_time_limit_ends_is_unknown(tmp_path: Path) -> None:
    told = Used(model="model-5", input_tokens=10, output_tokens=1, cost_usd=0.01)
    play = Play(tmp_path, (told, TextDelta("hello"), anyio.sleep_forever))

    with pytest.raises(TimeLimitReached):
        await play.run(max_seconds=0.05)
    assert play.heard(UsageReported) == [
        UsageReported(model="model-5", input_tokens=10, output_tokens=1, cost_usd=0.01),
        UsageReported(model="model-5", input_tokens=0, output_tokens=0, cost_usd=None),
    ]


@pytest.mark.parametrize(
    "before",
    [
        (),
        (TextDelta("hel"), Retrying(reason="retry", message="m", seconds=1.0)),
        (TextDelta("hel"), Retrying(reason="retry", message="m", seconds=1.0), AskedAgain(2)),
        (TextDelta("hello"), Stopped(reason="answered")),
    ],
    ids=["before it begins", "while a retry is waited for", "before it begins again", "after its end"],
)
async def test_an_answer_that_is_not_left_in_its_middle_costs_what_was_told(
    tmp_path: Path, before: tuple[Part, ...]
) -> None:
    play = Play(tmp_path, (*before, anyio.sleep_forever))

    with pytest.raises(TimeLimitReached):
        await play.run(max_seconds=0.05)
    assert not play.heard(UsageReported)


async def test_an_unknown_cost_of_an_answer_is_told_once(tmp_path: Path) -> None:
    unknown = Used(model="model", input_tokens=0, output_tokens=0, cost_usd=None)
    play = Play(tmp_path, (TextDelta("hello"), unknown, anyio.sleep_forever))

    with pytest.raises(TimeLimitReached):
        await play.run(max_seconds=0.05)
    assert len(play.heard(UsageReported)) == 1


async def test_a_model_that_fails_has_told_what_that_cost(tmp_path: Path) -> None:
    play = Play(tmp_path, (*says("I would rather"), ModelRefused("no")))

    with pytest.raises(ModelRefused):
        await play.run()
    assert [said.cost_usd for said in play.said if isinstance(said, UsageReported)] == [0.01]


@pytest.mark.parametrize(
    ("limits", "error"),
    [
        ({"max_turns": 0}, TurnLimitReached),
        ({"max_cost_usd": 0.0}, CostLimitReached),
        ({"max_seconds": 0.0}, TimeLimitReached),
        ({"access": "read", "workspace": Path("/nowhere/at/all")}, AgentMisconfigured),
    ],
)
async def test_what_cannot_work_is_refused_before_anything_is_asked(
    tmp_path: Path, limits: Mapping[str, Any], error: type[Exception]
) -> None:
    play = Play(tmp_path)

    with pytest.raises(error):
        await play.run(**limits)
    assert not play.said


# ---- failures


async def test_a_retry_takes_back_what_was_shown_and_says_how_long_it_waits(tmp_path: Path) -> None:
    retrying = Retrying(reason="rate_limit", message="rate limited, next try in 8 s", seconds=8.0, void_characters=3)
    cut = CallReady(ToolCall("x", "Read", "{}"))
    play = Play(tmp_path, (TextDelta("hel"), cut, retrying, TextDelta("hello"), Stopped(reason="answered")))

    reply = await play.run()

    assert reply.text == "hello"
    assert play.said[3:5] == [
        StreamWithdrawn(reason="the answer broke off", characters=3),
        Waiting(reason="rate_limit", message="rate limited, next try in 8 s"),
    ]
    assert not play.heard(ToolStarted)


async def test_a_search_that_a_retry_cuts_off_has_failed_and_ends_once(tmp_path: Path) -> None:
    begun = ProviderToolStarted("s1", "web_search", "{}")
    retrying = Retrying(reason="retry", message="stream cut, next try in 1 s", seconds=1.0, void_characters=3)
    late = ProviderToolEnded("s1", "web_search", ok=True, output="")
    play = Play(tmp_path, (TextDelta("hel"), begun, retrying, AskedAgain(2), late, TextDelta("hello")))

    await play.run(web=True)

    started, ended, withdrawn = play.heard(ToolStarted, ToolEnded, StreamWithdrawn)
    assert isinstance(started, ToolStarted)
    assert isinstance(ended, ToolEnded)
    assert (ended.tool, ended.call_id) == (started.tool, started.call_id)
    assert (ended.ok, ended.output) == (False, "the answer broke off")
    assert ended.seconds > 0
    assert isinstance(withdrawn, StreamWithdrawn)


async def test_a_retry_leaves_a_search_of_an_earlier_answer_open(tmp_path: Path) -> None:
    begun = ProviderToolStarted("s1", "web_search", "{}")
    retrying = Retrying(reason="retry", message="stream cut, next try in 1 s", seconds=1.0)
    ended = ProviderToolEnded("s1", "web_search", ok=True, output="The moon")
    paused = (begun, Stopped(reason="paused", echo=["e"]))
    play = Play(tmp_path, paused, says("hello", retrying, AskedAgain(2), ended, TextDelta("hello")))

    await play.run(web=True)

    [end] = play.heard(ToolEnded)
    assert isinstance(end, ToolEnded)
    assert (end.ok, end.output) == (True, "The moon")


async def test_an_answer_that_does_not_say_how_it_ended_is_an_error(tmp_path: Path) -> None:
    class Mumbling(FakeModel):
        async def stream(self, request: ModelRequest) -> AsyncGenerator[Delta, None]:
            self.requests.append(request)
            yield TextDelta("hm")

    play = Play(tmp_path)
    play.model = Mumbling([])

    with pytest.raises(ResponseMalformed) as failure:
        await play.run()
    assert failure.value.partial == "hm"


async def test_a_failure_keeps_all_that_was_said_and_may_be_tried_again(tmp_path: Path) -> None:
    play = Play(tmp_path, calls("Nothing", text="I look."), (TextDelta("It is"), StreamCut("cut", partial="It is")))

    with pytest.raises(StreamCut) as failure:
        await play.run()
    assert failure.value.partial == "I look.\n\nIt is"
    assert failure.value.retry_safe


async def test_a_task_that_has_changed_something_must_not_simply_be_tried_again(tmp_path: Path) -> None:
    play = Play(tmp_path, calls("Write", '{"file_path":"x","content":""}'), (RateLimited("too much"),))

    with pytest.raises(RateLimited) as failure:
        await play.run(access="write")
    assert not failure.value.retry_safe
    assert RateLimited("another").retry_safe


async def test_a_cancelled_task_closes_the_stream(tmp_path: Path) -> None:
    play = Play(tmp_path, (TextDelta("hello"), anyio.sleep_forever))
    heard = anyio.Event()

    def listen(said: AgentSaid) -> None:
        if isinstance(said, TextStreamed):
            heard.set()

    running = asyncio.create_task(ModelAgent(play.model, play.tools).run(play.task(), listen))
    with anyio.fail_after(5):
        await heard.wait()
        running.cancel()
        with pytest.raises(asyncio.CancelledError):
            await running
    assert play.model.closed == 1


async def test_what_a_cancelled_answer_has_cost_is_unknown(tmp_path: Path) -> None:
    begun = anyio.Event()

    async def hang() -> None:
        begun.set()
        await anyio.sleep_forever()

    play = Play(tmp_path, (TextDelta("hello"), hang))
    running = asyncio.create_task(play.run())
    with anyio.fail_after(5):
        await begun.wait()
        running.cancel()
        with pytest.raises(asyncio.CancelledError):
            await running
    assert play.heard(UsageReported) == [
        UsageReported(model="fake:model", input_tokens=0, output_tokens=0, cost_usd=None)
    ]


async def test_a_listener_that_raises_does_not_cost_the_work(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    def raises(_: AgentSaid) -> None:
        raise ZeroDivisionError

    play = Play(tmp_path, says("hello"))
    reply = await ModelAgent(play.model, play.tools).run(play.task(), raises)

    assert reply.text == "hello"
    assert len(caplog.records) == 1


async def test_its_name_is_the_models() -> None:
    agent = ModelAgent(FakeModel([]), ModelTools(run_command=run_no_command))

    assert agent.name == "fake:model"
    assert not agent.offline
