"""What every `Model` promises, against a loopback server that speaks its provider's wire format.

A provider's tests subclass `ModelContract` and say how to serve it. The scripts are those of the fake Messages API
(`tests.fakes.messages_script`); a fake of another wire format plays the same ones.
"""

import traceback
from collections.abc import AsyncGenerator, Callable, Sequence
from contextlib import AbstractAsyncContextManager, aclosing
from typing import Any, ClassVar, Protocol

import anyio
import anyio.lowlevel
import pytest
from anyio.abc import TaskGroup

from agents.errors import (
    AgentError,
    BillingRefused,
    ContextOverflowed,
    ModelNotFound,
    ModelRefused,
    NotLoggedIn,
    ProviderFailed,
    ProviderOverloaded,
    ProviderTimedOut,
    ProviderUnreachable,
    RateLimited,
    RequestRejected,
    ResponseMalformed,
    StreamCut,
)
from agents.models.deltas import CallPreparing, CallReady, Delta, Stopped, TextDelta, ThinkingDelta, ThinkingEnded, Used
from agents.models.model import Model, PriceOf, TokenCount, unknown_price
from agents.models.request import (
    AssistantMessage,
    ModelRequest,
    ToolCall,
    ToolOffer,
    ToolResult,
    ToolResults,
    UserMessage,
)
from tests.fakes.messages_script import (
    Answer,
    CutStream,
    Halted,
    Malformed,
    Reply,
    Script,
    Silent,
    Slow,
    Status,
    Text,
    Thinking,
    ToolUse,
    say,
)
from tests.stopped_clock import stopped_clock

KEY = "sk-planted-0123456789abcdef"
"""The key every model of these tests has; it must not show anywhere."""
LONG = "one two three four five six seven eight nine ten eleven twelve"
WEATHER = ToolOffer(
    name="weather",
    description="The weather of a place.",
    input_schema={"type": "object", "properties": {"place": {"type": "string"}}, "required": ["place"]},
)


class Served(Protocol):
    """A fake provider that is up."""

    @property
    def client_gone(self) -> anyio.Event:
        """Set when a client has hung up on an answer that stood still."""
        ...

    @property
    def requests(self) -> Sequence[object]:
        """What it was asked so far."""
        ...

    @property
    def counted(self) -> tuple[int, int]:
        """Input and output tokens of all answers that were sent to their end."""
        ...

    def model(
        self, *, key: str = KEY, silent_seconds: float = 5.0, url: str = "", price_of: PriceOf = unknown_price
    ) -> Model:
        """A model that asks this fake, or whatever is at `url`; one attempt for each request."""
        ...


Serve = Callable[[Script | Sequence[Answer]], AbstractAsyncContextManager[Served]]


def ask(text: str = "hello", **more: Any) -> ModelRequest:
    return ModelRequest(messages=(UserMessage(text),), **more)


async def told(model: Model, request: ModelRequest | None = None) -> list[Delta]:
    """Everything a model says to a request."""
    with anyio.fail_after(5):
        async with aclosing(model.stream(request or ask())) as deltas:
            return [delta async for delta in deltas]


def text_of(deltas: Sequence[Delta]) -> str:
    return "".join(delta.text for delta in deltas if isinstance(delta, TextDelta))


async def failure_of(model: Model) -> AgentError:
    with pytest.raises(AgentError) as failure:
        await told(model)
    return failure.value


class Listener:
    """Reads a stream in a task of its own and can be waited for."""

    def __init__(self, deltas: AsyncGenerator[Delta, None]) -> None:
        self.heard: list[Delta] = []
        self._deltas = deltas
        self._news = anyio.Event()

    async def listen(self) -> None:
        async with aclosing(self._deltas):
            async for delta in self._deltas:
                self.heard.append(delta)
                self._news.set()
                self._news = anyio.Event()

    async def until_text(self, text: str) -> None:
        with anyio.fail_after(5):
            while text not in text_of(self.heard):
                await self._news.wait()


