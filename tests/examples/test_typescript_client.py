"""The TypeScript client, built and tried with Node against a server that asks for a token."""

from pathlib import Path

import anyio.to_thread
import pytest

from tests.node import CLIENT, run_node, tools_missing
from tests.system.place import Place
from tests.viewer.served import free_port, served

pytestmark = pytest.mark.skipif(tools_missing(CLIENT), reason="the client's tools are not installed: make viewer")

TOKEN = "a-token-for-this-test-alone"


def test_the_types_of_the_events_are_what_their_schema_gives(tmp_path: Path) -> None:
    made = tmp_path / "events.ts"

    run_node(CLIENT, "generate-types.mjs", made.as_uri())

    assert made.read_text("utf-8") == (CLIENT / "src" / "events.ts").read_text("utf-8"), "make viewer"


@pytest.mark.anyio
async def test_the_client_keeps_its_promises_with_a_real_server(tmp_path: Path) -> None:
    place, port = Place.below(tmp_path, AGENT_WORKFLOWS_TOKEN=TOKEN), free_port()
    await anyio.to_thread.run_sync(lambda: run_node(CLIENT, "node_modules/typescript/bin/tsc"))
    async with served(place, port, "--offline"):
        url = f"http://127.0.0.1:{port}"

        def tests() -> None:
            run_node(CLIENT, "--test", "build/tests/", SERVER_URL=url, SERVER_TOKEN=TOKEN)

        def example() -> None:
            run_node(CLIENT, "build/src/example.js", "a task", AGENT_WORKFLOWS_URL=url, AGENT_WORKFLOWS_TOKEN=TOKEN)

        await anyio.to_thread.run_sync(tests)
        await anyio.to_thread.run_sync(example)
