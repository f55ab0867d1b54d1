"""However it ends, nothing is left behind and nothing is lost: client, server, call and run, in the middle of the work.

Times are promised as 0.4 s for the server and 2 s for what it has started. What is asserted leaves room for a busy
machine; `make bench` measures.
"""

import signal
import sys
import time
from pathlib import Path

import anyio
import pytest

from tests.system.place import Place
from tests.system.scenes import (
    SetUp,
    shell_of_a_scripted_agent,
    shell_of_the_real_claude,
    silent_claude,
    worst_claude,
)
from tests.system.wire import WireClient, own_command

pytestmark = [
    pytest.mark.anyio,
    pytest.mark.skipif(sys.platform == "win32", reason="signals and /proc are those of Unix"),
]

SERVER_GONE_SECONDS = 1.0
NOTHING_LEFT_SECONDS = 3.0

ENDS = {"end of input": 0, signal.SIGINT: 130, signal.SIGTERM: 143, signal.SIGKILL: -9}
"""How a server can end, and its exit code."""


async def end(client: WireClient, by: str | signal.Signals) -> tuple[int, float]:
    """End the server; returns its exit code and the seconds it took."""
    began = time.monotonic()
    if isinstance(by, signal.Signals):
        client.kill(by)
    else:
        await client.close_stdin()
    return await client.ended(within=5), time.monotonic() - began


async def assert_a_good_end(directory: Path, set_up: SetUp, by: str | signal.Signals) -> None:
    async with set_up(directory) as scene:
        async with scene.server() as client:
            request, run_id = await scene.set(client)
            exit_code, seconds = await end(client, by)
            await scene.place.deserted(NOTHING_LEFT_SECONDS)
        assert exit_code == ENDS[by]
        assert seconds < SERVER_GONE_SECONDS + client.late
        run, log = await scene.place.found(run_id)
        assert (run.status, run.result) == ("interrupted", None)
        assert [event.seq for event in log] == list(range(1, run.last_seq + 1))
        assert {event["seq"] for event in client.events(request)} <= {event.seq for event in log}


@pytest.mark.parametrize("set_up", [shell_of_a_scripted_agent, worst_claude, shell_of_the_real_claude])
async def test_however_a_server_ends_it_leaves_nobody_behind_and_loses_nothing(
    tmp_path_factory: pytest.TempPathFactory, set_up: SetUp
) -> None:
    async with anyio.create_task_group() as tasks:
        for by in ENDS:  # at the same time: they mostly wait
            tasks.start_soon(assert_a_good_end, tmp_path_factory.mktemp("end"), set_up, by)


@pytest.mark.parametrize("set_up", [shell_of_a_scripted_agent, silent_claude, worst_claude, shell_of_the_real_claude])
async def test_a_call_that_is_cancelled_ends_its_run_and_everything_it_started(tmp_path: Path, set_up: SetUp) -> None:
    async with set_up(tmp_path) as scene, scene.server() as client:
        request, run_id = await scene.set(client)
        await client.cancel(request)
        report = await client.over(run_id)
        assert (report["status"], report["error"]["kind"]) == ("cancelled", "cancelled")
        await scene.place.without_agents(client.process, NOTHING_LEFT_SECONDS)
        assert (await client.told("list_runs", {}))["runs"][0]["status"] == "cancelled"


async def test_a_client_that_is_killed_takes_everything_with_it(tmp_path: Path) -> None:
    async with worst_claude(tmp_path) as scene:
        doomed = Path(__file__).with_name("doomed_client.py")
        client = await anyio.open_process(  # noqa: TID251 - killed right below
            [sys.executable, str(doomed), scene.tool, *own_command(), "serve", *scene.arguments],
            env=scene.place.variables(),
            cwd=scene.place.workspace,
        )
        async with client:
            assert client.stdout is not None
            heard = b""
            with anyio.fail_after(30):
                while b"token_stream" not in heard:
                    heard += await client.stdout.receive()
            assert scene.place.shows(*scene.busy)
            client.kill()
            await client.wait()
            await scene.place.deserted(NOTHING_LEFT_SECONDS)
        async with scene.server() as after:
            await after.open()
            (run,) = (await after.told("list_runs", {}))["runs"]
            assert run["status"] == "interrupted"


async def test_a_second_signal_changes_nothing(tmp_path: Path) -> None:
    async with worst_claude(tmp_path) as scene:
        async with scene.server() as client:
            _, run_id = await scene.set(client)
            client.kill(signal.SIGINT)
            client.kill(signal.SIGTERM)
            await client.close_stdin()
            assert await client.ended() in ENDS.values()
            await scene.place.deserted(NOTHING_LEFT_SECONDS)
        assert (await scene.place.found(run_id))[0].status == "interrupted"


@pytest.mark.parametrize("by", ["end of input", signal.SIGINT, signal.SIGTERM])
@pytest.mark.parametrize("asked", [(), ("tools/list",)], ids=["while it is still being imported", "which is there"])
async def test_a_server_without_work_goes_at_once(
    tmp_path: Path, by: str | signal.Signals, asked: tuple[str, ...]
) -> None:
    place = Place.below(tmp_path)
    async with place.server("--offline") as client:
        await client.open()
        for method in asked:
            await client.asked(method)
        exit_code, seconds = await end(client, by)
        assert exit_code == ENDS[by]
        assert seconds < SERVER_GONE_SECONDS + client.late
        assert client.said == ""
        await place.deserted(NOTHING_LEFT_SECONDS)
