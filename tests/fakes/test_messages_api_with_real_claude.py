"""The fake Messages API is good enough for the real `claude`."""

from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from pathlib import Path

import anyio
import orjson
import pytest
from pydantic import JsonValue

from tests.fakes.claude_home import claude_environment, require_claude
from tests.fakes.messages_api import MessagesApi, messages_api
from tests.fakes.messages_script import (
    Answer,
    CutStream,
    Reply,
    Script,
    Slow,
    Status,
    Text,
    Thinking,
    always,
    by_step,
    call,
    say,
    turns,
)
from tests.system.claude_process import STREAMING, ClaudeOutcome, ClaudeProcess, Line, claude_process

pytestmark = pytest.mark.anyio


@asynccontextmanager
async def claude(
    tmp_path: Path, script: Script | list[Answer], *arguments: str, retries: int = 3
) -> AsyncGenerator[tuple[MessagesApi, ClaudeProcess]]:
    workspace = tmp_path / "workspace"
    workspace.mkdir()
    command = [require_claude(), *STREAMING, *arguments]
    with anyio.fail_after(30):
        async with messages_api(script) as api:
            environment = claude_environment(tmp_path, api.url) | {"CLAUDE_CODE_MAX_RETRIES": str(retries)}
            async with claude_process(
                command, prompt="Do it.", cwd=workspace, environment=environment, stderr_path=tmp_path / "stderr"
            ) as process:
                yield api, process


async def outcome_of(tmp_path: Path, script: Script | list[Answer], *arguments: str, retries: int = 3) -> ClaudeOutcome:
    async with claude(tmp_path, script, *arguments, retries=retries) as (_, process):
        return await process.finish()


def delta_of(line: Line) -> str:
    match line.get("event"):
        case {"delta": {"text": str(text)}}:
            return text
        case _:
            return ""


def usage_of(result: Line) -> tuple[int, int]:
    match result["usage"]:
        case {"input_tokens": int(input_tokens), "output_tokens": int(output_tokens)}:
            return input_tokens, output_tokens
        case other:
            raise AssertionError(other)


async def test_a_plain_answer_is_the_result_and_the_only_request(tmp_path: Path) -> None:
    async with claude(tmp_path, always(say("It is 42.")), "--append-system-prompt=[tester] Be brief.") as (
        api,
        process,
    ):
        outcome = await process.finish()
    assert (outcome.exit_code, outcome.result["result"], outcome.stderr) == (0, "It is 42.", "")
    assert "".join(delta_of(line) for line in outcome.lines) == "It is 42."
    (request,) = api.requests
    assert "[tester] Be brief." in request.system
    assert "Do it." in request.prompt
    assert request.session_id == outcome.result["session_id"]
    assert (api.auxiliary, api.other_paths) == ([], [])


async def test_tools_are_really_used_and_the_usage_adds_up(tmp_path: Path) -> None:
    path = tmp_path / "workspace" / "answer.py"
    script = by_step(
        call("Write", file_path=str(path), content="print(6 * 7)\n"),
        call("Bash", command="python3 answer.py", description="Run it"),
        say("It printed 42."),
    )
    async with claude(tmp_path, script, "--tools=Write,Bash", "--allowedTools=Write,Bash") as (api, process):
        outcome = await process.finish()
    assert path.read_text() == "print(6 * 7)\n"
    written, ran = api.requests[-1].tool_results
    assert (written.tool, written.ok) == ("Write", True)
    assert (ran.tool, ran.text, ran.ok) == ("Bash", "42", True)
    assert usage_of(outcome.result) == (
        sum(delivered.input_tokens for delivered in api.delivered),
        sum(delivered.output_tokens for delivered in api.delivered),
    )


async def test_a_typed_answer_comes_through_the_tool_that_the_schema_adds(tmp_path: Path) -> None:
    schema: dict[str, JsonValue] = {
        "type": "object",
        "properties": {"answer": {"type": "integer"}},
        "required": ["answer"],
    }
    script = by_step(call("StructuredOutput", answer=42))
    outcome = await outcome_of(tmp_path, script, f"--json-schema={orjson.dumps(schema).decode()}")
    assert (outcome.exit_code, outcome.result["structured_output"]) == (0, {"answer": 42})


async def test_thinking_is_streamed_before_the_text(tmp_path: Path) -> None:
    outcome = await outcome_of(tmp_path, always(Reply((Thinking("Six times seven."), Text("42")))))
    contents = [line["message"] for line in outcome.of_type("assistant")]
    blocks = [message["content"] for message in contents if isinstance(message, dict)]
    assert [block[0] for block in blocks if isinstance(block, list)] == [
        {"type": "thinking", "thinking": "Six times seven.", "signature": "c2lnbmVkIGJ5IHRoZSBmYWtl"},
        {"type": "text", "text": "42"},
    ]


async def test_a_wrong_key_is_refused_after_the_retries(tmp_path: Path) -> None:
    outcome = await outcome_of(tmp_path, always(Status(401, "invalid x-api-key")), retries=1)
    (retry,) = outcome.of_type("system", "api_retry")
    assert (retry["error_status"], outcome.exit_code, outcome.result["is_error"]) == (401, 1, True)
    assert outcome.result["api_error_status"] == 401


@pytest.mark.parametrize(("code", "attempts"), [(429, 1), (529, 2)])
async def test_a_refused_request_is_repeated_until_it_is_answered(tmp_path: Path, code: int, attempts: int) -> None:
    refused = Status(code, retry_after=0 if code == 429 else None)
    outcome = await outcome_of(tmp_path, turns(*[refused] * attempts, say("At last.")))
    assert (outcome.exit_code, outcome.result["result"]) == (0, "At last.")
    assert [line["error_status"] for line in outcome.of_type("system", "api_retry")] == [code] * attempts


async def test_a_cut_stream_is_asked_for_again(tmp_path: Path) -> None:
    shown = anyio.Event()
    script = turns(CutStream(say("This is never finished."), until=shown), say("Whole."))
    async with claude(tmp_path, script) as (api, process):
        async for line in process.read():
            if delta_of(line):
                shown.set()
        outcome = await process.finish()
    assert (outcome.exit_code, outcome.result["result"]) == (0, "Whole.")
    assert len(api.requests) == 2
    stops = [line for line in outcome.of_type("stream_event") if line.get("abandoned_blocks")]
    assert len(stops) == 1


async def test_a_tool_call_cut_in_half_is_not_carried_out(tmp_path: Path) -> None:
    path = tmp_path / "workspace" / "half.txt"
    half = CutStream(call("Write", file_path=str(path), content="x" * 200))
    outcome = await outcome_of(tmp_path, turns(half, say("Enough.")), "--tools=Write", "--allowedTools=Write")
    assert (outcome.exit_code, outcome.result["result"]) == (0, "Enough.")
    assert not path.exists()


async def test_text_is_seen_before_the_answer_is_finished(tmp_path: Path) -> None:
    release = anyio.Event()
    script = always(Slow(say("Slowly it comes."), {6: release}))
    async with claude(tmp_path, script) as (api, process):
        seen_early = ""
        async for line in process.read():
            if delta_of(line) and not release.is_set():
                seen_early = delta_of(line)
                assert api.delivered == []
                release.set()
        outcome = await process.finish()
    assert seen_early == "Slowly"
    assert outcome.result["result"] == "Slowly it comes."
