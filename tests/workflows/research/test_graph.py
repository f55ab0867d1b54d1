import asyncio
import re
import subprocess
import sys
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TypeAlias

import anyio
import pytest
from pydantic import BaseModel, ValidationError

from agents import agent as agent_port
from agents.agent import AgentReply, AgentTask
from agents.command_runner import command_runner
from agents.errors import (
    AgentError,
    CostLimitReached,
    NotLoggedIn,
    RateLimited,
    ReplyInvalid,
    TimeLimitReached,
    TurnLimitReached,
)
from agents.events import Emit, Progressed, TextStreamed, ToolEnded, ToolStarted
from agents.scripted_agent import ScriptedAgent
from tests.fakes.agent import FakeAgent
from tests.workflows.graph_play import GraphPlay
from workflows.diagram import mermaid
from workflows.research import graph as research_graph
from workflows.research.contract import (
    AT_ONCE,
    MOST_SUB_QUESTIONS,
    MOST_TURNS,
    WORKFLOW,
    Depth,
    ResearchInput,
    ResearchOutput,
)
from workflows.research.notes import Finding, Notes, Plan
from workflows.research.offline import script_for

pytestmark = pytest.mark.anyio

Look: TypeAlias = Callable[[AgentTask, Emit, str], Awaitable[AgentReply]]

PAGE, GONE = "https://a.example/page", "https://b.example/gone"


def opens(emit: Emit, tool: str, place: str, *, ok: bool = True, output: str = "text") -> None:
    argument = "url" if tool == "WebFetch" else "file_path"
    emit(ToolStarted(tool=tool, call_id=place, input={argument: place}))
    emit(ToolEnded(tool=tool, call_id=place, seconds=0.1, ok=ok, output=output))


async def finds(task: AgentTask, emit: Emit, part: str) -> AgentReply:
    opens(emit, "WebFetch", PAGE)
    opens(emit, "WebFetch", GONE, ok=False, output="HTTP 404")
    opens(emit, "Read", f"{task.workspace}/notes.md")
    findings = [
        Finding(claim=f"{part} is so", sources=[PAGE, f"{task.workspace}/notes.md"]),
        Finding(claim="from memory", sources=[]),
    ]
    return AgentReply(text="", data=Notes(findings=findings, unanswered="the rest"))


@dataclass
class Team:
    """Agents for the three roles.

    Attributes:
        parts: What the planner plans.
        look: What a researcher does.
        answer: What the synthesizer writes.
        asked: Every task, in order.
    """

    parts: Sequence[str] = ("one", "two")
    look: Look = finds
    answer: str = "It is so [1]."
    asked: list[AgentTask] = field(default_factory=list[AgentTask])

    async def act(self, task: AgentTask, emit: Emit) -> AgentReply:
        self.asked.append(task)
        match task.role:
            case "planner":
                return AgentReply(text="", data=Plan(reasoning="because", sub_questions=list(self.parts)))
            case "researcher":
                return await self.look(task, emit, self.part_of(task))
            case _:
                emit(TextStreamed(text=self.answer))
                return AgentReply(text=self.answer)

    def part_of(self, task: AgentTask) -> str:
        found = re.search(r"<part>\n(.*)\n</part>", task.prompt)
        assert found is not None
        return found[1]

    def of_role(self, role: str) -> list[AgentTask]:
        return [task for task in self.asked if task.role == role]


def play_of(team: Team, workspace: Path) -> GraphPlay:
    return GraphPlay(WORKFLOW, workspace, FakeAgent(team.act, offline=True))


async def played(team: Team, workspace: Path, depth: Depth = "standard") -> tuple[GraphPlay, ResearchOutput]:
    play = play_of(team, workspace)
    output = await play.run(question="Is it so?", depth=depth)
    assert isinstance(output, ResearchOutput)
    return play, output


