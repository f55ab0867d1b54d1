"""The agent on a `claude` that behaves, and on one that misbehaves in every way we know of."""

import asyncio
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import anyio
import anyio.lowlevel
import pytest
from pydantic import BaseModel

from agents.claude.agent import ClaudeAgent
from agents.claude.locate import find_claude
from agents.errors import (
    AgentError,
    AgentMisconfigured,
    AgentProcessFailed,
    ClaudeNotFound,
    CostLimitReached,
    NotLoggedIn,
    ReplyInvalid,
    TimeLimitReached,
    TurnLimitReached,
)
from agents.events import AgentSaid, Progressed, TextStreamed, ToolEnded, ToolStarted, UsageReported, Waiting
from agents.processes.patience import Patience
from agents.processes.registry import ProcessRegistry
from tests.agents.claude.stage import FAKE_CLAUDE, IMPATIENT, Behaviour, Stage, fake_environment, open_registry
from tests.fakes import claude_cli as fake

pytestmark = pytest.mark.anyio

RECORDINGS = Path(__file__).parents[2] / "recordings" / "claude_cli"


class Person(BaseModel):
    name: str


def progress_of(said: list[AgentSaid]) -> str:
    return "\n".join(event.message for event in said if isinstance(event, Progressed))


# ---- runs that end well


async def test_a_run_ends_with_its_reply(stage: Stage) -> None:
    reply = await stage.play(fake.behaves)

    assert reply.text == "the prompt has 17 characters"
    assert (reply.usage.input_tokens, reply.usage.output_tokens, reply.usage.cost_usd) == (10, 5, 0.25)


async def test_the_first_thing_said_is_that_it_starts(stage: Stage) -> None:
    await stage.play(fake.behaves)

    assert isinstance(stage.said[0], Waiting)
    assert stage.said[0].reason == "start"


async def test_events_come_while_the_process_runs(stage: Stage) -> None:
    async with anyio.create_task_group() as tasks:
        tasks.start_soon(stage.agent(fake.works_on).run, stage.task(), stage.emit)
        await stage.heard("ready")
        assert stage.left_over
        tasks.cancel_scope.cancel()


async def test_a_conversation_that_is_not_kept_cannot_be_continued(stage: Stage) -> None:
    assert (await stage.play(fake.behaves)).session_id == ""


async def test_a_typed_reply_is_an_instance_of_its_model(stage: Stage) -> None:
    reply = await stage.play(fake.hands_over_a_typed_answer, stage.task(reply_model=Person))

    assert reply.data == Person(name="Ada")


async def test_a_typed_reply_that_was_not_handed_over_is_an_error(stage: Stage) -> None:
    with pytest.raises(ReplyInvalid):
        await stage.play(fake.behaves, stage.task(reply_model=Person))


async def test_a_recorded_run_is_told_as_it_was(stage: Stage) -> None:
    recording = str(RECORDINGS / "06-tools-partial.jsonl")
    agent = stage.agent(fake.replays, FAKE_CLAUDE_RECORDING=recording)

    with anyio.fail_after(5):
        reply = await agent.run(stage.task(), stage.emit)

    started = [said.tool for said in stage.said if isinstance(said, ToolStarted)]
    assert started == ["Write", "Bash", "Read", "Edit"]
    assert len([said for said in stage.said if isinstance(said, ToolEnded)]) == 4
    assert reply.files
    assert [command.ok for command in reply.commands] == [True]
    assert "".join(said.text for said in stage.said if isinstance(said, TextStreamed)).endswith(reply.text)


async def test_eight_agents_run_at_once(stage: Stage) -> None:
    working: set[int] = set()
    all_work = anyio.Event()

    def listen(number: int) -> Callable[[AgentSaid], None]:
        def emit(said: AgentSaid) -> None:
            if isinstance(said, TextStreamed) and said.text == "ready":
                working.add(number)
            if len(working) == 8:
                all_work.set()

        return emit

    with anyio.fail_after(5):
        async with anyio.create_task_group() as tasks:
            for number in range(8):
                tasks.start_soon(stage.agent(fake.works_on).run, stage.task(), listen(number))
            await all_work.wait()  # none of them ends by itself
            tasks.cancel_scope.cancel()


