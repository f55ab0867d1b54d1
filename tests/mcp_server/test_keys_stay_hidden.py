"""A provider's key, planted wherever it could leak from, shows up nowhere."""

import logging
from collections.abc import AsyncGenerator, Sequence
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path

import anyio
import pytest

from mcp_server.assembly import Assembly, assemble
from mcp_server.settings import Settings
from tests.fakes.messages_script import Answer, CutStream, Reply, Status, Text, Thinking, ToolUse, say
from tests.fakes.openai_api import ChatCompletions
from tests.fakes.provider_api import ProviderApi, provider_api
from tests.workflows.runs.small_workflows import Question, one_stage, workflow
from workflows.budget import Limits
from workflows.catalog import Catalog
from workflows.runs.engine import RunRequest
from workflows.runs.run import Run

pytestmark = pytest.mark.anyio

KEY = "planted.0123456789abcdef/xyz+"
"""Of no provider's usual shape: it has to be known by its value."""


@asynccontextmanager
async def serving(script: Sequence[Answer], tmp_path: Path) -> AsyncGenerator[tuple[Assembly, ProviderApi]]:
    workspace = tmp_path / "workspace"
    workspace.mkdir()
    settings = Settings(home=tmp_path / "home", roots=(workspace,), models={"worker": "openai:test-model"})
    async with provider_api(ChatCompletions("reasoning"), script) as api:
        environ = {"OPENAI_API_KEY": KEY, "OPENAI_BASE_URL": api.url, "PATH": "/usr/bin:/bin"}
        async with assemble(settings, Catalog.with_own([]), environ=environ) as assembly:
            yield assembly, api


async def run_to_the_end(assembly: Assembly, tmp_path: Path, question: str = "why") -> tuple[Run, str]:
    """A run, and everything that was told of it."""
    request = RunRequest(
        workflow=replace(workflow(one_stage, "work"), writes=True),
        input=Question(question=question),
        workspace=str(tmp_path / "workspace"),
        owner="local",
        limits=Limits(),
    )
    started = (await assembly.engine.start(request)).run
    told: list[str] = []
    with anyio.fail_after(20):
        async for events in assembly.engine.follow(started.run_id):
            told += [repr(event) for event in events]
    run = await assembly.log.get(started.run_id)
    assert run is not None
    for info in await assembly.log.artifacts(started.run_id):
        artifact = await assembly.log.artifact(started.run_id, info.name)
        assert artifact is not None
        told.append(artifact.body.decode())
    return run, "\n".join([*told, repr(run)])


def on_disk(tmp_path: Path) -> bytes:
    """What is kept, but for the states of graphs: these are what a run is resumed from, and told to nobody."""
    kept = [path for path in (tmp_path / "home").rglob("*") if path.is_file() and "checkpoints" not in path.name]
    return b"".join(path.read_bytes() for path in kept)


@pytest.fixture(autouse=True)
def every_word_is_logged(caplog: pytest.LogCaptureFixture) -> None:
    for name in ("agents", "workflows", "mcp_server", "httpx2", "httpcore2"):
        caplog.set_level(logging.DEBUG, logger=name)


async def test_a_key_that_the_model_says_is_in_no_event_and_no_artifact(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    prints_it = {"command": f"printf %s '{KEY}'; printf %s \"$OPENAI_API_KEY\""}
    script = [
        Reply((Thinking(f"The key is {KEY}, I think."), Text(f"I have {KEY}."), ToolUse("Bash", prints_it)), piece=5),
        Reply((Text(f"It was {KEY}. Done."),), piece=7),
    ]
    async with serving(script, tmp_path) as (assembly, api):
        run, told = await run_to_the_end(assembly, tmp_path)

    assert run.status == "completed", run.failure
    assert api.headers[0]["authorization"] == f"Bearer {KEY}"
    assert "Done." in told
    assert KEY not in told
    assert KEY.encode() not in on_disk(tmp_path)
    assert KEY not in caplog.text


async def test_a_command_of_the_model_has_no_key_to_print(tmp_path: Path) -> None:
    script = [Reply((ToolUse("Bash", {"command": 'printf "%s" "[$OPENAI_API_KEY]"'}),)), say("Done.")]
    async with serving(script, tmp_path) as (assembly, api):
        await run_to_the_end(assembly, tmp_path)

    [result] = api.requests[1].tool_results
    assert "[]" in result.text


@pytest.mark.parametrize("status", [400, 401, 402, 403, 404, 422])
async def test_a_key_that_the_provider_repeats_is_in_no_error(
    status: int, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    script = [Status(status, f"Incorrect API key provided: {KEY}. Authorization: Bearer {KEY}")]
    async with serving(script, tmp_path) as (assembly, _):
        run, told = await run_to_the_end(assembly, tmp_path)

    assert run.status == "failed"
    assert run.failure is not None
    assert "Incorrect API key provided: ***" in run.failure.message
    assert KEY not in told
    assert KEY.encode() not in on_disk(tmp_path)
    assert KEY not in caplog.text


async def test_a_key_in_what_came_of_a_cut_answer_is_not_kept(tmp_path: Path) -> None:
    cut = CutStream(say(f"The key is {KEY} and so on, and on"), after=45, error="context_length_exceeded")
    async with serving([cut], tmp_path) as (assembly, _):
        run, told = await run_to_the_end(assembly, tmp_path)

    assert run.status == "failed"
    assert KEY not in told
    assert KEY.encode() not in on_disk(tmp_path)
