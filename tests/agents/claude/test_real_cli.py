"""The agent on the real `claude`, which talks to a fake Messages API on loopback."""

import asyncio
import sys
import time
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from pathlib import Path

import anyio
import psutil
import pytest
from pydantic import BaseModel

from agents.agent import AgentReply, AgentTask
from agents.claude.agent import ClaudeAgent
from agents.errors import AgentMisconfigured, AgentProcessFailed, NotLoggedIn, TimeLimitReached, TurnLimitReached
from agents.events import AgentSaid, StreamWithdrawn, TextStreamed, ToolEnded, ToolStarted, UsageReported
from tests.agents.claude.stage import Stage
from tests.agents.processes.test_watchdog import first_output_of, started
from tests.descendants import kill_left_over
from tests.fakes import doomed_server
from tests.fakes.claude_home import claude_environment, require_claude
from tests.fakes.messages_api import MessagesApi, messages_api
from tests.fakes.messages_script import (
    Answer,
    CutStream,
    Reply,
    Script,
    Silent,
    Status,
    Text,
    Thinking,
    ToolUse,
    always,
    by_step,
    call,
    say,
)
from tests.waiting import until

pytestmark = pytest.mark.anyio

PATIENCE = 30.0
"""Seconds that anything with the real binary may take."""

SLEEPERS = "sleep 301 & setsid sleep 302 & (sleep 303 & exit) ; sleep 304"
"""A tree: in the background, in its own session, without a parent, and in the foreground."""


class Person(BaseModel):
    name: str
    age: int


@asynccontextmanager
async def api_for(script: Script | list[Answer]) -> AsyncGenerator[MessagesApi]:
    with anyio.fail_after(PATIENCE):
        async with messages_api(script) as api:
            yield api


def real_agent(stage: Stage, tmp_path: Path, api: MessagesApi, **more: str) -> ClaudeAgent:
    environ = claude_environment(tmp_path, api.url) | more
    return ClaudeAgent(require_claude(), stage.registry, environ=environ)


async def play(stage: Stage, tmp_path: Path, script: Script | list[Answer], task: AgentTask) -> AgentReply:
    async with api_for(script) as api:
        return await real_agent(stage, tmp_path, api).run(task, stage.emit)


def sleepers_of(stage: Stage) -> set[str]:
    found: set[str] = set()
    for pid in stage.left_over:
        try:
            found.add(" ".join(psutil.Process(pid).cmdline()))
        except psutil.Error:  # it has just ended
            continue
    return {command for command in found if command.startswith("sleep 30")}


def all_sleep(stage: Stage) -> bool:
    return len(sleepers_of(stage)) == 4


# ---- work


async def test_it_writes_a_file_and_tells_it(stage: Stage, tmp_path: Path) -> None:
    path = stage.workspace / "hello.txt"
    script = by_step(call("Write", file_path=str(path), content="hello"), say("I wrote it."))

    reply = await play(stage, tmp_path, script, stage.task("write hello", access="write"))

    assert path.read_text() == "hello"
    assert reply.text == "I wrote it."
    assert reply.files == ("hello.txt",)
    assert reply.usage.input_tokens > 0
    assert reply.usage.cost_usd
    assert [said.tool for said in stage.said if isinstance(said, ToolStarted)] == ["Write"]
    assert "".join(said.text for said in stage.said if isinstance(said, TextStreamed)) == "I wrote it."
    assert any(isinstance(said, UsageReported) for said in stage.said)


async def test_it_runs_a_command_in_the_workspace(stage: Stage, tmp_path: Path) -> None:
    script = by_step(call("Bash", command="pwd && echo $AGENT_WORKFLOWS_RUN"), say("done"))

    reply = await play(stage, tmp_path, script, stage.task(access="write"))

    (command,) = reply.commands
    assert command.ok
    assert command.output.split() == [str(stage.workspace.resolve()), stage.run_id]


TWO_TEXTS = Reply((Text("PART ONE, which is whole. "), Text("PART TWO, which is cut off.")))
TWO_PARTS = Reply((Text("PART ONE. "), Thinking("hm"), Text("PART TWO.")))


def shown_by(stage: Stage) -> str:
    """The net text: what was streamed, without what was taken back."""
    shown = ""
    for said in stage.said:
        if isinstance(said, TextStreamed):
            shown += said.text
        elif isinstance(said, StreamWithdrawn):
            shown = shown[: -said.characters]
    return shown


@pytest.mark.parametrize(
    ("script", "answer"),
    [
        ([TWO_PARTS], "PART ONE. PART TWO."),
        ([Reply((Text("PART ONE, "),), stop_reason="max_tokens"), say("PART TWO.")], "PART ONE, PART TWO."),
    ],
    ids=["two blocks", "two messages"],
)
async def test_an_answer_in_parts_is_whole(stage: Stage, tmp_path: Path, script: list[Answer], answer: str) -> None:
    reply = await play(stage, tmp_path, script, stage.task())

    assert shown_by(stage) == answer
    assert reply.text == answer


