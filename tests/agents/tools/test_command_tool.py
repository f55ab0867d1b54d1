"""A model's shell commands: real ones, through the real runner."""

from collections.abc import AsyncGenerator, Sequence
from pathlib import Path
from typing import Any

import pytest

from agents.command_runner import CommandResult, CommandRunner, command_runner
from agents.processes.registry import ProcessRegistry
from tests.agents.tools.workbench import Workbench

pytestmark = pytest.mark.anyio


@pytest.fixture
async def bench(tmp_path: Path) -> AsyncGenerator[Workbench]:
    async with command_runner() as runner:
        yield Workbench(tmp_path, runner.run)


async def test_a_command_runs_in_the_workspace(bench: Workbench) -> None:
    outcome = await bench.use("Bash", command="echo one > a.txt && cat a.txt && echo two >&2")

    assert (bench.root / "a.txt").read_text() == "one\n"
    assert outcome.output == "one\ntwo"
    assert outcome.changed_something


async def test_what_it_did_is_a_fact_of_its_outcome(bench: Workbench) -> None:
    ran = (await bench.use("Bash", command="echo one")).ran

    assert ran is not None
    assert (ran.command, ran.ok, ran.output) == ("echo one", True, "one")
    assert ran.seconds > 0


async def test_a_command_that_fails_says_its_exit_code(bench: Workbench) -> None:
    outcome = await bench.use("Bash", command="echo oh; exit 3")

    assert not outcome.ok
    assert outcome.output == "oh\nExit code 3"


async def test_a_command_without_output_says_so(bench: Workbench) -> None:
    assert (await bench.use("Bash", command="true")).output == "(no output)"


async def test_a_command_that_takes_too_long_is_ended(bench: Workbench) -> None:
    outcome = await bench.use("Bash", command="echo ready; sleep 60", timeout_seconds=1)

    assert not outcome.ok
    assert outcome.output.startswith("ready\nEnded after")


async def test_a_command_has_nothing_to_read(bench: Workbench) -> None:
    assert (await bench.use("Bash", command="cat; echo done")).output == "done"


async def test_a_command_does_not_get_the_keys_of_providers(tmp_path: Path) -> None:
    registry = ProcessRegistry(parent_death_signal=False)
    environ = {"PATH": "/usr/bin:/bin", "ANTHROPIC_API_KEY": "sk-planted", "OPENAI_API_KEY": "sk-planted", "OTHER": "x"}
    try:
        output = (await Workbench(tmp_path, CommandRunner(registry, environ).run).use("Bash", command="env")).output
    finally:
        await registry.close()

    assert "sk-planted" not in output
    assert "OTHER=x" in output


async def test_a_time_limit_has_bounds(bench: Workbench) -> None:
    assert "less than or equal to 600" in await bench.refused("Bash", command="true", timeout_seconds=10_000)


async def test_a_command_that_cannot_be_started_is_told(tmp_path: Path) -> None:
    async def run(argv: Sequence[str], cwd: Path, **_: Any) -> CommandResult:
        raise FileNotFoundError(2, f"No such file in {cwd}", argv[0])

    assert "could not be started" in await Workbench(tmp_path, run).refused("Bash", command="true")


async def test_output_that_was_dropped_is_named(tmp_path: Path) -> None:
    async def run(argv: Sequence[str], cwd: Path, **_: Any) -> CommandResult:
        assert argv
        assert cwd
        return CommandResult(exit_code=0, stdout=b"much", stderr="", seconds=0.1, dropped_bytes=5_000_000)

    outcome = await Workbench(tmp_path, run).use("Bash", command="true")

    assert outcome.output == "much\n(5,000,000 bytes more were dropped)"
