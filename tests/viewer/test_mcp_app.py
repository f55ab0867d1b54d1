"""The page as an MCP App: in a host's frame, with nothing but the host's bridge to a real server over stdio."""

from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import anyio
import pytest
from playwright.async_api import Browser, FrameLocator, Page, expect

from tests.system.place import Place
from tests.system.wire import WireClient
from tests.viewer.browser import LONGEST_MS, Seen, needs_chromium, shot

pytestmark = [pytest.mark.anyio, needs_chromium]

HOST = Path(__file__).parents[1] / "fakes" / "app_host.html"
OWN = Path(__file__).parents[1] / "system" / "own_workflows"
TASK = {"task": "Turn titles into slugs"}
APP = "text/html;profile=mcp-app"


@dataclass(slots=True)
class Outage:
    """Times in which a host passes nothing on.

    Attributes:
        now: Whether this is one.
    """

    now: bool = False
    _refused: anyio.Event = field(default_factory=anyio.Event)

    def refuse(self) -> dict[str, Any]:
        """What the host answers."""
        self._refused.set()
        return {"error": {"code": -32000, "message": "The server is started again."}}

    async def refused(self, times: int) -> None:
        """Wait until the app was refused so often from now on."""
        with anyio.fail_after(15):
            for _ in range(times):
                self._refused = anyio.Event()
                await self._refused.wait()


@asynccontextmanager
async def hosted(
    browser: Browser, client: WireClient, outage: Outage | None = None
) -> AsyncGenerator[tuple[Page, FrameLocator], None]:
    """A host that shows the app of `build_feature`, and the app, which must throw nothing and ask for nothing."""
    outage = outage or Outage()
    tools = (await client.asked("tools/list"))["result"]["tools"]
    (tool,) = [tool for tool in tools if tool["name"] == "build_feature"]
    answer = await client.asked("resources/read", {"uri": tool["_meta"]["ui"]["resourceUri"]})
    (content,) = answer["result"]["contents"]
    assert content["mimeType"] == APP

    async def ask_server(method: str, params: dict[str, Any]) -> dict[str, Any]:
        if outage.now:
            return outage.refuse()
        answer = await client.asked(method, params)
        return {name: answer[name] for name in ("result", "error") if name in answer}

    context = await browser.new_context(reduced_motion="reduce", viewport={"width": 900, "height": 900})
    page = await context.new_page()
    page.set_default_timeout(LONGEST_MS)
    seen = Seen()
    seen.watch(page, "about:")
    await page.expose_function("askServer", ask_server)  # pyright: ignore[reportUnknownMemberType] - its callbacks are untyped
    await page.set_content(HOST.read_text("utf-8"))
    await page.evaluate("html => window.show(html)", content["text"])
    await page.evaluate("() => window.initialized")
    yield page, page.frame_locator("iframe")
    await context.close()
    assert seen.errors == [], seen.errors
    assert seen.elsewhere == [], seen.elsewhere


async def test_the_app_finds_the_run_of_a_call_and_shows_it_to_its_end(tmp_path: Path, browser: Browser) -> None:
    async with Place.below(tmp_path).server("--offline") as client:
        await client.open()
        async with hosted(browser, client) as (page, app):
            await expect(app.locator("main")).to_contain_text("Waiting for the run")

            call = await client.call("build_feature", TASK)
            await page.evaluate("input => window.tell('ui/notifications/tool-input', {arguments: input})", TASK)
            result = (await client.answer(call, within=30))["result"]
            await page.evaluate("result => window.tell('ui/notifications/tool-result', result)", result)

            await expect(app.locator(".run-title .chip").first).to_have_text("Completed")
            await expect(app.locator(".ending")).to_contain_text("A small module that turns titles into URL slugs")
            await app.locator(".artifact-list a").nth(1).click()
            await expect(app.locator(".artifact .markdown h3").first).to_have_text("Design: slugs")
            await shot(page, "app")
            await app.locator(".artifact").get_by_text("Close").click()
            await expect(app.locator(".artifact")).to_have_count(0)


