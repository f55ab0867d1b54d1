"""Graphs that know nothing of this project, run as they are."""

import asyncio
from collections.abc import Callable
from pathlib import Path
from typing import Any, cast

import anyio
import pytest
from langchain_core.caches import InMemoryCache
from langchain_core.language_models import BaseChatModel
from langchain_core.language_models.fake import FakeListLLM
from langchain_core.language_models.fake_chat_models import FakeListChatModel

from agents.agent import Usage
from agents.errors import CostLimitReached
from agents.models.model import PriceOf, TokenCount
from tests.fakes.chat_model import FakeHaltingChatModel, FakeStreamingChatModel, says
from tests.workflows.bare_graphs import graphs
from tests.workflows.bare_graphs.play import adopted, bodies, played, started
from tests.workflows.runs.floor import Floor, answer, floor
from workflows.bare_graphs import meter
from workflows.budget import Budget, Limits
from workflows.runs.events import (
    AgentEvent,
    GateOpened,
    StageCompleted,
    StageStarted,
    TokenStream,
    ToolEnd,
    ToolStart,
    UsageRecorded,
    WorkflowCompleted,
    WorkflowError,
    WorkflowEvent,
)
from workflows.runs.run import GateReply, Run

pytestmark = pytest.mark.anyio


@pytest.mark.parametrize("make", [graphs.tool_loop, graphs.prebuilt])
async def test_a_tool_loop_is_told_as_stages_tokens_tool_calls_and_usage(
    make: Callable[[FakeStreamingChatModel], Any], tmp_path: Path
) -> None:
    model = graphs.asked_and_answered()

    run, events = await played(tmp_path, make(model), messages="Who is Ann?")

    assert run.status == "completed"
    assert [(body.stage, body.round) for body in bodies(events, StageCompleted)] == [
        ("agent", 1),
        ("tools", 1),
        ("agent", 2),
    ]
    tokens = bodies(events, TokenStream)
    assert "".join(body.text for body in tokens) == "Ann is 42."
    assert len(tokens) > 1
    assert {(body.agent, body.channel) for body in tokens} == {("agent", "text")}
    (start,), (end,) = bodies(events, ToolStart), bodies(events, ToolEnd)
    assert (start.agent, start.tool, start.call_id, start.input) == ("agent", "look_up", "call-1", {"name": "Ann"})
    assert (end.agent, end.call_id, end.ok, end.output) == ("agent", "call-1", True, "Ann is 42")
    used = bodies(events, UsageRecorded)
    assert [(body.agent, body.model, body.input_tokens, body.output_tokens, body.cost_usd) for body in used] == [
        ("agent", "fake-1", 5, 2, None),
        ("agent", "fake-1", 7, 3, None),
    ]
    (completed,) = bodies(events, WorkflowCompleted)
    assert completed.usage == {"input_tokens": 12, "output_tokens": 5, "cost_usd": None}
    assert (completed.final_response, completed.tool_calls, completed.steps) == ("Ann is 42.", 1, 3)
    said = cast("list[dict[str, object]]", completed.result["messages"])
    assert [message["role"] for message in said] == ["user", "assistant", "tool", "assistant"]
    shown = [event.progress for event in events]
    assert shown == sorted(shown)
    assert shown[-1] == 100


async def test_a_tool_that_fails_is_told_as_failed(tmp_path: Path) -> None:
    broken = graphs.calls("broken_look_up", '{"name": "Ann"}', "call-1")
    model = FakeStreamingChatModel(replies=[broken, says("I do not know.")])

    run, events = await played(tmp_path, graphs.tool_loop(model, graphs.broken_look_up), messages="Who is Ann?")

    assert run.status == "completed"
    (end,) = bodies(events, ToolEnd)
    assert not end.ok
    assert "no Ann here" in end.output


async def test_a_tool_langchain_knows_nothing_of_is_told_once_it_has_answered(tmp_path: Path) -> None:
    run, events = await played(tmp_path, graphs.plain_tools(), messages="How many?")

    assert run.status == "completed"
    (start,), (end,) = bodies(events, ToolStart), bodies(events, ToolEnd)
    assert (start.agent, start.tool, start.input) == ("agent", "count", {"of": "days"})
    assert (end.ok, end.output) == (True, "7")
    assert "Seven." in [body.details["text"] for body in bodies(events, AgentEvent) if body.event_type == "result"]
    assert not bodies(events, TokenStream)  # the model did not stream, so nothing is said to have


