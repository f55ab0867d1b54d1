"""People take part in the work of a `claude`: they answer what it asks, and add instructions."""

import asyncio
import json
from collections.abc import Awaitable, Callable
from typing import Any

import anyio
import pytest

from agents.agent import PermissionAnswer, PermissionQuestion
from agents.claude.agent import ClaudeAgent
from agents.errors import AgentProcessFailed, TimeLimitReached
from agents.events import ConversationOpened, Progressed, TextStreamed, Waiting
from tests.agents.claude.stage import FAKE_CLAUDE, IMPATIENT, Stage, fake_environment
from tests.fakes import claude_cli as fake
from tests.waiting import until

pytestmark = pytest.mark.anyio

Ask = Callable[[PermissionQuestion], Awaitable[PermissionAnswer]]


class Person:
    """Answers everything in the same way, and keeps what was asked."""

    def __init__(self, *, allows: bool = True, message: str = "") -> None:
        self.asked: list[PermissionQuestion] = []
        self.gave_up = False
        self.was_asked = anyio.Event()
        self._answer = PermissionAnswer(allows, message)

    async def answer(self, question: PermissionQuestion) -> PermissionAnswer:
        self.asked.append(question)
        return self._answer

    async def think(self, question: PermissionQuestion) -> PermissionAnswer:
        """Never come to a decision."""
        self.asked.append(question)
        self.was_asked.set()
        try:
            await anyio.sleep_forever()
        finally:
            self.gave_up = True
        raise AssertionError


def says_once_ready(stage: Stage, *texts: str) -> Callable[[], Awaitable[str]]:
    """Instructions that come when the agent works; after the last there is none, for ever."""
    left = list(texts)

    async def next_instruction() -> str:
        await stage.heard("ready")
        if left:
            return left.pop(0)
        await anyio.sleep_forever()
        raise AssertionError

    return next_instruction


def messages_of(stage: Stage) -> list[str]:
    return [said.message for said in stage.said if isinstance(said, Progressed)]


def response_in(text: str) -> dict[str, Any]:
    return json.loads(text)["response"]


# ---- questions


async def test_a_person_is_asked_what_the_agent_may_not_do_by_itself(stage: Stage) -> None:
    person = Person()

    await stage.play(fake.asks_a_person, stage.task(access="write", ask_permission=person.answer))

    assert person.asked == [
        PermissionQuestion(
            tool="Bash",
            input={"command": "npm install"},
            call_id="call-q1",
            title="Run npm install",
            reason="This command requires approval",
        )
    ]


async def test_what_is_allowed_is_exactly_what_was_asked(stage: Stage) -> None:
    person = Person()

    reply = await stage.play(fake.asks_a_person, stage.task(ask_permission=person.answer))

    assert response_in(reply.text) == {
        "subtype": "success",
        "request_id": "q1",
        "response": {"behavior": "allow", "updatedInput": {"command": "npm install"}},
    }


@pytest.mark.parametrize(
    ("message", "told"), [("use uv", "use uv"), ("", "A person has denied this call."), ("a\ud800", "a\ufffd")]
)
async def test_a_denial_carries_its_message(stage: Stage, message: str, told: str) -> None:
    person = Person(allows=False, message=message)

    reply = await stage.play(fake.asks_a_person, stage.task(ask_permission=person.answer))

    assert response_in(reply.text)["response"] == {"behavior": "deny", "message": told}


async def test_the_wait_for_a_person_and_the_answer_are_told(stage: Stage) -> None:
    await stage.play(fake.asks_a_person, stage.task(ask_permission=Person(allows=False).answer))

    assert Waiting(reason="person", message="may Bash be used? Run npm install") in stage.said
    assert "a person denied Bash: Run npm install" in messages_of(stage)


async def test_two_questions_at_once_are_both_answered(stage: Stage) -> None:
    reply = await stage.play(fake.asks_twice_at_once, stage.task(ask_permission=Person().answer))

    assert json.loads(reply.text) == {"q1": "allow", "q2": "allow"}


async def test_a_question_that_is_withdrawn_is_no_longer_asked(stage: Stage) -> None:
    person = Person()

    reply = await stage.play(fake.withdraws_its_question, stage.task(ask_permission=person.think))

    assert reply.text == "went on without"
    assert person.gave_up == bool(person.asked)  # it may be withdrawn before anybody was asked


async def test_a_request_that_nobody_understands_is_answered_with_an_error(stage: Stage) -> None:
    reply = await stage.play(fake.asks_what_nobody_answers, stage.task(ask_permission=Person().answer))

    assert json.loads(reply.text)["subtype"] == "error"


async def test_the_time_limit_also_ends_the_wait_for_a_person(stage: Stage) -> None:
    person = Person()

    with pytest.raises(TimeLimitReached, match="still waited for a person"):
        await stage.play(fake.asks_a_person, stage.task(ask_permission=person.think, max_seconds=0.5))

    assert person.gave_up


