"""`run_claude` over the wire, with the real `claude`; only its model is scripted."""

from pathlib import Path

import jsonschema
import pytest

from tests.fakes.claude_home import claude_environment, require_claude
from tests.fakes.messages_api import messages_api
from tests.fakes.messages_request import ModelRequest
from tests.fakes.messages_script import Answer, Reply, Text, ToolUse, by_step, call, say
from tests.system.place import Place

pytestmark = pytest.mark.anyio

PROMPT = "Write down how many files say TODO."
COMMAND = "python3 -c 'print(6 * 7)'"
ANSWER = "One file says TODO; it is in notes.md."


def model(request: ModelRequest) -> Answer:
    """Claude sends a sub-agent to look, writes down what it found, runs a command, and answers."""
    if request.conversation[1]:
        return by_step(call("Grep", pattern="TODO"), say("todo.txt"))(request)  # type: ignore[return-value] - no step of it is awaited
    notes = f"{request.working_directory}/notes.md"
    look = ToolUse("Agent", {"subagent_type": "Explore", "description": "look for TODO", "prompt": "Look for TODO."})
    return by_step(
        Reply((Text("I have it looked for."), look)),
        call("Write", file_path=notes, content="todo.txt\n"),
        call("Bash", command=COMMAND),
        say(ANSWER),
    )(request)  # type: ignore[return-value] - as above


async def test_everything_it_does_is_told_live_and_its_sub_agents_are_nested(tmp_path: Path) -> None:
    async with messages_api(model) as api:
        variables = claude_environment(tmp_path, api.url) | {"AGENT_WORKFLOWS_CLAUDE": str(require_claude())}
        place = Place.below(tmp_path, **variables)
        (place.workspace / "todo.txt").write_text("TODO: everything\n")
        async with place.server() as client:
            await client.open()
            request = await client.call("run_claude", {"prompt": PROMPT})
            looking = await client.progress(request, within=30, type="tool_start", agent="claude ▸ Explore")
            assert (looking["tool"], looking["input"]) == ("Grep", {"pattern": "TODO"})
            assert (await client.told("get_run", {"run_id": looking["run_id"]}))["status"] == "running"

            result = (await client.answer(request, within=40))["result"]["structuredContent"]

            assert (result["status"], result["offline"], result["summary"]) == ("completed", False, ANSWER)
            assert result["result"]["files"] == [{"path": "notes.md", "change": "added"}]
            assert [(done["command"], done["ok"]) for done in result["result"]["commands"]] == [(COMMAND, True)]
            assert result["result"]["cost_usd"] == result["usage"]["cost_usd"] > 0
            assert result["usage"]["input_tokens"] == sum(answer.input_tokens for answer in api.delivered)
            tools = (await client.asked("tools/list"))["result"]["tools"]
            schema = next(tool["outputSchema"] for tool in tools if tool["name"] == "run_claude")
            jsonschema.validate(result, schema)

            lines = [frame["message"] for frame in client.frames(request)]
            assert any(line.startswith("claude ▸ Explore 🔧 Grep TODO") for line in lines)
            log = await client.log_of(result["run_id"])
            ends = {(event["agent"], event["tool"]): event for event in log if event["type"] == "tool_end"}
            called = [("claude", "Agent"), ("claude", "Bash"), ("claude", "Write"), ("claude ▸ Explore", "Grep")]
            assert sorted(ends) == called
            assert all(event["ok"] for event in ends.values())
    await place.deserted(3)


async def test_tools_that_only_read_are_all_it_is_offered(tmp_path: Path) -> None:
    async with messages_api(by_step(say("Nothing to do."))) as api:
        variables = claude_environment(tmp_path, api.url) | {"AGENT_WORKFLOWS_CLAUDE": str(require_claude())}
        place = Place.below(tmp_path, **variables)
        async with place.server() as client:
            await client.open()
            arguments = {"prompt": PROMPT, "allowed_tools": ["Read", "Grep"]}
            result = await client.told("run_claude", arguments, within=40)

            assert (result["status"], result["result"]["files"]) == ("completed", [])
            assert {"Read", "Grep"} <= set(api.requests[0].tools)
            assert not {"Bash", "Write", "Edit", "Agent", "WebFetch"} & set(api.requests[0].tools)

            refused = await client.called("run_claude", {"prompt": PROMPT, "allowed_tools": ["Read(//etc/**)"]})
            assert refused["isError"]
            assert "allowed_tools" in refused["content"][0]["text"]
            assert "takes no rule" in refused["content"][0]["text"]
    await place.deserted(3)
