"""How soon nothing is left: of a cancelled run, and of a server whose client has gone or that gets a signal.

The agent is the real `claude` in the middle of a shell command that has spread out; only its model is a fake, on
loopback. What is left is looked up by what every descendant inherits, its environment; so also what has changed its
parent or its session counts.
"""

import os
import signal
import tempfile
import time
from collections.abc import AsyncGenerator, Callable, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from statistics import median
from typing import TypeAlias

import anyio
import anyio.to_thread
import psutil

from tests.benchmarks.row import Row
from tests.benchmarks.stdio_process import StdioProcess, own_command
from tests.descendants import processes_with_marker
from tests.fakes.claude_home import claude_environment, real_claude
from tests.fakes.messages_api import MessagesApi, messages_api
from tests.fakes.messages_script import always, call
from tests.system.place import MARK, Place
from tests.waiting import until

COMMAND = "setsid sleep 600 & (sleep 600 & exit) ; sleep 600"
"""In a session of its own, without a parent, and in the foreground."""
SLEEPERS = 3
CANCELS = 20
ENDS = 10
AT_ONCE = 2
"""Servers that are made ready side by side; they are ended one after the other."""
CANCEL_SECONDS = 3.0
GONE_SECONDS = 0.4
NOBODY_SECONDS = 2.0
READY_SECONDS = 30.0
END_SECONDS = 15.0


End: TypeAlias = Callable[[StdioProcess], None]
"""Tells a server to end."""


@dataclass(frozen=True, slots=True)
class Gone:
    """Seconds after a server was told to end.

    Attributes:
        server: When its process was gone.
        everybody: When nothing was left that it had started.
    """

    server: float
    everybody: float


@asynccontextmanager
async def _server(api: MessagesApi) -> AsyncGenerator[tuple[Place, StdioProcess]]:
    """A server that has answered, and by what everything it starts is found."""
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as directory:
        place = Place.below(Path(directory))
        environment = claude_environment(Path(directory), api.url) | {MARK: place.mark}
        settings = {"AGENT_WORKFLOWS_CLAUDE": str(real_claude()), **environment}
        with StdioProcess(own_command("PROMPTED"), str(place.workspace), settings=settings) as server:
            await anyio.to_thread.run_sync(server.discover)
            yield place, server


async def _made_busy(server: StdioProcess, task: str) -> tuple[int, str]:
    """Have its agent get into the middle of the command; the request that waits, and the run's id."""
    request = server.call("prompted", text=task)
    run_id = await anyio.to_thread.run_sync(_run_in_a_command, server)
    await until(lambda: _sleepers(run_id) == SLEEPERS, READY_SECONDS)
    return request, run_id


def _run_in_a_command(server: StdioProcess) -> str:
    for _, event in server.progress():
        if event["type"] in {"tool_start", "workflow_error"}:
            return str(event["run_id"])
    raise RuntimeError("the server has ended")


def _sleepers(run_id: str) -> int:
    return sum(_command_of(pid) == ["sleep", "600"] for pid in processes_with_marker(run_id))


def _command_of(pid: int) -> list[str]:
    try:
        return psutil.Process(pid).cmdline()
    except psutil.Error:  # it has just ended
        return []


async def _seconds_until_gone(began: float, all_of_them: Callable[[], Sequence[int]]) -> float:
    """Seconds until none is left.

    Those known at the beginning are looked at often; that there are no others is only looked up once these are gone,
    because it means reading the environment of every process of the machine.
    """
    gone = began
    with anyio.fail_after(END_SECONDS):
        while known := all_of_them():
            while any(_lives(pid) for pid in known):  # noqa: ASYNC110 - a process tells nobody when it ends
                await anyio.sleep(0.005)
            gone = time.perf_counter()
    return gone - began


def _lives(pid: int) -> bool:
    try:
        return psutil.Process(pid).status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False


async def _cancels(count: int) -> list[float]:
    async with messages_api(always(call("Bash", command=COMMAND))) as api, _server(api) as (_, server):
        return [await _cancelled(server, f"task {number}") for number in range(count)]


async def _cancelled(server: StdioProcess, task: str) -> float:
    request, run_id = await _made_busy(server, task)
    began = time.perf_counter()
    server.cancel(request)
    return await _seconds_until_gone(began, lambda: processes_with_marker(run_id))


async def _ends(count: int, end: End) -> list[Gone]:
    ended: list[Gone] = []
    async with messages_api(always(call("Bash", command=COMMAND))) as api:
        while len(ended) < count:
            ended += await _ended_in_turn(api, min(AT_ONCE, count - len(ended)), end)
    return ended


async def _ended_in_turn(api: MessagesApi, count: int, end: End) -> list[Gone]:
    """Make servers ready side by side, and end them one after the other."""
    ended: list[Gone] = []
    async with AsyncExitStack() as stack:
        servers = [await stack.enter_async_context(_server(api)) for _ in range(count)]
        async with anyio.create_task_group() as tasks:
            for _, server in servers:
                tasks.start_soon(_made_busy, server, "task")
        for place, server in servers:
            ended.append(await _ended(place, server, end))
    return ended


async def _ended(place: Place, server: StdioProcess, end: End) -> Gone:
    def all_of_them() -> list[int]:
        return [process.pid for process in place.processes()]

    known = all_of_them()
    began = time.perf_counter()
    end(server)
    server_gone = await _seconds_until_gone(began, _first([server.pid]))
    everybody_gone = await _seconds_until_gone(began, _first(known, then=all_of_them))
    return Gone(server_gone, everybody_gone)


def _first(known: Sequence[int], then: Callable[[], Sequence[int]] = tuple) -> Callable[[], Sequence[int]]:
    """Gives what was looked up before the clock began, and after that what is there."""
    given = iter([known])
    return lambda: next(given, None) or then()


def _terminate(server: StdioProcess) -> None:
    os.kill(server.pid, signal.SIGTERM)


_ENDS: tuple[tuple[str, End], ...] = (("stdin closed", StdioProcess.close_stdin), ("SIGTERM", _terminate))


def measure(*, small: bool = False) -> list[Row]:
    """All figures of this file.

    Args:
        small: As little as makes a figure at all.
    """
    cancels = anyio.run(_cancels, 1 if small else CANCELS)
    rows = [
        _row(f"cancel to no descendant left, real `claude` in a command, {len(cancels)} runs", cancels, CANCEL_SECONDS)
    ]
    for name, end in _ENDS[:1] if small else _ENDS:
        gone = anyio.run(_ends, 1 if small else ENDS, end)
        rows += [
            _row(
                f"{name} to the server gone, as above, {len(gone)} runs", [each.server for each in gone], GONE_SECONDS
            ),
            _row(f"{name} to no descendant left, as above", [each.everybody for each in gone], NOBODY_SECONDS),
        ]
    return rows


def _row(name: str, seconds: Sequence[float], most: float) -> Row:
    longest = max(seconds)
    return Row(
        name=name,
        figure=f"p50 {median(seconds):.2f} s, longest {longest:.2f} s",
        target=f"p99 <= {most:g} s",
        reached=longest <= most,
    )
