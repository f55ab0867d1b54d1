"""The graph of `research`: planner -> researchers side by side -> synthesizer."""

import asyncio
from dataclasses import replace
from typing import TYPE_CHECKING, Any, TypeAlias
from weakref import WeakKeyDictionary

from langgraph.graph import END, START, StateGraph
from langgraph.runtime import Runtime
from langgraph.types import Send

from agents.errors import AgentError, ReplyInvalid
from agents.events import Decided, Found, Progressed
from agents.roles import PLANNER, RESEARCHER, SYNTHESIZER, Role
from workflows.budget import Budget
from workflows.context import WorkflowContext
from workflows.reports import AgentReport, ArtifactReport, Say
from workflows.research.citations import cited_numbers, marked, with_sources
from workflows.research.contract import AT_ONCE, MOST_SUB_QUESTIONS, MOST_TURNS, Source, SubQuestion
from workflows.research.looking import look_into
from workflows.research.notes import Looked, Plan
from workflows.research.prompts import planner_prompt, synthesizer_prompt
from workflows.research.sources import Numbered
from workflows.research.state import Part, State, Update
from workflows.wording import counted

if TYPE_CHECKING:
    from workflows.workflow import Graph

GraphRuntime: TypeAlias = Runtime[WorkflowContext]


def build() -> "Graph":
    """The graph, uncompiled."""
    graph: Any = StateGraph(State, context_schema=WorkflowContext)  # the library's own types are only partly known
    graph.add_node("planner", planner)
    graph.add_node("researcher", Researchers(AT_ONCE).researcher)
    graph.add_node("synthesizer", synthesizer)
    graph.add_edge(START, "planner")
    graph.add_conditional_edges("planner", _researchers, ["researcher"])
    graph.add_edge("researcher", "synthesizer")
    graph.add_edge("synthesizer", END)
    return graph


async def planner(state: State, runtime: GraphRuntime) -> Update:
    """Have the question broken into sub-questions, no more than the depth allows."""
    say, most = runtime.stream_writer, MOST_SUB_QUESTIONS[state["depth"]]
    plan = await runtime.context.ask(PLANNER, planner_prompt(state["question"], most), say, reply_model=Plan)
    planned = (part.strip() for part in plan.sub_questions)
    parts = list(dict.fromkeys(part for part in planned if part)) or [state["question"]]
    if len(parts) > most:
        left_out = parts[most:]
        message = f"{len(left_out)} of {len(parts)} sub-questions are left out: depth {state['depth']} allows {most}"
        say(AgentReport(PLANNER.name, Progressed(message=message, details={"left_out": left_out})))
    parts = parts[:most]
    text = "\n".join(f"{number}. {part}" for number, part in enumerate(parts, 1))
    say(_artifact(PLANNER, "plan.md", f"{text}\n", "Plan"))
    details = {"sub_questions": parts, "reasoning": plan.reasoning}
    say(AgentReport(PLANNER.name, Decided(message=counted(len(parts), "sub-question"), details=details)))
    return Update(plan=parts)


def _researchers(state: State) -> list[Send]:
    parts = state["plan"]
    given = {"question": state["question"], "depth": state["depth"], "parts": len(parts)}
    return [Send("researcher", {**given, "number": number, "part": part}) for number, part in enumerate(parts, 1)]


class Researchers:
    """The node whose executions run side by side.

    Args:
        at_once: How many may be at work at once; the others wait for their turn.
    """

    def __init__(self, at_once: int) -> None:
        self._at_once = at_once
        self._places = WeakKeyDictionary[Budget, asyncio.Semaphore]()
        """Each run's, by what only that run has: one graph serves all runs."""

    async def researcher(self, state: Part, runtime: GraphRuntime) -> Update:
        """Have one sub-question looked into."""
        context, say = runtime.context, runtime.stream_writer
        role = replace(RESEARCHER, max_turns=MOST_TURNS[state["depth"]])
        name = RESEARCHER.name if state["parts"] == 1 else f"{RESEARCHER.name} {state['number']}"
        async with self._places.setdefault(context.budget, asyncio.Semaphore(self._at_once)):
            say(AgentReport(name, Progressed(message=f"looks into: {state['part']}")))
            # One more than there are researchers: the synthesis has to be paid for, too.
            looked = await look_into(state, role, name, context, say, cost_share=1 / (state["parts"] + 1))
        opened = sum(not seen.problem for seen in looked.opened)
        summary = f"{counted(len(looked.findings), 'claim')}, {counted(opened, 'source')} read"
        failed = len(looked.opened) - opened
        summary += f", {failed} could not be read" if failed else ""
        summary += f"; {looked.problem}" if looked.problem else ""
        say(AgentReport(name, Found(message=summary, details=looked.model_dump(exclude={"text"}))))
        return Update(looked=[looked.model_dump()])


async def synthesizer(state: State, runtime: GraphRuntime) -> Update:
    """Have the answer written, check what it cites, and add the sources."""
    say = runtime.stream_writer
    looked = sorted(map(Looked.model_validate, state["looked"]), key=lambda part: part.number)
    if all(part.problem and not (part.text or part.opened) for part in looked):
        raise AgentError(
            f"None of the {len(looked)} sub-questions could be looked into. The first: {looked[0].problem}",
            recovery=("See each researcher's result in the run's events", "Try again in a few minutes"),
        )
    numbered = Numbered.of(looked)
    reply = await runtime.context.perform(SYNTHESIZER, synthesizer_prompt(state["question"], looked, numbered), say)
    text = reply.text.strip()
    if not text:
        raise ReplyInvalid("The synthesizer ended without an answer.")
    cited = cited_numbers(text)
    unknown = [number for number in cited if not 1 <= number <= len(numbered.sources)]
    sources = marked(numbered.sources, cited)
    answer = with_sources(text, sources, unknown)
    say(_artifact(SYNTHESIZER, "answer.md", answer, "Answer"))
    _tell(sources, unknown, say)
    parts = [SubQuestion(question=part.question, claims=len(part.findings), problem=part.problem) for part in looked]
    return Update(
        answer=answer,
        sources=[source.model_dump() for source in sources],
        sub_questions=[part.model_dump() for part in parts],
        unknown_citations=unknown,
    )


def _tell(sources: list[Source], unknown: list[int], say: Say) -> None:
    cited = [source for source in sources if source.cited]
    read = sum(source.status == "read" for source in cited)
    message = f"answer that cites {len(cited)} of {counted(len(sources), 'source')}, {read} of which were read"
    if unknown:
        message += f"; cites {', '.join(f'[{number}]' for number in unknown)}, which {_is(unknown)} no source"
    details = {"cited": [source.number for source in cited], "unknown_citations": unknown}
    say(AgentReport(SYNTHESIZER.name, Found(message=message, details=details)))


def _is(things: list[int]) -> str:
    return "is" if len(things) == 1 else "are"


def _artifact(role: Role, name: str, text: str, title: str) -> ArtifactReport:
    return ArtifactReport(agent=role.name, name=name, media_type="text/markdown", text=text, title=title)
