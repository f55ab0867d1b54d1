"""A run of 10,000 events: all of them are there, few of them are in the document, and no frame is long."""

import json
import re

import pytest
from playwright.async_api import Browser, Page, expect

from tests.viewer.browser import keep, needs_chromium, shot
from tests.viewer.conftest import Stage
from tests.viewer.frames import main_thread, shown
from tests.viewer.told_run import ToldRun
from workflows.runs.events import AgentEvent, StageStarted, TokenStream, ToolEnd, ToolStart

pytestmark = [pytest.mark.anyio, needs_chromium]

EVENTS = 10_000
LIVE = 1_000
"""Of them, while the page is open."""
MOST_ELEMENTS = 1500
"""In the whole document, however long the run is."""
LEAST_FRAMES = 50
"""That such a page has; where there are fewer, nothing was measured."""

LONGEST_FRAME_MS = 50.0
"""Processor time at a stretch: of what takes longer, people notice that the page does not answer."""


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


async def longest_frame(stage: Stage, browser: Browser) -> float:
    """Milliseconds of the longest frame of a page that opens a long run, follows it, and goes back and forth in it."""
    run = await stage.teller.run()
    await talk(run, EVENTS - LIVE)
    page = await stage.window.page()
    async with main_thread(browser, page) as work:
        await page.evaluate("hash => { location.hash = hash }", f"#/runs/{run.run_id}")
        await shown(page, EVENTS - LIVE)
        await talk(run, EVENTS)
        await shown(page, EVENTS)
        for seq in (5000, 300, 9000):
            await page.get_by_role("slider", name="Event").fill(str(seq))
            await shown(page, seq)
    keep("long-run-frames.json", json.dumps(work.frames))
    await page.context.close()
    assert len(work.frames) > LEAST_FRAMES
    return work.frames[0]


@pytest.mark.alone  # who shares the processor's caches with the page makes its work longer
async def test_ten_thousand_events_are_shown_without_a_long_frame(stage: Stage, browser: Browser) -> None:
    assert await longest_frame(stage, browser) <= LONGEST_FRAME_MS


async def test_of_ten_thousand_events_few_are_in_the_document(stage: Stage) -> None:
    run = await stage.teller.run()
    await talk(run, EVENTS)
    page = await stage.window.run(run.run_id)

    await shown(page, EVENTS)
    assert await elements(page) < MOST_ELEMENTS
    slider = page.get_by_role("slider", name="Event")
    await slider.fill("5000")
    await expect(slider).to_have_attribute("aria-valuetext", re.compile("event 5000 of 10000"))
    assert await elements(page) < MOST_ELEMENTS
    await shot(page, "long-run")
