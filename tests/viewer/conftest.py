"""A server, a process with runs, and a browser, all on one data directory."""

from collections.abc import AsyncGenerator
from dataclasses import dataclass
from pathlib import Path

import pytest
from playwright.async_api import Browser

from tests.mcp_server.http.running import Running, running
from tests.viewer.browser import Window, a_browser, window_on
from tests.viewer.told_run import Teller, teller_at


@dataclass(frozen=True, slots=True)
class Stage:
    """What a browser test plays on.

    Attributes:
        server: The server.
        teller: A process whose runs say what the test says.
        window: A browser.
    """

    server: Running
    teller: Teller
    window: Window


@pytest.fixture(scope="package")
def anyio_backend() -> str:
    """As everywhere in the tests, but one loop for all of these: they share a browser."""
    return "asyncio"


@pytest.fixture(scope="package")
async def browser(anyio_backend: str) -> AsyncGenerator[Browser, None]:
    """One browser for all; its start takes longer than a test. Each page is that of another person."""
    del anyio_backend
    async with a_browser() as browser:
        yield browser


@pytest.fixture
async def stage(tmp_path: Path, browser: Browser) -> AsyncGenerator[Stage, None]:
    """A server, a process with runs, and a browser."""
    async with (
        running(tmp_path) as server,
        teller_at(tmp_path / "home") as teller,
        window_on(browser, server.url) as window,
    ):
        yield Stage(server, teller, window)