async def test_thinking_is_told_piece_by_piece_and_whole(tmp_path: Path) -> None:
    _, events = await played(tmp_path, graphs.thinker(), messages="How many?")

    channels = [(body.channel, body.text) for body in bodies(events, TokenStream)]
    assert "".join(text for channel, text in channels if channel == "thinking") == "Hm, six?"
    assert "".join(text for channel, text in channels if channel == "text") == "Seven."
    assert [body.details["text"] for body in bodies(events, AgentEvent) if body.event_type == "think"] == ["Hm, six?"]


async def test_branches_side_by_side_are_one_round_of_their_stage(tmp_path: Path) -> None:
    run, events = await played(tmp_path, graphs.fan_out(), topic="moss")

    assert run.result == {"topic": "moss", "notes": ["moss left", "moss right"], "report": "moss left, moss right"}
    assert [body.stage for body in bodies(events, StageStarted)] == ["plan", "dig", "write"]
    assert [body.node for body in bodies(events, WorkflowEvent)] == ["plan", "dig", "dig", "write"]
    (completed,) = bodies(events, WorkflowCompleted)
    assert completed.final_response == "moss left, moss right"


async def test_what_happens_in_a_subgraph_is_told_below_its_node(tmp_path: Path) -> None:
    model = FakeStreamingChatModel(replies=[says("soft ", "and ", "green")])

    run, events = await played(tmp_path, graphs.with_subgraph(model), topic="moss")

    assert run.result is not None
    assert run.result["notes"] == ["soft and green"]
    assert {body.agent for body in bodies(events, TokenStream)} == {"team ▸ ask"}
    assert {body.agent for body in bodies(events, UsageRecorded)} == {"team ▸ ask"}
    said = [(body.agent, body.details["text"]) for body in bodies(events, AgentEvent)]
    assert said == [
        ("team ▸ ask", "begins"),
        ("team ▸ ask", "done"),
        ("team ▸ note", "begins"),
        ("team ▸ note", "noting"),
        ("team ▸ note", "done"),
    ]
    (noting,) = [body for body in bodies(events, AgentEvent) if body.details["text"] == "noting"]
    assert noting.details["data"] == {"status": "noting", "count": 1}
    assert [body.stage for body in bodies(events, StageStarted)] == ["team"]


async def parked(at: Floor, run: Run) -> Run:
    with anyio.fail_after(5):
        while not run.parked:
            await anyio.lowlevel.checkpoint()
            run = await at.get(run)
    return run


async def answered(at: Floor, run: Run, given: object, outcome: Any = "accepted") -> Run:
    await at.engine.answer(run.run_id, GateReply(gate_id="", outcome=outcome, answer=given, by="Ann"))
    return await at.ended(run)


@pytest.mark.parametrize("graph", [graphs.asking(), graphs.asking(deep=True)], ids=["in the graph", "in a subgraph"])
async def test_an_interrupt_is_a_question_and_its_answer_resumes_the_graph(tmp_path: Path, graph: Any) -> None:
    chosen = adopted(graph)
    async with floor(tmp_path, answer) as at:
        run = await parked(at, await started(at, chosen, {"where": "Rome"}))
        (gate,) = run.gates
        assert gate.question == "Shall the trip to Rome be booked?"
        ended = await answered(at, run, "yes")
        events = await at.events(run)

    assert (ended.status, ended.result) == ("completed", {"where": "Rome", "days": 3, "plan": "booked, yes: Rome"})
    assert [body.stage for body in bodies(events, StageStarted)] == ["approve", "book"]


async def test_a_graph_that_waits_is_answered_after_a_restart(tmp_path: Path) -> None:
    chosen = adopted(graphs.asking())
    async with floor(tmp_path, answer) as at:
        run = await parked(at, await started(at, chosen, {"where": "Rome", "days": 5}))
    async with floor(tmp_path, answer) as at:
        at.workflows[chosen.name] = chosen
        ended = await answered(at, run, "yes")

    assert ended.result == {"where": "Rome", "days": 5, "plan": "booked, yes: Rome"}


