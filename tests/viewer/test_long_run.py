"""A run of 10,000 events: all of them are there, few of them are in the document, and no frame is long."""

import json

import pytest
from playwright.async_api import Page, expect

from tests.viewer.browser import OUTPUT, needs_chromium, shot
from tests.viewer.conftest import Stage
from tests.viewer.told_run import ToldRun
from workflows.runs.events import AgentEvent, StageStarted, TokenStream, ToolEnd, ToolStart

pytestmark = [pytest.mark.anyio, needs_chromium]

EVENTS = 10_000
MOST_ELEMENTS = 1500
"""In the whole document, however long the run is."""

WATCH_FRAMES = """() => {
    window.longTasks = [];
    new PerformanceObserver((list) => {
        for (const entry of list.getEntries()) window.longTasks.push(Math.round(entry.duration));
    }).observe({ type: "longtask", buffered: true });
}"""


async def talk(run: ToldRun, events: int) -> None:
    """Half of it is typed, the rest are thoughts and tool calls."""
    await run.say(StageStarted(stage="codesmith", round=1))
    for first in range(run.writer.last_seq, events, 500):
        last = min(first + 500, events)
        await run.say(*(_body(number) for number in range(first, last)), progress=100 * last / (events + 1))


def _body(number: int) -> AgentEvent | TokenStream | ToolStart | ToolEnd:
    agent = ("research", "codesmith", "reviewfix")[number % 3]
    match number % 8:
        case 0:
            return AgentEvent(agent=agent, event_type="think", details={"text": f"thought {number} " + "long " * 20})
        case 2:
            return ToolStart(agent="codesmith", tool="Read", call_id=str(number), input={"path": f"src/{number}.py"})
        case 3:
            return ToolEnd(
                agent="codesmith", tool="Read", call_id=str(number - 1), seconds=0.1, ok=True, output="x " * 50
            )
        case _:
            return TokenStream(agent=agent, channel="text", text=f"piece {number} of what is said ")


async def elements(page: Page) -> int:
    return await page.evaluate("document.querySelectorAll('*').length")


async def test_ten_thousand_events_are_all_there_and_few_are_in_the_document(stage: Stage) -> None:
    run = await stage.teller.run()
    await talk(run, EVENTS)
    page = await stage.window.page()
    await page.evaluate(WATCH_FRAMES)

    await page.goto(f"{stage.window.url}/#/runs/{run.run_id}")

    await expect(page.locator("main.run")).to_have_attribute("data-seq", str(EVENTS), timeout=20_000)
    assert await elements(page) < MOST_ELEMENTS
    await page.get_by_role("slider", name="Event").fill("5000")
    await expect(page.locator("main.run")).to_have_attribute("data-seq", "5000")
    assert await elements(page) < MOST_ELEMENTS
    await shot(page, "long-run")
    # How long the tasks were depends on what else the machine does; `make bench` judges them, here they are kept.
    OUTPUT.mkdir(parents=True, exist_ok=True)
    (OUTPUT / "long-tasks.json").write_text(json.dumps(await page.evaluate("window.longTasks")))