async def test_an_answer_comes_with_numbered_sources_and_what_is_known_of_them(tmp_path: Path) -> None:
    play, output = await played(Team(answer="It is so [1, 2], says [3]."), tmp_path)

    assert [(source.place, source.status, source.problem, source.cited) for source in output.sources] == [
        (PAGE, "read", "", True),
        ("notes.md", "read", "", True),
        (GONE, "unreadable", "HTTP 404", True),
    ]
    assert output.answer.endswith(f"1. {PAGE}\n2. notes.md\n3. {GONE} (could not be read: HTTP 404)")
    assert [(part.question, part.claims, part.problem) for part in output.sub_questions] == [
        ("one", 2, ""),
        ("two", 2, ""),
    ]
    assert output.unknown_citations == []
    assert [report.text for report in play.artifacts("answer.md")] == [output.answer]
    assert play.artifacts("plan.md")[0].text == "1. one\n2. two\n"
    assert "- one is so (https://a.example/page, notes.md)" in play.artifacts("notes-1.md")[0].text


async def test_a_citation_of_no_source_is_flagged(tmp_path: Path) -> None:
    play, output = await played(Team(answer="So [1], and more [9]."), tmp_path)

    assert output.unknown_citations == [9]
    assert "**Not proven:** [9] is cited above and no source." in output.answer
    (found,) = play.found("synthesizer")
    assert found.message == "answer that cites 1 of 3 sources, 1 of which were read; cites [9], which is no source"


async def test_the_synthesis_is_told_what_was_found_with_its_numbers_and_its_doubts(tmp_path: Path) -> None:
    team = Team()
    await played(team, tmp_path)

    (task,) = team.of_role("synthesizer")
    assert f"[3] {GONE} (could not be read: HTTP 404)" in task.prompt
    assert "- one is so [1][2]\n- from memory (no source)\n- Not found out: the rest" in task.prompt
    assert (task.access, task.web) == ("none", False)


async def test_each_researcher_gets_its_part_a_name_and_its_share_of_the_money(tmp_path: Path) -> None:
    team = Team(parts=("one", "two", "three"))
    play, _ = await played(team, tmp_path)

    researchers = team.of_role("researcher")
    assert sorted(map(team.part_of, researchers)) == ["one", "three", "two"]
    assert {(task.access, task.web, task.max_turns) for task in researchers} == {("read", True, MOST_TURNS["standard"])}
    for number, part in enumerate(team.parts, 1):
        looking, *_ = [said for said in play.said(f"researcher {number}") if isinstance(said, Progressed)]
        assert looking.message == f"looks into: {part}"
        assert play.found(f"researcher {number}")[0].message == "2 claims, 2 sources read, 1 could not be read"


async def test_a_single_researcher_needs_no_number(tmp_path: Path) -> None:
    play, _ = await played(Team(parts=("one",)), tmp_path)

    assert [found.message for found in play.found("researcher")] == ["2 claims, 2 sources read, 1 could not be read"]


@pytest.mark.parametrize("depth", list(MOST_SUB_QUESTIONS))
async def test_the_depth_bounds_the_plan_and_what_is_left_out_is_said(tmp_path: Path, depth: Depth) -> None:
    most = MOST_SUB_QUESTIONS[depth]
    team = Team(parts=[f"part {number}" for number in range(most + 2)])

    play, output = await played(team, tmp_path, depth)

    assert len(output.sub_questions) == most
    assert f"at most {most} sub-questions" in team.of_role("planner")[0].prompt
    (told,) = [said for said in play.said("planner") if isinstance(said, Progressed)]
    assert told.message == f"2 of {most + 2} sub-questions are left out: depth {depth} allows {most}"


async def test_a_plan_that_repeats_itself_or_says_nothing_is_mended(tmp_path: Path) -> None:
    _, output = await played(Team(parts=(" one", "one ", "  ")), tmp_path)
    assert [part.question for part in output.sub_questions] == ["one"]

    _, output = await played(Team(parts=(" ",)), tmp_path)
    assert [part.question for part in output.sub_questions] == ["Is it so?"]


async def test_researchers_are_at_work_side_by_side_and_no_more_of_them_than_is_allowed(tmp_path: Path) -> None:
    at_work, most, full = 0, 0, anyio.Event()

    async def look(task: AgentTask, emit: Emit, part: str) -> AgentReply:
        nonlocal at_work, most
        at_work += 1
        most = max(most, at_work)
        if at_work == AT_ONCE:
            full.set()
        with anyio.fail_after(5):
            await full.wait()
        at_work -= 1
        return await finds(task, emit, part)

    _, output = await played(Team(parts=[f"part {n}" for n in range(8)], look=look), tmp_path, "deep")

    assert most == AT_ONCE
    assert len(output.sub_questions) == 8


