"""The graph of `build_feature`: hub and spoke.

    survey -> supervisor -> research | architect | codesmith | reviewfix -> supervisor ... -> responder -> end

Where a plan has to be approved, `approval` stands between the supervisor and codesmith, and asks a person.

`survey` notes how the workspace looks before anybody changes it; why in a node of its own, `noted_baseline` says.
"""

from typing import TYPE_CHECKING, Any, TypeAlias

from langgraph.graph import END, START, StateGraph
from langgraph.runtime import Runtime

from agents.errors import ReplyInvalid
from agents.events import Details, Found
from agents.roles import ARCHITECT, CODESMITH, RESEARCH, RESPONDER, REVIEWFIX, SUPERVISOR, Role
from workflows.build_feature import prompts
from workflows.build_feature.checked_review import checked, review_details, review_summary
from workflows.build_feature.contract import PlanApproval, Review, Round
from workflows.build_feature.decision import Decision, settle
from workflows.build_feature.state import Standing, State, Update
from workflows.context import WorkflowContext
from workflows.observed.baseline import noted_baseline
from workflows.observed.markdown_facts import components_of, headings_of
from workflows.observed.observed_work import observed_work
from workflows.observed.witness import CommandWitness
from workflows.observed.work import Work, work_of
from workflows.plain_state import Json
from workflows.reports import AgentReport, ArtifactReport, Say, SupervisorReport
from workflows.runs.gate import Answered, Declined, Expired, ask_person
from workflows.wording import counted

if TYPE_CHECKING:
    from workflows.workflow import Graph

GraphRuntime: TypeAlias = Runtime[WorkflowContext]

_COME_BACK = (RESEARCH, ARCHITECT, CODESMITH, REVIEWFIX)
"""Who reports to the supervisor; after the responder it is over."""
_LAST_WORDS_CHARACTERS = 300
"""How much of the end of what a stopped agent said is told in its outcome."""


def build() -> "Graph":
    """The graph, uncompiled."""
    graph: Any = StateGraph(State, context_schema=WorkflowContext)  # the library's own types are only partly known
    graph.add_node("survey", survey)
    graph.add_node("supervisor", supervisor)
    graph.add_node("approval", approval)
    graph.add_node("research", research)
    graph.add_node("architect", architect)
    graph.add_node("codesmith", codesmith)
    graph.add_node("reviewfix", reviewfix)
    graph.add_node("responder", responder)
    graph.add_edge(START, "survey")
    graph.add_edge("survey", "supervisor")
    graph.add_conditional_edges(
        "supervisor", _next_node, ["approval", *(role.name for role in (*_COME_BACK, RESPONDER))]
    )
    graph.add_conditional_edges("approval", _after_approval, ["supervisor", CODESMITH.name, RESPONDER.name])
    for role in _COME_BACK:
        graph.add_edge(role.name, "supervisor")
    graph.add_edge("responder", END)
    return graph


async def survey(_state: State, runtime: GraphRuntime) -> Update:
    """Note how the workspace looks, and that nothing is done yet."""
    return Update(
        baseline=await noted_baseline(SUPERVISOR.name, runtime.context, runtime.stream_writer),
        approved=False,
        research="",
        design="",
        work="",
        review=None,
        files=[],
        diff="",
        changes_known=True,
        answer="",
    )


async def supervisor(state: State, runtime: GraphRuntime) -> Update:
    """Let the supervisor decide, apply the rules, and say both."""
    standing, say = Standing.of(state), runtime.stream_writer
    prompt = prompts.supervisor_prompt(standing)
    decision = await runtime.context.ask(SUPERVISOR, prompt, say, reply_model=Decision)
    routing = settle(decision, standing)
    say(SupervisorReport(event_type="analysis", reasoning=decision.analysis))
    say(
        SupervisorReport(
            event_type="decision",
            reasoning=decision.reasoning,
            confidence=decision.confidence,
            next_agent=decision.agent,
            instructions=decision.instructions,
        )
    )
    if routing.overruled:
        say(SupervisorReport(event_type="decision", reasoning=routing.overruled, next_agent=routing.next_agent))
    say(
        SupervisorReport(
            event_type="routing",
            reasoning=routing.overruled or decision.reasoning,
            confidence=None if routing.overruled else decision.confidence,
            next_agent=routing.next_agent,
            instructions=routing.instructions,
        )
    )
    return Update(route={"next_agent": routing.next_agent, "instructions": routing.instructions})


async def research(state: State, runtime: GraphRuntime) -> Update:
    """Have the workspace read."""
    instructions, say = state["route"]["instructions"], runtime.stream_writer
    prompt = prompts.research_prompt(Standing.of(state), instructions)
    work = await work_of(RESEARCH, prompt, runtime.context, CommandWitness(say))
    notes = _worth_keeping(work, state["research"])
    if notes:
        say(_artifact(RESEARCH, "research.md", notes, "Research notes"))
    details = {"headings": headings_of(notes)} if notes else None
    summary = f"notes of {counted(len(work.text.split()), 'word')}" if work.text else "delivered no notes"
    outcome = _found(say, RESEARCH, _outcome(work, summary), details)
    return Update(research=notes or state["research"], rounds=_round(RESEARCH, instructions, outcome, work))


