"""How a run's questions reach the user of a client, and until when they are open."""

from collections.abc import Awaitable, Callable
from enum import Enum
from pathlib import Path
from typing import Any, Literal

import anyio
import pytest
from mcp import MCPError
from mcp.client.extension import advertise
from mcp_types import (
    INTERNAL_ERROR,
    CallToolResult,
    ElicitRequestFormParams,
    ElicitRequestParams,
    ElicitResult,
    EmptyResult,
    ErrorData,
    Request,
)
from pydantic import BaseModel, Field

from mcp_server.assembly import Assembly
from mcp_server.eras import TASKS
from tests.mcp_server.asking import (
    ARGUMENTS,
    ERAS,
    MODERN,
    ONCE,
    Era,
    answered,
    assembled,
    chain,
    client_of,
    told,
    waiting,
)
from tests.waiting import until
from tests.workflows.runs.small_workflows import State, workflow
from workflows.runs.gate import Answered, ask_person
from workflows.runs.open_gates import overdue
from workflows.runs.run import GateReply
from workflows.workflow import Workflow

pytestmark = pytest.mark.anyio


class Silent:
    """A person who looks at the form, and does nothing.

    Attributes:
        asked: Set once the form is shown.
        withdrawn: Set once it is taken back.
    """

    def __init__(self) -> None:
        self.asked = anyio.Event()
        self.withdrawn = anyio.Event()

    async def __call__(self, _context: object, _question: ElicitRequestParams) -> ElicitResult:
        """Look at it."""
        self.asked.set()
        try:
            await anyio.sleep_forever()
        finally:
            self.withdrawn.set()
        raise AssertionError("nobody says anything")


# A question in an open call ends when it is settled, or with the call's time.


async def test_a_form_that_nobody_fills_in_does_not_hold_a_call_beyond_its_time(tmp_path: Path) -> None:
    async with assembled(tmp_path, ONCE) as assembly, client_of(assembly, "legacy", Silent()) as client:
        run_id = await waiting(assembly, ONCE)
        result = told(await client.call_tool("once", {**ARGUMENTS, "wait_seconds": 0.3}))

    assert (result["run_id"], result["status"]) == (run_id, "waiting")
    assert "answer_run" in result["summary"]


async def expired(assembly: Assembly, run_id: str) -> None:
    await assembly.engine.answer(run_id, GateReply(gate_id="", outcome="expired"))


async def cancelled(assembly: Assembly, run_id: str) -> None:
    await assembly.engine.cancel(run_id, by="Ann", reason="")


@pytest.mark.parametrize(
    ("settle", "ended"),
    [
        (answered, ("completed", {"answer": "first is told elsewhere"})),
        (expired, ("completed", {"answer": "nobody said what first is"})),
        (cancelled, ("cancelled", None)),
    ],
)
async def test_a_question_that_is_settled_elsewhere_is_taken_back_and_the_call_goes_on(
    tmp_path: Path, settle: Callable[[Assembly, str], Awaitable[None]], ended: tuple[str, object]
) -> None:
    person = Silent()
    async with assembled(tmp_path, ONCE) as assembly, client_of(assembly, "legacy", person) as client:
        run_id = await waiting(assembly, ONCE)

        results: list[CallToolResult] = []

        async def call() -> None:
            results.append(await client.call_tool("once", ARGUMENTS))

        async with anyio.create_task_group() as tasks:
            tasks.start_soon(call)
            await person.asked.wait()
            await settle(assembly, run_id)
            await person.withdrawn.wait()

    (content,) = [result.structured_content for result in results]
    assert content is not None
    assert (content["status"], content["result"]) == ended


async def test_a_client_that_fails_at_asking_is_told_what_is_asked_and_how_to_answer(tmp_path: Path) -> None:
    async def fail(_context: object, _question: ElicitRequestParams) -> ErrorData:
        return ErrorData(code=INTERNAL_ERROR, message="no screen")

    async with assembled(tmp_path, ONCE) as assembly, client_of(assembly, "legacy", fail) as client:
        result = told(await client.call_tool("once", ARGUMENTS))

    assert result["status"] == "waiting"
    assert "What is first?" in result["summary"]
    assert "answer_run" in result["summary"]


# A task's question.


class TaskUpdate(Request[dict[str, Any], Literal["tasks/update"]]):
    """Answers to a task's questions."""

    method: Literal["tasks/update"] = "tasks/update"


async def test_an_answer_to_a_task_whose_run_cannot_go_on_is_an_error_that_says_why(tmp_path: Path) -> None:
    async with assembled(tmp_path, ONCE) as assembly:
        run_id = await waiting(assembly, ONCE)
        run = await assembly.log.get(run_id)
        assert run is not None
        responses = {run.gates[0].gate_id: {"action": "accept", "content": {"said": "x"}}}
        await anyio.Path(run.workspace).rename(tmp_path / "moved")
        async with client_of(assembly, MODERN, extensions=[advertise(TASKS)]) as client:
            update = TaskUpdate(params={"taskId": run_id, "inputResponses": responses})
            with pytest.raises(MCPError, match="is gone") as caught:
                await client.session.send_request(update, EmptyResult)

    assert caught.value.code == INTERNAL_ERROR
    assert "What helps: Put the directory back" in caught.value.message


