"""What is left when the server dies: nothing."""

import os
import sys
import uuid
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from pathlib import Path

import anyio
import anyio.abc
import psutil
import pytest

from agents.processes import watchdog
from agents.processes.environment import CHILD_VARIABLE
from tests.agents.claude.stage import FAKE_CLAUDE, Behaviour, Stage, fake_environment
from tests.descendants import processes_with_marker
from tests.fakes import claude_cli as fake
from tests.fakes import doomed_server
from tests.waiting import until

pytestmark = pytest.mark.anyio

ROOT = Path(__file__).parents[3]
WATCHDOG = [sys.executable, "-I", "-S", str(Path(watchdog.__file__))]
MARKER = f"m-watched-{uuid.uuid4().hex}"
"""Another run of these tests on this machine has another."""


@asynccontextmanager
async def started(command: list[str], environ: dict[str, str] | None = None) -> AsyncGenerator[anyio.abc.Process]:
    """A process of the test's own, gone at the end."""
    process = await anyio.open_process(  # noqa: TID251 - what these tests are about must not clean up after them
        command, cwd=ROOT, env=os.environ | (environ or {}), start_new_session=True, stderr=None
    )
    try:
        yield process
    finally:
        if process.returncode is None:
            process.kill()
        await process.aclose()


async def first_output_of(process: anyio.abc.Process, word: bytes, *, within: float = 5) -> None:
    assert process.stdout is not None
    said = b""
    with anyio.fail_after(within):
        while word not in said:
            said += await process.stdout.receive()


async def say(process: anyio.abc.Process, text: str) -> None:
    assert process.stdin is not None
    await process.stdin.send(text.encode())


async def hang_up(process: anyio.abc.Process) -> int:
    """The server's end of the line is closed; what a watchdog does then takes no longer than it has set itself."""
    assert process.stdin is not None
    await process.stdin.aclose()
    with anyio.fail_after(watchdog.TERMINATE_SECONDS + watchdog.KILL_SECONDS):
        return await process.wait()


# ---- the watchdog alone


async def test_it_ends_at_once_when_there_is_nothing_to_look_after() -> None:
    async with started(WATCHDOG) as process:
        await say(process, f"+ {MARKER} 0\n- {MARKER}\n")

        assert await hang_up(process) == 0


async def test_it_removes_the_directories_that_the_server_has_not_removed(tmp_path: Path) -> None:
    kept, gone = tmp_path / "kept", tmp_path / "with a blank\nand more"
    for directory in (kept, gone):
        directory.mkdir()
        (directory / "file").touch()
    async with started(WATCHDOG) as process:
        said = [f"> {os.fsencode(directory).hex()}\n" for directory in (kept, gone)]
        await say(process, f"{''.join(said)}< {os.fsencode(kept).hex()}\n")

        assert await hang_up(process) == 0

    assert kept.exists()
    assert not gone.exists()


async def test_it_survives_lines_it_does_not_understand() -> None:
    async with started(WATCHDOG) as process:
        await say(process, "\n+\n+ m\n+ m x\n- \nrubbish \xff\n+ a b c d\n> x\n< 6162 6364\n")

        assert await hang_up(process) == 0


@pytest.mark.parametrize(
    "behaviour", [fake.works_on, fake.is_stubborn, fake.leaves_somebody_with_its_output_and_works_on]
)
async def test_it_ends_a_child_and_everything_below(behaviour: Behaviour) -> None:
    environ = fake_environment(behaviour) | {CHILD_VARIABLE: MARKER}
    async with started([str(FAKE_CLAUDE)], environ) as child, started(WATCHDOG) as process:
        assert child.stdin is not None
        await child.stdin.aclose()
        await first_output_of(child, b"ready")
        await say(process, f"+ {MARKER} 0\n+ {MARKER} {child.pid}\n")

        assert await hang_up(process) == 0

        assert processes_with_marker(MARKER) == []


async def test_it_ends_a_child_that_was_only_announced() -> None:
    environ = fake_environment(fake.works_on) | {CHILD_VARIABLE: f"outer/{MARKER}"}
    async with started([str(FAKE_CLAUDE)], environ) as child, started(WATCHDOG) as process:
        assert child.stdin is not None
        await child.stdin.aclose()
        await first_output_of(child, b"ready")
        await say(process, f"+ {MARKER} 0\n")

        assert await hang_up(process) == 0

        assert processes_with_marker(MARKER) == []


