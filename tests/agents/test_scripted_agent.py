import sys
from collections.abc import AsyncGenerator, Callable
from pathlib import Path

import anyio
import pytest
from pydantic import BaseModel

from agents.access import Access
from agents.agent import AgentReply, AgentTask, Usage
from agents.command_runner import CommandRunner, RunCommand
from agents.errors import AgentError, ReplyInvalid, ScriptEnded, TimeLimitReached
from agents.events import (
    AgentSaid,
    Decided,
    Found,
    Progressed,
    TextStreamed,
    ThinkingStreamed,
    Thought,
    ToolEnded,
    ToolStarted,
)
from agents.processes.registry import ProcessRegistry
from agents.script import (
    Data,
    Decide,
    Edit,
    Fail,
    Find,
    Glob,
    Played,
    Progress,
    Read,
    Run,
    Script,
    Step,
    Stream,
    Think,
    Turn,
    Write,
)
from agents.scripted_agent import ScriptedAgent
from tests.descendants import processes_with_marker
from tests.waiting import until

pytestmark = pytest.mark.anyio

WAIT = "import pathlib, time; pathlib.Path('started').touch(); time.sleep(60)"


class Verdict(BaseModel):
    good: bool


class Play:
    """Runs turns and keeps what was said."""

    def __init__(self, workspace: Path, run_command: RunCommand) -> None:
        self.workspace = workspace
        self.run_command = run_command
        self.said: list[AgentSaid] = []

    def agent(self, script: Script | Callable[[AgentTask], Script]) -> ScriptedAgent:
        return ScriptedAgent(script, self.run_command)

    def task(
        self,
        role: str = "coder",
        *,
        run_id: str = "run",
        access: Access = "write",
        reply_model: type[BaseModel] | None = None,
        max_seconds: float | None = None,
    ) -> AgentTask:
        return AgentTask(
            role=role,
            prompt="",
            workspace=self.workspace,
            access=access,
            reply_model=reply_model,
            max_seconds=max_seconds,
            run_id=run_id,
        )

    async def ask(self, agent: ScriptedAgent, task: AgentTask | None = None) -> AgentReply:
        with anyio.fail_after(5):
            return await agent.run(task or self.task(), self.said.append)

    async def steps(self, *steps: Step, access: Access = "write") -> AgentReply:
        return await self.ask(self.agent({"coder": [Turn(steps=steps)]}), self.task(access=access))

    @property
    def ended(self) -> ToolEnded:
        """The only tool call, as it ended."""
        (ended,) = [said for said in self.said if isinstance(said, ToolEnded)]
        return ended


@pytest.fixture
async def play(tmp_path: Path) -> AsyncGenerator[Play]:
    registry = ProcessRegistry()
    yield Play(tmp_path, CommandRunner(registry).run)
    await registry.close()


async def test_it_says_that_no_model_is_behind_it(play: Play) -> None:
    agent = play.agent({})

    assert (agent.name, agent.offline) == ("scripted", True)


async def test_steps_are_told_in_order(play: Play) -> None:
    await play.steps(Think("why"), Progress("going"), Decide("this", {"not": "that"}), Find("it", {"where": "here"}))

    assert play.said == [
        ThinkingStreamed(text="why"),
        Thought(text="why"),
        Progressed(message="going"),
        Decided(message="this", details={"not": "that"}),
        Found(message="it", details={"where": "here"}),
    ]


async def test_a_thought_is_streamed_and_then_told_whole(play: Play) -> None:
    thought = "  one two three four five\n\nsix seven  eight nine ten "
    await play.steps(Think(thought))

    pieces = [said.text for said in play.said if isinstance(said, ThinkingStreamed)]
    assert len(pieces) > 1
    assert "".join(pieces) == thought
    assert play.said[-1] == Thought(text=thought)


async def test_the_reply_is_streamed_and_is_the_reply(play: Play) -> None:
    answer = "The answer has more than four words.\n"
    agent = play.agent({"coder": [Turn(steps=(Stream("First this."),), text=answer)]})

    reply = await play.ask(agent)

    assert reply.text == answer
    assert "".join(said.text for said in play.said if isinstance(said, TextStreamed)) == f"First this.{answer}"


async def test_it_costs_nothing(play: Play) -> None:
    reply = await play.steps(Think("for nothing"))

    assert reply.usage == Usage(0, 0, 0.0)


async def test_a_file_is_really_written(play: Play) -> None:
    reply = await play.steps(Write("src/a.py", "x = 1\n"))

    assert (play.workspace / "src/a.py").read_text() == "x = 1\n"
    assert reply.files == ("src/a.py",)
    started = play.said[0]
    assert isinstance(started, ToolStarted)
    assert (started.tool, started.input["file_path"]) == ("Write", str(play.workspace / "src/a.py"))
    assert (play.ended.call_id, play.ended.ok) == (started.call_id, True)


