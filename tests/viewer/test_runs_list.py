"""The list of runs, where there are more of them than one answer of the server tells of."""

import re

import pytest
from playwright.async_api import expect

from tests.viewer.browser import needs_chromium, shot
from tests.viewer.conftest import Stage
from workflows.runs.events import GateOpened, WorkflowCancelled

pytestmark = [pytest.mark.anyio, needs_chromium]

PAGE = 100
"""Runs that one answer tells of."""
QUESTION = GateOpened(
    gate_id="g", question="Is the plan right?", schema={"type": "boolean"}, expires_at="", parked=False
)
END = WorkflowCancelled(by="", reason="", branch="", partial={})


async def test_older_runs_are_to_be_had_and_one_that_waits_is_there_from_the_beginning(stage: Stage) -> None:
    ended = await stage.teller.run("The very first")
    await ended.say(END)
    waiting = await stage.teller.run("Shall I?")
    await waiting.say(QUESTION)
    for number in range(PAGE):
        await (await stage.teller.run(f"Later {number}")).say(END)
    page = await stage.window.page()
    rows, count = page.locator(".run-row"), page.locator(".runs-head .hint")

    await expect(count).to_have_text(f"{PAGE + 1}+")
    await expect(rows.last).to_contain_text("Shall I?")
    await expect(rows.last).to_contain_text("Needs an answer")
    await page.get_by_label("Filter runs").fill("very first")
    await expect(count).to_have_text("0+")
    await expect(page.get_by_text("None of these runs matches; there are older ones.")).to_be_visible()
    await shot(page, "older-runs")

    await page.get_by_role("button", name="Older runs").click()

    await expect(rows).to_have_text(re.compile("The very first"))
    await page.get_by_label("Filter runs").fill("")
    await expect(count).to_have_text(str(PAGE + 2))
    await expect(page.get_by_role("button", name="Older runs")).to_have_count(0)


async def test_a_run_that_ends_below_the_newest_ones_is_shown_as_ended(stage: Stage) -> None:
    waiting = await stage.teller.run("Shall I?")
    await waiting.say(QUESTION)
    await (await stage.teller.run("The one before")).say(END)
    for number in range(PAGE):
        await (await stage.teller.run(f"Later {number}")).say(END)
    page = await stage.window.page()
    rows = page.locator(".run-row")
    await page.get_by_role("button", name="Older runs").click()
    await expect(rows).to_have_count(PAGE + 2)

    await waiting.say(END)

    await expect(rows.last).to_contain_text("Cancelled")
    await expect(rows).to_have_count(PAGE + 2)
