"""The graph of `review_code`: out to the reviewers of the chosen aspects, who work side by side, and together again.

    survey -> reviewer | reviewer | reviewer | reviewer -> merge -> end

There are four aspects, so no more than four agents ever work at once; each may spend its part of what is left of the
money. A reviewer that fails does not take the others' work with it: what it should have reviewed is told to be missing.
"""

from collections.abc import Iterator, Sequence
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeAlias

from langgraph.graph import END, START, StateGraph
from langgraph.runtime import Runtime
from langgraph.types import Send
from pydantic import TypeAdapter

from agents.errors import AgentError, ReplyInvalid
from agents.events import Details, Found, Progressed
from agents.review_roles import REVIEWERS, Aspect
from agents.workspace.stoppable import Check, in_stoppable_thread
from workflows.context import WorkflowContext
from workflows.findings import Placed, by_severity, placed
from workflows.reports import AgentReport, ArtifactReport
from workflows.review_code.contract import FoundByReviewers, ReviewOfAspect, ReviewReply, Subject
from workflows.review_code.focus import Focus
from workflows.review_code.merging import merged
from workflows.review_code.prompts import reviewer_prompt
from workflows.review_code.report import report_of, summary_of
from workflows.review_code.state import ReviewDone, ReviewWork, State, Update
from workflows.review_code.subject import material_of
from workflows.wording import counted

if TYPE_CHECKING:
    from workflows.workflow import Graph

GraphRuntime: TypeAlias = Runtime[WorkflowContext]

WORKFLOW_AGENT = "review_code"
"""Who reports what no agent has done."""
_TOLD_LEFT_OUT = 3
"""How much of what was left out is told in a line of progress; the result has all of it."""
_JSON = TypeAdapter[list[FoundByReviewers]](list[FoundByReviewers])


def build() -> "Graph":
    """The graph, uncompiled."""
    graph: Any = StateGraph(State, context_schema=WorkflowContext)  # the library's own types are only partly known
    graph.add_node("survey", survey)
    graph.add_node("reviewer", reviewer)
    graph.add_node("merge", merge)
    graph.add_edge(START, "survey")
    graph.add_conditional_edges("survey", _reviewers, ["reviewer"])
    graph.add_edge("reviewer", "merge")
    graph.add_edge("merge", END)
    return graph


async def survey(state: State, runtime: GraphRuntime) -> Update:
    """Find out what is reviewed, and say what is left out."""
    say = runtime.stream_writer
    material = await material_of(state["base"], runtime.context)
    subject = material.subject
    name, media_type = ("reviewed.diff", "text/x-diff") if subject.kind == "diff" else ("reviewed.txt", "text/plain")
    say(_artifact(name, material.text, "What is reviewed", media_type))
    details: Details = {"kind": subject.kind, "files": len(subject.files), "left_out": len(subject.left_out)}
    told = f"reviews {subject.description}: {counted(len(subject.files), 'file')}"
    told += f"; not given, or only in part: {_first(subject.left_out)}" if subject.left_out else ""
    say(AgentReport(WORKFLOW_AGENT, Progressed(message=told, details=details)))
    return Update(subject=subject.model_dump(), text=material.text)


async def reviewer(work: ReviewWork, runtime: GraphRuntime) -> Update:
    """Have one aspect reviewed; a failure is told, and kept for the end."""
    aspect, say = work["aspect"], runtime.stream_writer
    role = REVIEWERS[aspect]
    prompt = reviewer_prompt(aspect, Subject.model_validate(work["subject"]), work["text"], work["points"])
    try:
        reply = await runtime.context.perform(role, prompt, say, reply_model=ReviewReply, cost_share=work["cost_share"])
        if not isinstance(reply.data, ReviewReply):
            raise ReplyInvalid(f"{role.name} was asked for a review and gave none.", partial=reply.text)
    except AgentError as error:
        say(AgentReport(role.name, Found(message=f"failed, so {aspect} is not reviewed: {error.message}")))
        return Update(done=[_failed(aspect, error)])
    findings = reply.data.findings
    details = {"findings": len(findings), "severities": by_severity(findings)}
    say(AgentReport(role.name, Found(message=f"{summary_of(findings)}; {reply.data.summary}", details=details)))
    done = ReviewDone(aspect=aspect, reply=reply.data.model_dump(), problem="", kind="", recovery=[])
    return Update(done=[done])