async def test_a_file_that_exists_is_never_overwritten(play: Play) -> None:
    (play.workspace / "mine.txt").write_text("mine")

    reply = await play.steps(Write("mine.txt", "yours"))

    assert (play.workspace / "mine.txt").read_text() == "mine"
    assert not play.ended.ok
    assert "exists already" in play.ended.output
    assert reply.files == ()


async def test_an_edit_changes_the_file(play: Play) -> None:
    (play.workspace / "a.py").write_text("x = 1\ny = 1\n")

    reply = await play.steps(Edit("a.py", "y = 1", "y = 2"))

    assert (play.workspace / "a.py").read_text() == "x = 1\ny = 2\n"
    assert reply.files == ("a.py",)


@pytest.mark.parametrize("old", ["z = 1", " = 1"])
async def test_an_edit_that_is_not_clear_fails(play: Play, old: str) -> None:
    (play.workspace / "a.py").write_text("x = 1\ny = 1\n")

    await play.steps(Edit("a.py", old, "z = 2"))

    assert not play.ended.ok
    assert (play.workspace / "a.py").read_text() == "x = 1\ny = 1\n"


async def test_files_are_listed_and_read(play: Play) -> None:
    (play.workspace / "a.py").write_text("x = 1\n")
    (play.workspace / "sub").mkdir()

    await play.steps(Glob("*"), Read("a.py"), Glob("*.rs"), access="read")

    assert [said.output for said in play.said if isinstance(said, ToolEnded)] == ["a.py", "x = 1\n", "No files found"]


@pytest.mark.parametrize("step", [Write("../out.txt", "x"), Read("../out.txt"), Edit("../out.txt", "x", "y")])
async def test_nothing_outside_the_workspace_is_touched(play: Play, step: Step) -> None:
    outside = play.workspace.parent / "out.txt"
    outside.write_text("x")

    await play.steps(step)

    assert "outside the workspace" in play.ended.output
    assert outside.read_text() == "x"


async def test_a_link_does_not_lead_outside(play: Play) -> None:
    outside = play.workspace.parent / f"{play.workspace.name}-outside"
    outside.mkdir()
    (play.workspace / "link").symlink_to(outside)

    await play.steps(Write("link/a.txt", "x"))

    assert not play.ended.ok
    assert list(outside.iterdir()) == []


@pytest.mark.parametrize(
    ("access", "step"),
    [
        ("none", Glob("*")),
        ("none", Read("a.txt")),
        ("read", Write("b.txt", "x")),
        ("read", Edit("a.txt", "a", "b")),
        ("read", Run((sys.executable, "-c", "open('b.txt', 'w')"))),
    ],
)
async def test_a_role_does_no_more_than_it_may(play: Play, access: Access, step: Step) -> None:
    (play.workspace / "a.txt").write_text("a")

    reply = await play.steps(step, access=access)

    assert play.ended.output.startswith("denied")
    assert [path.name for path in play.workspace.iterdir()] == ["a.txt"]
    assert (play.workspace / "a.txt").read_text() == "a"
    assert reply.commands == () or not reply.commands[0].ok


async def test_a_command_is_really_run(play: Play) -> None:
    code = "import pathlib; pathlib.Path('made').touch(); print('made it')"

    reply = await play.steps(Run((sys.executable, "-c", code), shown="python -c make"))

    assert (play.workspace / "made").exists()
    (command,) = reply.commands
    assert (command.command, command.ok, command.output) == ("python -c make", True, "made it")
    assert 0 < command.seconds <= 5
    assert play.ended.output == "made it"


async def test_a_command_that_fails_is_told_as_failed(play: Play) -> None:
    reply = await play.steps(Run((sys.executable, "-c", "raise SystemExit('no')")))

    assert not reply.commands[0].ok
    assert play.ended.output == "no\nExit code 1"
    assert not play.ended.ok


async def test_a_command_that_is_not_there_fails_and_the_turn_goes_on(play: Play) -> None:
    reply = await play.steps(Run(("no-such-command",)), Write("a.txt", "x"))

    assert not reply.commands[0].ok
    assert reply.files == ("a.txt",)


async def test_a_command_that_takes_too_long_is_ended(play: Play) -> None:
    reply = await play.steps(Run((sys.executable, "-c", WAIT), max_seconds=0.3))

    assert not reply.commands[0].ok
    assert "took too long" in reply.commands[0].output
    assert processes_with_marker("run") == []


async def test_a_reply_can_be_made_from_what_has_happened(play: Play) -> None:
    def told(played: Played) -> str:
        return f"{len(played.outcomes)} calls, {len(played.failures)} failed, files: {', '.join(played.files)}"

    turn = Turn(steps=(Write("a.txt", "x"), Read("missing.txt")), text=told)

    assert (await play.ask(play.agent({"coder": [turn]}))).text == "2 calls, 1 failed, files: a.txt"


