import sys
from collections.abc import AsyncGenerator
from pathlib import Path

import anyio
import pytest

from agents import command_runner as module
from agents.command_runner import CommandRunner, command_runner
from agents.processes.registry import ProcessRegistry
from tests.descendants import processes_with_marker
from tests.waiting import until

pytestmark = pytest.mark.anyio

FAMILY = """
import subprocess, sys, time, pathlib
child = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(60)"], start_new_session=True)
pathlib.Path("started").write_text("yes")
time.sleep(60)
"""


def python(code: str) -> tuple[str, ...]:
    return (sys.executable, "-c", code)


@pytest.fixture
async def runner() -> AsyncGenerator[CommandRunner]:
    registry = ProcessRegistry()
    yield CommandRunner(registry)
    await registry.close()


async def test_a_command_tells_its_output_its_exit_code_and_its_time(runner: CommandRunner, tmp_path: Path) -> None:
    code = "import sys, time; print('out'); print('err', file=sys.stderr); time.sleep(0.05); sys.exit(3)"

    with anyio.fail_after(5):
        result = await runner.run(python(code), tmp_path)

    assert (result.exit_code, result.stdout, result.stderr, result.ok) == (3, b"out\n", "err\n", False)
    assert result.output == "out\nerr"
    assert 0.05 <= result.seconds < 5


async def test_a_command_gets_its_directory_its_input_and_its_run(runner: CommandRunner, tmp_path: Path) -> None:
    code = "import os, sys; print(os.getcwd(), sys.stdin.read(), os.environ['AGENT_WORKFLOWS_RUN'])"

    with anyio.fail_after(5):
        result = await runner.run(python(code), tmp_path, run_id="run-1", stdin=b"hello")

    assert result.ok
    assert result.output.split() == [str(tmp_path), "hello", "run-1"]


async def test_variables_are_set_and_removed(tmp_path: Path, runner: CommandRunner) -> None:
    code = "import os; print(os.environ.get('HOME'), os.environ.get('COLOUR'))"

    with anyio.fail_after(5):
        result = await runner.run(python(code), tmp_path, variables={"HOME": None, "COLOUR": "red"})

    assert result.output == "None red"


async def test_this_programs_own_settings_are_kept_from_a_command(tmp_path: Path) -> None:
    code = "import os; print([name for name in os.environ if name.endswith('_TOKEN')])"

    async with command_runner() as own:
        runner = CommandRunner(own._registry, {"AGENT_WORKFLOWS_TOKEN": "secret"})  # pyright: ignore[reportPrivateUsage] - its registry is all that is needed
        with anyio.fail_after(5):
            result = await runner.run(python(code), tmp_path)

    assert result.output == "[]"


@pytest.mark.parametrize("parent_death_signal", [True, False])
async def test_a_command_that_is_not_there_is_an_os_error(tmp_path: Path, *, parent_death_signal: bool) -> None:
    registry = ProcessRegistry(parent_death_signal=parent_death_signal)

    with anyio.fail_after(5), pytest.raises(OSError, match="no-such-command"):
        await CommandRunner(registry).run(("no-such-command",), tmp_path)

    await registry.close()


async def test_a_command_that_takes_too_long_is_ended(runner: CommandRunner, tmp_path: Path) -> None:
    code = "import time; print('begun', flush=True); time.sleep(60)"

    with anyio.fail_after(5):
        result = await runner.run(python(code), tmp_path, run_id="late", max_seconds=0.3)

    assert result.timed_out
    assert not result.ok
    assert result.stdout == b"begun\n"
    assert processes_with_marker("late") == []


async def test_output_beyond_the_bound_is_counted_and_dropped(
    runner: CommandRunner, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "KEPT_BYTES", 1000)

    with anyio.fail_after(5):
        result = await runner.run(python("print('x' * 99_999)"), tmp_path)

    assert result.ok
    assert result.stdout == b"x" * 1000
    assert result.dropped_bytes == 99_000


async def test_a_cancelled_command_leaves_nothing_behind(runner: CommandRunner, tmp_path: Path) -> None:
    with anyio.fail_after(10):
        async with anyio.create_task_group() as tasks:

            async def run() -> None:
                await runner.run(python(FAMILY), tmp_path, run_id="family")

            tasks.start_soon(run)
            await until((tmp_path / "started").exists)
            assert len(processes_with_marker("family")) >= 2
            tasks.cancel_scope.cancel()

    assert processes_with_marker("family") == []
