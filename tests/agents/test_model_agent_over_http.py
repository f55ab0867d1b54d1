"""The agent over a model from end to end: its own tools, the real SDK, and a Messages API on loopback."""

import asyncio
import traceback
from collections.abc import AsyncGenerator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from importlib import import_module
from pathlib import Path
from typing import Any

import anyio
import anyio.lowlevel
import pytest
from pydantic import BaseModel

from agents.agent import AgentTask
from agents.command_runner import command_runner
from agents.conversation.task_tools import ModelTools
from agents.errors import AgentError, CostLimitReached, NotLoggedIn, StreamCut
from agents.events import AgentSaid, StreamWithdrawn, TextStreamed, ToolEnded, UsageReported, Waiting
from agents.model_agent import ModelAgent
from agents.models.anthropic_access import AnthropicAccess
from agents.models.anthropic_api import AnthropicModel
from agents.models.api_access import ApiAccess
from agents.models.model import PriceOf, TokenCount, unknown_price
from agents.models.openai_compatible import ChatModel
from agents.models.retrying import RetryingModel, RetryPolicy
from tests.agents.model_agent_play import run_no_command
from tests.agents.models.served_provider import served
from tests.fakes.messages_api import MessagesApi, messages_api
from tests.fakes.messages_script import (
    Answer,
    CutStream,
    Halted,
    Reply,
    Script,
    Silent,
    Status,
    Text,
    Thinking,
    ToolUse,
    call,
    say,
)
from tests.fakes.openai_api import ChatCompletions
from tests.stopped_clock import stopped_clock

import_module("agents.models.anthropic_connection")  # takes seconds, which are no test's

pytestmark = pytest.mark.anyio

KEY = "sk-planted-0123456789abcdef"


class Verdict(BaseModel):
    approved: bool


@dataclass(slots=True)
class Stage:
    """An agent, its workspace and its provider."""

    agent: ModelAgent
    api: MessagesApi
    workspace: Path
    said: list[AgentSaid] = field(default_factory=list[AgentSaid])
    waits: list[float] = field(default_factory=list[float])
    _news: anyio.Event = field(default_factory=anyio.Event)

    def hear(self, said: AgentSaid) -> None:
        self.said.append(said)
        self._news.set()
        self._news = anyio.Event()

    async def until(self, kind: type[AgentSaid]) -> None:
        while not any(isinstance(said, kind) for said in self.said):
            await self._news.wait()

    def task(self, **more: Any) -> AgentTask:
        return replace(AgentTask(role="coder", prompt="do it", workspace=self.workspace, access="write"), **more)

    async def run(self, **more: Any) -> Any:
        with anyio.fail_after(5):
            return await self.agent.run(self.task(**more), self.hear)

    def heard(self, kind: type[AgentSaid]) -> list[Any]:
        return [said for said in self.said if isinstance(said, kind)]


@asynccontextmanager
async def stage(
    workspace: Path, script: Script | Sequence[Answer], price_of: PriceOf = unknown_price
) -> AsyncGenerator[Stage]:
    """Bring everything up; retries do not wait, and how long they would have is kept."""
    waits: list[float] = []

    async def sleep(seconds: float) -> None:
        waits.append(seconds)
        await anyio.lowlevel.checkpoint()

    async with messages_api(script) as api, command_runner() as runner:
        model = AnthropicModel("claude-test-5", AnthropicAccess(api_key=KEY, base_url=api.url), price_of=price_of)
        retrying = RetryingModel(model, RetryPolicy(retries=1), sleep=sleep)
        try:
            yield Stage(ModelAgent(retrying, ModelTools(run_command=runner.run)), api, workspace, waits=waits)
        finally:
            await retrying.aclose()


async def test_a_task_with_tools_and_a_typed_reply(tmp_path: Path) -> None:
    write = ToolUse("Write", {"file_path": "a.txt", "content": "one"})
    script = [
        Reply((Thinking("a file first"), Text("I write it."), write)),
        call("Bash", command="cat a.txt"),
        say('{"approved":true}'),
    ]
    async with stage(tmp_path, script) as play:
        reply = await play.run(reply_model=Verdict)

        assert reply.data == Verdict(approved=True)
        assert reply.files == ("a.txt",)
        assert [(ran.command, ran.ok, ran.output) for ran in reply.commands] == [("cat a.txt", True, "one")]
        assert [(ended.tool, ended.ok) for ended in play.heard(ToolEnded)] == [("Write", True), ("Bash", True)]
        assert [result.text for result in play.api.requests[2].tool_results] == ["Wrote a.txt: 1 lines", "one"]


async def test_usage_and_cost_add_up_to_the_token(tmp_path: Path) -> None:
    def price_of(_model: str, count: TokenCount) -> float:
        return (count.all_input_tokens * 2.0 + count.output_tokens * 10.0) / 1_000_000

    script = [call("Bash", command="true"), call("Glob", pattern="*"), say("done")]
    async with stage(tmp_path, script, price_of) as play:
        reply = await play.run()

        read = sum(answer.input_tokens for answer in play.api.delivered)
        written = sum(answer.output_tokens for answer in play.api.delivered)
    reported = play.heard(UsageReported)
    assert (reply.usage.input_tokens, reply.usage.output_tokens) == (read, written)
    assert sum(used.input_tokens for used in reported) == read
    assert sum(used.output_tokens for used in reported) == written
    assert reply.usage.cost_usd == pytest.approx((read * 2.0 + written * 10.0) / 1_000_000)