async def architect(state: State, runtime: GraphRuntime) -> Update:
    """Have the feature designed."""
    instructions, say = state["route"]["instructions"], runtime.stream_writer
    prompt = prompts.architect_prompt(Standing.of(state), instructions)
    work = await work_of(ARCHITECT, prompt, runtime.context, CommandWitness(say))
    design = _worth_keeping(work, state["design"])
    if design:
        say(_artifact(ARCHITECT, "design.md", design, "Design"))
    components = components_of(design)
    summary = f"design of {counted(len(work.text.split()), 'word')}" if work.text else "delivered no design"
    summary += f": {', '.join(components)}" if components else ""
    details = {"components": components, "headings": headings_of(design)} if design else None
    outcome = _found(say, ARCHITECT, _outcome(work, summary), details)
    return Update(
        design=design or state["design"],
        approved=state["approved"] and not design,  # a new design is a new plan
        rounds=_round(ARCHITECT, instructions, outcome, work),
    )


async def approval(state: State) -> Update:
    """Have a person say whether the plan is to be carried out."""
    route = state["route"]
    match ask_person(prompts.approval_question(state["design"], route["instructions"]), PlanApproval):
        case Answered(said, by) if said.approved:
            told = f"{route['instructions']}\n\n{by} approved the plan, and adds: {said.comment}"
            instructions = told if said.comment else route["instructions"]
            return Update(approved=True, route={"next_agent": CODESMITH.name, "instructions": instructions})
        case Answered(said, by):
            outcome = f"{by} did not approve it" + (f": {said.comment}" if said.comment else ", and did not say why")
            rejected = Round(agent="person", instructions="Approve the plan.", outcome=outcome)
            return Update(route={"next_agent": SUPERVISOR.name, "instructions": ""}, rounds=[rejected.model_dump()])
        case Declined() | Expired():
            instructions = "Nobody approved the plan, so nothing was built. Say so, and what the plan is."
            return Update(route={"next_agent": RESPONDER.name, "instructions": instructions})


async def codesmith(state: State, runtime: GraphRuntime) -> Update:
    """Have it built, and look at what was really built."""
    instructions, say = state["route"]["instructions"], runtime.stream_writer
    prompt = prompts.codesmith_prompt(Standing.of(state), instructions)
    work, seen = await observed_work(CODESMITH, prompt, state, runtime.context, say)
    outcome = _found(say, CODESMITH, _outcome(work, seen.summary), seen.details)
    return Update(
        work=work.text,
        files=seen.files,
        diff=seen.diff,
        changes_known=seen.known,
        tests_run=seen.tests_run,
        rounds=_round(CODESMITH, instructions, outcome, work),
    )


async def reviewfix(state: State, runtime: GraphRuntime) -> Update:
    """Have it reviewed, look at what was fixed, and compare both."""
    instructions, say = state["route"]["instructions"], runtime.stream_writer
    standing = Standing.of(state)
    prompt = prompts.reviewfix_prompt(standing, instructions)
    work, seen = await observed_work(REVIEWFIX, prompt, state, runtime.context, say, reply_model=Review)
    summary, details, stored = seen.summary, seen.details, state["review"]
    if isinstance(work.data, Review):
        review = checked(work.data, changed=seen.changed, runs=seen.runs, earlier=standing.tests_run)
        text = review.review.model_dump_json(indent=2)
        say(_artifact(REVIEWFIX, "review.json", text, "Review", media_type="application/json"))
        summary = review_summary(review, seen.runs)
        details, stored = {**details, **review_details(review)}, review.review.model_dump()
    outcome = _found(say, REVIEWFIX, _outcome(work, summary), details)
    return Update(
        review=stored,
        files=seen.files,
        diff=seen.diff,
        changes_known=seen.known,
        tests_run=seen.tests_run,
        rounds=_round(REVIEWFIX, instructions, outcome, work),
    )


async def responder(state: State, runtime: GraphRuntime) -> Update:
    """Have the answer written."""
    instructions, say = state["route"]["instructions"], runtime.stream_writer
    prompt = prompts.responder_prompt(Standing.of(state), instructions)
    answer = (await runtime.context.perform(RESPONDER, prompt, say)).text.strip()
    if not answer:
        raise ReplyInvalid("The responder ended without an answer.")
    say(_artifact(RESPONDER, "answer.md", answer, "Answer"))
    outcome = _found(say, RESPONDER, f"answer of {counted(len(answer.split()), 'word')}")
    return Update(answer=answer, rounds=_round(RESPONDER, instructions, outcome, Work(text=answer)))


def _next_node(state: State) -> str:
    following = state["route"]["next_agent"]
    needs_approval = state.get("approve_plan", False) and not state["approved"]
    return "approval" if following == CODESMITH.name and needs_approval else following


def _after_approval(state: State) -> str:
    return state["route"]["next_agent"]


def _round(role: Role, instructions: str, outcome: str, work: Work) -> list[Json]:
    finished = not work.stopped
    return [Round(agent=role.name, instructions=instructions, outcome=outcome, finished=finished).model_dump()]


def _worth_keeping(work: Work, earlier: str) -> str:
    """A text that is to replace the earlier one: half of one does not replace a whole one."""
    return "" if work.stopped and earlier else work.text


def _outcome(work: Work, summary: str) -> str:
    """A round in one line; of one that was stopped also why, and what it said last."""
    if not work.stopped:
        return summary
    last = " ".join(work.text.split())[-_LAST_WORDS_CHARACTERS:]
    return f"stopped before it was done: {work.stopped} {summary}" + (f"; its last words: {last}" if last else "")


def _found(say: Say, role: Role, summary: str, details: Details | None = None) -> str:
    """Report what an agent's work came to, and return the same as the round's outcome."""
    say(AgentReport(role.name, Found(message=summary, details=details or {})))
    return summary


def _artifact(role: Role, name: str, text: str, title: str, media_type: str = "text/markdown") -> ArtifactReport:
    return ArtifactReport(agent=role.name, name=name, media_type=media_type, text=text, title=title)
