"""A model whose passing failures are repeated, and every wait told: the same for all providers."""

import random
from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import aclosing
from dataclasses import dataclass

import anyio

from agents.errors import ProviderFailed, RateLimited
from agents.models.deltas import AskedAgain, Delta, Retrying, TextDelta, ThinkingDelta
from agents.models.model import Abilities, Model
from agents.models.request import ModelRequest


@dataclass(frozen=True, slots=True, kw_only=True)
class RetryPolicy:
    """How often and after how long a request is repeated.

    Attributes:
        retries: How often at most.
        first_seconds: The wait before the first retry, where the provider names none; it doubles with each.
        longest_seconds: The longest wait that is chosen here.
        longest_asked_seconds: The longest wait that is granted where the provider asks for one; if it asks for more,
            the failure is final.
    """

    retries: int = 5
    first_seconds: float = 1.0
    longest_seconds: float = 30.0
    longest_asked_seconds: float = 120.0


_DEFAULT_POLICY = RetryPolicy()


class RetryingModel:
    """Another model, whose failures are repeated where `AgentError.retry_safe` allows it.

    A request to a model changes nothing, so that an answer that broke off can be asked for again; what was told of it
    is then void (`Retrying.void_characters`), and what it cost stays told.

    Args:
        model: Makes one attempt for every request.
        policy: How often and after how long.
        sleep: Waits so many seconds; tests bring their own clock.
        jitter: A number from 0 to 1; the wait is shorter by a quarter of it, so that not all come back at once.
    """

    def __init__(
        self,
        model: Model,
        policy: RetryPolicy = _DEFAULT_POLICY,
        *,
        sleep: Callable[[float], Awaitable[None]] = anyio.sleep,
        jitter: Callable[[], float] = random.random,
    ) -> None:
        self._model = model
        self._policy = policy
        self._sleep = sleep
        self._jitter = jitter

    @property
    def name(self) -> str:
        """As of the other model."""
        return self._model.name

    @property
    def abilities(self) -> Abilities:
        """As of the other model."""
        return self._model.abilities

    async def stream(self, request: ModelRequest) -> AsyncGenerator[Delta, None]:
        """See `agents.models.model.Model.stream`; passing failures are told as `Retrying`."""
        for attempt in range(self._policy.retries + 1):
            told = 0
            if attempt:
                yield AskedAgain(attempt + 1)
            try:
                async with aclosing(self._model.stream(request)) as deltas:
                    async for delta in deltas:
                        if isinstance(delta, TextDelta | ThinkingDelta):
                            told += len(delta.text)
                        yield delta
            except ProviderFailed as failure:
                seconds = self._wait_after(failure, attempt)
                if seconds is None:
                    raise
                yield _retrying(failure, seconds, told)
            else:
                return
            await self._sleep(seconds)

    async def aclose(self) -> None:
        """Close the other model."""
        await self._model.aclose()

    def _wait_after(self, failure: ProviderFailed, attempt: int) -> float | None:
        """Seconds until the next attempt, or None if there is to be none."""
        if not failure.retry_safe or attempt >= self._policy.retries:
            return None
        if failure.retry_after_seconds is not None:
            asked = max(0.0, failure.retry_after_seconds)
            return asked if asked <= self._policy.longest_asked_seconds else None
        chosen = min(self._policy.first_seconds * 2.0**attempt, self._policy.longest_seconds)
        return chosen * (1 - 0.25 * self._jitter())


def _retrying(failure: ProviderFailed, seconds: float, told: int) -> Retrying:
    what = failure.kind.removeprefix("provider_").replace("_", " ")
    return Retrying(
        reason="rate_limit" if isinstance(failure, RateLimited) else "retry",
        message=f"{what}, next try in {seconds:.0f} s",
        seconds=seconds,
        void_characters=told,
    )
