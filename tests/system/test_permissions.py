"""With `permissions: "ask"`, the real `claude` asks a person before it does what its role does not allow."""

from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from tests.fakes.claude_home import claude_environment, require_claude
from tests.fakes.messages_api import MessagesApi, messages_api
from tests.fakes.messages_script import by_step, call, say
from tests.system.place import Place
from tests.system.wire import LEGACY, MODERN, Json, WireClient

pytestmark = pytest.mark.anyio

COMMANDS = ("python3 -c 'print(6 * 7)'", "python3 -c 'print(7 * 7)'")
FORMS: Json = {"elicitation": {"form": {}}}


@asynccontextmanager
async def asking(
    tmp_path: Path, era: str, capabilities: Json
) -> AsyncGenerator[tuple[MessagesApi, WireClient, int], None]:
    """A call of `run_claude` in which the agent wants to run two commands, one after the other."""
    script = by_step(*(call("Bash", command=command) for command in COMMANDS), say("done"))
    async with messages_api(script) as api:
        variables = claude_environment(tmp_path, api.url) | {"AGENT_WORKFLOWS_CLAUDE": str(require_claude())}
        place = Place.below(tmp_path, **variables)
        async with place.server(era=era, capabilities=capabilities) as client:
            await client.open()
            arguments = {"prompt": "Compute.", "permissions": "ask"}
            yield api, client, await client.call("run_claude", arguments)
        await place.deserted(3)


async def form_about(client: WireClient, command: str) -> Json:
    """The server's question about a command."""

    def fits(message: Json) -> bool:
        return message.get("method") == "elicitation/create" and command in message["params"]["message"]

    return await client.message(fits, within=40)


async def test_a_form_of_the_client_allows_one_command_and_denies_the_next(tmp_path: Path) -> None:
    async with asking(tmp_path, LEGACY, FORMS) as (api, client, request):
        for command, allow in zip(COMMANDS, (True, False), strict=True):
            form = await form_about(client, command)
            content = {"allow": allow, "message": "Not that one."}
            await client.send({"jsonrpc": "2.0", "id": form["id"], "result": {"action": "accept", "content": content}})
        result = (await client.answer(request, within=40))["result"]["structuredContent"]
        assert result["status"] == "completed"
        told = [outcome.text for outcome in api.requests[-1].tool_results]
        assert told[0] == "42"
        assert "Not that one." in told[1]
        asked = [event for event in await client.log_of(result["run_id"]) if event["type"] == "gate_opened"]
        assert [event["parked"] for event in asked] == [False, False]


async def test_a_client_without_forms_answers_with_a_tool_while_the_agent_waits(tmp_path: Path) -> None:
    async with asking(tmp_path, MODERN, {}) as (api, client, request):
        waiting = (await client.answer(request, within=40))["result"]["structuredContent"]
        assert waiting["status"] == "waiting"
        assert COMMANDS[0] in waiting["summary"]
        assert "answer_run" in waiting["summary"]
        run: Json = {"run_id": waiting["run_id"]}
        standing = await client.told("answer_run", {**run, "answer": {"allow": True}}, within=40)
        assert standing["status"] == "waiting"
        assert COMMANDS[1] in standing["summary"]
        ended = await client.told("answer_run", {**run, "answer": {"allow": False, "message": "No."}}, within=40)
        assert ended["status"] == "completed"
        assert [outcome.text for outcome in api.requests[-1].tool_results] == ["42", "No."]
