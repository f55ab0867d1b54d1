"""The API against its own description: what fits the document is answered as the document says."""

from pathlib import Path
from typing import Any, cast

import anyio
import anyio.to_thread
import httpx
import pytest
import schemathesis
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis.strategies import SearchStrategy
from schemathesis.checks import positive_data_acceptance
from schemathesis.core.result import Ok

from tests.mcp_server.http.running import BOUND, Running, running
from tests.mcp_server.http.test_security import POSTED, ROUTES

pytestmark = pytest.mark.anyio

EXAMPLES = 8
"""Requests made up for each operation; together they take a few seconds."""
STREAMS = {"watch_run", "chat"}
"""They answer until a run is over, and have tests of their own."""


async def test_the_document_names_every_route(client: httpx.AsyncClient) -> None:
    document = (await client.get("/api/openapi.json")).json()
    named = {path.replace("{run_id}", "x").replace("{name}", "y") for path in document["paths"]}
    named = {path.replace("workflows/y", "workflows/echo") for path in named}

    assert document["openapi"] == "3.1.0"
    assert {path for path in [*ROUTES, *POSTED] if path.startswith("/api")} == {
        path for path in named if path.startswith("/api")
    }


async def test_every_operation_keeps_to_the_document(tmp_path: Path) -> None:
    async with running(tmp_path, requests_per_second=100_000) as server:
        await (await server.told(events=2)).end()
        with anyio.fail_after(50):
            await anyio.to_thread.run_sync(check_all, server)


def check_all(server: Running) -> None:
    """Make requests up from the document, and check every answer; blocks."""
    schema: Any = schemathesis.openapi.from_url(f"{server.url}/api/openapi.json")
    checked: list[str] = []
    for found in schema.get_all_operations():
        assert isinstance(found, Ok)
        operation: Any = cast("Any", found).ok()
        if operation.definition.raw["operationId"] in STREAMS:
            continue

        _checked(operation.as_strategy())
        checked.append(operation.label)
    assert len(checked) >= 15


def _checked(cases: SearchStrategy[Any]) -> None:
    @settings(
        max_examples=EXAMPLES,
        deadline=None,
        database=None,
        derandomize=True,
        phases=[Phase.explicit, Phase.generate],
        suppress_health_check=[HealthCheck.too_slow, HealthCheck.filter_too_much, HealthCheck.data_too_large],
    )
    @given(case=cases)
    def check(case: Any) -> None:
        # Which names and which input are right depends on the workflows there are.
        case.call_and_validate(timeout=BOUND, excluded_checks=[positive_data_acceptance])

    check()
