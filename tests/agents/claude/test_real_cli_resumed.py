"""The real `claude` goes on with a conversation that was interrupted."""

import json
import time
from dataclasses import replace
from pathlib import Path

import anyio
import pytest

from agents.agent import AgentTask
from agents.claude.agent import ClaudeAgent
from agents.claude.command import RESUMED_PREFIX
from agents.errors import AgentProcessFailed, NotLoggedIn
from agents.events import ConversationOpened, UsageReported
from tests.agents.claude.stage import Stage
from tests.agents.claude.test_real_cli import api_for
from tests.descendants import kill_left_over
from tests.fakes.claude_home import claude_environment, require_claude
from tests.fakes.messages_api import MessagesApi
from tests.fakes.messages_request import ModelRequest
from tests.fakes.messages_script import Answer, Silent, Status, always, call, say
from tests.waiting import until

pytestmark = pytest.mark.anyio


def keeping_agent(stage: Stage, tmp_path: Path, environ: dict[str, str]) -> ClaudeAgent:
    return ClaudeAgent(require_claude(), stage.registry, environ=environ, conversations=tmp_path / "conversations")


def goes_on(request: ModelRequest) -> bool:
    return any(RESUMED_PREFIX.strip() in message.text for message in request.body.messages)


def has_written_result(tmp_path: Path) -> bool:
    """Whether the tool's result is in the file; the CLI writes it about 0.1 s later than the model is told it."""
    return any(b'"tool_result"' in path.read_bytes() for path in (tmp_path / "conversations").rglob("*.jsonl"))


def first_silent_then_done(request: ModelRequest) -> Answer:
    if goes_on(request):
        return say("Done after all.")
    return Silent() if request.step else call("Bash", command="echo one")


async def work_until_killed(stage: Stage, tmp_path: Path, agent: ClaudeAgent, api: MessagesApi, task: AgentTask) -> str:
    """Work until the model is asked a second time, and die then; the id of the conversation."""

    async def kill() -> None:
        await api.received(2)
        await until(lambda: has_written_result(tmp_path))
        assert kill_left_over(stage.run_id)

    async with anyio.create_task_group() as tasks:
        tasks.start_soon(kill)
        with pytest.raises(AgentProcessFailed, match="SIGKILL"):
            await agent.run(task, stage.emit)
    (opened,) = [said for said in stage.said if isinstance(said, ConversationOpened)]
    assert opened.resumable
    return opened.session_id


async def test_it_goes_on_where_it_was_killed_and_pays_only_the_rest(stage: Stage, tmp_path: Path) -> None:
    task = stage.task("a very private prompt", access="write")
    async with api_for(first_silent_then_done) as api:
        environ = claude_environment(tmp_path, api.url)
        agent = keeping_agent(stage, tmp_path, environ)
        session_id = await work_until_killed(stage, tmp_path, agent, api, task)

        reply = await agent.run(replace(task, resume_session=session_id), stage.emit)

        last = api.requests[-1]
        delivered = api.delivered[-1]
    assert reply.text == "Done after all."
    assert [result.text for result in last.tool_results] == ["one"]
    assert last.body.messages[0].text.count("a very private prompt") == 1
    assert (reply.usage.input_tokens, reply.usage.output_tokens) == (delivered.input_tokens, delivered.output_tokens)
    assert list((tmp_path / "conversations").iterdir()) == []
    everything = [path for path in (tmp_path / "claude-home").rglob("*") if path.is_file()]
    assert not [path for path in everything if b"very private prompt" in path.read_bytes()]


async def test_a_cancelled_one_can_be_gone_on_with(stage: Stage, tmp_path: Path) -> None:
    task = stage.task(access="write")
    async with api_for(first_silent_then_done) as api:
        agent = keeping_agent(stage, tmp_path, claude_environment(tmp_path, api.url))
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(agent.run, task, stage.emit)
            await api.received(2)
            tasks.cancel_scope.cancel()
        (session_id,) = [said.session_id for said in stage.said if isinstance(said, ConversationOpened)]

        reply = await agent.run(replace(task, resume_session=session_id), stage.emit)

        rest = api.delivered[-1]
    assert reply.text == "Done after all."
    assert (reply.usage.input_tokens, reply.usage.output_tokens) == (rest.input_tokens, rest.output_tokens)
    assert reply.usage.cost_usd == [said.cost_usd for said in stage.said if isinstance(said, UsageReported)][-1]


async def test_one_whose_login_was_refused_can_be_gone_on_with(stage: Stage, tmp_path: Path) -> None:
    lets_in = False

    def script(request: ModelRequest) -> Answer:
        if goes_on(request):
            return say("Done after all.") if lets_in else Status(401)
        return Status(401) if request.step else call("Bash", command="echo one")

    task = stage.task(access="write")
    async with api_for(script) as api:
        agent = keeping_agent(stage, tmp_path, claude_environment(tmp_path, api.url))
        with pytest.raises(NotLoggedIn):
            await agent.run(task, stage.emit)
        (session_id,) = [said.session_id for said in stage.said if isinstance(said, ConversationOpened)]
        again = replace(task, resume_session=session_id)
        with pytest.raises(NotLoggedIn):
            await agent.run(again, stage.emit)
        lets_in = True

        reply = await agent.run(again, stage.emit)

        last = api.requests[-1]
    assert reply.text == "Done after all."
    assert [result.text for result in last.tool_results] == ["one"]


async def test_the_login_in_a_file_is_found_though_the_conversation_is_kept_elsewhere(
    stage: Stage, tmp_path: Path
) -> None:
    async with api_for(always(say("fine"))) as api:
        environ = claude_environment(tmp_path, api.url)
        del environ["ANTHROPIC_API_KEY"]
        login = {
            "accessToken": "sk-ant-oat01-not-a-token",
            "refreshToken": "sk-ant-ort01-not-a-token",
            "expiresAt": int((time.time() + 36_000) * 1000),
            "scopes": ["user:inference"],
            "subscriptionType": "max",
        }
        (Path(environ["CLAUDE_CONFIG_DIR"]) / ".credentials.json").write_text(json.dumps({"claudeAiOauth": login}))

        reply = await keeping_agent(stage, tmp_path, environ).run(stage.task(), stage.emit)

        assert api.requests[0].headers["authorization"] == "Bearer sk-ant-oat01-not-a-token"
    assert reply.text == "fine"
    assert [said.resumable for said in stage.said if isinstance(said, ConversationOpened)] == [True]