async def test_a_person_may_take_longer_than_a_silent_model(stage: Stage) -> None:
    agent = ClaudeAgent(
        FAKE_CLAUDE,
        stage.registry,
        environ=fake_environment(fake.asks_a_person),
        patience=IMPATIENT,
        tool_idle_seconds=0.05,
    )
    person = Person()

    with pytest.raises(TimeLimitReached), anyio.fail_after(5):
        await agent.run(stage.task(ask_permission=person.think, max_seconds=0.5), stage.emit)


async def test_after_the_answer_silence_is_bounded_again(stage: Stage) -> None:
    agent = ClaudeAgent(
        FAKE_CLAUDE,
        stage.registry,
        environ=fake_environment(fake.asks_and_falls_silent),
        patience=IMPATIENT,
        tool_idle_seconds=0.1,
    )

    with pytest.raises(AgentProcessFailed, match="while Bash was awaited"), anyio.fail_after(5):
        await agent.run(stage.task(ask_permission=Person().answer), stage.emit)


async def test_a_cancelled_run_asks_nobody_any_more_and_leaves_nothing(stage: Stage) -> None:
    person = Person()
    run = asyncio.create_task(stage.play(fake.asks_a_person, stage.task(ask_permission=person.think)))
    with anyio.fail_after(5):
        await person.was_asked.wait()

        run.cancel()

        with pytest.raises(asyncio.CancelledError):
            await run
    assert person.gave_up
    assert stage.left_over == []


class Unreachable(Exception):
    pass


async def test_what_asking_raises_comes_out_as_it_is(stage: Stage) -> None:
    async def fail(_: PermissionQuestion) -> PermissionAnswer:
        raise Unreachable

    with pytest.raises(Unreachable):
        await stage.play(fake.asks_a_person, stage.task(ask_permission=fail))

    assert stage.left_over == []


# ---- instructions


async def test_an_instruction_is_taken_up_while_the_agent_works(stage: Stage) -> None:
    task = stage.task(next_instruction=says_once_ready(stage, "also write tests"))

    reply = await stage.play(fake.takes_an_instruction_in_its_turn, task)

    assert reply.text == "An instruction that a person adds while you work:\n\nalso write tests"
    assert "takes up an instruction: also write tests" in messages_of(stage)


async def test_the_reply_is_that_of_the_last_turn_and_all_turns_are_paid(stage: Stage) -> None:
    task = stage.task(next_instruction=says_once_ready(stage, "also write tests"))

    reply = await stage.play(fake.takes_an_instruction_after_its_turn, task)

    assert reply.text.endswith("also write tests")
    assert reply.usage.cost_usd == 0.5


@pytest.mark.parametrize("text", ["/context", "/clear", "@secret.txt", "!ls", "--help", "\u2028 \0 \ud800"])
async def test_an_instruction_is_only_ever_words_to_the_model(stage: Stage, text: str) -> None:
    task = stage.task(next_instruction=says_once_ready(stage, text))

    reply = await stage.play(fake.takes_an_instruction_in_its_turn, task)

    assert reply.text.startswith("An instruction that a person adds")
    assert reply.text.endswith(text.replace("\0", "\ufffd").replace("\ud800", "\ufffd"))


async def test_an_instruction_without_words_is_none(stage: Stage) -> None:
    task = stage.task(next_instruction=says_once_ready(stage, "  ", "", "words"))

    assert (await stage.play(fake.takes_an_instruction_in_its_turn, task)).text.endswith("words")


async def test_an_instruction_that_is_not_taken_up_is_told(stage: Stage) -> None:
    task = stage.task(next_instruction=says_once_ready(stage, "too late"))

    reply = await stage.play(fake.refuses_an_instruction, task)

    assert reply.text == "did not read it"
    assert "an instruction was not taken up, claude has discarded it: too late" in messages_of(stage)


async def test_a_claude_that_does_not_say_what_it_takes_up_gets_no_instruction(stage: Stage) -> None:
    task = stage.task(next_instruction=says_once_ready(stage, "write tests"))
    run = asyncio.create_task(stage.agent(fake.does_not_tell_what_it_takes_up).run(task, stage.emit))

    await until(lambda: any("does not say when it takes one up: write tests" in text for text in messages_of(stage)))

    run.cancel()
    with pytest.raises(asyncio.CancelledError):
        await run
    assert not any(isinstance(said, TextStreamed) and "read" in said.text.split() for said in stage.said)


async def test_without_any_instruction_the_work_ends_by_itself(stage: Stage) -> None:
    async def never() -> str:
        await anyio.sleep_forever()
        raise AssertionError

    assert (await stage.play(fake.answers_in_a_dialogue, stage.task(next_instruction=never))).text == "an answer"


async def test_what_instructing_raises_comes_out_as_it_is(stage: Stage) -> None:
    async def fail() -> str:
        raise Unreachable

    with pytest.raises(Unreachable):
        await stage.play(fake.takes_an_instruction_in_its_turn, stage.task(next_instruction=fail))


# ---- the conversation


async def test_the_conversation_is_told_as_soon_as_it_is_open(stage: Stage) -> None:
    await stage.play(fake.behaves)

    first = next(said for said in stage.said if not isinstance(said, Waiting))
    assert first == ConversationOpened(session_id="s1", resumable=False)
