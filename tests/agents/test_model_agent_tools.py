"""The tools of an agent over a model: which it has, how they are used and told, and who is asked before."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import anyio
import pytest

from agents.agent import PermissionAnswer, PermissionQuestion
from agents.errors import (
    AgentMisconfigured,
    RateLimited,
    ToolsUnavailable,
)
from agents.events import (
    Progressed,
    ToolEnded,
    ToolStarted,
    Waiting,
)
from agents.models.deltas import (
    CallPreparing,
    CallReady,
)
from agents.models.model import Abilities
from agents.models.request import AssistantMessage, ToolCall, ToolResult, ToolResults
from agents.tools import toolbox
from agents.tools.tool import GivenTools, Tool, ToolFailed, ToolOutcome
from agents.tools.typed_tool import Arguments, TypedTool
from tests.agents.model_agent_play import Play, run_every_command
from tests.fakes.model import calls, says

pytestmark = pytest.mark.anyio


class NameArguments(Arguments):
    name: str


def find_case(outcome: ToolOutcome | Exception) -> Tool:
    async def act(_arguments: NameArguments) -> ToolOutcome:
        if isinstance(outcome, Exception):
            raise outcome
        return outcome

    return TypedTool(name="mcp__cases__find", description="Finds cases.", takes=NameArguments, act=act)


# ---- tools


async def test_a_tool_is_used_and_the_model_reads_its_result(tmp_path: Path) -> None:
    (tmp_path / "notes.txt").write_text("the moon is far")
    play = Play(tmp_path, calls("Read", '{"file_path":"notes.txt"}', text="I look."), says("far"))

    reply = await play.run(access="read")

    assert reply.text == "far"
    assert play.model.requests[1].messages[1:] == (
        AssistantMessage("I look.", (ToolCall("call_1", "Read", '{"file_path":"notes.txt"}'),)),
        ToolResults((ToolResult("call_1", "1\tthe moon is far"),)),
    )


async def test_a_tool_call_is_told_with_its_start_its_end_and_how_long_it_took(tmp_path: Path) -> None:
    (tmp_path / "notes.txt").write_text("the moon is far")
    play = Play(tmp_path, (CallPreparing("Read"), *calls("Read", '{"file_path":"notes.txt"}')), says("far"))

    await play.run(access="read")

    assert Waiting(reason="model", message="preparing Read") in play.said
    [begin, end] = play.heard(ToolStarted, ToolEnded)
    assert begin == ToolStarted(tool="Read", call_id="call_1", input={"file_path": "notes.txt"})
    assert isinstance(end, ToolEnded)
    assert (end.tool, end.call_id, end.ok, end.output) == ("Read", "call_1", True, "1\tthe moon is far")
    assert end.seconds >= 0


async def test_several_calls_of_one_answer_are_all_made_in_order(tmp_path: Path) -> None:
    first = ToolCall("a", "Write", '{"file_path":"x","content":"1"}')
    second = ToolCall("b", "Read", '{"file_path":"x"}')
    play = Play(tmp_path, (CallReady(first), CallReady(second)), says("done"))

    await play.run(access="write")

    results = play.model.requests[1].messages[-1]
    assert results == ToolResults((ToolResult("a", "Wrote x: 1 lines"), ToolResult("b", "1\t1")))


@pytest.mark.parametrize(
    ("call", "told"),
    [
        (("Nonsense", "{}"), "there is no tool Nonsense"),
        (("Read", "{not json"), "its arguments are no JSON object"),
        (("Read", '["a"]'), "its arguments are no JSON object"),
        (("Read", "{}"), "file_path: Field required"),
        (("Read", '{"file_path":"x","mode":1}'), "mode: Extra inputs are not permitted"),
        (("Read", '{"file_path":"../../etc/passwd"}'), "outside the workspace"),
        (("Write", '{"file_path":"x","content":""}'), "there is no tool Write"),
    ],
)
async def test_a_call_that_cannot_be_made_is_told_to_the_model_and_the_work_goes_on(
    tmp_path: Path, call: tuple[str, str], told: str
) -> None:
    play = Play(tmp_path, calls(*call), says("I see"))

    assert (await play.run(access="read")).text == "I see"
    results = play.model.requests[1].messages[-1]
    assert isinstance(results, ToolResults)
    assert not results.results[0].ok
    assert told in results.results[0].output


@pytest.mark.parametrize(
    ("task", "tools"),
    [
        ({}, set[str]()),
        ({"access": "read"}, {"Read", "Glob", "Grep"}),
        ({"access": "write"}, {"Read", "Glob", "Grep", "Write", "Edit", "Bash"}),
        ({"web": True}, {"WebFetch"}),
        ({"access": "write", "allowed_tools": ("Read", "Edit")}, {"Read", "Edit"}),
        ({"connected_tools": True}, {"mcp__cases__find"}),
    ],
)
async def test_a_task_gives_the_tools_it_says(tmp_path: Path, task: Mapping[str, Any], tools: set[str]) -> None:
    connected = (GivenTools("cases", (find_case(ToolOutcome(output="")),)),)
    play = Play(tmp_path, says("hello"), connected=connected)

    await play.run(**task)

    assert {tool.name for tool in play.model.requests[0].tools} == tools


async def test_a_tool_that_the_task_does_not_have_cannot_be_named(tmp_path: Path) -> None:
    with pytest.raises(AgentMisconfigured, match=r"Bash\(git \*\)"):
        await Play(tmp_path).run(access="write", allowed_tools=("Read", "Bash(git *)"))


@pytest.mark.parametrize(("web", "searches"), [(True, 8), (False, 0)])
async def test_only_a_task_that_may_use_the_web_lets_the_provider_search(
    tmp_path: Path, *, web: bool, searches: int
) -> None:
    play = Play(tmp_path, says("hello"))

    await play.run(web=web)

    assert play.model.requests[0].web_searches == searches


async def test_a_page_of_the_web_can_be_read(tmp_path: Path) -> None:
    play = Play(tmp_path, calls("WebFetch", '{"url":"https://example.org"}'), says("hello"))

    await play.run(web=True)

    results = play.model.requests[1].messages[-1]
    assert results == ToolResults((ToolResult("call_1", "https://example.org\n\nhello from the web"),))


async def test_files_and_commands_of_the_reply_are_what_was_done(tmp_path: Path) -> None:
    turns = (
        calls("Write", '{"file_path":"a.txt","content":"one"}'),
        calls("Edit", '{"file_path":"a.txt","old_string":"one","new_string":"two"}'),
        calls("Write", '{"file_path":"../b.txt","content":"no"}'),
        calls("Bash", '{"command":"make test"}'),
        says("I have written c.txt."),
    )
    reply = await Play(tmp_path, *turns, run_command=run_every_command).run(access="write")

    assert reply.files == ("a.txt",)
    assert [(ran.command, ran.ok, ran.seconds) for ran in reply.commands] == [("make test", True, 0.5)]
    assert (tmp_path / "a.txt").read_text() == "two"


async def test_a_long_output_is_read_without_its_middle_and_told_whole(tmp_path: Path) -> None:
    output = "a" * 60_000 + "z"
    connected = (GivenTools("cases", (find_case(ToolOutcome(output=output)),)),)
    play = Play(tmp_path, calls("mcp__cases__find", '{"name":"x"}'), says("hello"), connected=connected)

    await play.run(connected_tools=True)

    results = play.model.requests[1].messages[-1]
    assert isinstance(results, ToolResults)
    read = results.results[0].output
    assert len(read) < 51_000
    assert read.startswith("a")
    assert read.endswith("z")
    assert "10,001 characters left out" in read
    [end] = play.heard(ToolEnded)
    assert isinstance(end, ToolEnded)
    assert end.output == output


@pytest.mark.parametrize(
    "failure",
    [
        ToolFailed("no such case"),
        ConnectionResetError("no such case"),
        TimeoutError("no such case"),
        RecursionError("no such case"),
    ],
)
async def test_a_connected_tool_that_fails_is_told_to_the_model(tmp_path: Path, failure: Exception) -> None:
    connected = (GivenTools("cases", (find_case(failure),)),)
    play = Play(tmp_path, calls("mcp__cases__find", '{"name":"x"}'), says("hello"), connected=connected)

    await play.run(connected_tools=True)

    results = play.model.requests[1].messages[-1]
    assert isinstance(results, ToolResults)
    assert "no such case" in results.results[0].output


async def test_a_tool_that_never_ends_is_ended_and_may_have_changed_something(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(toolbox, "TOOL_SECONDS", 0.02)

    async def act(_: NameArguments) -> ToolOutcome:
        await anyio.sleep_forever()
        raise AssertionError

    tool = TypedTool(name="mcp__cases__find", description="Finds cases.", takes=NameArguments, act=act)
    turns = (calls("mcp__cases__find", '{"name":"x"}'), (RateLimited("too much"),))
    play = Play(tmp_path, *turns, connected=(GivenTools("cases", (tool,)),))

    with pytest.raises(RateLimited) as failure:
        await play.run(connected_tools=True)
    [end] = play.heard(ToolEnded)
    assert isinstance(end, ToolEnded)
    assert (end.ok, end.output) == (False, "mcp__cases__find took more than 0 s and was ended")
    assert not failure.value.retry_safe


async def test_two_tools_of_one_name_are_refused(tmp_path: Path) -> None:
    tools = GivenTools("cases", (find_case(ToolOutcome(output="")),))

    with pytest.raises(AgentMisconfigured, match="mcp__cases__find"):
        await Play(tmp_path, connected=(tools, tools)).run(connected_tools=True)


async def test_connected_tools_that_cannot_be_reached_end_the_task_before_it_costs_anything(tmp_path: Path) -> None:
    class Broken:
        name = "cases"

        def open(self, workspace: Path, run_id: str) -> Any:
            raise ToolsUnavailable(f"cases does not start in {workspace.name} for {run_id}")

    play = Play(tmp_path, connected=(Broken(),))

    with pytest.raises(ToolsUnavailable, match="cases does not start"):
        await play.run(connected_tools=True)
    assert not play.model.requests


async def test_a_model_without_tools_is_not_offered_any_and_that_is_said(tmp_path: Path) -> None:
    play = Play(tmp_path, says("hello"))
    play.model.abilities = Abilities(tools=False, reply_schema=False, web_search=True)

    await play.run(access="read")

    assert not play.model.requests[0].tools
    assert Progressed(message="fake:model cannot use tools; it works without Read, Glob, Grep") in play.said


# ---- permission


@pytest.mark.parametrize("allowed", [True, False])
async def test_a_command_is_asked_for_where_somebody_can_be_asked(tmp_path: Path, *, allowed: bool) -> None:
    asked: list[PermissionQuestion] = []

    async def ask(question: PermissionQuestion) -> PermissionAnswer:
        asked.append(question)
        return PermissionAnswer(allowed, "use make")

    play = Play(tmp_path, calls("Bash", '{"command":"rm x"}'), says("hello"), run_command=run_every_command)
    reply = await play.run(access="write", ask_permission=ask)

    assert [question.title for question in asked] == ["rm x"]
    assert [ran.command for ran in reply.commands] == (["rm x"] if allowed else [])
    results = play.model.requests[1].messages[-1]
    assert isinstance(results, ToolResults)
    assert ("denied by the user. use make" in results.results[0].output) is not allowed


async def test_a_file_is_written_without_asking(tmp_path: Path) -> None:
    async def ask(question: PermissionQuestion) -> PermissionAnswer:
        raise AssertionError(question)

    play = Play(tmp_path, calls("Write", '{"file_path":"x","content":""}'), says("hello"))

    assert (await play.run(access="write", ask_permission=ask)).files == ("x",)


async def test_what_asking_raises_comes_out_as_it_is(tmp_path: Path) -> None:
    async def ask(_: PermissionQuestion) -> PermissionAnswer:
        raise TimeoutError("nobody is there")

    with pytest.raises(TimeoutError, match="nobody is there"):
        await Play(tmp_path, calls("Bash", '{"command":"rm x"}')).run(access="write", ask_permission=ask)