async def test_the_app_shows_a_run_while_its_call_is_still_under_way(tmp_path: Path, browser: Browser) -> None:
    async with Place.below(tmp_path).server("--offline", "--workflow", str(OWN / "held.py")) as client:
        await client.open()
        async with hosted(browser, client) as (page, app):
            call = await client.call("held", TASK)
            await page.evaluate("input => window.tell('ui/notifications/tool-input', {arguments: input})", TASK)
            await expect(app.locator(".stream")).to_contain_text("waiting for go", timeout=15_000)

            await app.get_by_role("button", name="Steer").click()
            await app.get_by_label("Tell the agents something").fill("Hurry.")
            await app.get_by_role("button", name="Send").click()
            await expect(app.get_by_label("Tell the agents something")).to_have_count(0)
            await app.get_by_role("button", name="Cancel").click()
            await app.get_by_role("button", name="Cancel the run").click()

            await expect(app.locator(".run-title .chip").first).to_have_text("Cancelled", timeout=15_000)
            with anyio.fail_after(10):
                assert (await client.answer(call))["result"]["isError"]


async def test_the_app_goes_on_when_its_host_has_passed_nothing_on_for_a_while(
    tmp_path: Path, browser: Browser
) -> None:
    place, outage = Place.below(tmp_path), Outage()
    async with place.server("--offline", "--workflow", str(OWN / "held.py")) as client:
        await client.open()
        async with hosted(browser, client, outage) as (page, app):
            outage.now = True
            await client.call("held", TASK)
            await page.evaluate("input => window.tell('ui/notifications/tool-input', {arguments: input})", TASK)
            await outage.refused(2)
            outage.now = False
            await expect(app.locator(".stream")).to_contain_text("waiting for go", timeout=15_000)

            outage.now = True
            await outage.refused(2)
            await expect(app.locator(".chip.connection")).to_be_visible()
            (place.workspace / "go").touch()
            outage.now = False

            await expect(app.locator(".run-title .chip").first).to_have_text("Completed", timeout=15_000)
            await expect(app.locator(".stream")).to_contain_text("let go")


async def test_a_run_that_the_server_does_not_have_is_said_to_be_none_at_once(tmp_path: Path, browser: Browser) -> None:
    async with Place.below(tmp_path).server("--offline") as client:
        await client.open()
        async with hosted(browser, client) as (page, app):
            result = {"structuredContent": {"run_id": "0000"}}
            await page.evaluate("result => window.tell('ui/notifications/tool-result', result)", result)

            await expect(app.locator("h1")).to_have_text("This run cannot be shown")
            await expect(app.locator(".problem")).to_contain_text("There is no resource runs://0000")


async def test_the_app_wears_the_host_s_colours_and_has_it_open_links(tmp_path: Path, browser: Browser) -> None:
    place = Place.below(tmp_path)
    (place.workspace / "go").touch()
    async with place.server("--offline", "--workflow", str(OWN / "held.py")) as client:
        await client.open()
        async with hosted(browser, client) as (page, app):
            call = await client.call("held", {"task": "[the format](https://example.com/json)"})
            result = (await client.answer(call, within=30))["result"]
            await page.evaluate("result => window.tell('ui/notifications/tool-result', result)", result)
            ground = "element => getComputedStyle(element.ownerDocument.documentElement).backgroundColor"

            assert await app.locator(".ending").evaluate(ground) == "rgb(15, 17, 21)"
            await page.evaluate("() => window.tell('ui/notifications/host-context-changed', {theme: 'light'})")
            await expect(app.locator(":root")).to_have_css("background-color", "rgb(246, 247, 249)")
            await app.locator(".ending a").click()
            assert await page.evaluate("() => window.opened") == ["https://example.com/json"]


async def test_every_workflow_has_the_page_and_a_run_s_own_address_gives_the_same_one(tmp_path: Path) -> None:
    async with Place.below(tmp_path).server("--offline") as client:
        opened = await client.open()
        tools = (await client.asked("tools/list"))["result"]["tools"]
        pages = [await client.resource(f"ui://run/{name}") for name in ("page", "3f2a9c1b0d5e6f708192")]

    assert pages[0] == pages[1]
    shown = {tool["name"] for tool in tools if tool.get("_meta", {}).get("ui") == {"resourceUri": "ui://run/page"}}
    assert shown == {"build_feature", "collaborate", "research", "review_code", "ask", "run_claude"}
    assert "io.modelcontextprotocol/ui" in opened["result"]["capabilities"]["extensions"]
