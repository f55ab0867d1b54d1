"""A model whose passing failures are repeated; the clock is the test's."""

from collections.abc import Sequence

import anyio
import anyio.lowlevel
import pytest

from agents.errors import (
    AgentError,
    BillingRefused,
    ProviderOverloaded,
    ProviderUnreachable,
    RateLimited,
    ReplyInvalid,
    StreamCut,
)
from agents.models.deltas import AskedAgain, Delta, Retrying, Stopped, TextDelta, ThinkingDelta
from agents.models.retrying import RetryingModel, RetryPolicy
from tests.agents.models.model_contract import KEY, ask, failure_of, told
from tests.agents.models.test_anthropic_contract import served_messages_api
from tests.fakes.messages_script import CutStream, Status, say
from tests.fakes.model import FakeModel, Part, says

pytestmark = pytest.mark.anyio


class Clock:
    """Time that passes when somebody waits."""

    def __init__(self) -> None:
        self.waits: list[float] = []

    async def sleep(self, seconds: float) -> None:
        self.waits.append(seconds)
        await anyio.lowlevel.checkpoint()


def retrying(turns: Sequence[tuple[Part, ...]], clock: Clock, policy: RetryPolicy | None = None) -> RetryingModel:
    fake = FakeModel(list(turns))
    return RetryingModel(fake, policy or RetryPolicy(), sleep=clock.sleep, jitter=lambda: 0.0)


def retries(deltas: Sequence[Delta]) -> list[Retrying]:
    return [delta for delta in deltas if isinstance(delta, Retrying)]


async def test_an_answer_that_comes_at_once_is_passed_on() -> None:
    deltas = await told(retrying([says("hello")], Clock()))

    assert TextDelta("hello") in deltas
    assert not retries(deltas)


async def test_a_rate_limit_is_waited_for_as_long_as_the_provider_asks() -> None:
    clock = Clock()

    deltas = await told(retrying([(RateLimited("slow down", retry_after_seconds=8.0),), says("hello")], clock))

    assert deltas[0] == Retrying(reason="rate_limit", message="rate limited, next try in 8 s", seconds=8.0)
    assert deltas[1] == AskedAgain(2)
    assert clock.waits == [8.0]
    assert isinstance(deltas[-1], Stopped)


async def test_the_wait_is_told_before_it_begins() -> None:
    clock = Clock()
    model = retrying([(RateLimited("slow down"),), says("hello")], clock)

    stream = model.stream(ask())
    first = await anext(stream)

    assert isinstance(first, Retrying)
    assert clock.waits == []
    await stream.aclose()


async def test_waits_double_up_to_a_bound() -> None:
    clock = Clock()
    busy: tuple[Part, ...] = (ProviderOverloaded("busy"),)
    policy = RetryPolicy(retries=4, first_seconds=1.0, longest_seconds=3.0)

    await told(retrying([busy, busy, busy, busy, says("hello")], clock, policy))

    assert clock.waits == [1.0, 2.0, 3.0, 3.0]


async def test_waits_differ_so_that_not_all_come_back_at_once() -> None:
    clock = Clock()
    fake = FakeModel([(ProviderOverloaded("busy"),), says("hello")])

    await told(RetryingModel(fake, RetryPolicy(first_seconds=1.0), sleep=clock.sleep, jitter=lambda: 1.0))

    assert clock.waits == [0.75]


async def test_what_was_told_of_an_answer_that_broke_off_is_void() -> None:
    cut: tuple[Part, ...] = (ThinkingDelta("hm"), TextDelta("hel"), StreamCut("cut", partial="hel"))

    deltas = await told(retrying([cut, says("hello")], Clock()))

    assert [retry.void_characters for retry in retries(deltas)] == [5]
    assert retries(deltas)[0].message == "stream cut, next try in 1 s"
    assert retries(deltas)[0].reason == "retry"


async def test_it_gives_up_after_so_many_and_raises_the_last_failure() -> None:
    clock = Clock()
    failures: list[tuple[Part, ...]] = [(ProviderUnreachable(f"failure {number}"),) for number in range(3)]

    failure = await failure_of(retrying(failures, clock, RetryPolicy(retries=2)))

    assert failure.message == "failure 2"
    assert len(clock.waits) == 2


@pytest.mark.parametrize("failure", [BillingRefused("no credit"), ReplyInvalid("no shape")])
async def test_what_does_not_pass_is_not_repeated(failure: AgentError) -> None:
    clock = Clock()

    assert await failure_of(retrying([(failure,)], clock)) is failure
    assert not clock.waits


async def test_a_wait_that_is_too_long_is_a_failure_at_once() -> None:
    clock = Clock()

    failure = await failure_of(retrying([(RateLimited("tomorrow", retry_after_seconds=86_400.0),)], clock))

    assert failure.message == "tomorrow"
    assert not clock.waits


async def test_a_cancelled_wait_asks_nothing_more() -> None:
    waiting = anyio.Event()

    async def wait_for_ever(_: float) -> None:
        waiting.set()
        await anyio.sleep_forever()

    fake = FakeModel([(RateLimited("slow down"),)])
    model = RetryingModel(fake, sleep=wait_for_ever)
    with anyio.fail_after(5):
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(told, model)
            await waiting.wait()
            tasks.cancel_scope.cancel()
    assert len(fake.requests) == 1


async def test_a_rate_limit_of_a_real_provider_is_survived() -> None:
    clock = Clock()
    async with served_messages_api([Status(429, retry_after=8), CutStream(say("hello there")), say("hello")]) as served:
        deltas = await told(RetryingModel(served.model(), sleep=clock.sleep))

    assert retries(deltas)[0].message == "rate limited, next try in 8 s"
    assert retries(deltas)[1].void_characters > 0
    assert deltas[-1] == Stopped(reason="answered", echo=[{"type": "text", "text": "hello"}])
    assert KEY not in repr(deltas)


def test_it_is_the_model_it_repeats() -> None:
    fake = FakeModel([])

    assert RetryingModel(fake).name == "fake:model"
    assert RetryingModel(fake).abilities == fake.abilities
