"""The whole of build_feature, every role on a model of one provider."""

import json
import os
from collections.abc import AsyncGenerator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any, Protocol

import anyio
import pytest

from agents.models.providers import ProviderName
from mcp_server.assembly import Assembly, assemble
from mcp_server.known_roles import ROLES
from mcp_server.settings import Settings
from tests.fakes.build_feature_script import ANSWER, MODULE, PLAN, TASK, TESTS, build_feature_model
from tests.fakes.messages_api import messages_api
from tests.fakes.messages_request import ModelRequest
from tests.fakes.messages_script import Answer, Block, Reply, Script, ScriptFailed, Text, ToolUse
from tests.fakes.openai_api import ChatCompletions
from tests.fakes.perplexity_api import AgentApi
from tests.fakes.provider_api import provider_api
from workflows.budget import Limits
from workflows.build_feature.contract import BuildFeatureInput
from workflows.catalog import Catalog
from workflows.runs.engine import RunRequest
from workflows.runs.events import UsageRecorded
from workflows.runs.run import Run

pytestmark = pytest.mark.anyio

PROVIDERS: tuple[ProviderName, ...] = ("anthropic", "openai", "openrouter", "perplexity")


class Counting(Protocol):
    """A fake provider that is up."""

    @property
    def url(self) -> str: ...

    @property
    def counted(self) -> tuple[int, int]: ...


class CountingMessagesApi:
    def __init__(self, url: str, count: Callable[[], tuple[int, int]]) -> None:
        self.url = url
        self._count = count

    @property
    def counted(self) -> tuple[int, int]:
        return self._count()


@asynccontextmanager
async def _anthropic(script: Script) -> AsyncGenerator[Counting]:
    async with messages_api(script) as api:

        def count() -> tuple[int, int]:
            return sum(one.input_tokens for one in api.delivered), sum(one.output_tokens for one in api.delivered)

        yield CountingMessagesApi(api.url, count)


def served(provider: ProviderName, script: Script) -> AbstractAsyncContextManager[Counting]:
    match provider:
        case "anthropic":
            return _anthropic(script)
        case "openai":
            return provider_api(ChatCompletions(), script)
        case "openrouter":
            return provider_api(ChatCompletions("reasoning"), script)
        case "perplexity":
            return provider_api(AgentApi(), script)


def without_a_command_line() -> Script:
    """The script for the `claude` command, for models: a typed reply is text, and paths begin at the workspace."""
    script = build_feature_model()

    def answer(request: ModelRequest) -> Answer:
        if failed := [result.text for result in request.tool_results if result.text.startswith("The call failed")]:
            raise ScriptFailed(f"A tool call failed that should not: {failed}")
        offered = [*request.body.tools, {"name": "StructuredOutput"}]
        chosen = script(replace(request, body=request.body.model_copy(update={"tools": offered})))
        assert isinstance(chosen, Reply)
        return replace(chosen, stop_reason="", blocks=tuple(_told(block) for block in chosen.blocks))

    return answer


def _told(block: Block) -> Block:
    match block:
        case ToolUse("StructuredOutput", reply):
            return Text(json.dumps(reply))
        case ToolUse("Bash", arguments):
            return ToolUse("Bash", {"command": arguments["command"]})
        case ToolUse(name, arguments) if str(arguments.get("file_path", "")).startswith("/"):
            return ToolUse(name, {**arguments, "file_path": str(arguments["file_path"])[1:]})
        case _:
            return block


async def built(assembly: Assembly, workspace: Path) -> tuple[Run, list[UsageRecorded]]:
    """A run of build_feature, and what was said to have been used."""
    request = RunRequest(
        workflow=assembly.catalog.get("build_feature"),
        input=BuildFeatureInput(task=TASK),
        workspace=str(workspace),
        owner="local",
        limits=Limits(),
    )
    started = (await assembly.engine.start(request)).run
    used: list[UsageRecorded] = []
    with anyio.fail_after(40):
        async for events in assembly.engine.follow(started.run_id):
            used += [event.body for event in events if isinstance(event.body, UsageRecorded)]
    run = await assembly.log.get(started.run_id)
    assert run is not None
    return run, used


@pytest.mark.parametrize("provider", PROVIDERS)
async def test_build_feature_runs_with_every_role_on_one_provider(provider: ProviderName, tmp_path: Path) -> None:
    workspace = tmp_path / "workspace"
    workspace.mkdir()
    settings = Settings(
        home=tmp_path / "home", roots=(workspace,), models={role: f"{provider}:m" for role in ROLES if role != "claude"}
    )
    async with served(provider, without_a_command_line()) as api:
        own = {f"{provider.upper()}_API_KEY": "sk-0123456789abcdef", f"{provider.upper()}_BASE_URL": api.url}
        environ = {"PATH": os.environ["PATH"], **own}
        async with assemble(settings, Catalog.with_own([]), environ=environ) as assembly:
            run, used = await built(assembly, workspace)
        counted = api.counted

    assert run.status == "completed", run.failure
    result: Any = run.result
    assert result["answer"] == ANSWER
    assert {path.name for path in workspace.glob("*.py")} == {MODULE, TESTS}
    assert [part["agent"] for part in result["rounds"]] == [*PLAN[:-1], "responder"]
    assert (run.usage.input_tokens, run.usage.output_tokens) == counted
    assert (sum(one.input_tokens for one in used), sum(one.output_tokens for one in used)) == counted
    assert run.usage.cost_usd is None  # nobody knows what a model called `m` costs
