"""The jobs that the conformance suite calls by name, as real workflows: each a graph of one or two small nodes."""

from typing import Any, TypedDict

import anyio
from pydantic import BaseModel

from agents.errors import AgentProcessFailed
from workflows.workflow import Stage, Workflow


class Computation(BaseModel):
    """Input of `slow_compute`."""

    seconds: float = 0.0
    label: str = ""


class File(BaseModel):
    """Input of `confirm_delete`."""

    filename: str = "a.txt"


class Nothing(BaseModel):
    """No input."""


class Person(BaseModel):
    """Input of `test_tool_with_task`, which its caller is asked for before."""

    user_name: str = ""


class Said(BaseModel):
    """Output of all of them."""

    said: str


class Confirmation(BaseModel):
    """What a person answers; the suite's own fields."""

    confirm: bool
    name: str = ""


class State(TypedDict, total=False):
    """State of all of them."""

    seconds: float
    label: str
    filename: str
    user_name: str
    left: str
    right: str
    said: str


def _graph(*names: str, **nodes: Any) -> Any:
    """Nodes one after the other, or those not named side by side before them."""
    from langgraph.graph import END, START, StateGraph

    graph: Any = StateGraph(State)
    for name, node in nodes.items():
        graph.add_node(name, node)
    beside = [name for name in nodes if name not in names] or [START]
    for name in beside:
        if name != START:
            graph.add_edge(START, name)
    last: Any = beside if beside != [START] else START
    for name in names:
        graph.add_edge(last, name)
        last = name
    graph.add_edge(last, END)
    return graph


def slow_compute() -> Any:
    """Takes as long as it is told to."""

    async def compute(state: State) -> State:
        await anyio.sleep(state.get("seconds", 0.0))  # what the suite asks of it
        return {"said": f"computed {state.get('label')}"}

    return _graph("compute", compute=compute)


def failing() -> Any:
    """Fails."""

    async def fail(state: State) -> State:
        del state
        raise AgentProcessFailed("This job intentionally fails for testing.")

    return _graph("fail", fail=fail)


def confirming() -> Any:
    """Asks one person one thing."""
    from workflows.runs.gate import Answered, ask_person

    async def confirm(state: State) -> State:
        answer = ask_person(f"Delete {state.get('filename')}?", Confirmation)
        yes = isinstance(answer, Answered) and answer.answer.confirm
        return {"said": f"{state.get('filename')} {'deleted' if yes else 'kept'}"}

    return _graph("confirm", confirm=confirm)


def asking_side_by_side() -> Any:
    """Asks two things at once."""
    from workflows.runs.gate import ask_person

    async def left(state: State) -> State:
        del state
        return {"left": str(ask_person("The left one?", Confirmation))}

    async def right(state: State) -> State:
        del state
        return {"right": str(ask_person("The right one?", Confirmation))}

    async def join(state: State) -> State:
        return {"said": f"{state.get('left')} and {state.get('right')}"}

    return _graph("join", left=left, right=right, join=join)


def greeting() -> Any:
    """Greets whoever was asked for."""

    async def greet(state: State) -> State:
        return {"said": f"Hello, {state.get('user_name')}!"}

    return _graph("greet", greet=greet)


def _workflow(name: str, description: str, takes: type[BaseModel], graph: Any, *stages: str) -> Workflow:
    return Workflow(
        name=name,
        title=name,
        description=description,
        input_model=takes,
        output_model=Said,
        response_field="said",
        stages=tuple(Stage(name=stage, title=stage.title(), share=1.0) for stage in stages),
        graph=graph,
    )


PROTOCOL_ERROR = "protocol_error_job"
"""A job whose task ends as `failed`. Here that is a task nobody can go on with; what fails by itself has a result."""

JOBS = (
    _workflow("slow_compute", "Takes its time.", Computation, slow_compute, "compute"),
    _workflow("failing_job", "Always fails.", Nothing, failing, "fail"),
    _workflow(PROTOCOL_ERROR, "Always ends in an error of the protocol.", Nothing, failing, "fail"),
    _workflow("confirm_delete", "Asks first.", File, confirming, "confirm"),
    _workflow("multi_input", "Asks two things at once.", Nothing, asking_side_by_side, "left", "right", "join"),
    _workflow("test_tool_with_task", "Asks for a name before it begins.", Person, greeting, "greet"),
)
"""Every one of them may be answered with a task."""

ONLY_AS_TASKS = frozenset({"failing_job", "test_tool_with_task"})
"""What the suite calls as jobs that cannot be done without a task. None of this program's own workflows is one."""
