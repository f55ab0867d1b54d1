"""Child processes: how they are started, and that nothing of them is left."""

import asyncio
import json
import signal
import uuid
from pathlib import Path
from typing import Any

import anyio
import anyio.abc
import anyio.lowlevel
import anyio.to_thread
import psutil
import pytest

from agents.processes import child as child_module
from agents.processes.child import STDERR_KEPT_BYTES, ChildProcess
from agents.processes.descendants import Carriers
from agents.processes.patience import Patience
from agents.processes.registry import ProcessRegistry
from agents.processes.watchdog_link import WatchdogLink
from tests.agents.claude.stage import FAKE_CLAUDE, IMPATIENT, Stage, fake_environment, open_registry
from tests.descendants import processes_with_marker
from tests.fakes import claude_cli as fake
from tests.waiting import until

pytestmark = pytest.mark.anyio

MARKER = f"m-shell-{uuid.uuid4().hex}"
"""Another run of these tests on this machine has another."""


def watchdogs() -> list[psutil.Process]:
    """Those that can be seen; one that was started just now shows its command line a moment later."""
    return [child for child in psutil.Process().children() if "watchdog.py" in " ".join(_command_of(child))]


def is_gone(process: psutil.Process) -> bool:
    try:
        return process.status() == psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:  # and somebody has noticed it
        return True


def _command_of(process: psutil.Process) -> list[str]:
    try:
        return process.cmdline()
    except psutil.Error:  # it has just ended
        return []


async def facts_of_the_start(stage: Stage, prompt: str = "do it") -> dict[str, Any]:
    return json.loads((await stage.play(fake.tells_how_it_was_started, stage.task(prompt))).text)


async def output_of(child: ChildProcess) -> bytes:
    pieces: list[bytes] = []
    while piece := await child.receive():
        pieces.append(piece)
    return b"".join(pieces)


def shell(script: str, registry: ProcessRegistry, workspace: Path, *, stdin: bytes = b"", marker: str = MARKER) -> Any:
    return registry.child(
        ["/bin/sh", "-c", script],
        stdin=stdin,
        cwd=workspace,
        environment=fake_environment() | {"AGENT_WORKFLOWS_CHILD": marker},
        marker=marker,
        patience=IMPATIENT,
    )


# ---- the start


async def test_a_child_leads_its_own_session_and_has_only_its_three_pipes(stage: Stage) -> None:
    facts = await facts_of_the_start(stage)

    assert facts["leads_its_session"]
    assert facts["descriptors"] == [0, 1, 2]


async def test_a_child_works_in_the_workspace(stage: Stage) -> None:
    assert (await facts_of_the_start(stage))["cwd"] == str(stage.workspace.resolve())


