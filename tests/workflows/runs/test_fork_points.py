"""Where in a graph a fork goes on: with all that came after its stage in the other run, or not at all."""

from collections import Counter
from collections.abc import Awaitable, Callable, Mapping
from pathlib import Path
from typing import Any

import anyio
import pytest
from langgraph.graph import END, START, StateGraph
from langgraph.types import Command

from agents.agent import AgentReply, AgentTask
from agents.errors import ProviderFailed
from agents.events import Emit
from tests.workflows.runs.floor import Floor, Held, answer, floor
from tests.workflows.runs.small_workflows import State, branches, workflow
from tests.workflows.runs.test_forked_runs import threads
from tests.workflows.runs.test_resuming import SIDE_BY_SIDE, completed, until_told
from workflows.context import WorkflowContext
from workflows.runs.errors import InputRejected, LogUnavailable
from workflows.runs.events import StageStarted
from workflows.runs.history import History
from workflows.runs.places import ForkPoint, Wish
from workflows.runs.run import Run, RunFilter, Steering
from workflows.runs.worktree_places import WorktreePlaces
from workflows.workflow import Workflow

pytestmark = pytest.mark.anyio

Node = Callable[[State], Awaitable[object]]


def _does(name: str) -> Node:
    async def work(state: State) -> State:
        del state
        return {"parts": [name]}

    return work


async def _sums_up(state: State) -> State:
    return {"answer": " ".join(sorted(state.get("parts", [])))}


def _graph(nodes: Mapping[str, Node], *edges: tuple[str, str]) -> Any:
    graph: Any = StateGraph(State, context_schema=WorkflowContext)
    for name, node in nodes.items():
        graph.add_node(name, node)
    for before, after in edges:
        graph.add_edge(before, after)
    return graph


def two_ways() -> Any:
    """`a` and `b` side by side, after which come `c` and `d`; `e` sums up."""
    nodes = {name: _does(name) for name in "abcd"} | {"e": _sums_up}
    ways = ((START, "a"), (START, "b"), ("a", "c"), ("b", "d"), ("c", "e"), ("d", "e"), ("e", END))
    return _graph(nodes, *ways)


def chosen_by_node() -> Any:
    """`choose` says itself that `work` comes next."""

    async def choose(state: State) -> object:
        del state
        chosen: Command[str] = Command(goto="work", update={"parts": ["chosen"]})
        return chosen

    graph = _graph({"work": _does("work"), "end": _sums_up}, (START, "choose"), ("work", "end"), ("end", END))
    graph.add_node("choose", choose, destinations=("work",))
    return graph


def chosen_by_input() -> Any:
    """After `look` comes what the question names."""

    def named(state: State) -> str:
        return state.get("question", "")

    graph = _graph(
        {"look": _does("look"), "left": _does("left"), "right": _does("right"), "end": _sums_up},
        (START, "look"),
        ("left", "end"),
        ("right", "end"),
        ("end", END),
    )
    graph.add_conditional_edges("look", named, ["left", "right"])
    return graph


TWO_WAYS = workflow(two_ways, *"abcde", name="ways")
BY_NODE = workflow(chosen_by_node, "choose", "work", "end", name="by-node")
BY_INPUT = workflow(chosen_by_input, "look", "left", "right", "end", name="by-input")
BRANCHES = workflow(branches, "plan", "dig", "sub", name="branches")


async def forked(at: Floor, run: Run, stage: str, changes: Mapping[str, object] | None = None) -> Run:
    return await at.ended(await at.engine.fork(run.run_id, stage, changes or {}, owner="local"))


@pytest.mark.parametrize(
    ("chosen", "stage", "goes_on_with"),
    [
        (TWO_WAYS, "a", {"c", "d", "e"}),
        (TWO_WAYS, "b", {"c", "d", "e"}),
        (TWO_WAYS, "d", {"e"}),
        (TWO_WAYS, "e", set[str]()),
        (BY_NODE, "choose", {"work", "end"}),
        (BRANCHES, "plan", {"dig", "sub"}),
    ],
)
async def test_a_fork_goes_on_with_all_that_came_next(
    tmp_path: Path, chosen: Workflow, stage: str, goes_on_with: set[str]
) -> None:
    async with floor(tmp_path, answer) as at:
        run = await at.ended(await at.start(chosen))
        fork = await forked(at, run, stage)
        events = await at.events(fork)

    assert (fork.status, fork.result) == ("completed", run.result)
    assert {event.body.stage for event in events if isinstance(event.body, StageStarted)} == goes_on_with