async def test_it_leaves_a_child_alone_that_has_ended_well_for_the_server() -> None:
    async with started(["sleep", "60"], {CHILD_VARIABLE: MARKER}) as child, started(WATCHDOG) as process:
        await say(process, f"+ {MARKER} {child.pid}\n- {MARKER}\n")

        assert await hang_up(process) == 0

        assert child.returncode is None


async def test_it_does_not_end_before_its_server_whatever_it_is_sent() -> None:
    async with started(["sleep", "60"], {CHILD_VARIABLE: MARKER}) as child, started(WATCHDOG) as process:
        await say(process, f"+ {MARKER} {child.pid}\n")
        await until(lambda: _ignores_sigterm(process.pid))
        process.terminate()

        assert child.returncode is None
        assert await hang_up(process) == 0
        with anyio.fail_after(5):
            assert await child.wait() == -15


def _ignores_sigterm(pid: int) -> bool:
    status = Path(f"/proc/{pid}/status").read_text()
    ignored = next(line for line in status.splitlines() if line.startswith("SigIgn"))
    return bool(int(ignored.split()[1], 16) & (1 << 14))


def test_a_number_that_was_given_out_again_is_not_the_same_process() -> None:
    me = os.getpid()
    entry = watchdog.process_table()[me]

    myself, another = watchdog.Identity(me, entry.started), watchdog.Identity(me, "another start")
    assert myself in (watchdog.Family({myself}, set()).left() or ())
    assert another not in (watchdog.Family({another}, set()).left() or ())


def test_the_process_table_of_ps_has_the_same_processes_as_that_of_proc() -> None:
    rows = dict(watchdog.rows_of_ps())

    assert rows[os.getpid()].parent == os.getppid()
    assert rows[os.getpid()].started


# ---- the server


@asynccontextmanager
async def server(stage: Stage, behaviour: Behaviour, *, parent_death_signal: bool) -> AsyncGenerator[anyio.abc.Process]:
    """A server whose agent is at work."""
    orders = doomed_server.Orders(
        executable=FAKE_CLAUDE,
        workspace=stage.workspace,
        run_id=stage.run_id,
        parent_death_signal=parent_death_signal,
    )
    command = [sys.executable, "-m", "tests.fakes.doomed_server", orders.model_dump_json()]
    stage.temporary.mkdir()
    async with started(command, fake_environment(behaviour) | {"TMPDIR": str(stage.temporary)}) as process:
        await first_output_of(process, b"ready")
        assert stage.left_over
        yield process


@pytest.mark.parametrize("parent_death_signal", [True, False], ids=["with setpriv", "without setpriv"])
@pytest.mark.parametrize(
    "behaviour",
    [
        fake.works_on,
        pytest.param(fake.is_stubborn, marks=pytest.mark.alone),  # more than half of the 2 s is its own
        fake.leaves_somebody_with_its_output_and_works_on,
    ],
)
async def test_2_s_after_the_server_was_killed_nothing_is_left(
    stage: Stage, behaviour: Behaviour, *, parent_death_signal: bool
) -> None:
    async with server(stage, behaviour, parent_death_signal=parent_death_signal) as process:
        guard = _watchdog_of(process.pid)
        process.kill()

        await until(lambda: not stage.left_over, within=2)
        await until(lambda: is_gone(guard), within=2)
        assert list(stage.temporary.iterdir()) == []


async def test_where_the_watchdog_is_killed_with_the_server_the_kernel_ends_the_child(stage: Stage) -> None:
    async with server(stage, fake.works_on, parent_death_signal=True) as process:
        _watchdog_of(process.pid).kill()
        process.kill()

        await until(lambda: not stage.left_over)


async def test_a_server_that_ends_by_sigterm_without_cleaning_up_leaves_nothing(stage: Stage) -> None:
    async with server(stage, fake.works_on, parent_death_signal=False) as process:
        process.terminate()

        await until(lambda: not stage.left_over)


def is_gone(process: psutil.Process) -> bool:
    try:
        return process.status() == psutil.STATUS_ZOMBIE  # whoever inherited it has not noticed yet
    except psutil.NoSuchProcess:
        return True


def _watchdog_of(pid: int) -> psutil.Process:
    (found,) = [child for child in psutil.Process(pid).children() if "watchdog.py" in " ".join(child.cmdline())]
    return found