async def test_a_child_gets_its_environment_and_nothing_else(stage: Stage, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SECRET_OF_THE_SERVER", "x")

    environment = (await facts_of_the_start(stage))["environment"]

    assert "SECRET_OF_THE_SERVER" not in environment
    assert environment["AGENT_WORKFLOWS_RUN"] == stage.run_id


async def test_the_prompt_arrives_on_standard_input_as_it_is(stage: Stage) -> None:
    facts = await facts_of_the_start(stage, "/context @secret.txt\n--help ümlaut")

    assert facts["prompt"] == "Your task:\n\n/context @secret.txt\n--help ümlaut"
    assert not any("secret" in argument for argument in facts["argv"])


async def test_a_child_that_cannot_be_started_leaves_no_trace(stage: Stage) -> None:
    async with open_registry(parent_death_signal=False) as registry:
        with pytest.raises(FileNotFoundError):
            async with registry.child(
                ["/nonexistent/claude"],
                stdin=b"",
                cwd=stage.workspace,
                environment={},
                marker="m-none",
                patience=IMPATIENT,
            ):
                pytest.fail("it cannot have been started")


async def test_a_child_that_cannot_be_watched_is_an_error_of_its_own_and_is_ended(
    stage: Stage, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_: object) -> None:
        raise OSError(24, "Too many open files")

    monkeypatch.setattr(WatchdogLink, "watch", refuse)
    with pytest.raises(OSError, match="Too many open files"), anyio.fail_after(5):
        async with shell("sleep 60", stage.registry, stage.workspace):
            pytest.fail("nobody watches over it")
    assert processes_with_marker(MARKER) == []


# ---- the streams


async def test_standard_input_is_closed_after_it_was_written(stage: Stage) -> None:
    async with shell("cat; echo end", stage.registry, stage.workspace, stdin=b"all of it ") as child:
        with anyio.fail_after(5):
            assert await output_of(child) == b"all of it end\n"
            assert await child.wait() == 0


async def test_only_the_end_of_stderr_is_kept(stage: Stage) -> None:
    script = "head -c 200000 /dev/zero | tr '\\0' 'x' >&2; echo last >&2"
    async with shell(script, stage.registry, stage.workspace) as child:
        with anyio.fail_after(5):
            await child.wait()
            assert len(child.stderr) == STDERR_KEPT_BYTES
            assert child.stderr.endswith("last\n")


async def test_output_is_over_soon_after_the_end_even_if_somebody_keeps_the_pipe(
    stage: Stage, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(child_module, "EOF_SECONDS", 0.1)
    script = "sleep 60 & echo said"
    async with shell(script, stage.registry, stage.workspace) as child:
        with anyio.fail_after(5):
            assert await output_of(child) == b"said\n"
        assert processes_with_marker(MARKER), "nobody kept the pipe"
    assert processes_with_marker(MARKER) == []


async def test_what_was_written_before_the_end_is_read_however_late(
    stage: Stage, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(child_module, "EOF_SECONDS", 0)  # as if this process had slept through it
    async with shell("head -c 190000 /dev/zero; echo end", stage.registry, stage.workspace) as child:
        with anyio.fail_after(5):
            await child.wait()
            assert await output_of(child) == b"\0" * 190_000 + b"end\n"


async def test_somebody_who_writes_for_ever_after_the_end_is_not_listened_to_for_ever(stage: Stage) -> None:
    async with shell("(while :; do echo x; done) & exit 0", stage.registry, stage.workspace) as child:
        with anyio.fail_after(5):
            await output_of(child)
    assert processes_with_marker(MARKER) == []


# ---- the end


async def test_a_script_that_waits_for_the_real_command_passes_signals_on(stage: Stage) -> None:
    inner = 'trap "echo stopped; exit" INT; echo ready; while :; do sleep 0.01; done'
    heard: list[bytes] = []
    async with shell(f"sh -c '{inner}'; exit 3", stage.registry, stage.workspace) as child:
        with anyio.fail_after(5):
            assert await child.receive() == b"ready\n"
            await child.end(heard.append)
    assert b"".join(heard) == b"stopped\n"


async def test_leaving_the_block_ends_the_child(stage: Stage) -> None:
    with anyio.fail_after(5):
        async with shell("sleep 60 & exec sleep 60", stage.registry, stage.workspace) as child:
            assert child.exit_code is None
    assert child.exit_code == -signal.SIGINT
    assert processes_with_marker(MARKER) == []


async def test_leaving_the_block_by_an_error_ends_the_child(stage: Stage) -> None:
    with pytest.raises(ExceptionGroup), anyio.fail_after(5):
        async with shell("exec sleep 60", stage.registry, stage.workspace):
            raise ZeroDivisionError
    assert processes_with_marker(MARKER) == []


async def test_a_child_is_interrupted_first_then_terminated_then_killed(stage: Stage) -> None:
    script = "trap 'echo interrupted' INT; trap 'echo terminated' TERM; echo ready; while :; do sleep 0.01; done"
    heard: list[bytes] = []
    async with shell(script, stage.registry, stage.workspace) as child:
        with anyio.fail_after(5):
            assert await child.receive() == b"ready\n"
            await child.end(heard.append)
    assert b"".join(heard).split() == [b"interrupted", b"terminated"]
    assert child.exit_code == -signal.SIGKILL


async def test_ending_twice_does_nothing_more(stage: Stage) -> None:
    async with shell("exec sleep 60", stage.registry, stage.workspace) as child:
        with anyio.fail_after(5):
            await child.end(bytearray().extend)
            await child.end(bytearray().extend)
    assert child.exit_code == -signal.SIGINT


async def test_a_background_process_does_not_survive_a_child_that_ended_well(stage: Stage) -> None:
    script = "setsid sleep 60 </dev/null >/dev/null 2>&1 & exit 0"
    async with shell(script, stage.registry, stage.workspace) as child:
        with anyio.fail_after(5):
            assert await child.wait() == 0
    assert processes_with_marker(MARKER) == []


async def test_a_descendant_without_the_marker_does_not_survive_either(stage: Stage) -> None:
    script = "env -i /bin/sh -c 'trap \"\" INT TERM; echo $$; while :; do sleep 0.01; done' & wait"
    async with shell(script, stage.registry, stage.workspace) as child:
        with anyio.fail_after(5):
            pid = int(await child.receive())
            assert pid not in processes_with_marker(MARKER)
    await until(lambda: not psutil.pid_exists(pid))  # it is dead; whoever inherited it has to notice


async def test_a_process_is_not_overlooked_while_it_becomes_another_program(stage: Stage, tmp_path: Path) -> None:
    program = tmp_path / "again.sh"
    program.write_text('exec /bin/sh "$0"')
    async with shell(f"setsid /bin/sh {program} & echo started; wait", stage.registry, stage.workspace) as child:
        with anyio.fail_after(5):
            await child.receive()
            looks = [await anyio.to_thread.run_sync(Carriers.of, MARKER) for _ in range(30)]
        (always,) = [process for process in looks[0].found if process.pid == child.pid]
        restless = [look for look in looks if set(look.found) - {always}]
    assert restless
    assert all(look in restless or not look.is_all for look in looks)
    assert processes_with_marker(MARKER) == []


async def test_another_child_is_left_alone(stage: Stage) -> None:
    async with shell("exec sleep 60", stage.registry, stage.workspace, marker=f"{MARKER}-other") as other:
        async with shell("exec sleep 60", stage.registry, stage.workspace):
            pass
        assert other.exit_code is None


async def test_all_children_are_signalled_at_once(stage: Stage) -> None:
    script = "trap 'echo terminated; exit 7' TERM; echo ready; while :; do sleep 0.01; done"
    async with (
        shell(script, stage.registry, stage.workspace, marker=f"{MARKER}-1") as first,
        shell(script, stage.registry, stage.workspace, marker=f"{MARKER}-2") as second,
    ):
        with anyio.fail_after(5):
            await first.receive()
            await second.receive()
            stage.registry.signal_all()
            assert (await first.wait(), await second.wait()) == (7, 7)


async def test_signalling_a_child_that_has_ended_is_harmless(stage: Stage) -> None:
    async with shell("exit 0", stage.registry, stage.workspace) as child:
        with anyio.fail_after(5):
            await child.wait()
        stage.registry.signal_all()


# ---- the watchdog of a registry


async def test_the_watchdog_comes_with_the_first_child_and_goes_with_the_registry(stage: Stage) -> None:
    async with open_registry() as registry:
        assert watchdogs() == []
        for _ in range(2):
            async with shell("exit 0", registry, stage.workspace):
                await until(lambda: len(watchdogs()) == 1)
    assert watchdogs() == []


async def test_a_watchdog_that_was_killed_is_replaced_and_knows_all_children(stage: Stage) -> None:
    async with (
        open_registry() as registry,
        shell("exec sleep 60", registry, stage.workspace, marker=f"{MARKER}-first") as first,
    ):
        await until(lambda: len(watchdogs()) == 1)
        (killed,) = watchdogs()
        killed.kill()
        await until(lambda: is_gone(killed))
        async with shell("exec sleep 60", registry, stage.workspace, marker=f"{MARKER}-second"):
            await until(lambda: len(watchdogs()) == 1)  # a dead one shows no command line
            (replaced,) = watchdogs()
            await registry.close()  # with children: the watchdog ends them
            with anyio.fail_after(5):
                await first.wait()
        await until(lambda: is_gone(replaced))


async def test_a_registry_can_be_closed_twice_and_without_having_been_used() -> None:
    registry = ProcessRegistry()

    await registry.close()
    await registry.close()


async def test_a_registry_that_was_closed_starts_neither_a_child_nor_a_watchdog(stage: Stage) -> None:
    registry = ProcessRegistry(parent_death_signal=False)
    await registry.close()

    with pytest.raises(OSError, match="shutting down"):
        async with shell("exit 0", registry, stage.workspace):
            pytest.fail("nobody would end it")

    assert watchdog_of(registry) is None
    assert processes_with_marker(MARKER) == []


async def test_a_registry_that_is_closed_while_a_child_starts_ends_it(
    stage: Stage, monkeypatch: pytest.MonkeyPatch
) -> None:
    open_process = anyio.open_process  # noqa: TID251 - the moment between the start and the watch has no other name

    async def open_and_close(*arguments: Any, **more: Any) -> anyio.abc.Process:
        process = await open_process(*arguments, **more)
        await registry.close()
        return process

    registry = ProcessRegistry(parent_death_signal=False)
    monkeypatch.setattr(anyio, "open_process", open_and_close)
    with anyio.fail_after(5), pytest.raises(OSError, match="shutting down"):
        async with shell("exec sleep 60", registry, stage.workspace):
            pytest.fail("nobody watches over it")

    assert watchdog_of(registry) is None
    assert processes_with_marker(MARKER) == []


async def test_a_registry_that_was_closed_makes_no_directory_that_stays(tmp_path: Path) -> None:
    registry = ProcessRegistry()
    await registry.close()

    with pytest.raises(OSError, match="shutting down"):
        async with registry.temporary_directory({"TMPDIR": str(tmp_path)}):
            pytest.fail("nobody would remove it")

    assert [path async for path in anyio.Path(tmp_path).iterdir()] == []
    assert watchdog_of(registry) is None


def watchdog_of(registry: ProcessRegistry) -> object:
    return registry._watchdog._process  # pyright: ignore[reportPrivateUsage] - it is seen outside only a moment later


def test_patience_is_the_measured_one() -> None:
    assert Patience() == Patience(interrupt_seconds=3, terminate_seconds=3, linger_seconds=5)


def test_the_fake_is_executable() -> None:
    assert FAKE_CLAUDE.stat().st_mode & 0o111


async def test_a_second_cancellation_leaves_no_descendant_without_its_marker(
    stage: Stage, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The child ends at the first signal, and with it the way to a descendant that has a clean environment."""
    asked = asyncio.Event()
    ask = ChildProcess._ask_to_stop  # pyright: ignore[reportPrivateUsage] - the moment has no public name

    async def ask_and_tell(self: ChildProcess) -> None:
        await ask(self)
        asked.set()
        await anyio.lowlevel.checkpoint()

    monkeypatch.setattr(ChildProcess, "_ask_to_stop", ask_and_tell)
    inner = 'trap "" INT TERM; echo $$; while :; do sleep 0.05; done'
    pids: list[int] = []
    ready = asyncio.Event()

    async def work() -> None:
        script = f"env -i /bin/sh -c '{inner}' & trap 'exit 0' INT; wait"
        async with shell(script, stage.registry, stage.workspace) as child:
            pids.append(int(await child.receive()))
            ready.set()
            await anyio.sleep_forever()

    run = asyncio.create_task(work())
    with anyio.fail_after(5):
        await ready.wait()
        run.cancel()
        await asked.wait()
        run.cancel()
        with pytest.raises(asyncio.CancelledError):
            await run
        await until(lambda: not psutil.pid_exists(pids[0]))
