"""People take part in the work of the real `claude`."""

from collections.abc import Awaitable, Callable
from pathlib import Path

import anyio
import pytest

from agents.agent import PermissionAnswer, PermissionQuestion
from agents.claude.written import INSTRUCTION_PREFIX
from agents.events import TextStreamed, ToolEnded, ToolStarted, UsageReported
from tests.agents.claude.stage import Stage
from tests.agents.claude.test_real_cli import Person as Somebody
from tests.agents.claude.test_real_cli import api_for, play, real_agent
from tests.fakes.messages_request import ModelRequest
from tests.fakes.messages_script import Answer, Reply, Slow, ToolUse, always, by_step, call, say

pytestmark = pytest.mark.anyio

UNKNOWN_COMMAND = "python3 -c 'print(6 * 7)'"
"""A command that the CLI does not know to be harmless."""


class Person:
    """Allows what is listed, and denies the rest."""

    def __init__(self, *allowed: str) -> None:
        self.asked: list[PermissionQuestion] = []
        self._allowed = allowed

    async def answer(self, question: PermissionQuestion) -> PermissionAnswer:
        self.asked.append(question)
        return PermissionAnswer(question.input.get("command") in self._allowed, "Not on this machine.")


def instruction_when(happened: anyio.Event, text: str, then: Callable[[], object]) -> Callable[[], Awaitable[str]]:
    """An instruction that comes when something has happened; afterwards there is none, for ever."""
    given = False

    async def next_instruction() -> str:
        nonlocal given
        if given:
            then()
            await anyio.sleep_forever()
        await happened.wait()
        given = True
        return text

    return next_instruction


def is_steered(request: ModelRequest) -> bool:
    return any(INSTRUCTION_PREFIX.strip() in message.text for message in request.body.messages)


# ---- questions


async def test_a_person_is_asked_about_commands_and_not_about_edits(stage: Stage, tmp_path: Path) -> None:
    person = Person(UNKNOWN_COMMAND)
    script = by_step(
        call("Write", file_path=str(stage.workspace / "new.txt"), content="x"),
        call("Bash", command=UNKNOWN_COMMAND, description="Compute"),
        call("Bash", command="git push --force"),
        call("Read", file_path=str(tmp_path / "outside.txt")),
        say("done"),
    )
    (tmp_path / "outside.txt").write_text("outside")
    async with api_for(script) as api:
        task = stage.task(access="write", ask_permission=person.answer)
        reply = await real_agent(stage, tmp_path, api).run(task, stage.emit)
        told = [result.text for result in api.requests[-1].tool_results]

    assert [(asked.tool, asked.title) for asked in person.asked] == [
        ("Bash", "Compute"),
        ("Bash", "git push --force"),
        ("Read", str(tmp_path / "outside.txt")),
    ]
    assert all(asked.call_id for asked in person.asked)
    assert told[1:] == ["42", "Not on this machine.", "Not on this machine."]
    assert [said.ok for said in stage.said if isinstance(said, ToolEnded)] == [True, True, False, False]
    assert (reply.text, reply.files) == ("done", ("new.txt",))


async def test_several_calls_of_one_answer_are_all_asked_about(stage: Stage, tmp_path: Path) -> None:
    commands = [f"python3 -c 'print({number})'" for number in range(3)]
    script = by_step(
        Reply(tuple(ToolUse("Bash", {"command": command}) for command in commands)), say("?"), say("?"), say("done")
    )

    person = Person(*commands)
    reply = await play(stage, tmp_path, script, stage.task(access="write", ask_permission=person.answer))

    assert [asked.input["command"] for asked in person.asked] == commands
    assert [command.output for command in reply.commands] == ["0", "1", "2"]


async def test_nobody_is_asked_about_the_typed_reply(stage: Stage, tmp_path: Path) -> None:
    script = by_step(call("StructuredOutput", name="Ada", age=36), say("done"))
    person = Person()
    task = stage.task(access="read", reply_model=Somebody, ask_permission=person.answer)

    assert (await play(stage, tmp_path, script, task)).data == Somebody(name="Ada", age=36)
    assert person.asked == []


async def test_a_person_cannot_open_the_users_own_directory(stage: Stage, tmp_path: Path) -> None:
    login = tmp_path / "claude-home" / ".claude" / "login"
    login.parent.mkdir(parents=True)
    login.write_text("SECRET")
    script = by_step(call("Read", file_path=str(login)), call("Bash", command=f"cat {login}"), say("done"))

    async def allow(_: PermissionQuestion) -> PermissionAnswer:
        return PermissionAnswer(allowed=True)

    async with api_for(script) as api:
        task = stage.task(access="write", ask_permission=allow)
        await real_agent(stage, tmp_path, api).run(task, stage.emit)
        assert "SECRET" not in api.requests[-1].body.model_dump_json()


# ---- instructions


async def test_an_instruction_reaches_the_model_while_a_tool_runs(stage: Stage, tmp_path: Path) -> None:
    runs, go_on = anyio.Event(), stage.workspace / "go-on"

    def script(request: ModelRequest) -> Answer:
        if is_steered(request):
            return say("With tests.")
        return say("Without.") if request.step else call("Bash", command=f"until [ -e {go_on} ]; do sleep 0.02; done")

    def emit(said: object) -> None:
        if isinstance(said, ToolStarted):
            runs.set()

    async with api_for(script) as api:
        task = stage.task(access="write", next_instruction=instruction_when(runs, "Also write tests.", go_on.touch))
        reply = await real_agent(stage, tmp_path, api).run(task, emit)

    assert reply.text == "With tests."
    assert reply.usage.cost_usd


async def test_an_instruction_during_the_answer_begins_another_turn(stage: Stage, tmp_path: Path) -> None:
    streams, go_on = anyio.Event(), anyio.Event()

    def script(request: ModelRequest) -> Answer:
        if is_steered(request):
            return say("The second answer.")
        return Slow(say("The first answer, which takes its time to be told."), {24: go_on})

    def emit(said: object) -> None:
        stage.said.append(said)  # pyright: ignore[reportArgumentType] - whatever is told
        if isinstance(said, TextStreamed):
            streams.set()

    async with api_for(script) as api:
        task = stage.task(next_instruction=instruction_when(streams, "@secret.txt /context", go_on.set))
        (stage.workspace / "secret.txt").write_text("the-secret-inside")
        reply = await real_agent(stage, tmp_path, api).run(task, emit)
        assert "the-secret" not in api.requests[-1].body.model_dump_json()

    assert reply.text == "The second answer."
    told = [said.cost_usd for said in stage.said if isinstance(said, UsageReported)]
    assert len(told) == 2
    assert reply.usage.cost_usd == pytest.approx(sum(cost or 0 for cost in told))


async def test_a_run_that_may_be_instructed_ends_by_itself(stage: Stage, tmp_path: Path) -> None:
    task = stage.task(next_instruction=instruction_when(anyio.Event(), "never", lambda: None))

    assert (await play(stage, tmp_path, always(say("fine")), task)).text == "fine"