@pytest.mark.anyio
class ModelContract:
    """Subclass it, name the class `Test...`, and say how to serve the provider."""

    serve: ClassVar[Serve]
    """Brings the provider's fake up."""
    overflow: ClassVar[Answer]
    """How the provider says that a conversation is too long."""

    # ---- answers

    async def test_text_is_told_before_the_answer_ends(self) -> None:
        go_on = anyio.Event()
        async with type(self).serve([Slow(say(LONG), {24: go_on})]) as served:
            listener = Listener(served.model().stream(ask()))
            async with anyio.create_task_group() as tasks:
                tasks.start_soon(listener.listen)
                await listener.until_text(LONG[:24])
                assert not any(isinstance(delta, Stopped) for delta in listener.heard)
                go_on.set()

        assert text_of(listener.heard) == LONG
        assert listener.heard[-1].__class__ is Stopped

    async def test_an_answer_comes_in_pieces_and_whole(self) -> None:
        async with type(self).serve([Reply((Text(LONG),), piece=5)]) as served:
            deltas = await told(served.model())

        assert text_of(deltas) == LONG
        assert len([delta for delta in deltas if isinstance(delta, TextDelta)]) > 5

    async def test_an_answer_ends_with_one_stop(self) -> None:
        async with type(self).serve([say("hello")]) as served:
            deltas = await told(served.model())

        stops = [delta for delta in deltas if isinstance(delta, Stopped)]
        assert [stop.reason for stop in stops] == ["answered"]
        assert deltas[-1] is stops[0]

    async def test_thinking_is_told_apart_from_text(self) -> None:
        async with type(self).serve([Reply((Thinking("hmm, let me see"), Text("hello")))]) as served:
            deltas = await told(served.model())

        thinking = [delta for delta in deltas if isinstance(delta, ThinkingDelta | ThinkingEnded)]
        assert "".join(delta.text for delta in thinking if isinstance(delta, ThinkingDelta)) == "hmm, let me see"
        assert isinstance(thinking[-1], ThinkingEnded)
        assert deltas.index(thinking[-1]) < deltas.index(TextDelta("hello"))

    async def test_what_was_used_adds_up_to_what_the_provider_counted(self) -> None:
        async with type(self).serve([say(LONG)]) as served:
            used = [delta for delta in await told(served.model()) if isinstance(delta, Used)]

            assert (sum(u.input_tokens for u in used), sum(u.output_tokens for u in used)) == served.counted
            assert all(u.model for u in used)

    async def test_the_cost_of_a_model_without_a_price_is_unknown(self) -> None:
        async with type(self).serve([say(LONG)]) as served:
            used = [delta for delta in await told(served.model()) if isinstance(delta, Used)]

        assert [u.cost_usd for u in used] == [None] * len(used)

    async def test_the_cost_adds_up_to_the_price_of_all_tokens(self) -> None:
        def price_of(_model: str, count: TokenCount) -> float:
            return count.all_input_tokens * 3.0 + count.output_tokens * 15.0

        async with type(self).serve([say(LONG)]) as served:
            used = [delta for delta in await told(served.model(price_of=price_of)) if isinstance(delta, Used)]
            read, written = served.counted

        assert sum(u.cost_usd or 0.0 for u in used) == pytest.approx(read * 3.0 + written * 15.0)

    async def test_an_answer_that_is_cut_off_by_the_limit_says_so(self) -> None:
        async with type(self).serve([Reply((Text("and then"),), stop_reason="max_tokens")]) as served:
            last = (await told(served.model()))[-1]

        assert isinstance(last, Stopped)
        assert last.reason == "output_limit"

    async def test_kinds_of_events_that_nobody_knows_are_left_out(self) -> None:
        async with type(self).serve([Reply((Text("hello"),), unheard_of=True)]) as served:
            deltas = await told(served.model())

        assert text_of(deltas) == "hello"
        assert isinstance(deltas[-1], Stopped)

    async def test_nothing_is_asked_before_the_first_delta_is_wanted(self) -> None:
        async with type(self).serve([say("hello")]) as served:
            deltas = served.model().stream(ask())
            await anyio.lowlevel.checkpoint()
            assert not served.requests
            await deltas.aclose()

    async def test_one_model_answers_two_requests_at_once(self) -> None:
        both_asked = anyio.Event()
        asked = 0

        async def script(_request: object) -> Answer:
            nonlocal asked
            asked += 1
            if asked == 2:
                both_asked.set()
            await both_asked.wait()
            return say("hello")

        answers: list[str] = []

        async def one(model: Model) -> None:
            answers.append(text_of(await told(model)))

        async with type(self).serve(script) as served:
            model = served.model()
            async with anyio.create_task_group() as tasks:
                tasks.start_soon(one, model)
                tasks.start_soon(one, model)

        assert answers == ["hello", "hello"]

    # ---- tools

    async def test_a_tool_call_is_announced_and_handed_over_whole(self) -> None:
        async with type(self).serve([Reply((ToolUse("weather", {"place": "Łódź"}),), piece=3)]) as served:
            deltas = await told(served.model(), ask(tools=(WEATHER,)))

        assert CallPreparing("weather") in deltas
        [ready] = [delta for delta in deltas if isinstance(delta, CallReady)]
        assert (ready.call.tool, ready.call.arguments) == ("weather", '{"place":"Łódź"}')
        assert isinstance(deltas[-1], Stopped)
        assert deltas[-1].reason == "called_tools"

    async def test_two_calls_of_one_answer_have_ids_of_their_own(self) -> None:
        reply = Reply((Text("Both."), ToolUse("weather", {"place": "A"}), ToolUse("weather", {"place": "B"})))
        async with type(self).serve([reply]) as served:
            deltas = await told(served.model(), ask(tools=(WEATHER,)))

        calls = [delta.call for delta in deltas if isinstance(delta, CallReady)]
        assert [call.arguments for call in calls] == ['{"place":"A"}', '{"place":"B"}']
        assert len({call.call_id for call in calls}) == 2

    async def test_the_conversation_goes_on_with_a_tools_result(self) -> None:
        seen: list[tuple[str, str]] = []

        def script(request: Any) -> Answer:
            seen.extend((result.tool, result.text) for result in request.tool_results)
            return say("rain") if request.tool_results else Reply((ToolUse("weather", {"place": "A"}),))

        async with type(self).serve(script) as served:
            model = served.model()
            first = await told(model, ask(tools=(WEATHER,)))
            await told(model, _continued(first, "it rains"))

        assert seen == [("weather", "it rains")]

    async def test_an_earlier_answer_is_understood_without_its_echo(self) -> None:
        seen: list[tuple[str, str]] = []

        def script(request: Any) -> Answer:
            seen.extend((result.tool, result.text) for result in request.tool_results)
            return say("rain")

        call = ToolCall("call_1", "weather", '{"place":"A"}')
        conversation = (
            UserMessage("hello"),
            AssistantMessage("I look.", (call,)),
            ToolResults((ToolResult("call_1", "it rains"),)),
        )
        async with type(self).serve(script) as served:
            await told(served.model(), ModelRequest(messages=conversation, tools=(WEATHER,)))

        assert seen == [("weather", "it rains")]

    # ---- hanging up

    async def test_cancelling_closes_the_connection_at_once(self) -> None:
        async with type(self).serve([Halted(say(LONG), 24)]) as served:
            listener = Listener(served.model().stream(ask()))
            async with anyio.create_task_group() as tasks:
                tasks.start_soon(listener.listen)
                await listener.until_text(LONG[:24])
                await _cancelled_and_gone(tasks, served)

    async def test_cancelling_before_the_first_word_closes_the_connection_at_once(self) -> None:
        async with type(self).serve([Silent()]) as served:
            listener = Listener(served.model().stream(ask()))
            async with anyio.create_task_group() as tasks:
                tasks.start_soon(listener.listen)
                await _asked(served)
                await _cancelled_and_gone(tasks, served)

    async def test_closing_the_stream_early_closes_the_connection_at_once(self) -> None:
        async with type(self).serve([Halted(say(LONG), 24)]) as served:
            deltas = served.model().stream(ask())
            with anyio.fail_after(5):
                async for delta in deltas:
                    if isinstance(delta, TextDelta):
                        break
            with stopped_clock(), anyio.fail_after(5):
                await deltas.aclose()
                await served.client_gone.wait()

    # ---- failures

    async def test_a_cut_stream_keeps_what_was_received_and_may_be_asked_for_again(self) -> None:
        async with type(self).serve([CutStream(say(LONG), after=24)]) as served:
            failure = await failure_of(served.model())

        assert type(failure) is StreamCut
        assert failure.partial == LONG[:24]
        assert failure.retry_safe

    async def test_what_a_cut_stream_has_cost_is_unknown(self) -> None:
        async with type(self).serve([CutStream(say(LONG), after=24)]) as served:
            listener = Listener(served.model(price_of=lambda _, __: 1.0).stream(ask()))
            with anyio.fail_after(5), pytest.raises(StreamCut):
                await listener.listen()

        used = [delta for delta in listener.heard if isinstance(delta, Used)]
        assert used[-1].cost_usd is None

    @pytest.mark.parametrize(
        ("status", "kind", "blame", "retry_safe"),
        [
            (400, RequestRejected, "provider", False),
            (401, NotLoggedIn, "setup", False),
            (402, BillingRefused, "setup", False),
            (403, NotLoggedIn, "setup", False),
            (404, ModelNotFound, "setup", False),
            (429, RateLimited, "provider", True),
            (500, ProviderFailed, "provider", True),
            (503, ProviderOverloaded, "provider", True),
        ],
    )
    async def test_a_status_is_an_error_of_its_own(
        self, status: int, kind: type[AgentError], blame: str, *, retry_safe: bool
    ) -> None:
        async with type(self).serve([Status(status, "because of the moon")]) as served:
            failure = await failure_of(served.model())

        assert type(failure) is kind
        assert (failure.blame, failure.retry_safe) == (blame, retry_safe)
        assert failure.recovery
        assert "because of the moon" in failure.message

    async def test_how_long_to_wait_is_passed_on(self) -> None:
        async with type(self).serve([Status(429, retry_after=8)]) as served:
            failure = await failure_of(served.model())

        assert isinstance(failure, RateLimited)
        assert failure.retry_after_seconds == 8.0

    async def test_a_conversation_that_is_too_long_is_the_callers_fault(self) -> None:
        async with type(self).serve([self.overflow]) as served:
            failure = await failure_of(served.model())

        assert type(failure) is ContextOverflowed
        assert failure.blame == "caller"

    async def test_a_refusal_is_an_error(self) -> None:
        async with type(self).serve([Reply((Text("I would rather"),), stop_reason="refusal")]) as served:
            failure = await failure_of(served.model())

        assert type(failure) is ModelRefused
        assert failure.partial == "I would rather"

    async def test_silence_before_the_first_word_is_a_time_out(self) -> None:
        async with type(self).serve([Silent()]) as served:
            failure = await failure_of(served.model(silent_seconds=0.05))

        assert type(failure) is ProviderTimedOut

    async def test_silence_in_the_middle_is_a_time_out_that_keeps_what_came(self) -> None:
        async with type(self).serve([Halted(say(LONG), 24)]) as served:
            failure = await failure_of(served.model(silent_seconds=0.1))

        assert type(failure) is ProviderTimedOut
        assert failure.partial == LONG[:24]

    async def test_nobody_at_home_is_unreachable(self) -> None:
        async with type(self).serve([]) as served:
            failure = await failure_of(served.model(url="http://127.0.0.1:9"))

        assert type(failure) is ProviderUnreachable

    @pytest.mark.parametrize(
        "answer",
        [
            pytest.param(Malformed(), id="an event that is no JSON"),
            pytest.param(Malformed("<html>Please log in</html>", "text/html"), id="a login page"),
            pytest.param(Malformed(""), id="nothing"),
        ],
    )
    async def test_an_answer_that_is_none_is_malformed(self, answer: Answer) -> None:
        async with type(self).serve([answer]) as served:
            failure = await failure_of(served.model())

        assert type(failure) is ResponseMalformed

    @pytest.mark.parametrize("status", [400, 401, 429, 500])
    async def test_a_key_that_the_provider_repeats_is_not_shown(self, status: int) -> None:
        async with type(self).serve([Status(status, f"the key {KEY} is no good")]) as served:
            failure = await failure_of(served.model())

        assert KEY not in "".join(traceback.format_exception(failure))
        assert KEY not in repr(failure)
        assert KEY not in " ".join(failure.recovery)

    async def test_the_key_is_in_no_delta_and_not_in_the_model(self) -> None:
        async with type(self).serve([say("hello")]) as served:
            model = served.model()
            assert KEY not in repr(await told(model))
            assert KEY not in repr(model)
            assert KEY not in model.name

    async def test_it_can_be_closed_twice(self) -> None:
        async with type(self).serve([say("hello")]) as served:
            model = served.model()
            await told(model)
            with anyio.fail_after(5):
                await model.aclose()
                await model.aclose()


def _continued(first: Sequence[Delta], output: str) -> ModelRequest:
    """The conversation after an answer that calls one tool."""
    [call] = [delta.call for delta in first if isinstance(delta, CallReady)]
    stop = first[-1]
    assert isinstance(stop, Stopped)
    answer = AssistantMessage(text_of(first), (call,), stop.echo)
    results = ToolResults((ToolResult(call.call_id, output),))
    return ModelRequest(messages=(UserMessage("hello"), answer, results), tools=(WEATHER,))


async def _cancelled_and_gone(tasks: TaskGroup, served: Served) -> None:
    """Cancel whoever reads, and see the connection closed before any time has passed."""
    tasks.cancel_scope.cancel()
    with stopped_clock(), anyio.fail_after(5, shield=True):
        await served.client_gone.wait()


async def _asked(served: Served) -> None:
    """Wait until the fake has been asked something."""
    with anyio.fail_after(5):
        while not served.requests:
            await anyio.lowlevel.checkpoint()
