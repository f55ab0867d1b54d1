"""A call that comes again with the answers of the client's user: what it asks for is done once."""

from dataclasses import dataclass
from pathlib import Path

import anyio
import pytest
from mcp import Client
from mcp_types import CallToolResult, ElicitResult, InputRequiredResult, InputResponses

from tests.mcp_server.asking import (
    ARGUMENTS,
    ERAS,
    MODERN,
    ONCE,
    TWICE,
    Era,
    answered,
    asking,
    assembled,
    chain,
    client_of,
    saying,
    told,
    until_event,
    waiting,
)
from tests.workflows.runs.small_workflows import State, workflow
from workflows.runs.events import WorkflowCompleted
from workflows.runs.run import RunFilter

pytestmark = pytest.mark.anyio


@dataclass(frozen=True)
class Repeat:
    """A call that was answered with a question, to be made once more.

    Attributes:
        tool: What was called.
        run_id: Its run: the state that the client brings back.
        gate_id: The question.
    """

    tool: str
    run_id: str
    gate_id: str

    async def call(self, client: Client, said: str) -> CallToolResult | InputRequiredResult:
        """Make it once more, with an answer."""
        responses: InputResponses = {self.gate_id: ElicitResult(action="accept", content={"said": said})}
        return await client.session.call_tool(
            self.tool, ARGUMENTS, input_responses=responses, request_state=self.run_id, allow_input_required=True
        )


@pytest.mark.parametrize("era", ERAS)
async def test_what_answer_run_was_told_answers_one_question_and_no_later_one(tmp_path: Path, era: Era) -> None:
    async with assembled(tmp_path, TWICE) as assembly:
        run_id = await waiting(assembly, TWICE)
        async with client_of(assembly, era, saying(second="no")) as client:
            result = told(await client.call_tool("answer_run", {"run_id": run_id, "answer": {"said": "yes"}}))

    assert (result["run_id"], result["result"]) == (run_id, {"answer": "first is yes, second is no"})


async def test_a_fork_that_asks_is_made_once(tmp_path: Path) -> None:
    async with assembled(tmp_path, TWICE) as assembly:
        source = await waiting(assembly, TWICE)
        async with client_of(assembly, MODERN, saying(first="one", second="two")) as client:
            result = told(await client.call_tool("fork_run", {"run_id": source, "stage": "plan"}))
        runs = await assembly.log.find(RunFilter())

    assert result["result"] == {"answer": "first is one, second is two"}
    assert {run.run_id for run in runs} == {source, result["run_id"]}


class Held:
    """A node that waits until it is let go.

    Attributes:
        entered: Set once it waits.
        go: Lets it go.
    """

    def __init__(self) -> None:
        self.entered = anyio.Event()
        self.go = anyio.Event()

    async def __call__(self, _state: State) -> State:
        """Wait."""
        self.entered.set()
        await self.go.wait()
        return {"parts": []}


async def test_a_run_that_asks_after_it_was_resumed_is_answered_in_the_same_call(tmp_path: Path) -> None:
    hold = Held()
    held = workflow(chain(hold=hold, first=asking("first")), "hold", "first", name="held")
    async with assembled(tmp_path, held) as assembly, client_of(assembly, MODERN) as client:
        started = told(await client.call_tool("held", {**ARGUMENTS, "wait_seconds": 0}))
        await hold.entered.wait()
    hold.go.set()
    async with assembled(tmp_path, held) as assembly, client_of(assembly, MODERN, saying(first="it")) as client:
        result = told(await client.call_tool("resume_run", {"run_id": started["run_id"]}))

    assert (result["run_id"], result["result"]) == (started["run_id"], {"answer": "first is it"})


async def required(client: Client, tool: str) -> Repeat:
    """A call that is answered with a question; the same call once more, with an answer to it."""
    asked = await client.session.call_tool(tool, ARGUMENTS, allow_input_required=True)
    assert isinstance(asked, InputRequiredResult)
    assert asked.request_state is not None
    (gate_id,) = asked.input_requests or {}
    return Repeat(tool, asked.request_state, gate_id)


async def test_a_call_that_comes_again_after_its_run_is_over_gets_its_result_and_starts_none(tmp_path: Path) -> None:
    async with assembled(tmp_path, ONCE) as assembly, client_of(assembly, MODERN, saying()) as client:
        repeat = await required(client, "once")
        await answered(assembly, repeat.run_id)
        await until_event(assembly, repeat.run_id, WorkflowCompleted)
        result = told(await repeat.call(client, "too late"))
        runs = await assembly.log.find(RunFilter())

    assert result["result"] == {"answer": "first is told elsewhere"}
    assert [run.run_id for run in runs] == [repeat.run_id]


async def test_a_call_that_comes_again_after_its_server_has_gone_goes_on_with_its_run(tmp_path: Path) -> None:
    hold = Held()
    held = workflow(chain(first=asking("first"), hold=hold), "first", "hold", name="held")
    async with assembled(tmp_path, held) as assembly, client_of(assembly, MODERN, saying()) as client:
        repeat = await required(client, "held")
        await answered(assembly, repeat.run_id)
        await hold.entered.wait()
    hold.go.set()
    async with assembled(tmp_path, held) as assembly, client_of(assembly, MODERN, saying()) as client:
        result = told(await repeat.call(client, "too late"))

    assert (result["run_id"], result["result"]) == (repeat.run_id, {"answer": "first is told elsewhere"})


@pytest.mark.parametrize("tool", ["once", "answer_run"])
async def test_answers_without_the_state_that_says_whose_they_are_are_refused(tmp_path: Path, tool: str) -> None:
    async with assembled(tmp_path, ONCE) as assembly:
        run_id = await waiting(assembly, ONCE)
        arguments = {"once": ARGUMENTS, "answer_run": {"run_id": run_id, "answer": {"said": "x"}}}[tool]
        async with client_of(assembly, MODERN, saying()) as client:
            lost: InputResponses = {"1": ElicitResult(action="accept", content={"said": "x"})}
            refused = await client.session.call_tool(tool, arguments, input_responses=lost, allow_input_required=True)
        run = await assembly.log.get(run_id)

    assert isinstance(refused, CallToolResult)
    assert refused.is_error
    assert "requestState" in str(refused.content)
    assert run is not None
    assert run.status == "waiting"
