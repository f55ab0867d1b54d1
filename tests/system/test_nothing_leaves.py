"""Nothing leaves the machine: what would carry the work outside is set up, and nobody comes."""

from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path

import anyio
import pytest
from anyio.abc import SocketAttribute, SocketStream

from tests.fakes.build_feature_script import TASK, build_feature_model
from tests.fakes.claude_home import claude_environment, require_claude
from tests.fakes.messages_api import messages_api
from tests.system.place import OWN_WORKFLOWS, Place

pytestmark = pytest.mark.anyio


@dataclass(slots=True)
class Listener:
    """Who came, and what they said first."""

    url: str
    callers: list[bytes] = field(default_factory=list[bytes])
    came: anyio.Event = field(default_factory=anyio.Event)

    def variables(self) -> dict[str, str]:
        """What would make a server send its work here, or reach the outside through here."""
        tracing = {"LANGSMITH_TRACING": "true", "LANGCHAIN_TRACING_V2": "true", "LANGSMITH_TRACING_V2": "true"}
        keys = {"LANGSMITH_API_KEY": "key", "LANGCHAIN_API_KEY": "key"}
        endpoints = {"LANGSMITH_ENDPOINT": self.url, "LANGCHAIN_ENDPOINT": self.url}
        telemetry = {"OTEL_EXPORTER_OTLP_ENDPOINT": self.url, "OTEL_TRACES_EXPORTER": "otlp"}
        proxies = {"HTTP_PROXY": self.url, "HTTPS_PROXY": self.url, "ALL_PROXY": self.url}
        direct = {"NO_PROXY": "127.0.0.1,localhost"}
        return tracing | keys | endpoints | telemetry | proxies | direct


@asynccontextmanager
async def listener() -> AsyncGenerator[Listener]:
    async with await anyio.create_tcp_listener(local_host="127.0.0.1", local_port=0) as tcp:
        found = Listener(f"http://127.0.0.1:{tcp.extra(SocketAttribute.local_port)}")

        async def answer(stream: SocketStream) -> None:
            async with stream:
                found.callers.append(await stream.receive())
                found.came.set()
                await stream.send(b"HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\nConnection: close\r\n\r\n")

        async with anyio.create_task_group() as tasks:
            tasks.start_soon(tcp.serve, answer)
            yield found
            tasks.cancel_scope.cancel()


async def test_a_run_without_a_model_connects_to_nobody(tmp_path: Path) -> None:
    async with listener() as outside:
        place = Place.below(tmp_path, **outside.variables())
        async with place.server("--offline") as client:
            await client.open()
            assert (await client.told("build_feature", {"task": "slugs"}))["status"] == "completed"
        assert outside.callers == []


async def test_the_listener_is_where_tracing_that_was_asked_for_goes(tmp_path: Path) -> None:
    """The test above can fail: with this program's own switch the same variables have effect."""
    async with listener() as outside:
        place = Place.below(tmp_path, AGENT_WORKFLOWS_TRACING="true", **outside.variables())
        (place.workspace / "go").touch()
        async with place.server("--offline", "--workflow", str(OWN_WORKFLOWS / "held.py")) as client:
            await client.open()
            await client.told("held", {"task": "be traced"})
            with anyio.fail_after(10):
                await outside.came.wait()


async def test_a_run_with_real_claude_reaches_its_model_and_nobody_else(tmp_path: Path) -> None:
    async with listener() as outside, messages_api(build_feature_model(("finish",))) as api:
        claude = claude_environment(tmp_path, api.url) | {"AGENT_WORKFLOWS_CLAUDE": str(require_claude())}
        for name in ("DISABLE_AUTOUPDATER", "DISABLE_TELEMETRY", "CLAUDE_CODE_DISABLE_NONESSENTIAL_TRAFFIC"):
            del claude[name]  # the program itself has to see to that
        place = Place.below(tmp_path, **outside.variables(), **claude)
        async with place.server() as client:
            await client.open()
            assert (await client.told("build_feature", {"task": TASK}, within=50))["status"] == "completed"
        assert outside.callers == []
        assert len(api.delivered) > 0