def test_its_name_says_what_it_runs_on() -> None:
    registry = ProcessRegistry()

    assert ClaudeAgent(FAKE_CLAUDE, registry).name == "claude-cli"
    assert ClaudeAgent(FAKE_CLAUDE, registry, model="opus").name == "claude-cli:opus"
    assert not ClaudeAgent(FAKE_CLAUDE, registry).offline


# ---- output that is not as it should be


async def test_output_in_small_pieces_is_joined(stage: Stage) -> None:
    assert (await stage.play(fake.writes_in_pieces)).text == "in pieces, with ümlauts and \u2028"


async def test_a_line_of_10_mb_is_read(stage: Stage) -> None:
    assert len((await stage.play(fake.writes_a_long_line)).text) == 10_000_000


async def test_a_line_beyond_the_bound_is_left_out_and_reported(stage: Stage) -> None:
    reply = await stage.play(fake.writes_a_line_beyond_the_bound)

    assert reply.text == "after the long line"
    assert "a line of 68,157,440 bytes, which was left out" in progress_of(stage.said)


async def test_lines_that_are_no_json_are_reported(stage: Stage) -> None:
    assert (await stage.play(fake.writes_no_json)).text == "after the noise"
    assert "Welcome to this wrapper!" in progress_of(stage.said)


async def test_bytes_that_are_no_utf8_are_survived(stage: Stage) -> None:
    assert (await stage.play(fake.writes_invalid_utf8)).text == "after the invalid bytes"


async def test_a_last_line_without_a_newline_counts(stage: Stage) -> None:
    assert (await stage.play(fake.leaves_out_the_last_newline)).text == "without a newline"


async def test_10_mb_on_stderr_block_nothing(stage: Stage) -> None:
    assert (await stage.play(fake.floods_stderr)).text == "after the flood"


async def test_a_prompt_of_1_mb_that_is_not_read_blocks_nothing(stage: Stage) -> None:
    reply = await stage.play(fake.does_not_read_its_prompt, stage.task("x" * 1_000_000))

    assert reply.text == "I have not read it"


async def test_a_prompt_of_1_mb_arrives_whole(stage: Stage) -> None:
    reply = await stage.play(fake.behaves, stage.task("x" * 1_000_000))

    assert reply.text == "the prompt has 1000012 characters"


# ---- ends that are not as they should be


async def test_a_process_that_stays_after_its_result_is_ended_and_has_succeeded(stage: Stage) -> None:
    assert (await stage.play(fake.stays_after_the_result)).text.startswith("the prompt has")


async def test_what_it_reports_when_it_is_ended_does_not_spoil_the_result(stage: Stage) -> None:
    reply = await stage.play(fake.writes_an_interrupt_after_the_result)

    assert reply.text.startswith("the prompt has")
    assert reply.usage.cost_usd == 0.25


async def test_stderr_of_a_failure_is_kept_from_its_end(stage: Stage) -> None:
    with pytest.raises(AgentProcessFailed) as failure:
        await stage.play(fake.floods_stderr_and_fails)

    assert failure.value.exit_code == 3
    assert failure.value.stderr.endswith("the last words")


async def test_a_killed_process_leaves_what_it_had_said(stage: Stage) -> None:
    with pytest.raises(AgentProcessFailed, match="SIGKILL") as failure:
        await stage.play(fake.is_killed)

    assert failure.value.partial == "half an answer"
    assert failure.value.exit_code == -9


async def test_exit_code_137_without_a_result_is_a_failure(stage: Stage) -> None:
    with pytest.raises(AgentProcessFailed) as failure:
        await stage.play(fake.exits_137)

    assert failure.value.exit_code == 137


async def test_an_answer_with_a_bad_exit_code_is_a_failure(stage: Stage) -> None:
    with pytest.raises(AgentProcessFailed, match="exit code 1") as failure:
        await stage.play(fake.answers_and_fails)

    assert failure.value.partial == "an answer"


