"""Workflows that ask a person, and clients of the SDK in one process with the server, in both protocol eras."""

from collections.abc import AsyncGenerator, Awaitable, Callable, Sequence
from contextlib import aclosing, asynccontextmanager
from pathlib import Path
from typing import Any, Literal, TypeAlias, cast

import anyio
from langgraph.graph import END, START, StateGraph
from mcp import Client
from mcp.client.extension import ClientExtension
from mcp_types import CallToolResult, ElicitRequestParams, ElicitResult, ErrorData, InputRequiredResult
from pydantic import BaseModel

from mcp_server.assembly import Assembly, assemble
from mcp_server.opening import workflow_server
from mcp_server.owner import OWNER
from mcp_server.settings import Settings
from tests.workflows.runs.small_workflows import Question, State, workflow
from workflows.budget import Limits
from workflows.catalog import Catalog
from workflows.runs.engine import RunRequest
from workflows.runs.events import GateOpened, WorkflowCompleted
from workflows.runs.gate import Answered, Expired, ask_person
from workflows.runs.run import GateReply
from workflows.workflow import Workflow

Era = Literal["legacy", "2026-07-28"]
MODERN: Era = "2026-07-28"
ERAS: list[Era] = ["legacy", MODERN]
BOUND = 5.0
"""Seconds anything here may take."""
Ask: TypeAlias = Callable[[object, ElicitRequestParams], Awaitable[ElicitResult | ErrorData]]


class Said(BaseModel):
    """What a person says."""

    said: str


def chain(**nodes: Any) -> Callable[[], Any]:
    """A graph of these nodes, one after the other; the newest of its parts is its answer."""

    async def end(state: State) -> State:
        return {"answer": ", ".join(state.get("parts", []))}

    def graph() -> Any:
        built: Any = StateGraph(State)
        before = START
        for name, node in {**nodes, "end": end}.items():
            built.add_node(name, node)
            built.add_edge(before, name)
            before = name
        built.add_edge(before, END)
        return built

    return graph


def asking(name: str) -> Any:
    """A node that asks a person."""

    async def ask(_state: State) -> State:
        match ask_person(f"What is {name}?", Said):
            case Answered(answer, _):
                return {"parts": [f"{name} is {answer.said}"]}
            case Expired():
                return {"parts": [f"nobody said what {name} is"]}
            case _:
                return {"parts": [f"{name} is declined"]}

    return ask


async def plan(_state: State) -> State:
    return {"parts": []}


ONCE = workflow(chain(first=asking("first")), "first", name="once")
TWICE = workflow(
    chain(plan=plan, first=asking("first"), second=asking("second")), "plan", "first", "second", name="twice"
)
ARGUMENTS = {"question": "x"}


@asynccontextmanager
async def assembled(directory: Path, *workflows: Workflow) -> AsyncGenerator[Assembly]:
    workspace = directory / "workspace"
    workspace.mkdir(exist_ok=True)
    settings = Settings(home=directory / "home", roots=(workspace,), offline=True)
    async with assemble(settings, Catalog(workflows), environ={}) as assembly:
        yield assembly


@asynccontextmanager
async def client_of(
    assembly: Assembly, era: Era, ask: Ask | None = None, extensions: Sequence[ClientExtension] = ()
) -> AsyncGenerator[Client]:
    server, callback = workflow_server(assembly), cast("Any", ask)
    with anyio.fail_after(BOUND):
        async with Client(server, mode=era, elicitation_callback=callback, extensions=extensions) as client:
            yield client


def saying(**answers: str) -> Ask:
    """A person who knows an answer to every question that ends with its name."""

    async def ask(_context: object, question: ElicitRequestParams) -> ElicitResult:
        said = answers[question.message.removeprefix("What is ").removesuffix("?")]
        return ElicitResult(action="accept", content={"said": said})

    return ask


def told(result: CallToolResult | InputRequiredResult) -> dict[str, Any]:
    assert isinstance(result, CallToolResult)
    assert not result.is_error, result.content
    return cast("dict[str, Any]", result.structured_content)


async def waiting(assembly: Assembly, workflow: Workflow) -> str:
    """The id of a run that asks already; a call of the workflow joins it."""
    request = RunRequest(
        workflow=workflow,
        input=Question.model_validate(ARGUMENTS),
        workspace=assembly.workspaces.choose(None, writes=workflow.writes),
        owner=OWNER,
        limits=Limits(),
    )
    run = (await assembly.engine.start(request)).run
    await until_event(assembly, run.run_id, GateOpened)
    return run.run_id


async def until_event(assembly: Assembly, run_id: str, body: type[GateOpened | WorkflowCompleted]) -> None:
    with anyio.fail_after(BOUND):
        async with aclosing(assembly.engine.follow(run_id)) as batches:
            async for events in batches:
                if any(isinstance(event.body, body) for event in events):
                    break


async def answered(assembly: Assembly, run_id: str) -> None:
    reply = GateReply(gate_id="", outcome="accepted", answer={"said": "told elsewhere"}, by="Ann")
    await assembly.engine.answer(run_id, reply)
