"""Every agent keeps the contract of agents."""

import json
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from importlib import import_module
from pathlib import Path
from typing import assert_never

from agents.agent import Agent
from agents.claude.agent import ClaudeAgent
from agents.command_runner import command_runner
from agents.conversation.task_tools import ModelTools
from agents.model_agent import ModelAgent
from agents.models.anthropic_access import AnthropicAccess
from agents.models.anthropic_api import AnthropicModel
from agents.script import Fail, Run, Script, Stream, Turn, Write
from agents.scripted_agent import ScriptedAgent
from tests.agents.agent_contract import FAILURES, AgentContract, Behaviour, Failing
from tests.agents.claude.stage import FAKE_CLAUDE, IMPATIENT, fake_environment, open_registry
from tests.agents.models.model_contract import KEY
from tests.fakes import claude_cli
from tests.fakes.messages_api import messages_api
from tests.fakes.messages_script import Answer, CutStream, Halted, Reply, Status, Text, always, call, say, turns
from tests.fakes.messages_script import Script as ModelScript

import_module("agents.models.anthropic_connection")  # takes seconds, which are no test's
TOOLS_RECORDING = Path(__file__).parents[1] / "recordings" / "claude_cli" / "06-tools-partial.jsonl"


@asynccontextmanager
async def model_agent_that(behaviour: Behaviour) -> AsyncGenerator[Agent]:
    async with messages_api(_model_script(behaviour)) as api, command_runner() as runner:
        model = AnthropicModel("claude-test-5", AnthropicAccess(api_key=KEY, base_url=api.url))
        try:
            yield ModelAgent(model, ModelTools(run_command=runner.run))
        finally:
            await model.aclose()


def _model_script(behaviour: Behaviour) -> ModelScript:
    match behaviour:
        case "answers":
            return always(say("I have done it, and this is how."))
        case "uses_tools":
            return turns(
                call("Write", file_path="a.txt", content="one"),
                call("Edit", file_path="a.txt", old_string="one", new_string="two"),
                call("Bash", command="cat a.txt"),
                say("done"),
            )
        case "gives_a_typed_reply":
            return always(say('{"name":"Ada"}'))
        case "gives_another_shape":
            return always(say("Ada"))
        case "works_on":
            return always(Halted(say("ready, and there is more"), after=5))
        case _:
            assert_never(behaviour)


@asynccontextmanager
async def model_agent_whose_provider(failing: Failing) -> AsyncGenerator[Agent]:
    async with messages_api(always(_failure_on_the_wire(failing))) as api, command_runner() as runner:
        model = AnthropicModel("claude-test-5", AnthropicAccess(api_key=KEY, base_url=api.url))
        try:
            yield ModelAgent(model, ModelTools(run_command=runner.run))
        finally:
            await model.aclose()


def _failure_on_the_wire(failing: Failing) -> Answer:
    match failing:
        case "too_long":
            return Status(400, "prompt is too long: 1000001 tokens > 1000000 maximum")
        case "refused":
            return Reply((Text("so far"),), stop_reason="refusal")
        case "breaks_off_again_and_again":
            return CutStream(say("so far, and more"), after=6)
        case _:
            return Status(int(failing), "the moon")


@asynccontextmanager
async def claude_agent_that(behaviour: Behaviour) -> AsyncGenerator[Agent]:
    match behaviour:
        case "gives_another_shape":
            environ = fake_environment(claude_cli.behaves)
        case "answers" | "uses_tools":
            environ = fake_environment(claude_cli.replays, FAKE_CLAUDE_RECORDING=str(TOOLS_RECORDING))
        case "gives_a_typed_reply":
            environ = fake_environment(claude_cli.hands_over_a_typed_answer)
        case "works_on":
            environ = fake_environment(claude_cli.works_on)
        case _:
            assert_never(behaviour)
    async with open_registry() as registry:
        yield ClaudeAgent(FAKE_CLAUDE, registry, environ=environ, patience=IMPATIENT)


@asynccontextmanager
async def claude_agent_whose_provider(failing: Failing) -> AsyncGenerator[Agent]:
    match failing:
        case "too_long":
            codes: dict[str, object] = {"terminal_reason": "prompt_too_long"}
        case "refused":
            codes = {"stop_reason": "refusal"}
        case _:
            codes = {"api_error_status": int(failing) if failing.isdigit() else None}
    behaviour = claude_cli.breaks_off if failing == "breaks_off_again_and_again" else claude_cli.fails_with_codes
    environ = fake_environment(behaviour, FAKE_CLAUDE_CODES=json.dumps(codes))
    async with open_registry() as registry:
        yield ClaudeAgent(FAKE_CLAUDE, registry, environ=environ, patience=IMPATIENT)


@asynccontextmanager
async def scripted_agent_whose_provider(failing: Failing) -> AsyncGenerator[Agent]:
    """Nothing is behind it: a script says how it fails."""
    error = FAILURES[failing][0]("the moon")
    async with command_runner() as runner:
        yield ScriptedAgent({"coder": (Turn(steps=(Stream("so far"), Fail(error))),)}, runner.run)


@asynccontextmanager
async def scripted_agent_that(behaviour: Behaviour) -> AsyncGenerator[Agent]:
    async with command_runner() as runner:
        yield ScriptedAgent(_play(behaviour), runner.run)


def _play(behaviour: Behaviour) -> Script:
    match behaviour:
        case "answers":
            turn = Turn(text="I have done it, and this is how.")
        case "uses_tools":
            turn = Turn(steps=(Write("a.txt", "one"), Run(("cat", "a.txt"))), text="done")
        case "gives_a_typed_reply":
            turn = Turn(data={"name": "Ada"})
        case "gives_another_shape":
            turn = Turn(data={"age": 36})
        case "works_on":
            turn = Turn(steps=(Stream("ready"), Run(("sleep", "60"))), text="never said")
        case _:
            assert_never(behaviour)
    return {"coder": (turn,)}


class TestModelAgent(AgentContract):
    agent_that = model_agent_that
    agent_whose_provider = model_agent_whose_provider


class TestClaudeAgent(AgentContract):
    agent_that = claude_agent_that
    agent_whose_provider = claude_agent_whose_provider


class TestScriptedAgent(AgentContract):
    agent_that = scripted_agent_that
    agent_whose_provider = scripted_agent_whose_provider