async def test_a_usage_error_is_passed_on_in_its_own_words(stage: Stage) -> None:
    with pytest.raises(AgentMisconfigured, match="unknown option '--frobnicate'"):
        await stage.play(fake.writes_only_to_stderr)


async def test_exit_code_0_without_a_result_is_a_failure(stage: Stage) -> None:
    with pytest.raises(AgentProcessFailed, match="without an answer"):
        await stage.play(fake.ends_without_a_word)


async def test_a_process_that_closes_its_output_and_stays_is_ended(stage: Stage) -> None:
    with pytest.raises(AgentProcessFailed, match="closed its output"):
        await stage.play(fake.closes_its_output_and_stays)


async def test_the_first_401_ends_the_run(stage: Stage) -> None:
    with pytest.raises(NotLoggedIn):
        await stage.play(fake.retries_after_401)


@pytest.mark.parametrize(
    ("recording", "exit_code", "error"),
    [
        ("17-max-turns", 1, TurnLimitReached),
        ("18-max-budget", 1, CostLimitReached),
        ("35-api-401", 1, NotLoggedIn),
        ("50-sigint-waiting-for-api", 0, AgentProcessFailed),
        ("52-sigterm-running-bash", 143, AgentProcessFailed),
    ],
)
async def test_a_recorded_failure_is_the_right_error(
    stage: Stage, recording: str, exit_code: int, error: type[AgentError]
) -> None:
    path = str(RECORDINGS / f"{recording}.jsonl")
    agent = stage.agent(fake.replays, FAKE_CLAUDE_RECORDING=path, FAKE_CLAUDE_EXIT=str(exit_code))

    with pytest.raises(error), anyio.fail_after(5):
        await agent.run(stage.task(), stage.emit)


@pytest.mark.parametrize("patience", [IMPATIENT, Patience(linger_seconds=5)], ids=["impatient", "patient"])
async def test_a_grandchild_that_keeps_the_output_open_holds_nobody_up(stage: Stage, patience: Patience) -> None:
    reply = await stage.play(fake.leaves_somebody_with_its_output, patience=patience)

    assert reply.text == "done, but not gone"
    assert stage.left_over == []


# ---- cancelling

CANCELLED = pytest.mark.parametrize(
    "behaviour",
    [
        fake.works_on,
        fake.is_stubborn,
        fake.reports_its_cost_when_interrupted,
        fake.leaves_somebody_with_its_output_and_works_on,
    ],
)
"""What may be going on when a run is cancelled; each says `ready`."""


@CANCELLED
async def test_a_cancelled_scope_leaves_nothing(stage: Stage, behaviour: Behaviour) -> None:
    with anyio.fail_after(5):
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(stage.agent(behaviour).run, stage.task(), stage.emit)
            await stage.heard("ready")
            tasks.cancel_scope.cancel()

    assert stage.left_over == []


@CANCELLED
async def test_a_cancelled_task_leaves_nothing_and_stays_cancelled(stage: Stage, behaviour: Behaviour) -> None:
    run = asyncio.create_task(stage.agent(behaviour).run(stage.task(), stage.emit))
    await stage.heard("ready")

    run.cancel()

    with pytest.raises(asyncio.CancelledError), anyio.fail_after(5):
        await run
    assert stage.left_over == []


@CANCELLED
async def test_a_task_that_is_cancelled_again_while_it_ends_leaves_nothing(stage: Stage, behaviour: Behaviour) -> None:
    patient = Patience(interrupt_seconds=30, terminate_seconds=30)
    run = asyncio.create_task(stage.agent(behaviour, patient).run(stage.task(), stage.emit))
    await stage.heard("ready")

    run.cancel()
    for _ in range(20):  # somewhere in the middle of the end
        await anyio.lowlevel.checkpoint()
    run.cancel()

    with pytest.raises(asyncio.CancelledError), anyio.fail_after(5):
        await run
    assert stage.left_over == []


async def test_a_run_cancelled_after_its_result_stays_cancelled(stage: Stage) -> None:
    run = asyncio.create_task(stage.agent(fake.stays_after_the_result, Patience()).run(stage.task(), stage.emit))
    await stage.heard("an answer")

    run.cancel()

    with pytest.raises(asyncio.CancelledError), anyio.fail_after(5):
        await run