async def test_one_that_fails_costs_the_others_nothing(tmp_path: Path) -> None:
    async def look(task: AgentTask, emit: Emit, part: str) -> AgentReply:
        if part == "one":
            opens(emit, "WebFetch", GONE, ok=False, output="HTTP 500")
            raise RateLimited("too many requests", partial="half a thought")
        return await finds(task, emit, part)

    team = Team(look=look)
    play, output = await played(team, tmp_path)

    assert [(part.claims, part.problem) for part in output.sub_questions] == [(0, "too many requests"), (2, "")]
    assert play.found("researcher 1")[0].message == "0 claims, 0 sources read, 1 could not be read; too many requests"
    (task,) = team.of_role("synthesizer")
    assert "- Unordered notes, without sources: half a thought" in task.prompt
    assert "- This part was not looked into to its end: too many requests" in task.prompt


@pytest.mark.parametrize("error", [NotLoggedIn("no key"), TimeLimitReached("over")])
async def test_what_would_fail_all_of_them_ends_the_run(tmp_path: Path, error: AgentError) -> None:
    async def look(task: AgentTask, emit: Emit, part: str) -> AgentReply:
        if part == "one":
            raise error
        return await finds(task, emit, part)

    with pytest.raises(type(error)) as raised:
        await played(Team(look=look), tmp_path)

    assert raised.value is error


async def test_a_share_of_the_money_that_is_spent_stops_one_and_not_the_run(tmp_path: Path) -> None:
    async def look(task: AgentTask, emit: Emit, part: str) -> AgentReply:
        if part == "one":
            raise CostLimitReached("its share is spent", partial="half")
        return await finds(task, emit, part)

    _, output = await played(Team(look=look), tmp_path)

    assert [part.problem for part in output.sub_questions] == ["its share is spent", ""]


async def test_where_none_could_look_there_is_no_answer(tmp_path: Path) -> None:
    async def look(task: AgentTask, emit: Emit, part: str) -> AgentReply:
        del task, emit
        raise RateLimited(f"{part}: too many requests")

    with pytest.raises(AgentError, match=r"None of the 2 sub-questions could be looked into. The first: one: too many"):
        await played(Team(look=look), tmp_path)


async def test_a_single_part_that_fails_fails_the_run_as_it_is(tmp_path: Path) -> None:
    async def look(task: AgentTask, emit: Emit, part: str) -> AgentReply:
        del task, emit, part
        raise RateLimited("too many requests")

    with pytest.raises(RateLimited):
        await played(Team(parts=("one",), look=look), tmp_path)


async def test_one_that_is_stopped_is_answered_from_with_what_it_had(tmp_path: Path) -> None:
    async def look(task: AgentTask, emit: Emit, part: str) -> AgentReply:
        del part
        opens(emit, "Read", f"{task.workspace}/notes.md")
        raise TurnLimitReached("all rounds used", partial="What I have so far.")

    _, output = await played(Team(parts=("one",), look=look), tmp_path)

    assert output.sub_questions[0].problem == "all rounds used"


async def test_findings_that_are_none_are_told_as_such(tmp_path: Path) -> None:
    async def look(task: AgentTask, emit: Emit, part: str) -> AgentReply:
        if part == "one":
            return AgentReply(text="words")
        return await finds(task, emit, part)

    _, output = await played(Team(look=look), tmp_path)

    assert "asked for findings and gave none" in output.sub_questions[0].problem


async def test_a_redirect_that_was_not_followed_was_not_read(tmp_path: Path) -> None:
    async def look(task: AgentTask, emit: Emit, part: str) -> AgentReply:
        del task, part
        opens(emit, "WebFetch", PAGE, output="REDIRECT DETECTED: the page is elsewhere")
        return AgentReply(text="", data=Notes(findings=[Finding(claim="c", sources=[PAGE])], unanswered=""))

    _, output = await played(Team(parts=("one",), look=look), tmp_path)

    assert [source.status for source in output.sources] == ["unreadable"]