@pytest.mark.parametrize(
    ("given", "outcome", "status"),
    [
        ({"go_on": True}, "accepted", "completed"),
        ({"go_on": False}, "accepted", "failed"),
        (None, "declined", "failed"),
    ],
)
async def test_at_a_breakpoint_a_person_says_whether_the_graph_goes_on(
    tmp_path: Path, given: object, outcome: str, status: str
) -> None:
    model = graphs.asked_and_answered()
    chosen = adopted(graphs.tool_loop(model, interrupt_before=["tools"]))
    async with floor(tmp_path, answer) as at:
        run = await parked(at, await started(at, chosen, {"messages": "Who is Ann?"}))
        events = await at.events(run)
        assert "tools" in run.gates[0].question
        assert len(bodies(events, GateOpened)) == 1
        assert not bodies(events, ToolStart)
        ended = await answered(at, run, given, outcome)
        events = await at.events(run)

    assert ended.status == status
    assert len(bodies(events, ToolStart)) == (status == "completed")
    if status == "failed":
        assert [body.kind for body in bodies(events, WorkflowError)] == ["continuation_refused"]


async def test_a_graph_that_raises_ends_as_broken_with_what_was_finished(tmp_path: Path) -> None:
    run, events = await played(tmp_path, graphs.raising(ZeroDivisionError("division by moss")), topic="moss")

    assert run.status == "failed"
    (error,) = bodies(events, WorkflowError)
    assert (error.kind, error.blame) == ("workflow_broken", "workflow")
    assert "ZeroDivisionError: division by moss" in error.error
    assert error.recovery
    assert error.partial == {"first": {"notes": ["moss"]}}