async def test_a_run_cancelled_while_it_starts_leaves_nothing(stage: Stage) -> None:
    seen = [await cancelled_after(stage, steps) for steps in range(0, 60, 4)]

    assert any(seen)  # the start was reached


async def cancelled_after(stage: Stage, steps: int) -> bool:
    """Cancel a run after so many steps of the event loop; tells whether its child was there by then."""
    async with open_registry(parent_death_signal=False) as registry:  # nothing is probed: the start comes at once
        agent = ClaudeAgent(FAKE_CLAUDE, registry, environ=fake_environment(fake.works_on), patience=IMPATIENT)
        run = asyncio.create_task(agent.run(stage.task(), stage.emit))
        for _ in range(steps):
            await anyio.lowlevel.checkpoint()
        is_there = bool(stage.left_over)

        run.cancel()

        with pytest.raises(asyncio.CancelledError), anyio.fail_after(5):
            await run
        assert stage.left_over == []
        return is_there


async def test_the_cost_of_a_cancelled_run_is_reported(stage: Stage) -> None:
    with anyio.fail_after(5):
        async with anyio.create_task_group() as tasks:
            agent = stage.agent(fake.reports_its_cost_when_interrupted, Patience())
            tasks.start_soon(agent.run, stage.task(), stage.emit)
            await stage.heard("ready")
            tasks.cancel_scope.cancel()

    assert [said.cost_usd for said in stage.said if isinstance(said, UsageReported)] == [0.5]


async def test_the_end_of_a_stubborn_process_is_bounded(stage: Stage) -> None:
    run = asyncio.create_task(stage.agent(fake.is_stubborn).run(stage.task(), stage.emit))
    await stage.heard("ready")

    cancelled_at = time.monotonic()
    run.cancel()
    with pytest.raises(asyncio.CancelledError), anyio.fail_after(5):
        await run

    assert time.monotonic() - cancelled_at < IMPATIENT.interrupt_seconds + IMPATIENT.terminate_seconds + 2


# ---- limits and refusals


@pytest.mark.parametrize("behaviour", [fake.works_on, fake.is_stubborn])
async def test_the_time_limit_ends_a_run_and_keeps_what_was_said(stage: Stage, behaviour: Behaviour) -> None:
    with pytest.raises(
        TimeLimitReached, match=r"the 0\.5 s that were left of the run's time \(max_seconds\)"
    ) as failure:
        await stage.play(behaviour, stage.task(max_seconds=0.5123456))

    assert failure.value.partial == "ready"


@pytest.mark.parametrize(
    ("limit", "error", "words"),
    [
        ({"model_idle_seconds": 0.5}, AgentProcessFailed, "said nothing for 0 s while the model was awaited"),
        ({"task_seconds": 0.5}, TimeLimitReached, "the longest that one task may take"),
    ],
    ids=["the model", "the task"],
)
async def test_a_silent_process_is_not_waited_for_without_bound(
    stage: Stage, limit: dict[str, Any], error: type[AgentError], words: str
) -> None:
    environ = fake_environment(fake.works_on)
    agent = ClaudeAgent(FAKE_CLAUDE, stage.registry, environ=environ, patience=IMPATIENT, **limit)

    with pytest.raises(error, match=words) as failure, anyio.fail_after(5):
        await agent.run(stage.task(), stage.emit)

    assert failure.value.partial == "ready"


async def test_a_silent_tool_has_a_bound_of_its_own_and_is_told_as_cut_off(stage: Stage) -> None:
    agent = ClaudeAgent(
        FAKE_CLAUDE,
        stage.registry,
        environ=fake_environment(fake.runs_a_silent_tool),
        patience=IMPATIENT,
        model_idle_seconds=60,
        tool_idle_seconds=0.3,
    )

    with pytest.raises(AgentProcessFailed, match="while Bash was awaited") as failure, anyio.fail_after(5):
        await agent.run(stage.task(), stage.emit)

    assert failure.value.recovery[-1] == "See why the tool did not end"
    (cut_off,) = [said for said in stage.said if isinstance(said, Progressed) and "cut off" in said.message]
    assert (cut_off.message, cut_off.details) == ("Bash was cut off", {"call_id": "call-1"})