@pytest.mark.parametrize(("chosen", "stage"), [(TWO_WAYS, "a"), (BY_NODE, "choose"), (BRANCHES, "plan")])
async def test_a_fork_with_changed_input_that_would_leave_something_out_is_refused_and_leaves_nothing(
    tmp_path: Path, chosen: Workflow, stage: str
) -> None:
    async with floor(tmp_path, answer) as at:
        run = await at.ended(await at.start(chosen))
        with pytest.raises(InputRejected, match=f"no edge of {stage!r} leads") as raised:
            await forked(at, run, stage, {"question": "other"})
        assert [each.run_id for each in await at.log.find(RunFilter())] == [run.run_id]
        assert threads(tmp_path) == {run.run_id}

    assert raised.value.field == "changes"
    assert raised.value.recovery


async def test_a_fork_with_changed_input_goes_where_its_edges_lead_with_that(tmp_path: Path) -> None:
    async with floor(tmp_path, answer) as at:
        run = await at.ended(await at.start(BY_INPUT, "left"))
        same = await forked(at, run, "look")
        other = await forked(at, run, "look", {"question": "right"})

    assert run.result == same.result == {"answer": "left look"}
    assert other.result == {"answer": "look right"}


async def test_a_fork_has_what_the_stages_beside_its_own_did_and_what_was_said_meanwhile(tmp_path: Path) -> None:
    held = Held()

    async def hold_right(task: AgentTask, emit: Emit) -> AgentReply:
        return await (held.act if task.prompt == "right" else answer)(task, emit)

    async with floor(tmp_path, hold_right) as at:
        run = await at.start(SIDE_BY_SIDE)
        await held.until_begun()
        with anyio.fail_after(5):
            await until_told(at, run, lambda events: ("left", 1) in completed(events))
        await at.engine.steer(run.run_id, Steering(text="in German", by="Ann"))
        held.release.set()
        await at.ended(run)
        begins = {stage: await History.forked(at.log, run.run_id, stage) for stage in ("left", "right", "join")}

    both = {"left": {"parts": ["42 to left"]}, "right": {"parts": ["released"]}}
    assert begins["left"].finished == begins["right"].finished == both
    assert begins["left"].rounds == begins["right"].rounds == Counter(left=1, right=1)
    assert begins["left"].instructions == begins["right"].instructions == ["in German"]
    assert set(begins["join"].finished) == {"left", "right", "join"}


@pytest.mark.parametrize("end", ["failed", "cancelled"])
async def test_a_run_that_is_over_is_not_said_to_be_at_work_beside_the_stage(tmp_path: Path, end: str) -> None:
    held = Held()

    async def right_fails(task: AgentTask, emit: Emit) -> AgentReply:
        if task.prompt != "right":
            return await answer(task, emit)
        await held.act(task, emit)
        raise ProviderFailed("out of order")

    async with floor(tmp_path, right_fails) as at:
        run = await at.start(SIDE_BY_SIDE)
        with anyio.fail_after(5):
            await until_told(at, run, lambda events: ("left", 1) in completed(events))
        if end == "cancelled":
            await at.engine.cancel(run.run_id, by="Ann", reason="enough")
        held.release.set()
        assert (await at.ended(run)).status == end
        with pytest.raises(InputRejected, match="after 'left' could begin: right had not finished") as raised:
            await forked(at, run, "left")

    assert raised.value.field == "stage"
    assert raised.value.recovery == ("Fork the run from an earlier stage, or start the workflow anew",)


async def test_a_fork_that_the_end_of_its_server_comes_before_says_what_went_wrong(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with floor(tmp_path, answer) as at:
        run = await at.ended(await at.start(TWO_WAYS))

        async def closing(wish: Wish, point: ForkPoint) -> str:
            del wish, point
            await at.engine.close()
            raise LogUnavailable("The disk is full.")

        monkeypatch.setattr(WorktreePlaces, "plan_fork", staticmethod(closing))
        with pytest.raises(LogUnavailable, match="disk is full"):
            await forked(at, run, "a")