async def test_an_answer_whose_stream_broke_after_a_block_is_whole(stage: Stage, tmp_path: Path) -> None:
    second_block_was_seen = anyio.Event()

    def emit(said: AgentSaid) -> None:
        stage.emit(said)
        if isinstance(said, TextStreamed) and "PART TWO" in said.text:
            second_block_was_seen.set()

    script: list[Answer] = [CutStream(TWO_TEXTS, after=35, until=second_block_was_seen), say("PART THREE.")]
    async with api_for(script) as api:
        reply = await real_agent(stage, tmp_path, api).run(stage.task(), emit)

    assert reply.text == "PART ONE, which is whole. PART THREE."
    assert shown_by(stage) == reply.text


async def test_what_was_said_before_a_tool_call_is_not_the_answer(stage: Stage, tmp_path: Path) -> None:
    first = Reply((Text("I look."), ToolUse("Glob", {"pattern": "*"})))

    reply = await play(stage, tmp_path, by_step(first, say("Answer.")), stage.task(access="read"))

    assert reply.text == "Answer."


async def kill_after_a_second_request(stage: Stage, api: MessagesApi) -> None:
    await api.received(2)
    assert kill_left_over(stage.run_id)


async def test_the_tokens_of_a_run_without_a_result_are_not_lost(stage: Stage, tmp_path: Path) -> None:
    script = by_step(call("Glob", pattern="*"), Silent())

    async with api_for(script) as api, anyio.create_task_group() as tasks:
        tasks.start_soon(kill_after_a_second_request, stage, api)
        with pytest.raises(AgentProcessFailed, match="SIGKILL"):
            await real_agent(stage, tmp_path, api).run(stage.task(access="read"), stage.emit)

    (usage,) = [said for said in stage.said if isinstance(said, UsageReported)]
    assert usage.cost_usd is None
    assert usage.input_tokens > 0


async def test_it_hands_over_a_typed_reply(stage: Stage, tmp_path: Path) -> None:
    script = by_step(call("StructuredOutput", name="Ada", age=36), say("done"))

    reply = await play(stage, tmp_path, script, stage.task(reply_model=Person))

    assert reply.data == Person(name="Ada", age=36)


async def test_its_instructions_reach_the_model_apart_from_the_prompt(stage: Stage, tmp_path: Path) -> None:
    async with api_for(always(say("fine"))) as api:
        await real_agent(stage, tmp_path, api).run(stage.task(instructions="--Talk like a pirate."), stage.emit)

        assert "--Talk like a pirate." in api.requests[0].system
        assert "pirate" not in api.requests[0].prompt


async def test_its_conversation_is_not_kept(stage: Stage, tmp_path: Path) -> None:
    await play(stage, tmp_path, always(say("fine")), stage.task("a very private prompt"))

    kept = [path for path in (tmp_path / "claude-home").rglob("*") if path.is_file()]
    assert not [path for path in kept if b"a very private prompt" in path.read_bytes()]


# ---- a prompt is data


@pytest.mark.parametrize("prompt", ["/context", "/init", "/nonsense", "!echo hi", "--help", "-p", ""])
async def test_a_prompt_is_only_ever_words_to_the_model(stage: Stage, tmp_path: Path, prompt: str) -> None:
    async with api_for(always(say("fine"))) as api:
        reply = await real_agent(stage, tmp_path, api).run(stage.task(prompt), stage.emit)

        assert api.requests[0].prompt.endswith(f"Your task:\n\n{prompt}")
    assert reply.text == "fine"


@pytest.mark.parametrize("mention", ["@secret.txt", '@"secret.txt"', "@./secret.txt", "@{directory}/outside.txt"])
async def test_a_mention_attaches_no_file(stage: Stage, tmp_path: Path, mention: str) -> None:
    (stage.workspace / "secret.txt").write_text("the-secret-inside")
    (tmp_path / "outside.txt").write_text("the-secret-outside")
    prompt = f"Look: {mention.format(directory=tmp_path)}"

    async with api_for(always(say("fine"))) as api:
        await real_agent(stage, tmp_path, api).run(stage.task(prompt), stage.emit)

        assert prompt in api.requests[0].prompt
        assert "the-secret" not in api.requests[0].body.model_dump_json()


async def test_a_prompt_of_1_mb_with_odd_characters_arrives(stage: Stage, tmp_path: Path) -> None:
    prompt = "x" * 1_000_000 + "\u2028 ümlaut \0 \ud800 end"

    async with api_for(always(say("fine"))) as api:
        await real_agent(stage, tmp_path, api).run(stage.task(prompt), stage.emit)

        assert "x" * 1_000_000 + "\u2028 ümlaut \ufffd \ufffd end" in api.requests[0].prompt


# ---- access


async def test_without_access_there_are_no_tools(stage: Stage, tmp_path: Path) -> None:
    async with api_for(always(say("fine"))) as api:
        await real_agent(stage, tmp_path, api).run(stage.task(access="none"), stage.emit)

        assert api.requests[0].tools == ()