async def test_what_a_providers_own_search_found_is_told_as_that(tmp_path: Path) -> None:
    async def look(task: AgentTask, emit: Emit, part: str) -> AgentReply:
        del task, emit, part
        notes = Notes(findings=[Finding(claim="c", sources=[PAGE])], unanswered="")
        return AgentReply(text="", data=notes, sources=(agent_port.Source(PAGE), agent_port.Source(GONE)))

    _, output = await played(Team(parts=("one",), look=look), tmp_path)

    assert [(source.place, source.status) for source in output.sources] == [(PAGE, "searched"), (GONE, "searched")]


async def test_an_empty_answer_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(ReplyInvalid, match="without an answer"):
        await played(Team(answer=" "), tmp_path)


async def test_cancelling_ends_every_researcher(tmp_path: Path) -> None:
    begun, ended, all_begun = 0, 0, asyncio.Event()

    async def look(task: AgentTask, emit: Emit, part: str) -> AgentReply:
        del task, emit, part
        nonlocal begun, ended
        begun += 1
        if begun == 2:
            all_begun.set()
        try:
            await asyncio.Event().wait()
        finally:
            ended += 1
        raise AssertionError("unreachable")

    run = asyncio.create_task(play_of(Team(look=look), tmp_path).run(question="Is it so?"))
    async with asyncio.timeout(5):
        await all_begun.wait()
        run.cancel()
        await asyncio.wait({run})

    assert run.cancelled()
    assert ended == 2


async def offline(workspace: Path, depth: Depth = "standard") -> ResearchOutput:
    async with command_runner() as runner:
        play = GraphPlay(WORKFLOW, workspace, ScriptedAgent(script_for, runner.run))
        output = await play.run(question="Anything", depth=depth)
    assert isinstance(output, ResearchOutput)
    assert "without a model: the question was not understood" in output.answer
    return output


async def test_offline_it_tells_what_is_really_there_and_what_could_not_be_read(tmp_path: Path) -> None:
    (tmp_path / "README.md").write_text("# My project\n")
    (tmp_path / "a.txt").touch()

    output = await offline(tmp_path)

    assert "At the top there are 2 files: README.md, a.txt. [1]" in output.answer
    assert "`README.md` begins with: # My project [1]" in output.answer
    assert [(source.place, source.status) for source in output.sources] == [
        ("README.md", "read"),
        ("LICENSE", "unreadable"),
    ]
    assert "Of the 2 sources, 1 could not be read." in output.answer
    assert output.unknown_citations == []


async def test_offline_an_empty_workspace_and_a_quick_look_work_too(tmp_path: Path) -> None:
    output = await offline(tmp_path, "quick")

    assert "Nothing was found in the workspace." in output.answer
    assert [part.claims for part in output.sub_questions] == [0, 0]


def test_its_diagram_fans_out_from_the_plan() -> None:
    lines = [line.strip() for line in mermaid(WORKFLOW).splitlines()]

    assert [line for line in lines if "->" in line] == [
        "__start__ --> planner;",
        "planner -.-> researcher;",
        "researcher --> synthesizer;",
        "synthesizer --> __end__;",
    ]


def test_question_and_depth_are_checked() -> None:
    assert ResearchInput(question=" why? ").depth == "standard"
    for arguments in ({"question": " "}, {"question": "x" * 20_001}, {"question": "why?", "depth": "deeper"}):
        with pytest.raises(ValidationError):
            ResearchInput.model_validate(arguments)


def test_every_field_tells_a_model_what_it_is() -> None:
    def described(model: type[BaseModel]) -> bool:
        return all(field.description for field in model.model_fields.values())

    assert described(ResearchInput)
    assert described(ResearchOutput)


def test_the_stages_are_the_nodes() -> None:
    nodes = research_graph.build().nodes

    assert [stage.name for stage in WORKFLOW.stages] == list(nodes)


def test_to_know_the_workflow_nothing_heavy_is_imported() -> None:
    script = "import sys, workflows.research.contract; print([m for m in ('langgraph', 'psutil') if m in sys.modules])"

    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True, timeout=30)

    assert done.stdout.strip() == "[]"