async def test_the_money_is_counted_and_ends_the_run_before_the_next_request(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def a_quarter(_model: str, _count: TokenCount) -> float:
        return 0.25

    def price_of(_provider: str) -> PriceOf:
        return a_quarter

    monkeypatch.setattr(meter, "list_price_of", price_of)
    model = graphs.asked_and_answered()
    chosen = adopted(graphs.tool_loop(model))
    async with floor(tmp_path, answer) as at:
        run = await at.ended(await started(at, chosen, {"messages": "Who is Ann?"}, max_cost_usd=0.2))
        events = await at.events(run)

    assert model.asked == 1
    (error,) = bodies(events, WorkflowError)
    assert error.kind == "cost_limit_reached"
    assert set(error.partial) == {"agent", "tools"}
    assert [body.cost_usd for body in bodies(events, UsageRecorded)] == [0.25]


@pytest.mark.parametrize(
    ("graph", "agent"),
    [
        (graphs.with_subgraph(FakeListChatModel(responses=["green"])), "team ▸ ask"),
        (graphs.completing(FakeListLLM(responses=["green"])), "write"),
    ],
    ids=["of messages", "of texts"],
)
async def test_a_model_that_reports_no_usage_costs_what_nobody_knows(tmp_path: Path, graph: Any, agent: str) -> None:
    run, events = await played(tmp_path, graph, topic="moss")

    assert run.status == "completed"
    assert [(body.agent, body.cost_usd) for body in bodies(events, UsageRecorded)] == [(agent, None)]
    assert (run.usage.input_tokens, run.usage.output_tokens, run.usage.cost_usd) == (0, 0, None)
    (completed,) = bodies(events, WorkflowCompleted)
    assert completed.usage["cost_usd"] is None


async def test_a_model_that_completes_a_text_is_not_asked_when_the_money_is_spent() -> None:
    spent = meter.Meter(Budget(Limits(max_cost_usd=0.2), spent=Usage(cost_usd=0.25)), {})
    model = FakeListLLM(responses=["green", "grey"])
    parts = graphs.completing(model).astream(
        {"topic": "moss"}, {"callbacks": [*spent.callbacks]}, stream_mode="messages"
    )

    with pytest.raises(CostLimitReached):
        _ = [part async for part in parts]
    assert model.i == 0  # how many of its responses it has given


@pytest.mark.parametrize(
    "model",
    [FakeStreamingChatModel(replies=[says("green")]), FakeListChatModel(responses=["green"])],
    ids=["that reports its usage", "that reports none"],
)
async def test_an_answer_out_of_a_cache_costs_nothing(model: BaseChatModel) -> None:
    counting = meter.Meter(Budget(Limits()), {})
    model = model.model_copy(update={"cache": InMemoryCache()})

    first, again = [await model.ainvoke("moss", {"callbacks": [*counting.callbacks]}) for _ in range(2)]

    assert first.text == again.text == "green"
    assert len(counting.reports()) == 1


async def test_what_an_answer_that_breaks_off_has_cost_is_unknown(tmp_path: Path) -> None:
    model = FakeListChatModel(responses=["green"], error_on_chunk_number=3)

    run, events = await played(tmp_path, graphs.with_subgraph(model), topic="moss")

    assert run.status == "failed"
    assert "".join(body.text for body in bodies(events, TokenStream)) == "gre"
    assert [(body.agent, body.cost_usd) for body in bodies(events, UsageRecorded)] == [("team ▸ ask", None)]
    assert run.usage.cost_usd is None


async def test_a_graph_gets_its_own_context_by_its_defaults(tmp_path: Path) -> None:
    run, _ = await played(tmp_path, graphs.with_context(), number=4)

    assert run.result is not None
    assert run.result["doubled"] == 8


async def test_a_graph_made_of_functions_runs_too(tmp_path: Path) -> None:
    run, events = await played(tmp_path, graphs.functional(), input=[1, 2, 3])

    assert (run.status, run.result) == ("completed", {"output": 14})
    assert [body.stage for body in bodies(events, StageCompleted)] == ["sum_of_squares"]
    assert [body.node for body in bodies(events, WorkflowEvent)].count("square") == 3


async def test_a_node_that_blocks_its_thread_streams_as_well(tmp_path: Path) -> None:
    model = FakeStreamingChatModel(replies=[says("soft ", "and ", "green")])

    run, events = await played(
        tmp_path, graphs.blocking(model), messages=[{"role": "user", "content": "What is moss?"}]
    )

    assert run.status == "completed"
    assert len(bodies(events, TokenStream)) > 1
    assert [(body.agent, body.output_tokens) for body in bodies(events, UsageRecorded)] == [("agent", 3)]


async def test_a_cancel_reaches_the_nodes(tmp_path: Path) -> None:
    begun, ended = asyncio.Event(), asyncio.Event()
    chosen = adopted(graphs.endless(begun, ended))
    async with floor(tmp_path, answer) as at:
        run = await started(at, chosen, {"topic": "moss"})
        async with asyncio.timeout(5):
            await begun.wait()
            cancelled = await at.engine.cancel(run.run_id, by="Ann", reason="enough")

    assert (cancelled.status, ended.is_set()) == ("cancelled", True)


async def test_what_a_cancelled_answer_has_cost_is_unknown(tmp_path: Path) -> None:
    model = FakeHaltingChatModel(replies=[says("soft ", "and ", "green")])
    chosen = adopted(graphs.with_subgraph(model))
    async with floor(tmp_path, answer) as at:
        run = await started(at, chosen, {"topic": "moss"})
        async with asyncio.timeout(5):
            await model.halted.wait()
            run = await at.engine.cancel(run.run_id, by="Ann", reason="enough")
        events = await at.events(run)

    assert run.status == "cancelled"
    assert [(body.agent, body.cost_usd) for body in bodies(events, UsageRecorded)] == [("team ▸ ask", None)]
    assert run.usage.cost_usd is None


async def test_an_interrupted_graph_goes_on_where_it_was(tmp_path: Path) -> None:
    begun, go_on = asyncio.Event(), asyncio.Event()
    did: list[str] = []
    chosen = adopted(graphs.held(begun, go_on, did))
    async with floor(tmp_path, answer) as at:
        run = await started(at, chosen, {"topic": "moss"})
        async with asyncio.timeout(5):
            await begun.wait()
    async with floor(tmp_path, answer) as at:
        at.workflows[chosen.name] = chosen
        go_on.set()
        await at.engine.resume(run.run_id, by="Ann")
        ended = await at.ended(run)

    assert (ended.status, did) == ("completed", ["first", "second", "second"])
    assert ended.result == {"topic": "moss", "notes": ["moss"], "report": "moss"}


async def test_a_secret_in_what_a_graph_says_or_raises_is_masked(tmp_path: Path) -> None:
    secret = "this-is-a-secret"  # the value of a key in the environment of these engines
    model = FakeStreamingChatModel(replies=[says("it is this-", "is-a-", "secret, I think")])

    said = await played(tmp_path / "a", graphs.with_subgraph(model), topic=secret)
    raised = await played(tmp_path / "b", graphs.raising(ValueError(f"no {secret} here")), topic=secret)

    for run, events in (said, raised):
        assert secret not in f"{run}{events}"
        assert "***" in f"{run}{events}"


async def test_offline_it_has_its_own_models_and_does_not_say_otherwise(tmp_path: Path) -> None:
    chosen = adopted(graphs.tool_loop(graphs.asked_and_answered()))
    async with floor(tmp_path, answer, offline=True) as at:
        run = await at.ended(await started(at, chosen, {"messages": "Who is Ann?"}))

    assert (run.status, run.offline) == ("completed", False)