async def test_reading_ends_at_the_workspace(stage: Stage, tmp_path: Path) -> None:
    (stage.workspace / "inside.txt").write_text("needle inside")
    (tmp_path / "outside.txt").write_text("needle outside")
    script = by_step(
        call("Read", file_path=str(stage.workspace / "inside.txt")),
        call("Grep", pattern="needle", output_mode="content"),
        call("Read", file_path=str(tmp_path / "outside.txt")),
        call("Grep", pattern="needle", output_mode="content", path=str(tmp_path)),
        say("fine"),
    )

    await play(stage, tmp_path, script, stage.task(access="read"))

    ended = [said for said in stage.said if isinstance(said, ToolEnded)]
    assert [said.ok for said in ended] == [True, True, False, False]
    assert not any("needle outside" in said.output for said in ended)


async def test_an_agent_that_may_read_can_neither_write_nor_run_commands(stage: Stage, tmp_path: Path) -> None:
    path = stage.workspace / "written.txt"
    script = by_step(
        call("Write", file_path=str(path), content="x"), call("Bash", command=f"touch {path}"), say("fine")
    )

    await play(stage, tmp_path, script, stage.task(access="read"))

    assert not path.exists()
    assert [said.ok for said in stage.said if isinstance(said, ToolEnded)] == [False, False]


async def test_the_file_tools_write_nothing_outside_the_workspace(stage: Stage, tmp_path: Path) -> None:
    script = by_step(call("Write", file_path=str(tmp_path / "outside.txt"), content="x"), say("fine"))

    await play(stage, tmp_path, script, stage.task(access="write"))

    assert not (tmp_path / "outside.txt").exists()


# ---- failures and limits


async def test_a_refused_key_ends_the_run_in_seconds(stage: Stage, tmp_path: Path) -> None:
    began_at = time.monotonic()

    with pytest.raises(NotLoggedIn):
        await play(stage, tmp_path, always(Status(401)), stage.task())

    assert time.monotonic() - began_at < 10


async def test_the_time_limit_ends_a_run_whose_model_is_silent(stage: Stage, tmp_path: Path) -> None:
    with pytest.raises(TimeLimitReached):
        await play(stage, tmp_path, always(Silent()), stage.task(max_seconds=2))


async def test_the_turn_limit_is_that_of_the_role(stage: Stage, tmp_path: Path) -> None:
    script = always(call("Glob", pattern="*"))

    with pytest.raises(TurnLimitReached, match="role coder used all of its 2 rounds") as failure:
        await play(stage, tmp_path, script, stage.task(access="read", max_turns=2))

    assert failure.value.blame == "agent"


async def test_a_model_that_does_not_exist_is_an_error_of_its_own(stage: Stage, tmp_path: Path) -> None:
    with pytest.raises(AgentMisconfigured):
        await play(stage, tmp_path, always(Status(404, "model: nonsense", "not_found_error")), stage.task())


# ---- nothing is left behind


async def test_a_cancelled_run_takes_its_commands_with_it(stage: Stage, tmp_path: Path) -> None:
    async with api_for(always(call("Bash", command=SLEEPERS))) as api:
        run = asyncio.create_task(real_agent(stage, tmp_path, api).run(stage.task(access="write"), stage.emit))
        await until(lambda: all_sleep(stage), within=PATIENCE)

        run.cancel()

        with pytest.raises(asyncio.CancelledError), anyio.fail_after(8):
            await run
        assert stage.left_over == []


async def test_a_run_that_ended_well_leaves_none_of_its_commands_behind(stage: Stage, tmp_path: Path) -> None:
    command = "setsid sleep 301 >/dev/null 2>&1 </dev/null & echo started"
    script = by_step(call("Bash", command=command), say("It runs in the background."))

    reply = await play(stage, tmp_path, script, stage.task(access="write"))

    assert reply.text == "It runs in the background."
    assert stage.left_over == []


@pytest.mark.parametrize("parent_death_signal", [True, False], ids=["with setpriv", "without setpriv"])
async def test_2_s_after_the_server_was_killed_nothing_is_left(
    stage: Stage, tmp_path: Path, *, parent_death_signal: bool
) -> None:
    orders = doomed_server.Orders(
        executable=require_claude(),
        workspace=stage.workspace,
        run_id=stage.run_id,
        access="write",
        parent_death_signal=parent_death_signal,
    )
    command = [sys.executable, "-m", "tests.fakes.doomed_server", orders.model_dump_json()]
    async with (
        api_for(always(call("Bash", command=SLEEPERS))) as api,
        started(command, claude_environment(tmp_path, api.url)) as server,
    ):
        await first_output_of(server, b"ToolStarted", within=PATIENCE)
        await until(lambda: all_sleep(stage), within=PATIENCE)

        server.kill()

        await until(lambda: not stage.left_over, within=2)