async def merge(state: State, runtime: GraphRuntime) -> Update:
    """Look up the places that the findings name, put equal ones together, and say what came of it.

    Raises:
        AgentError: No reviewer has finished.
    """
    say, subject = runtime.stream_writer, Subject.model_validate(state["subject"])
    done = sorted(state["done"], key=lambda one: tuple(REVIEWERS).index(one["aspect"]))
    if all(one["reply"] is None for one in done):
        raise failure_of(done)
    places = await in_stoppable_thread(partial(_look_up, runtime.context.workspace, _replies(done)))
    findings = merged((aspect, finding) for aspect, place in places for finding in place.findings)
    misplaced = [wrong for _, place in places for wrong in place.misplaced]
    reviews = [_as_review(one) for one in done]
    answer = report_of(subject, reviews, findings, misplaced)
    listed = [finding.model_dump() for finding in findings]
    say(_artifact("findings.json", _JSON.dump_json(findings, indent=2).decode(), "Findings", "application/json"))
    say(_artifact("review.md", answer, "Review", "text/markdown"))
    told = summary_of(findings) + (f"; {len(misplaced)} set aside, whose places do not exist" if misplaced else "")
    details = {"findings": len(findings), "severities": by_severity(findings), "misplaced": len(misplaced)}
    say(AgentReport(WORKFLOW_AGENT, Found(message=told, details=details)))
    return Update(
        answer=answer,
        findings=listed,
        misplaced=[wrong.model_dump() for wrong in misplaced],
        reviews=[review.model_dump() for review in reviews],
    )


def _reviewers(state: State) -> list[Send]:
    focus = Focus.of(state["focus"])
    share = 1 / len(focus.aspects)
    work: list[ReviewWork] = [
        {
            "aspect": aspect,
            "subject": state["subject"],
            "text": state["text"],
            "points": list(focus.points),
            "cost_share": share,
        }
        for aspect in focus.aspects
    ]
    return [Send("reviewer", each) for each in work]


def _failed(aspect: Aspect, error: AgentError) -> ReviewDone:
    return ReviewDone(aspect=aspect, reply=None, problem=error.message, kind=error.kind, recovery=list(error.recovery))


def _replies(done: Sequence[ReviewDone]) -> list[tuple[Aspect, ReviewReply]]:
    return [(one["aspect"], ReviewReply.model_validate(one["reply"])) for one in done if one["reply"] is not None]


def _look_up(
    workspace: Path, replies: Sequence[tuple[Aspect, ReviewReply]], check: Check
) -> list[tuple[Aspect, Placed]]:
    return [(aspect, placed(workspace, reply.findings, check)) for aspect, reply in replies]


def _as_review(done: ReviewDone) -> ReviewOfAspect:
    if done["reply"] is None:
        return ReviewOfAspect(aspect=done["aspect"], finished=False, summary=done["problem"], findings=0)
    reply = ReviewReply.model_validate(done["reply"])
    return ReviewOfAspect(aspect=done["aspect"], finished=True, summary=reply.summary, findings=len(reply.findings))


def failure_of(done: Sequence[ReviewDone]) -> AgentError:
    """The error of a run in which nobody has finished: of the kind that the first of them had.

    Args:
        done: All reviewers' work, without a reply; not empty.
    """
    first = done[0]
    others = [f"{one['aspect']}: {one['problem']}" for one in done[1:] if one["problem"] != first["problem"]]
    message = " ".join([first["problem"], *(f"({other})" for other in others)])
    kind = next((known for known in kinds_of_errors() if known.kind == first["kind"]), AgentError)
    return kind(message, recovery=tuple(first["recovery"]))


def kinds_of_errors(root: type[AgentError] = AgentError) -> Iterator[type[AgentError]]:
    """All kinds of errors an agent can end with."""
    yield root
    for kind in root.__subclasses__():
        yield from kinds_of_errors(kind)


def _first(left_out: Sequence[str]) -> str:
    more = len(left_out) - _TOLD_LEFT_OUT
    return "; ".join(left_out[:_TOLD_LEFT_OUT]) + (f"; and {more} more" if more > 0 else "")


def _artifact(name: str, text: str, title: str, media_type: str) -> ArtifactReport:
    return ArtifactReport(agent=WORKFLOW_AGENT, name=name, media_type=media_type, text=text, title=title)