@pytest.mark.parametrize(
    ("allowed", "cost", "words"),
    [
        (0.0123456789, 0.0222, "The $0.01 that were left of the run's money (max_cost_usd) are spent, $0.02 in all."),
        (0.00123456789, 0.0, "The $0.0012 that were left of the run's money (max_cost_usd) are spent."),
    ],
)
async def test_the_money_that_is_spent_is_told_in_round_figures(
    stage: Stage, allowed: float, cost: float, words: str
) -> None:
    agent = stage.agent(fake.reaches_its_budget, FAKE_CLAUDE_COST=str(cost))

    with pytest.raises(CostLimitReached) as failure, anyio.fail_after(5):
        await agent.run(stage.task(max_cost_usd=allowed), stage.emit)

    assert failure.value.message == words


async def test_a_refused_login_says_that_settings_are_not_read(stage: Stage) -> None:
    with pytest.raises(NotLoggedIn) as failure:
        await stage.play(fake.retries_after_401)

    assert any("settings files are not read" in hint and "apiKeyHelper" in hint for hint in failure.value.recovery)


async def test_a_process_that_dies_without_a_result_leaves_a_usage_of_unknown_cost(stage: Stage) -> None:
    with pytest.raises(AgentProcessFailed):
        await stage.play(fake.is_killed)

    assert [said.cost_usd for said in stage.said if isinstance(said, UsageReported)] == [None]


async def test_a_cancelled_run_without_a_result_leaves_a_usage_of_unknown_cost(stage: Stage) -> None:
    run = asyncio.create_task(stage.agent(fake.works_on).run(stage.task(), stage.emit))
    await stage.heard("ready")

    run.cancel()

    with pytest.raises(asyncio.CancelledError), anyio.fail_after(5):
        await run
    assert [said.cost_usd for said in stage.said if isinstance(said, UsageReported)] == [None]


async def test_an_old_version_is_reported_and_not_refused(stage: Stage) -> None:
    await stage.play(fake.behaves)  # says it is 0.0.0

    assert "older than 2.1.329, with which this is known to work" in progress_of(stage.said)


async def test_a_time_limit_after_the_result_changes_nothing(stage: Stage) -> None:
    reply = await stage.play(fake.stays_after_the_result, stage.task(max_seconds=1.0), Patience(linger_seconds=30))

    assert reply.text.startswith("the prompt has")


@pytest.mark.parametrize(
    ("limits", "error"),
    [
        ({"max_seconds": 0.0}, TimeLimitReached),
        ({"max_cost_usd": 0.0}, CostLimitReached),
        ({"max_turns": 0}, TurnLimitReached),  # the command line takes 0 for "no limit"
    ],
)
async def test_a_limit_that_leaves_nothing_starts_nothing(
    stage: Stage, limits: dict[str, Any], error: type[AgentError]
) -> None:
    with pytest.raises(error, match=next(iter(limits))):
        await stage.play(fake.behaves, stage.task(**limits))


async def test_a_missing_workspace_is_named(stage: Stage) -> None:
    missing = stage.workspace / "missing"

    with pytest.raises(AgentMisconfigured, match="missing is not an existing directory"):
        await stage.play(fake.behaves, stage.task(workspace=missing))


async def test_a_workspace_that_goes_while_the_command_is_looked_for_is_named(stage: Stage) -> None:
    workspace = stage.workspace / "short-lived"
    workspace.mkdir()

    def find() -> Path:
        workspace.rmdir()
        return FAKE_CLAUDE

    agent = ClaudeAgent(find, stage.registry, environ=fake_environment(fake.behaves))
    with pytest.raises(AgentMisconfigured, match="short-lived is not an existing directory"), anyio.fail_after(5):
        await agent.run(stage.task(workspace=workspace), stage.emit)


