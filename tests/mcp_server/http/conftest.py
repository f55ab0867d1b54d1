"""A server for one test."""

from collections.abc import AsyncGenerator
from functools import partial
from pathlib import Path

import httpx
import pytest

from mcp_server.http import app, shown_tokens, websocket
from mcp_server.http.limits import Rate
from tests.mcp_server.http.running import Running, running


@pytest.fixture
async def server(tmp_path: Path, anyio_backend: str) -> AsyncGenerator[Running, None]:
    """A server on loopback that asks nobody for anything."""
    del anyio_backend
    async with running(tmp_path) as server:
        yield server


@pytest.fixture
async def client(server: Running) -> AsyncGenerator[httpx.AsyncClient, None]:
    """A client of it."""
    async with server.client() as client:
        yield client


@pytest.fixture
def no_time_passes(monkeypatch: pytest.MonkeyPatch) -> None:
    """For limits a minute or a second never goes by: what was taken stays taken, however slow the machine is."""
    for module in (app, shown_tokens, websocket):
        monkeypatch.setattr(module, "Rate", partial(Rate, clock=lambda: 0.0))
