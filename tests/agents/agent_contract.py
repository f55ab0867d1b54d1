"""What every `Agent` promises, whatever it runs on.

A subclass says how its agent is made to behave in each of the ways below; `Behaviour` names them, and `FAILURES` how
the provider behind it can fail. What is behind an agent over a model keeps a contract of its own, down to the wire
(`tests.agents.models.model_contract`). The `claude` command speaks with its provider by itself, and the scripted agent
with nobody: for them this is the contract.
"""

import asyncio
from collections.abc import Callable, Mapping
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, ClassVar, Literal, TypeAlias

import anyio
import pytest
from pydantic import BaseModel

from agents.agent import Agent, AgentReply, AgentTask
from agents.errors import (
    AgentError,
    AgentProcessFailed,
    BillingRefused,
    ContextOverflowed,
    ModelNotFound,
    ModelRefused,
    NotLoggedIn,
    ProviderFailed,
    ProviderOverloaded,
    RateLimited,
    ReplyInvalid,
    RequestRejected,
    StreamCut,
    TimeLimitReached,
)
from agents.events import AgentSaid, TextStreamed, ToolEnded, ToolStarted, UsageReported

Behaviour: TypeAlias = Literal["answers", "uses_tools", "gives_a_typed_reply", "gives_another_shape", "works_on"]
"""Answers in words; writes at least one file and runs one command that succeeds, then answers; replies
`{"name": "Ada"}`; is asked for that and replies something else; says `ready` and goes on until it is ended."""

Failing: TypeAlias = Literal[
    "400", "401", "402", "404", "429", "500", "529", "too_long", "refused", "breaks_off_again_and_again"
]
"""What the provider does: answers with a status; says that the conversation is too long, or that it would rather not;
breaks off in the middle of its answer."""

FAILURES: Mapping[Failing, tuple[type[AgentError], ...]] = {
    "400": (RequestRejected,),
    "401": (NotLoggedIn,),
    "402": (BillingRefused,),
    "404": (ModelNotFound,),
    "429": (RateLimited,),
    "500": (ProviderFailed,),
    "529": (ProviderOverloaded,),
    "too_long": (ContextOverflowed,),
    "refused": (ModelRefused,),
    "breaks_off_again_and_again": (StreamCut, AgentProcessFailed),  # a connection, or a process
}
BLAME: Mapping[Failing, str] = {"401": "setup", "402": "setup", "404": "setup", "too_long": "caller"}
"""Whose fault it is, where that is not the provider's."""
FailingAgent: TypeAlias = Callable[[Failing], AbstractAsyncContextManager[Agent]]
"""An agent whose provider fails; if the provider says something before, that is `so far`."""

BehavingAgent: TypeAlias = Callable[[Behaviour], AbstractAsyncContextManager[Agent]]


class Person(BaseModel):
    name: str


@dataclass(slots=True)
class Audience:
    """Hears what an agent says."""

    said: list[AgentSaid] = field(default_factory=list[AgentSaid])
    ready: anyio.Event = field(default_factory=anyio.Event)

    def hear(self, said: AgentSaid) -> None:
        self.said.append(said)
        if isinstance(said, TextStreamed) and "ready" in said.text:
            self.ready.set()

    @property
    def text(self) -> str:
        return "".join(said.text for said in self.said if isinstance(said, TextStreamed))


