"""The graph of `collaborate`: one after the other, with one loop.

    survey -> architect -> coder -> reviewer <-> refiner
                                    reviewer -> tester -> documenter -> conclude -> end     (without tests: no tester)

`survey` notes how the workspace looks before anybody changes it; why in a node of its own, `noted_baseline` says.
"""

from functools import partial
from typing import TYPE_CHECKING, Any, TypeAlias

from langgraph.graph import END, START, StateGraph
from langgraph.runtime import Runtime

from agents.events import Details, Found
from agents.roles import ARCHITECT, CODER, DOCUMENTER, REFINER, REVIEWER, TESTER, Role
from agents.workspace.stoppable import in_stoppable_thread
from workflows.collaborate import prompts
from workflows.collaborate.conclusion import (
    answer_of,
    changed_since,
    review_details,
    review_of,
    review_summary,
    test_files,
    tests_of,
)
from workflows.collaborate.contract import Review, ReviewReply
from workflows.collaborate.state import Standing, State, Update
from workflows.context import WorkflowContext
from workflows.findings import placed
from workflows.observed.baseline import noted_baseline
from workflows.observed.markdown_facts import components_of, headings_of
from workflows.observed.observation import Observation
from workflows.observed.observed_work import observed_work
from workflows.observed.witness import CommandWitness
from workflows.observed.work import Work, work_of
from workflows.reports import AgentReport, ArtifactReport, Say
from workflows.wording import counted

if TYPE_CHECKING:
    from workflows.workflow import Graph

GraphRuntime: TypeAlias = Runtime[WorkflowContext]


def build() -> "Graph":
    """The graph, uncompiled."""
    graph: Any = StateGraph(State, context_schema=WorkflowContext)  # the library's own types are only partly known
    graph.add_node("survey", survey)
    graph.add_node("architect", architect)
    graph.add_node("coder", coder)
    graph.add_node("reviewer", reviewer)
    graph.add_node("refiner", refiner)
    graph.add_node("tester", tester)
    graph.add_node("documenter", documenter)
    graph.add_node("conclude", conclude)
    graph.add_edge(START, "survey")
    graph.add_edge("survey", "architect")
    graph.add_edge("architect", "coder")
    graph.add_edge("coder", "reviewer")
    graph.add_conditional_edges("reviewer", _after_review, ["refiner", "tester", "documenter"])
    graph.add_edge("refiner", "reviewer")
    graph.add_edge("tester", "documenter")
    graph.add_edge("documenter", "conclude")
    graph.add_edge("conclude", END)
    return graph


async def survey(_state: State, runtime: GraphRuntime) -> Update:
    """Note how the workspace looks, and that nothing is done yet."""
    return Update(
        baseline=await noted_baseline(ARCHITECT.name, runtime.context, runtime.stream_writer),
        design="",
        work="",
        files=[],
        diff="",
        changes_known=True,
        written_in="",
        review=None,
        refinements=0,
        documentation="",
        answer="",
        code="",
        tests=None,
    )


async def architect(state: State, runtime: GraphRuntime) -> Update:
    """Have it designed."""
    say = runtime.stream_writer
    work = await work_of(ARCHITECT, prompts.architect_prompt(Standing.of(state)), runtime.context, CommandWitness(say))
    components = components_of(work.text)
    summary = "delivered no design"
    if work.text:
        say(_artifact(ARCHITECT, "design.md", work.text, "Design"))
        summary = f"design of {counted(len(work.text.split()), 'word')}"
        summary += f": {', '.join(components)}" if components else ""
    details: Details = {"components": components, "headings": headings_of(work.text)}
    _found(say, ARCHITECT, work, summary, details)
    return Update(design=work.text, remarks=_stopped(ARCHITECT, work))


async def coder(state: State, runtime: GraphRuntime) -> Update:
    """Have it written, and look at what was really written."""
    say = runtime.stream_writer
    work, seen = await observed_work(CODER, prompts.coder_prompt(Standing.of(state)), state, runtime.context, say)
    _found(say, CODER, work, seen.summary, seen.details)
    return {**_changes(seen, state), "work": work.text, "remarks": _stopped(CODER, work)}


