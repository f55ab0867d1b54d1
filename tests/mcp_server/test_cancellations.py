from typing import Any

import anyio
import pytest
from mcp.server.context import ServerRequestContext
from starlette.requests import HTTPConnection

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


def call(request_id: int | str | None, *, over_http: bool = False) -> ServerRequestContext[Any, Any]:
    """A request that was cancelled."""
    context: Any = ServerRequestContext
    request = HTTPConnection({"type": "http", "headers": []}) if over_http else None
    return context(
        session=None,
        lifespan_context={},
        protocol_version="2026-07-28",
        method="tools/call",
        request_id=request_id,
        request=request,
    )


@pytest.mark.parametrize("reason", ["SdkError: Request timed out", "MCP error -32001: request timeout", "Timed out"])
async def test_a_client_whose_time_is_over_gave_up(reason: str) -> None:
    cancellations = Cancellations()
    await cancellations.note(cancelled(requestId=7, reason=reason), nothing)
    assert await cancellations.meaning(call(7)) == "gave_up"


@pytest.mark.parametrize("over_http", [False, True])
@pytest.mark.parametrize("reason", ["AbortError: user-cancel", "", None])
async def test_a_person_who_cancels_wants_an_end(reason: str | None, *, over_http: bool) -> None:
    cancellations = Cancellations()
    await cancellations.note(cancelled(requestId=7, reason=reason), nothing)
    assert await cancellations.meaning(call(7, over_http=over_http)) == "end"


async def test_a_reason_that_comes_just_after_is_waited_for_also_in_a_cancelled_scope() -> None:
    cancellations = Cancellations()
    answers: list[str] = []

    async def ask() -> None:
        answers.append(await cancellations.meaning(call("a")))

    async with anyio.create_task_group() as tasks:
        tasks.start_soon(ask)
        await anyio.lowlevel.checkpoint()
        tasks.cancel_scope.cancel()
        with anyio.CancelScope(shield=True):
            await cancellations.note(cancelled(requestId="a", reason="timed out"), nothing)
    assert answers == ["gave_up"]


@pytest.mark.parametrize(("over_http", "meaning"), [(False, "end"), (True, "unknown")])
async def test_over_http_a_client_can_be_gone_without_a_word(*, over_http: bool, meaning: str) -> None:
    cancellations = Cancellations()
    with anyio.fail_after(5):
        assert await cancellations.meaning(call(1, over_http=over_http)) == meaning
        assert await cancellations.meaning(call(None, over_http=over_http)) == meaning


async def test_other_messages_pass_unchanged() -> None:
    async def answer(ctx: ServerRequestContext[Any, Any]) -> dict[str, object]:
        del ctx
        return {"answer": 42}

    context = cancelled(requestId=1)
    context.method = "tools/list"
    assert await Cancellations().note(context, answer) == {"answer": 42}
