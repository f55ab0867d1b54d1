"""What becomes of a call whose run is asked after, answered or finished by others meanwhile."""

from collections.abc import AsyncGenerator, Sequence
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import anyio
import pytest
from mcp_types import CallToolResult

from mcp_server.assembly import assemble
from mcp_server.cancellations import Cancellations
from mcp_server.run_calls import Attendance, RequestContext, RunCalls
from mcp_server.settings import Settings
from tests.workflows.runs.small_workflows import Answer, Question, State
from workflows.budget import Limits
from workflows.catalog import Catalog
from workflows.runs.engine import RunRequest
from workflows.runs.events import RunEvent
from workflows.runs.run import GateReply, Run
from workflows.workflow import Stage, Workflow

pytestmark = pytest.mark.anyio

CALL = cast(
    "RequestContext",
    SimpleNamespace(
        protocol_version="2025-11-25",
        session=SimpleNamespace(client_capabilities=None, client_params=None),
        meta={},
        request=None,
        request_id=1,
    ),
)
"""Of a client that asks for no progress and cannot show forms."""


def asking(go: anyio.Event) -> Workflow:
    """Asks a person, and then takes its time."""

    def graph() -> Any:
        from langgraph.graph import END, START, StateGraph

        from workflows.runs.gate import ask_person

        def ask(state: State) -> State:
            ask_person("Shall I?", Answer)
            return state

        async def take_time(_state: State) -> State:
            await go.wait()
            return {"answer": "done"}

        built: Any = StateGraph(State)
        built.add_node("ask", ask)
        built.add_node("take_time", take_time)
        built.add_edge(START, "ask")
        built.add_edge("ask", "take_time")
        built.add_edge("take_time", END)
        return built

    return Workflow(
        name="asking",
        title="Asking",
        description="Asks.",
        input_model=Question,
        output_model=Answer,
        response_field="answer",
        stages=(Stage(name="ask", title="Ask", share=1.0), Stage(name="take_time", title="Take time", share=1.0)),
        graph=graph,
    )


async def test_a_call_goes_on_when_somebody_else_was_quicker_to_answer(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    go = anyio.Event()
    workflow = asking(go)
    settings = Settings(home=tmp_path / "home", roots=(tmp_path,), offline=True)
    async with assemble(settings, Catalog((workflow,)), environ={}) as assembly:
        engine, follow, followed = assembly.engine, assembly.engine.follow, list[int]()
        request = RunRequest(
            workflow=workflow, input=Question(question="x"), workspace=str(tmp_path), owner="local", limits=Limits()
        )
        run = (await engine.start(request)).run
        async for _ in follow(run.run_id):
            if (await existing(assembly.log.get(run.run_id))).status == "waiting":
                break
        run = await engine.answer(run.run_id, GateReply(gate_id="", outcome="accepted", answer={"answer": "y"}, by="b"))
        assert run.status in {"queued", "running"}

        async def counted(run_id: str, after: int = 0) -> AsyncGenerator[Sequence[RunEvent], None]:
            followed.append(after)
            if len(followed) == 2:
                go.set()
            async for events in follow(run_id, after):
                yield events

        monkeypatch.setattr(engine, "follow", counted)
        with anyio.fail_after(5):
            result = await RunCalls(assembly, Cancellations()).attend(run, Attendance(), CALL)

    assert isinstance(result, CallToolResult)
    assert result.structured_content is not None
    assert (result.structured_content["status"], result.structured_content["result"]) == (
        "completed",
        {"answer": "done"},
    )
    assert len(followed) == 2, "the first one ended at the question, which was answered by then"


async def existing(found: Any) -> Run:
    run = await found
    assert isinstance(run, Run)
    return run