def good(_played: Played) -> dict[str, object]:
    return {"good": True}


@pytest.mark.parametrize("data", [{"good": True}, Verdict(good=True), good])
async def test_a_typed_reply_has_the_shape_that_was_asked_for(
    play: Play, data: Data | Callable[[Played], Data]
) -> None:
    agent = play.agent({"coder": [Turn(data=data)]})

    reply = await play.ask(agent, play.task(reply_model=Verdict))

    assert reply.data == Verdict(good=True)
    assert reply.text == '{"good":true}'


async def test_without_a_shape_there_is_no_typed_reply(play: Play) -> None:
    reply = await play.ask(play.agent({"coder": [Turn(text="words", data={"good": True})]}))

    assert (reply.text, reply.data) == ("words", None)


@pytest.mark.parametrize("data", [None, {"bad": True}])
async def test_data_that_does_not_fit_is_an_invalid_reply(play: Play, data: dict[str, object] | None) -> None:
    with pytest.raises(ReplyInvalid, match="Verdict"):
        await play.ask(play.agent({"coder": [Turn(data=data)]}), play.task(reply_model=Verdict))


async def test_each_task_of_a_role_plays_its_next_turn(play: Play) -> None:
    agent = play.agent({"coder": [Turn(text="one"), Turn(text="two")], "critic": [Turn(text="hm")]})

    replies = [(await play.ask(agent, play.task(role))).text for role in ("coder", "critic", "coder")]

    assert replies == ["one", "hm", "two"]


async def test_each_run_begins_with_the_first_turn(play: Play) -> None:
    agent = play.agent({"coder": [Turn(text="one"), Turn(text="two")]})

    replies = [(await play.ask(agent, play.task(run_id=run_id))).text for run_id in ("a", "b", "a")]

    assert replies == ["one", "one", "two"]


async def test_a_script_can_be_made_for_each_run(play: Play) -> None:
    agent = play.agent(lambda task: {"coder": [Turn(text=f"script of {task.run_id}"), Turn(text="and on")]})

    replies = [(await play.ask(agent, play.task(run_id=run_id))).text for run_id in ("a", "b", "a")]

    assert replies == ["script of a", "script of b", "and on"]


async def test_a_turn_can_be_decided_on_when_it_is_played(play: Play) -> None:
    def act(task: AgentTask) -> Turn:
        return Turn(text=f"for {task.run_id}")

    agent = play.agent({"coder": act, "critic": [act]})

    replies = [(await play.ask(agent, play.task(role))).text for role in ("coder", "coder", "critic")]

    assert replies == ["for run"] * 3


async def test_a_turn_that_broke_off_is_played_again(play: Play) -> None:
    attempts = iter([Turn(steps=(Fail(AgentError("not yet")),)), Turn(text="one")])
    agent = play.agent({"coder": [lambda _: next(attempts), Turn(text="two")]})

    with pytest.raises(AgentError, match="not yet"):
        await play.ask(agent)

    assert [(await play.ask(agent)).text for _ in range(2)] == ["one", "two"]


async def test_a_script_that_is_at_its_end_says_so(play: Play) -> None:
    agent = play.agent({"coder": [Turn()]})
    await play.ask(agent)

    with pytest.raises(ScriptEnded, match="1 turns for 'coder'") as caught:
        await play.ask(agent)

    assert caught.value.blame == "setup"
    assert "without --offline" in caught.value.recovery[0]


async def test_a_role_the_script_does_not_have_is_named(play: Play) -> None:
    with pytest.raises(ScriptEnded, match="no role 'poet'; it has coder"):
        await play.ask(play.agent({"coder": []}), play.task("poet"))


async def test_a_turn_can_give_up(play: Play) -> None:
    with pytest.raises(AgentError, match="out of ideas"):
        await play.steps(Fail(AgentError("out of ideas")))


async def test_time_that_is_over_ends_the_turn_and_its_command(play: Play) -> None:
    agent = play.agent({"coder": [Turn(steps=(Stream("I begin."), Run((sys.executable, "-c", WAIT))))]})

    with pytest.raises(TimeLimitReached) as caught:
        await play.ask(agent, play.task(max_seconds=0.3))

    assert caught.value.partial == "I begin."
    assert processes_with_marker("run") == []


async def test_cancelling_in_the_middle_of_a_command_leaves_no_process(play: Play) -> None:
    agent = play.agent({"coder": [Turn(steps=(Run((sys.executable, "-c", WAIT)),))]})

    with anyio.fail_after(5):
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(play.ask, agent)
            await until((play.workspace / "started").exists)
            assert processes_with_marker("run")
            tasks.cancel_scope.cancel()

    assert processes_with_marker("run") == []
