"""axe finds nothing, in both colours, from the narrowest to a wide window; and the page works without a mouse."""

from pathlib import Path
from typing import Any, Literal

import pytest
from playwright.async_api import Page, expect

from tests.viewer.browser import needs_chromium, shot
from tests.viewer.conftest import Stage
from tests.viewer.stories import a_whole_run
from workflows.runs.events import GateOpened, WorkflowError

AXE = Path(__file__).parents[2] / "mcp_server" / "viewer" / "node_modules" / "axe-core" / "axe.min.js"

pytestmark = [pytest.mark.anyio, needs_chromium]

needs_axe = pytest.mark.skipif(not AXE.exists(), reason="axe is not installed: make viewer")


async def violations(page: Page) -> list[str]:
    """What axe finds, each with the places."""
    if await page.evaluate("typeof axe") == "undefined":
        await page.evaluate(AXE.read_text("utf-8"))  # not as a script element: the page's policy would not run it
    found: dict[str, Any] = await page.evaluate("axe.run(document, {resultTypes: ['violations']})")
    return [f"{one['id']}: {[node['html'][:120] for node in one['nodes'][:3]]}" for one in found["violations"]]


async def fits(page: Page) -> bool:
    """Whether nothing makes the whole page scroll sideways."""
    return await page.evaluate("document.documentElement.scrollWidth <= window.innerWidth")


SCHEMES: tuple[Literal["light", "dark"], ...] = ("light", "dark")


@needs_axe
@pytest.mark.parametrize("width", [320, 1440])
async def test_axe_finds_nothing(stage: Stage, width: int) -> None:
    run = await stage.teller.run()
    await a_whole_run(run)
    page = await stage.window.page(f"#/runs/{run.run_id}/artifacts/design.md", width=width, height=1000)
    await expect(page.locator(".artifact .markdown")).to_be_visible()
    await page.locator(".tool-entry summary").first.click()
    await in_both_schemes(page, f"run-{width}")
    assert await fits(page)

    await page.goto(f"{stage.window.url}/#/")
    await expect(page.locator(".run-row")).to_have_count(1)
    await in_both_schemes(page, f"runs-{width}")
    assert await fits(page)


@needs_axe
async def test_axe_finds_nothing_where_something_is_asked_or_has_failed(stage: Stage) -> None:
    run = await stage.teller.run()
    schema: dict[str, object] = {
        "type": "object",
        "required": ["approved", "mode"],
        "properties": {
            "approved": {"type": "boolean", "title": "Approved", "description": "Whether to go on."},
            "mode": {"enum": ["fast", "thorough"], "title": "Mode"},
            "note": {"type": "string", "title": "Note"},
            "rounds": {"type": "integer", "minimum": 1, "title": "Rounds"},
        },
    }
    await run.say(GateOpened(gate_id="plan", question="Shall this plan be carried out?", schema=schema))
    page = await stage.window.page(f"#/runs/{run.run_id}")
    await expect(page.locator("main > .gate form")).to_be_visible()
    await page.get_by_role("button", name="Steer").click()
    await in_both_schemes(page, "question")

    await page.get_by_role("button", name="Cancel").click()
    await in_both_schemes(page, "cancel")
    await page.keyboard.press("Escape")

    error = WorkflowError(kind="rate_limited", error="No.", blame="provider", recovery=("Wait",), partial={"a": "b"})
    await run.say(error)
    await expect(page.locator(".ending")).to_be_visible()
    await in_both_schemes(page, "failed")


async def in_both_schemes(page: Page, name: str) -> None:
    for scheme in SCHEMES:
        await page.emulate_media(color_scheme=scheme)
        await shot(page, f"{name}-{scheme}")
        assert await violations(page) == []


async def test_a_run_is_found_opened_and_gone_through_by_keyboard(stage: Stage) -> None:
    run = await stage.teller.run()
    await a_whole_run(run)
    page = await stage.window.page()
    await expect(page.locator(".run-row")).to_have_count(1)

    await focused(page, page.locator(".run-row"))
    await page.keyboard.press("Enter")
    await expect(page.locator("main.run")).to_be_visible()
    slider = page.get_by_role("slider", name="Event")
    await focused(page, slider)
    await page.keyboard.press("Home")
    await expect(page.locator("main.run")).to_have_attribute("data-seq", "1")
    await expect(slider).to_have_attribute("aria-valuetext", "event 1 of 30, after 0 s")
    await page.keyboard.press("End")
    await focused(page, page.locator(".tool-entry summary").first)
    await page.keyboard.press("Enter")
    await expect(page.locator(".tool-details").first).to_be_visible()


async def test_screen_readers_are_told_what_others_see(stage: Stage) -> None:
    run = await stage.teller.run()
    page = await stage.window.run(run.run_id)
    said = page.locator("p[role=status]")
    await a_whole_run(run)

    await expect(said).to_have_text("Run completed.", timeout=10_000)
    await expect(page.locator(".graph ol")).to_contain_text("Code and tests: done, 2 rounds")
    await expect(page.locator(".lane-names")).to_contain_text("3 tool calls, 1 failed")


async def focused(page: Page, target: Any) -> None:
    """Press Tab until something has the focus."""
    element = await target.element_handle()
    for _ in range(60):
        await page.keyboard.press("Tab")
        if await element.evaluate("element => element === document.activeElement"):
            return
    raise AssertionError("it cannot be reached with Tab")