async def reviewer(state: State, runtime: GraphRuntime) -> Update:
    """Have it reviewed, and look up the places the review names."""
    context, say = runtime.context, runtime.stream_writer
    prompt = prompts.reviewer_prompt(Standing.of(state))
    work = await work_of(REVIEWER, prompt, context, CommandWitness(say), reply_model=ReviewReply)
    if not isinstance(work.data, ReviewReply):  # stopped: without a review of the newest code it cannot go back
        _found(say, REVIEWER, work, "delivered no review", {})
        return Update(remarks=_stopped(REVIEWER, work))
    reply = work.data
    places = await in_stoppable_thread(partial(placed, context.workspace, reply.findings))
    review = review_of(reply, places)
    text = review.model_dump_json(indent=2)
    say(_artifact(REVIEWER, "review.json", text, "Review", media_type="application/json"))
    _found(say, REVIEWER, work, review_summary(review, reply), review_details(review))
    return Update(review=review.model_dump())


async def refiner(state: State, runtime: GraphRuntime) -> Update:
    """Have done what the review asks for."""
    standing, say = Standing.of(state), runtime.stream_writer
    work, seen = await observed_work(REFINER, prompts.refiner_prompt(standing), state, runtime.context, say)
    _found(say, REFINER, work, seen.summary, seen.details)
    return {
        **_changes(seen, state),
        "work": work.text,
        "review": _outdated(standing.review),
        "refinements": standing.refinements + 1,
        "remarks": _stopped(REFINER, work),
    }


async def tester(state: State, runtime: GraphRuntime) -> Update:
    """Have it tested, and look at how the tests really ended."""
    say = runtime.stream_writer
    work, seen = await observed_work(TESTER, prompts.tester_prompt(Standing.of(state)), state, runtime.context, say)
    after = Standing.of({**state, **_changes(seen, state), "tests_run": seen.tests_run})
    tests = tests_of(after)
    if tests is not None:
        text = tests.model_dump_json(indent=2)
        say(_artifact(TESTER, "tests.json", text, "Test runs, as observed", media_type="application/json"))
    _found(say, TESTER, work, seen.summary, {**seen.details, "test_files": test_files(after)})
    changed = changed_since(state["diff"], seen.diff, allowed="tests")
    remarks = [*_stopped(TESTER, work), *_touched(TESTER, changed)]
    return {**_changes(seen, state), "tests_run": seen.tests_run, "remarks": remarks}


async def documenter(state: State, runtime: GraphRuntime) -> Update:
    """Have it documented."""
    say = runtime.stream_writer
    prompt = prompts.documenter_prompt(Standing.of(state))
    work, seen = await observed_work(DOCUMENTER, prompt, state, runtime.context, say)
    summary = "delivered no documentation"
    if work.text:
        say(_artifact(DOCUMENTER, "documentation.md", work.text, "Documentation"))
        summary = f"documentation of {counted(len(work.text.split()), 'word')}"
    details = {"headings": headings_of(work.text), "files": seen.details.get("files")}
    _found(say, DOCUMENTER, work, f"{summary}; {seen.summary}", details)
    changed = changed_since(state["diff"], seen.diff, allowed="documentation")
    remarks = [*_stopped(DOCUMENTER, work), *_touched(DOCUMENTER, changed)]
    return {**_changes(seen, state), "documentation": work.text, "remarks": remarks}


async def conclude(state: State) -> Update:
    """Say what came of it."""
    standing = Standing.of(state)
    tests = tests_of(standing)
    return Update(answer=answer_of(standing), code=state["diff"], tests=None if tests is None else tests.model_dump())


def _after_review(state: State) -> str:
    standing = Standing.of(state)
    if standing.goes_back:
        return "refiner"
    return "tester" if standing.with_tests else "documenter"


def _changes(seen: Observation, before: State) -> Update:
    language = seen.details.get("language") if seen.known else before["written_in"]
    return Update(files=seen.files, diff=seen.diff, changes_known=seen.known, written_in=str(language or ""))


def _outdated(review: Review | None) -> dict[str, object] | None:
    return None if review is None else review.model_copy(update={"newest": False}).model_dump()


def _stopped(role: Role, work: Work) -> list[str]:
    return [f"The {role.name} was stopped before it was done: {work.stopped}"] if work.stopped else []


def _touched(role: Role, changed: list[str]) -> list[str]:
    return [f"The {role.name} changed what was reviewed before: {', '.join(changed)}."] if changed else []


def _found(say: Say, role: Role, work: Work, summary: str, details: Details) -> None:
    told = f"stopped before it was done: {work.stopped} {summary}" if work.stopped else summary
    say(AgentReport(role.name, Found(message=told, details=details)))


def _artifact(role: Role, name: str, text: str, title: str, media_type: str = "text/markdown") -> ArtifactReport:
    return ArtifactReport(agent=role.name, name=name, media_type=media_type, text=text, title=title)
