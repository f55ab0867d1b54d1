"""A server for one test."""

from collections.abc import AsyncGenerator
from pathlib import Path

import httpx
import pytest

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