@pytest.mark.anyio
class AgentContract:
    """Subclass it, name the class `Test...`, and say how its agent is made."""

    agent_that: ClassVar[BehavingAgent]
    agent_whose_provider: ClassVar[FailingAgent]

    @pytest.fixture
    def task(self, tmp_path: Path) -> AgentTask:
        return AgentTask(role="coder", prompt="do it", workspace=tmp_path, access="write", run_id="run-contract")

    async def _run(self, behaviour: Behaviour, task: AgentTask, audience: Audience) -> AgentReply:
        with anyio.fail_after(5):
            async with type(self).agent_that(behaviour) as agent:
                return await agent.run(task, audience.hear)

    async def test_the_answer_was_streamed_before_it_is_the_reply(self, task: AgentTask) -> None:
        audience = Audience()

        reply = await self._run("answers", task, audience)

        assert reply.text
        assert audience.text.endswith(reply.text)

    async def test_a_reply_in_words_has_no_data(self, task: AgentTask) -> None:
        assert (await self._run("answers", task, Audience())).data is None

    async def test_usage_that_is_reported_adds_up_to_the_replys(self, task: AgentTask) -> None:
        audience = Audience()

        reply = await self._run("answers", task, audience)

        reported = [said for said in audience.said if isinstance(said, UsageReported)]
        assert sum(said.input_tokens for said in reported) == reply.usage.input_tokens
        assert sum(said.output_tokens for said in reported) == reply.usage.output_tokens
        known = [said.cost_usd for said in reported if said.cost_usd is not None]
        assert sum(known) == pytest.approx(reply.usage.known_cost_usd)
        assert (len(known) == len(reported)) is (reply.usage.cost_usd is not None)

    async def test_every_tool_that_ends_has_begun_and_every_one_that_has_begun_ends(self, task: AgentTask) -> None:
        audience = Audience()

        await self._run("uses_tools", task, audience)

        open_calls: dict[str, str] = {}
        for said in audience.said:
            if isinstance(said, ToolStarted):
                assert said.call_id not in open_calls
                open_calls[said.call_id] = said.tool
            elif isinstance(said, ToolEnded):
                assert open_calls.pop(said.call_id) == said.tool
                assert said.seconds >= 0
        assert not open_calls
        assert any(isinstance(said, ToolEnded) for said in audience.said)

    async def test_files_and_commands_are_what_its_tools_have_done(self, task: AgentTask) -> None:
        audience = Audience()

        reply = await self._run("uses_tools", task, audience)

        started = [said for said in audience.said if isinstance(said, ToolStarted)]
        written = [str(said.input["file_path"]) for said in started if said.tool in {"Write", "Edit"}]
        run = [said.input["command"] for said in started if said.tool == "Bash"]
        assert {Path(path).name for path in written} == {Path(path).name for path in reply.files}
        assert [command.command for command in reply.commands] == run
        assert all(command.ok for command in reply.commands)

    async def test_a_typed_reply_is_an_instance_of_its_model(self, task: AgentTask) -> None:
        reply = await self._run("gives_a_typed_reply", replace(task, reply_model=Person), Audience())

        assert reply.data == Person(name="Ada")

    async def test_a_reply_of_another_shape_is_an_error(self, task: AgentTask) -> None:
        with pytest.raises(ReplyInvalid):
            await self._run("gives_another_shape", replace(task, reply_model=Person), Audience())

    async def test_a_cancelled_task_ends(self, task: AgentTask) -> None:
        audience = Audience()
        async with type(self).agent_that("works_on") as agent:
            running = asyncio.create_task(_ignoring_the_reply(agent, task, audience))
            with anyio.fail_after(5):
                await audience.ready.wait()
                running.cancel()
                with pytest.raises(asyncio.CancelledError):
                    await running

    async def test_the_time_limit_ends_it_and_keeps_what_it_said(self, task: AgentTask) -> None:
        audience = Audience()

        with pytest.raises(TimeLimitReached) as failure:
            await self._run("works_on", replace(task, max_seconds=1.0), audience)

        assert "ready" in audience.text
        assert "ready" in failure.value.partial

    @pytest.mark.parametrize("failing", FAILURES)
    async def test_each_failure_is_an_error_of_its_own_that_keeps_what_was_said(
        self, failing: Failing, task: AgentTask
    ) -> None:
        audience = Audience()

        with pytest.raises(AgentError) as failure, anyio.fail_after(5):
            async with type(self).agent_whose_provider(failing) as agent:
                await agent.run(task, audience.hear)

        error = failure.value
        assert type(error) in FAILURES[failing]
        assert error.recovery
        assert error.blame == BLAME.get(failing, error.blame if type(error) is AgentProcessFailed else "provider")
        # Whether to try again is said, and nothing that would fail the same way is said to be worth it.
        assert not (error.retry_safe and failing in {"400", "401", "402", "404", "too_long", "refused"})
        assert error.partial.strip() == audience.text.strip()
        if failing == "breaks_off_again_and_again":
            assert "so far" in error.partial

    async def test_it_has_a_name(self) -> None:
        async with type(self).agent_that("answers") as agent:
            assert agent.name


async def _ignoring_the_reply(agent: Agent, task: AgentTask, audience: Audience) -> Any:
    return await agent.run(task, audience.hear)