async def ask_for_a_second(_state: State) -> State:
    ask_person("Go on?", Wall, max_seconds=1)
    return {"parts": ["went on"]}


HURRIED = workflow(chain(ask=ask_for_a_second), "ask", name="hurried")


async def test_a_run_whose_questions_time_is_over_is_cancelled_and_does_not_go_on_before(tmp_path: Path) -> None:
    async with assembled(tmp_path, HURRIED) as assembly:
        run_id = await waiting(assembly, HURRIED)
    async with assembled(tmp_path, HURRIED) as assembly, client_of(assembly, MODERN) as client:
        run = await assembly.log.get(run_id)
        assert run is not None
        await until(lambda: overdue(run) is not None)
        report = told(await client.call_tool("cancel_run", {"run_id": run_id}))
        types = [event.type for event in await assembly.log.read(run_id)]

    assert report["status"] == "cancelled"
    assert "gate_answered" not in types
    assert types[-1] == "workflow_cancelled"


# Forms.


class Colour(Enum):
    """What a person chooses from."""

    RED = "red"
    BLUE = "blue"


class Wall(BaseModel):
    """An answer with a choice, and with what may be left out."""

    colour: Colour
    note: str | None = None


class Walls(BaseModel):
    """An answer that no form has fields for."""

    walls: list[Wall]


def painting(answer_model: type[BaseModel], words: Callable[[Any], str]) -> Workflow:
    """Asks for something to paint."""

    async def ask(_state: State) -> State:
        answer = ask_person("What is it like?", answer_model)
        assert isinstance(answer, Answered)
        return {"parts": [words(answer.answer)]}

    return workflow(chain(ask=ask), "ask", name="painting")


@pytest.mark.parametrize("era", ERAS)
async def test_a_choice_is_a_field_of_the_form_and_reaches_the_run(tmp_path: Path, era: Era) -> None:
    forms: list[dict[str, Any]] = []

    async def choose(_context: object, question: ElicitRequestParams) -> ElicitResult:
        assert isinstance(question, ElicitRequestFormParams)
        forms.append(question.requested_schema)
        return ElicitResult(action="accept", content={"colour": "blue"})

    paint = painting(Wall, lambda wall: f"{wall.colour.name} {wall.note}")
    async with assembled(tmp_path, paint) as assembly, client_of(assembly, era, choose) as client:
        result = told(await client.call_tool("painting", ARGUMENTS))

    (form,) = forms
    colour = form["properties"]["colour"]
    assert (colour["type"], colour["enum"]) == ("string", ["red", "blue"])
    assert form["properties"]["note"]["type"] == "string"
    assert form["required"] == ["colour"]
    assert result["result"] == {"answer": "BLUE None"}


async def test_an_answer_that_no_form_has_fields_for_is_given_as_json(tmp_path: Path) -> None:
    async def type_it(_context: object, question: ElicitRequestParams) -> ElicitResult:
        assert isinstance(question, ElicitRequestFormParams)
        (field,) = question.requested_schema["properties"]
        return ElicitResult(action="accept", content={field: '{"walls": [{"colour": "red"}]}'})

    paint = painting(Walls, lambda walls: f"{walls.walls[0].colour.name}")
    async with assembled(tmp_path, paint) as assembly, client_of(assembly, MODERN, type_it) as client:
        result = told(await client.call_tool("painting", ARGUMENTS))

    assert result["result"] == {"answer": "RED"}


# An answer that does not fit is none: the question stays open, and its user hears why.


class Short(BaseModel):
    """An answer that can be too long."""

    said: str = Field(max_length=3)


async def ask_for_little(_state: State) -> State:
    match ask_person("Who?", Short):
        case Answered(answer, _):
            return {"parts": [answer.said]}
        case _:
            return {"parts": ["nobody"]}


LITTLE = workflow(chain(first=ask_for_little), "first", name="little")


@pytest.mark.parametrize("era", ERAS)
async def test_who_answers_what_does_not_fit_is_told_why_and_asked_again(tmp_path: Path, era: Era) -> None:
    heard: list[str] = []

    async def person(_context: object, question: ElicitRequestParams) -> ElicitResult:
        heard.append(question.message)
        return ElicitResult(action="accept", content={"said": "far too long" if len(heard) == 1 else "Ann"})

    async with assembled(tmp_path, LITTLE) as assembly, client_of(assembly, era, person) as client:
        result = told(await client.call_tool("little", ARGUMENTS))

    assert (result["status"], result["result"]["answer"]) == ("completed", "Ann")
    first, second = heard
    assert first == "Who?"
    assert "too long" in second
    assert second.endswith("Who?")


async def test_who_never_answers_what_fits_is_asked_no_more_in_this_call(tmp_path: Path) -> None:
    heard: list[str] = []

    async def person(_context: object, question: ElicitRequestParams) -> ElicitResult:
        heard.append(question.message)
        return ElicitResult(action="accept", content={"said": "far too long"})

    async with assembled(tmp_path, LITTLE) as assembly, client_of(assembly, "legacy", person) as client:
        result = told(await client.call_tool("little", ARGUMENTS))

    assert len(heard) == 3
    assert result["status"] == "waiting"
    assert "answer_run" in result["summary"]
