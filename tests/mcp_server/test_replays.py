"""A run that is played again for a call, whose client wants the result above all."""

from dataclasses import replace
from pathlib import Path

import anyio
import pytest
from mcp import Client
from mcp_types import Implementation

from mcp_server.assembly import Assembly
from mcp_server.client_clocks import Patience
from mcp_server.opening import workflow_server
from mcp_server.replay import Replay
from tests.mcp_server.asking import ARGUMENTS, BOUND, ERAS, Era, assembled, chain, plan, told
from tests.workflows.runs.small_workflows import workflow
from workflows.runs.log import EventLog
from workflows.runs.run import Run

pytestmark = pytest.mark.anyio

DONE = workflow(chain(plan=plan), "plan", name="done")
HURRIED = Patience(client_seconds={"hurried": 0.5})


@pytest.fixture(autouse=True)
def endless(monkeypatch: pytest.MonkeyPatch) -> None:
    """Every replay stands still before its second event."""

    async def pause(_: float) -> None:
        if played:
            await anyio.sleep_forever()
        played.append(True)

    def of(log: EventLog, run: Run, speed: float) -> Replay:
        return replace(original(log, run, speed), pause=pause)

    played: list[bool] = []
    original = Replay.of
    monkeypatch.setattr(Replay, "of", of)


def client_of(assembly: Assembly, era: Era) -> Client:
    return Client(workflow_server(assembly), mode=era, client_info=Implementation(name="hurried", version="1"))


@pytest.mark.parametrize("era", ERAS)
async def test_who_asks_for_no_progress_has_the_result_at_once(tmp_path: Path, era: Era) -> None:
    with anyio.fail_after(BOUND):
        async with assembled(tmp_path, DONE) as assembly, client_of(assembly, era) as client:
            result = told(await client.call_tool("done", ARGUMENTS))
            assert told(await client.call_tool("replay_run", {"run_id": result["run_id"]})) == result


async def test_a_client_with_a_clock_has_the_result_in_time_after_what_could_be_played(tmp_path: Path) -> None:
    heard: list[str | None] = []

    async def hear(progress: float, total: float | None, message: str | None) -> None:
        del progress, total
        heard.append(message)

    with anyio.fail_after(BOUND):
        async with assembled(tmp_path, DONE) as assembly:
            hurried = replace(assembly, patience=HURRIED)
            async with client_of(hurried, "legacy") as client:
                result = told(await client.call_tool("done", ARGUMENTS))
                asked = {"run_id": result["run_id"]}
                assert told(await client.call_tool("replay_run", asked, progress_callback=hear)) == result

    (line,) = heard
    assert line is not None
    assert line.startswith(f"replay of run {result['run_id']}")
