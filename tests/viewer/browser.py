"""A real browser that looks at the run page."""

import os
import shutil
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

import pytest
from playwright.async_api import Browser, ConsoleMessage, Page, Request, async_playwright

OUTPUT = Path(__file__).parents[2] / "test-output" / "viewer"
"""Where the screenshots of the last run of the tests are; not part of the project."""

LONGEST_MS = 5_000
"""Milliseconds that anything on the page may take to appear."""

FLAGS = (
    "--no-sandbox",  # continuous integration runs as root, where Chromium's sandbox does not work
    "--disable-gpu",
    "--disable-quic",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--no-first-run",
)

NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable", "chrome")
"""What the browser's command is called by those who distribute it."""


def find_chromium() -> str | None:
    """The browser of the system, else one that Playwright has installed; None if there is neither."""
    own = sorted(Path.home().glob(".cache/ms-playwright/chromium-*/chrome-linux*/chrome"))
    installed = [path for name in NAMES if (path := shutil.which(name)) is not None]
    return next((path for path in [*installed, *map(str, reversed(own))]), None)


CHROMIUM = find_chromium()

needs_chromium = pytest.mark.skipif(
    CHROMIUM is None,
    reason="there is no Chromium here; on Debian: apt install chromium, elsewhere: playwright install chromium",
)


@dataclass(slots=True)
class Seen:
    """What a page did besides showing something.

    Attributes:
        errors: What it wrote as an error, and what it threw.
        elsewhere: Addresses outside of the server that it asked for.
    """

    errors: list[str] = field(default_factory=list[str])
    elsewhere: list[str] = field(default_factory=list[str])

    def watch(self, page: Page, url: str) -> None:
        """Note what a page does.

        Args:
            page: The page.
            url: The server's address.
        """

        def on_console(message: ConsoleMessage) -> None:
            # Of connections that are lost, and of what the server refuses, the browser speaks by itself.
            where = message.location["url"].removeprefix(url)
            refused = "Failed to load resource" in message.text and where.startswith(("/api/", "/session", "/icon.svg"))
            unsigned = "status of 401" in message.text and where == "/"
            expected = "net::ERR_" in message.text or refused or unsigned
            if message.type == "error" and not expected:
                self.errors.append(f"{message.location['url']}: {message.text}")

        def on_request(request: Request) -> None:
            if not request.url.startswith((url, "data:", "about:")):
                self.elsewhere.append(request.url)

        page.on("console", on_console)
        page.on("pageerror", lambda error: self.errors.append(str(error)))
        page.on("request", on_request)


@dataclass(frozen=True, slots=True)
class Window:
    """A browser with pages of one server.

    Attributes:
        browser: The browser.
        url: The server's address.
        seen: What its pages did.
    """

    browser: Browser
    url: str
    seen: Seen = field(default_factory=Seen)

    async def page(
        self,
        path: str = "",
        *,
        width: int = 1280,
        height: int = 900,
        scheme: Literal["light", "dark"] = "light",
    ) -> Page:
        """A new page, of a person of its own.

        Args:
            path: What the address ends with, for example `#/runs/1`.
            width: Of the window, in CSS pixels.
            height: Likewise.
            scheme: The colours the person likes.
        """
        context = await self.browser.new_context(
            viewport={"width": width, "height": height}, color_scheme=scheme, reduced_motion="reduce"
        )
        context.set_default_timeout(LONGEST_MS)
        page = await context.new_page()
        self.seen.watch(page, self.url)
        await page.goto(f"{self.url}/{path}")
        return page

    async def run(self, run_id: str, *, width: int = 1280, height: int = 900) -> Page:
        """A new page of one run."""
        return await self.page(f"#/runs/{run_id}", width=width, height=height)


@asynccontextmanager
async def a_browser() -> AsyncGenerator[Browser, None]:
    """A browser."""
    environment = {name: value for name, value in os.environ.items() if not name.upper().endswith("_PROXY")}
    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(executable_path=CHROMIUM, args=[*FLAGS], env={**environment})
        try:
            yield browser
        finally:
            await browser.close()


@asynccontextmanager
async def window_on(browser: Browser, url: str) -> AsyncGenerator[Window, None]:
    """Pages of a server; they must throw nothing, and ask for nothing outside of the server.

    Args:
        browser: Shows them.
        url: The server's address.
    """
    window = Window(browser, url)
    yield window
    for context in browser.contexts:
        await context.close()
    assert window.seen.errors == [], window.seen.errors
    assert window.seen.elsewhere == [], window.seen.elsewhere


async def shot(page: Page, name: str) -> None:
    """Keep a picture of a page.

    Args:
        page: The page.
        name: The picture's name, without its ending.
    """
    OUTPUT.mkdir(parents=True, exist_ok=True)
    await page.screenshot(path=OUTPUT / f"{name}.png")


def keep(name: str, text: str) -> None:
    """Keep what a test has found, beside the pictures.

    Args:
        name: The file's name.
        text: What is in it.
    """
    OUTPUT.mkdir(parents=True, exist_ok=True)
    (OUTPUT / name).write_text(text, "utf-8")
