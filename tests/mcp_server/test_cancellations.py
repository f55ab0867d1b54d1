from typing import Any

import anyio
import pytest
from mcp.server.context import ServerRequestContext

from mcp_server.cancellations import Cancellations

pytestmark = pytest.mark.anyio


async def nothing(ctx: ServerRequestContext[Any, Any]) -> None:
    del ctx


def cancelled(**params: object) -> ServerRequestContext[Any, Any]:
    context: Any = ServerRequestContext
    return context(
        session=None,
        lifespan_context={},
        protocol_version="2026-07-28",
        method="notifications/cancelled",
        params=params,
    )


@pytest.mark.parametrize("reason", ["SdkError: Request timed out", "MCP error -32001: request timeout", "Timed out"])
async def test_a_client_whose_time_is_over_gave_up(reason: str) -> None:
    cancellations = Cancellations()
    await cancellations.note(cancelled(requestId=7, reason=reason), nothing)
    assert await cancellations.client_gave_up(7)


@pytest.mark.parametrize("reason", ["AbortError: user-cancel", "", None])
async def test_a_person_who_cancels_did_not(reason: str | None) -> None:
    cancellations = Cancellations()
    await cancellations.note(cancelled(requestId=7, reason=reason), nothing)
    assert not await cancellations.client_gave_up(7)


async def test_a_reason_that_comes_just_after_is_waited_for_also_in_a_cancelled_scope() -> None:
    cancellations = Cancellations()
    answers: list[bool] = []

    async def ask() -> None:
        answers.append(await cancellations.client_gave_up("a"))

    async with anyio.create_task_group() as tasks:
        tasks.start_soon(ask)
        await anyio.lowlevel.checkpoint()
        tasks.cancel_scope.cancel()
        with anyio.CancelScope(shield=True):
            await cancellations.note(cancelled(requestId="a", reason="timed out"), nothing)
    assert answers == [True]


async def test_a_request_that_nobody_explained_did_not_time_out() -> None:
    cancellations = Cancellations()
    with anyio.fail_after(5):
        assert not await cancellations.client_gave_up(1)
        assert not await cancellations.client_gave_up(None)


async def test_other_messages_pass_unchanged() -> None:
    async def answer(ctx: ServerRequestContext[Any, Any]) -> dict[str, object]:
        del ctx
        return {"answer": 42}

    context = cancelled(requestId=1)
    context.method = "tools/list"
    assert await Cancellations().note(context, answer) == {"answer": 42}
