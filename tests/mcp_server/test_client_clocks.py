"""Clients that give a call up after a known time: they are answered before, counted from when their request came."""

from dataclasses import replace
from pathlib import Path
from typing import Any, cast

import anyio
import anyio.lowlevel
import pytest
from mcp import Client
from mcp_types import Implementation

from mcp_server.arrival import arrived, note_arrival
from mcp_server.client_clocks import Patience
from mcp_server.opening import workflow_server
from tests.mcp_server.asking import ARGUMENTS, BOUND, ERAS, Era, assembled, chain, told
from tests.workflows.runs.small_workflows import State, workflow

pytestmark = pytest.mark.anyio

PATIENCE = Patience(client_seconds={"hurried": 1.0})


async def never(_state: State) -> State:
    await anyio.sleep_forever()
    return {"parts": []}


@pytest.mark.parametrize("era", ERAS)
async def test_who_waits_a_second_is_told_of_a_long_run_and_may_look_at_it(tmp_path: Path, era: Era) -> None:
    endless = workflow(chain(never=never), "never", name="endless")
    with anyio.fail_after(BOUND):
        async with assembled(tmp_path, endless) as assembly:
            server = workflow_server(replace(assembly, patience=PATIENCE))
            async with Client(server, mode=era, client_info=Implementation(name="hurried", version="1")) as client:
                handle = told(await client.call_tool("endless", ARGUMENTS))
                seen = told(await client.call_tool("get_run", {"run_id": handle["run_id"]}))["last_seq"]
                asked = {"run_id": handle["run_id"], "after": seen, "wait_seconds": 55}
                looked = told(await client.call_tool("get_run", asked))
    assert (handle["status"], looked["status"]) == ("running", "running")


async def test_what_happens_before_a_request_can_be_answered_counts_as_well() -> None:
    seen: list[tuple[float, float, float]] = []

    async def answer(_ctx: object) -> None:
        came = arrived()
        while anyio.current_time() == came:
            await anyio.lowlevel.checkpoint()
        seen.append((came, arrived(), PATIENCE.answer_by("hurried", 55)))

    before = anyio.current_time()
    async with anyio.create_task_group() as requests:
        for _ in range(2):
            requests.start_soon(note_arrival, cast("Any", None), cast("Any", answer))

    for came, later, by in seen:
        assert before <= came == later == by - 0.85
    assert len({came for came, _, _ in seen}) == 2, "each request has its own time"
    assert arrived() > max(came for came, _, _ in seen), "and outside of one it is now"


async def test_who_has_no_known_clock_is_waited_for_as_long_as_its_caller_wants() -> None:
    now = anyio.current_time()
    assert PATIENCE.answer_by("claude-code") == float("inf")
    assert now + 55 <= PATIENCE.answer_by("claude-code", 55) <= anyio.current_time() + 55