async def test_no_request_is_made_when_the_money_is_spent(tmp_path: Path) -> None:
    async with stage(tmp_path, [call("Bash", command="true")], lambda _, __: 0.5) as play:
        with pytest.raises(CostLimitReached):
            await play.run(max_cost_usd=0.5)

        assert len(play.api.requests) == 1


async def test_a_rate_limit_is_shown_while_it_is_waited_for(tmp_path: Path) -> None:
    async with stage(tmp_path, [Status(429, retry_after=8), say("hello")]) as play:
        reply = await play.run()

    assert reply.text == "hello"
    assert play.heard(Waiting)[1:] == [
        Waiting(reason="rate_limit", message="rate limited, next try in 8 s"),
        Waiting(reason="model", message="waiting for the model, attempt 2"),
    ]
    assert play.waits == [8.0]


async def test_a_cut_stream_is_taken_back_and_asked_for_again(tmp_path: Path) -> None:
    async with stage(tmp_path, [CutStream(say("hello there"), after=5), say("hello again")]) as play:
        reply = await play.run()

    assert reply.text == "hello again"
    assert [withdrawn.characters for withdrawn in play.heard(StreamWithdrawn)] == [5]
    assert reply.usage.cost_usd is None


async def test_a_stream_that_stays_cut_keeps_what_was_received(tmp_path: Path) -> None:
    cut = CutStream(say("hello there"), after=5)
    async with stage(tmp_path, [call("Glob", pattern="*"), cut, cut]) as play:
        with pytest.raises(StreamCut) as failure:
            await play.run()

    assert failure.value.partial == "hello"
    assert failure.value.retry_safe


@pytest.mark.parametrize("answer", [Silent(), Halted(say("hello there"), after=5)])
async def test_a_cancelled_task_closes_its_connection_at_once(tmp_path: Path, answer: Answer) -> None:
    async with stage(tmp_path, [answer]) as play:
        running = asyncio.create_task(play.agent.run(play.task(), play.hear))
        with anyio.fail_after(5):
            await (play.api.received(1) if isinstance(answer, Silent) else play.until(TextStreamed))
        with stopped_clock(), anyio.fail_after(5):
            running.cancel()
            with pytest.raises(asyncio.CancelledError):
                await running
            await play.api.client_gone.wait()


async def test_what_a_cancelled_answer_has_cost_beyond_what_was_told_is_unknown(tmp_path: Path) -> None:
    async with stage(tmp_path, [Halted(say("hello there"), after=5)], lambda _, __: 0.5) as play:
        running = asyncio.create_task(play.run())
        with anyio.fail_after(5):
            await play.until(TextStreamed)
            running.cancel()
            with pytest.raises(asyncio.CancelledError):
                await running

    told, untold = play.heard(UsageReported)
    assert told.cost_usd == 0.5  # as the answer begins
    assert untold == UsageReported(model=told.model, input_tokens=0, output_tokens=0, cost_usd=None)


async def test_what_a_stalled_answer_has_cost_is_unknown_where_only_its_end_tells(tmp_path: Path) -> None:
    stalled = asyncio.Event()

    def model_of(access: ApiAccess, price_of: PriceOf) -> ChatModel:
        return ChatModel("test-model", access, price_of=price_of)

    async with served(ChatCompletions(), model_of, [Halted(say("hello there"), after=5)]) as provider:
        agent = ModelAgent(provider.model(price_of=lambda _, __: 0.5), ModelTools(run_command=run_no_command))
        said: list[AgentSaid] = []

        def hear(one: AgentSaid) -> None:
            said.append(one)
            if isinstance(one, TextStreamed):
                stalled.set()

        task = AgentTask(role="coder", prompt="do it", workspace=tmp_path)
        running = asyncio.create_task(agent.run(task, hear))
        with anyio.fail_after(5):
            await stalled.wait()
            running.cancel()
            with pytest.raises(asyncio.CancelledError):
                await running

    assert [one.cost_usd for one in said if isinstance(one, UsageReported)] == [None]


async def test_no_retry_is_made_when_the_money_is_spent(tmp_path: Path) -> None:
    async with stage(tmp_path, [CutStream(say("hello there"), after=5)], lambda _, __: 0.5) as play:
        with pytest.raises(CostLimitReached) as failure:
            await play.run(max_cost_usd=0.5)

        assert len(play.api.requests) == 1
    assert failure.value.partial == "hello"
    assert not play.waits


async def test_the_key_shows_nowhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ANTHROPIC_API_KEY", KEY)
    script = [
        Status(429, f"too many requests for {KEY}", retry_after=1),
        call("Bash", command="env"),
        Status(401, f"the key {KEY} is wrong"),
    ]
    async with stage(tmp_path, script) as play:
        with pytest.raises(AgentError) as failure:
            await play.run()

    assert type(failure.value) is NotLoggedIn
    assert KEY not in repr(play.said)
    assert KEY not in "".join(traceback.format_exception(failure.value))
    assert KEY not in repr(vars(failure.value))
