from pathlib import Path

import httpx
import pytest
from playwright.async_api import expect

from tests.viewer.browser import needs_chromium, shot
from tests.viewer.conftest import Stage

pytestmark = [pytest.mark.anyio, needs_chromium]


async def started(stage: Stage, workflow: str) -> str:
    """A run that the server itself runs."""
    async with stage.server.client() as client:
        answer: httpx.Response = await client.post("/api/runs", json={"workflow": workflow, "input": {"text": "hi"}})
        assert answer.status_code == 202, answer.text
        return str(answer.json()["run_id"])


async def test_a_run_is_cancelled_from_the_page_once_that_is_confirmed(stage: Stage) -> None:
    page = await stage.window.run(await started(stage, "hold"))
    await expect(page.locator(".stream")).to_contain_text("held")

    await page.get_by_role("button", name="Cancel").click()
    await page.get_by_role("button", name="Keep it running").click()
    await expect(page.locator("main .run-title .chip").first).to_have_text("Running")
    await page.get_by_role("button", name="Cancel").click()
    await page.get_by_role("button", name="Cancel the run").click()

    await expect(page.locator("main .run-title .chip").first).to_have_text("Cancelled")
    await expect(page.locator(".ending")).to_contain_text("cancelled on the page")
    await expect(page.get_by_role("button", name="Cancel")).to_have_count(0)


async def test_a_question_is_answered_on_the_page(stage: Stage) -> None:
    page = await stage.window.run(await started(stage, "ask_me"))
    gate = page.locator("main > .gate")
    await expect(gate.locator(".gate-question")).to_have_text("Shall it be done?")
    await expect(page.locator("main .run-title .chip").first).to_have_text("Needs an answer")
    await shot(page, "question")

    await gate.get_by_label("Approved").check()
    await gate.get_by_role("button", name="Answer").click()

    await expect(page.locator(".ending")).to_contain_text("yes")
    await expect(page.locator(".stream .gate-answer")).to_contain_text("true")


async def test_a_question_can_be_declined(stage: Stage) -> None:
    page = await stage.window.run(await started(stage, "ask_me"))

    await page.locator("main > .gate").get_by_role("button", name="Decline").click()

    await expect(page.locator(".ending")).to_contain_text("no")
    await expect(page.locator(".stream .gate")).to_contain_text("Declined")


async def test_a_run_is_steered_from_the_page(stage: Stage, tmp_path: Path) -> None:
    del tmp_path
    run_id = await started(stage, "hold")
    page = await stage.window.run(run_id)
    await expect(page.locator(".stream")).to_contain_text("held")
    sent: list[str] = []
    page.on("request", lambda request: sent.append(request.post_data or "") if request.url.endswith("/steer") else None)

    await page.get_by_role("button", name="Steer").click()
    await page.get_by_label("Tell the agents something").fill("Use the standard library only.")
    await page.get_by_role("button", name="Send").click()

    await expect(page.get_by_label("Tell the agents something")).to_have_count(0)
    assert sent == ['{"text":"Use the standard library only."}']


async def test_what_is_refused_is_said_with_its_remedy(stage: Stage) -> None:
    page = await stage.window.run("0123456789abcdef0123")

    await expect(page.get_by_role("heading", level=1)).to_have_text("This run cannot be shown")
    await expect(page.get_by_role("alert")).to_contain_text("0123456789abcdef0123")
