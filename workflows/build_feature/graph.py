"""The graph of `build_feature`: hub and spoke.

    survey -> supervisor -> research | architect | codesmith | reviewfix -> supervisor ... -> responder -> end

`survey` notes how the workspace looks before anybody changes it, in a node of its own: a run that is resumed must not
take half of its own work for what was there before.
"""

from typing import TYPE_CHECKING, Any, TypeAlias

from langgraph.graph import END, START, StateGraph
from langgraph.runtime import Runtime

from agents.command_runner import command_runner
from agents.errors import ReplyInvalid
from agents.events import Details, Found
from agents.roles import ARCHITECT, CODESMITH, RESEARCH, RESPONDER, REVIEWFIX, SUPERVISOR, Role
from agents.workspace.changes import Workspace
from workflows.build_feature import prompts
from workflows.build_feature.contract import Review, Round
from workflows.build_feature.decision import Decision, settle
from workflows.build_feature.facts import components_of, headings_of, review_details, review_summary, tests_summary
from workflows.build_feature.observation import observe
from workflows.build_feature.state import Json, Standing, State, Update
from workflows.context import WorkflowContext
from workflows.reports import AgentReport, ArtifactReport, Say, SupervisorReport

if TYPE_CHECKING:
    from workflows.workflow import Graph

GraphRuntime: TypeAlias = Runtime[WorkflowContext]

_COME_BACK = (RESEARCH, ARCHITECT, CODESMITH, REVIEWFIX)
"""Who reports to the supervisor; after the responder it is over."""


def build() -> "Graph":
    """The graph, uncompiled."""
    graph: Any = StateGraph(State, context_schema=WorkflowContext)  # the library's own types are only partly known
    graph.add_node("survey", survey)
    graph.add_node("supervisor", supervisor)
    graph.add_node("research", research)
    graph.add_node("architect", architect)
    graph.add_node("codesmith", codesmith)
    graph.add_node("reviewfix", reviewfix)
    graph.add_node("responder", responder)
    graph.add_edge(START, "survey")
    graph.add_edge("survey", "supervisor")
    graph.add_conditional_edges("supervisor", _next_agent, [role.name for role in (*_COME_BACK, RESPONDER)])
    for role in _COME_BACK:
        graph.add_edge(role.name, "supervisor")
    graph.add_edge("responder", END)
    return graph


async def survey(_state: State, runtime: GraphRuntime) -> Update:
    """Note how the workspace looks, and that nothing is done yet."""
    context = runtime.context
    async with command_runner() as commands:
        baseline = await Workspace(context.workspace, commands.run, context.run_id).baseline()
    return Update(baseline=baseline, research="", design="", work="", review=None, files=[], diff="", answer="")


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
    notes = (await runtime.context.perform(RESEARCH, prompt, say)).text.strip()
    if not notes:
        return Update(rounds=_round(RESEARCH, instructions, _found(say, RESEARCH, "delivered no notes")))
    say(_artifact(RESEARCH, "research.md", notes, "Research notes"))
    headings = headings_of(notes)
    outcome = _found(say, RESEARCH, f"notes of {_words(notes)}", {"headings": headings})
    return Update(research=notes, rounds=_round(RESEARCH, instructions, outcome))


async def architect(state: State, runtime: GraphRuntime) -> Update:
    """Have the feature designed."""
    instructions, say = state["route"]["instructions"], runtime.stream_writer
    prompt = prompts.architect_prompt(Standing.of(state), instructions)
    design = (await runtime.context.perform(ARCHITECT, prompt, say)).text.strip()
    if not design:
        return Update(rounds=_round(ARCHITECT, instructions, _found(say, ARCHITECT, "delivered no design")))
    say(_artifact(ARCHITECT, "design.md", design, "Design"))
    components = components_of(design)
    summary = f"design of {_words(design)}" + (f": {', '.join(components)}" if components else "")
    outcome = _found(say, ARCHITECT, summary, {"components": components, "headings": headings_of(design)})
    return Update(design=design, rounds=_round(ARCHITECT, instructions, outcome))


async def codesmith(state: State, runtime: GraphRuntime) -> Update:
    """Have it built, and look at what was really built."""
    instructions, say = state["route"]["instructions"], runtime.stream_writer
    prompt = prompts.codesmith_prompt(Standing.of(state), instructions)
    reply = await runtime.context.perform(CODESMITH, prompt, say)
    seen = await observe(CODESMITH, reply, state, runtime.context, say)
    outcome = _found(say, CODESMITH, seen.summary, seen.details)
    return Update(
        work=reply.text.strip(),
        files=seen.files,
        diff=seen.diff,
        tests_run=seen.tests_run,
        rounds=_round(CODESMITH, instructions, outcome),
    )


async def reviewfix(state: State, runtime: GraphRuntime) -> Update:
    """Have it reviewed, and look at what was fixed."""
    instructions, say = state["route"]["instructions"], runtime.stream_writer
    prompt = prompts.reviewfix_prompt(Standing.of(state), instructions)
    reply = await runtime.context.perform(REVIEWFIX, prompt, say, reply_model=Review)
    if not isinstance(reply.data, Review):
        raise ReplyInvalid("reviewfix was asked for a review and gave none.", partial=reply.text)
    review = reply.data
    text = review.model_dump_json(indent=2)
    say(_artifact(REVIEWFIX, "review.json", text, "Review", media_type="application/json"))
    seen = await observe(REVIEWFIX, reply, state, runtime.context, say)
    summary = f"{review_summary(review)}; {tests_summary(seen.runs)}"
    outcome = _found(say, REVIEWFIX, summary, {**seen.details, **review_details(review)})
    return Update(
        review=review.model_dump(),
        files=seen.files,
        diff=seen.diff,
        tests_run=seen.tests_run,
        rounds=_round(REVIEWFIX, instructions, outcome),
    )


async def responder(state: State, runtime: GraphRuntime) -> Update:
    """Have the answer written."""
    instructions, say = state["route"]["instructions"], runtime.stream_writer
    prompt = prompts.responder_prompt(Standing.of(state), instructions)
    answer = (await runtime.context.perform(RESPONDER, prompt, say)).text.strip()
    if not answer:
        raise ReplyInvalid("The responder ended without an answer.")
    say(_artifact(RESPONDER, "answer.md", answer, "Answer"))
    outcome = _found(say, RESPONDER, f"answer of {_words(answer)}")
    return Update(answer=answer, rounds=_round(RESPONDER, instructions, outcome))


def _next_agent(state: State) -> str:
    return state["route"]["next_agent"]


def _round(role: Role, instructions: str, outcome: str) -> list[Json]:
    return [Round(agent=role.name, instructions=instructions, outcome=outcome).model_dump()]


def _found(say: Say, role: Role, summary: str, details: Details | None = None) -> str:
    """Report what an agent's work came to, and return the same as the round's outcome."""
    say(AgentReport(role.name, Found(message=summary, details=details or {})))
    return summary


def _artifact(role: Role, name: str, text: str, title: str, media_type: str = "text/markdown") -> ArtifactReport:
    return ArtifactReport(agent=role.name, name=name, media_type=media_type, text=text, title=title)


def _words(text: str) -> str:
    return f"{len(text.split())} words"