async def test_a_relative_command_is_relative_to_the_server(stage: Stage, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(FAKE_CLAUDE.parent)
    agent = ClaudeAgent(Path(FAKE_CLAUDE.name), stage.registry, environ=fake_environment(fake.behaves))

    with anyio.fail_after(5):
        assert (await agent.run(stage.task(), stage.emit)).text


async def test_a_workspace_that_is_a_file_is_named(stage: Stage) -> None:
    file = stage.workspace / "file"
    file.touch()

    with pytest.raises(AgentMisconfigured, match="file is not an existing directory"):
        await stage.play(fake.behaves, stage.task(workspace=file))


async def test_servers_inside_agents_of_servers_come_to_an_end(stage: Stage) -> None:
    environ = fake_environment(fake.behaves) | {"AGENT_WORKFLOWS_DEPTH": "3"}

    with pytest.raises(AgentMisconfigured, match="runs inside 3 others"):
        await ClaudeAgent(FAKE_CLAUDE, stage.registry, environ=environ).run(stage.task(), stage.emit)


async def test_a_listener_that_raises_does_not_cost_the_work(stage: Stage, caplog: pytest.LogCaptureFixture) -> None:
    def broken(_: AgentSaid) -> None:
        raise RuntimeError("broken listener")

    with anyio.fail_after(5):
        reply = await stage.agent(fake.behaves).run(stage.task(), broken)

    assert reply.text.startswith("the prompt has")
    assert caplog.text.count("RuntimeError: broken listener") == 1


# ---- commands that cannot be started


def no_such_file(directory: Path) -> Path:
    return directory / "claude"


def rubbish(directory: Path) -> Path:
    path = directory / "claude"
    path.write_bytes(b"\x00\x01 neither a program nor a script")
    path.chmod(0o755)
    return path


def script_without_interpreter(directory: Path) -> Path:
    path = directory / "claude"
    path.write_text("#!/nonexistent/node\n")
    path.chmod(0o755)
    return path


def not_executable(directory: Path) -> Path:
    path = directory / "claude"
    path.write_text("#!/bin/sh\n")
    return path


@pytest.mark.parametrize("parent_death_signal", [True, False], ids=["with launcher", "without launcher"])
@pytest.mark.parametrize(
    ("make", "error", "words"),
    [
        (no_such_file, ClaudeNotFound, "No such file"),
        (script_without_interpreter, ClaudeNotFound, "interpreter"),
        (rubbish, AgentMisconfigured, "Exec format error|refused to start"),  # the launcher has a shell try it
        (not_executable, AgentMisconfigured, "Permission denied"),
    ],
)
async def test_a_command_that_cannot_be_started_says_why(
    stage: Stage,
    tmp_path: Path,
    *,
    parent_death_signal: bool,
    make: Callable[[Path], Path],
    error: type[AgentError],
    words: str,
) -> None:
    async with open_registry(parent_death_signal=parent_death_signal) as registry:
        agent = ClaudeAgent(make(tmp_path), registry, environ=fake_environment())
        with pytest.raises(error, match=words) as failure, anyio.fail_after(5):
            await agent.run(stage.task(), stage.emit)

    assert str(tmp_path / "claude") in failure.value.message
    assert failure.value.recovery


async def test_instructions_that_are_too_long_for_a_command_line_are_named(stage: Stage) -> None:
    with pytest.raises(AgentMisconfigured) as failure:
        await stage.play(fake.behaves, stage.task(instructions="x" * 5_000_000))

    assert "instructions" in failure.value.recovery[0]


async def test_the_command_is_looked_for_anew_for_every_task(stage: Stage) -> None:
    def find() -> Path:
        return find_claude(None, {"PATH": str(stage.workspace)})

    agent = ClaudeAgent(find, stage.registry, environ=fake_environment(fake.behaves))
    with pytest.raises(ClaudeNotFound):
        await agent.run(stage.task(), stage.emit)

    (stage.workspace / "claude").symlink_to(FAKE_CLAUDE)
    with anyio.fail_after(5):
        assert (await agent.run(stage.task(), stage.emit)).text
