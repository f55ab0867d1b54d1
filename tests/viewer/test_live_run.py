import re
from pathlib import Path

import httpx
import pytest
from playwright.async_api import Browser, expect

from tests.system.place import Place
from tests.viewer.browser import needs_chromium, shot, window_on
from tests.viewer.conftest import Stage
from tests.viewer.served import free_port, served
from tests.viewer.told_run import ToldRun
from workflows.runs.events import (
    AgentEvent,
    Heartbeat,
    StageCompleted,
    StageStarted,
    SupervisorEvent,
    TokenStream,
    ToolEnd,
    ToolStart,
    UsageRecorded,
    WorkflowCompleted,
    WorkflowError,
)

pytestmark = [pytest.mark.anyio, needs_chromium]


async def decided(run: ToldRun, agent: str, why: str, confidence: float = 0.9) -> None:
    decision = SupervisorEvent(
        event_type="decision",
        reasoning=why,
        confidence=confidence,
        next_agent=agent,
        instructions="Look at the writers.",
    )
    await run.say(decision)


def end() -> WorkflowCompleted:
    usage = {"input_tokens": 1200, "output_tokens": 80, "cost_usd": 0.04}
    return WorkflowCompleted(
        final_response="**The flag** is there.",
        result={"files": ["a.py"]},
        usage=usage,
        seconds=5,
        tool_calls=1,
        steps=1,
    )


async def test_a_run_is_watched_from_its_start_to_its_end(stage: Stage) -> None:
    run = await stage.teller.run()
    page = await stage.window.run(run.run_id)
    await expect(page.get_by_role("heading", level=1)).to_have_text("Build feature")
    await expect(page.locator("main .chip")).to_have_text("Running")

    await decided(run, "research", "First somebody has to look.")
    await expect(page.locator(".kind-supervisor")).to_contain_text("90 % sure")
    await expect(page.locator(".kind-supervisor")).to_contain_text("First somebody has to look.")

    await run.say(StageStarted(stage="research", round=1), progress=10)
    await expect(page.locator(".node.active")).to_have_text("Research")

    await run.say(TokenStream(agent="research", channel="thinking", text="The writers are in "))
    await expect(page.locator(".speech.thinking")).to_have_text("The writers are in ")
    await run.say(TokenStream(agent="research", channel="thinking", text="one module."))
    await expect(page.locator(".speech.thinking")).to_have_text("The writers are in one module.")

    start = ToolStart(agent="research", tool="Grep", call_id="1", input={"pattern": "class .*Writer"})
    await run.say(start, progress=20)
    await expect(page.locator(".tool-entry")).to_have_text("Research uses Grep class .*Writerrunning")
    await run.say(ToolEnd(agent="research", tool="Grep", call_id="1", seconds=0.31, ok=True, output="writers.py:3"))
    await expect(page.locator(".tool-end")).to_have_text("0.3 s")

    await run.say(
        Heartbeat(agent="research", stage="research", seconds=6, waiting_for="model", reason="waiting for the model")
    )
    counting_on = re.compile(r"Research: waiting for the model, ([6-9](\.\d)?|\d\d) s")
    await expect(page.locator(".waiting-line")).to_have_text(counting_on)
    usage = UsageRecorded(agent="research", model="m", input_tokens=1200, output_tokens=80, cost_usd=0.04)
    await run.say(usage, StageCompleted(stage="research", round=1, seconds=4.0, output={}), progress=40)
    await expect(page.locator(".figures")).to_contain_text("$0.04")
    await expect(page.locator(".figures")).to_contain_text("1.2 k in · 80 out")
    await expect(page.locator(".node.done").first).to_be_visible()
    await expect(page.locator(".percent")).to_have_text("40 %")
    await shot(page, "live")

    await run.say(end(), progress=100)
    await expect(page.locator("main .run-title .chip")).to_have_text("Completed")
    await expect(page.locator(".ending strong")).to_have_text("The flag")
    await expect(page.locator(".node.active")).to_have_count(0)


async def test_the_list_shows_every_run_and_leads_to_each(stage: Stage) -> None:
    first = await stage.teller.run("Add a --json flag")
    second = await stage.teller.run("Speed the export up")
    usage = UsageRecorded(agent="research", model="m", input_tokens=1200, output_tokens=80, cost_usd=0.04)
    await first.say(usage, end(), progress=100)
    page = await stage.window.page()

    rows = page.locator(".run-row")
    await expect(rows).to_have_count(2)
    await expect(rows.nth(0)).to_contain_text("Speed the export up")
    await expect(rows.nth(0)).to_contain_text("Running")
    await expect(rows.nth(0).locator(".run-row-facts")).to_have_text(re.compile(r"^0 %(now|\d+ s ago)\$0\.00$"))
    await expect(rows.nth(1)).to_contain_text("Build feature")
    await expect(rows.nth(1)).to_contain_text("Completed")
    await expect(rows.nth(1).locator(".run-row-facts")).to_have_text(re.compile(r"^(now|\d+ s ago)\$0\.04$"))
    await page.get_by_label("Filter runs").fill("json completed")
    await expect(rows).to_have_count(1)
    await page.get_by_label("Filter runs").fill("")
    await rows.nth(0).click()

    await expect(page.locator("main .task")).to_have_text("Speed the export up")
    assert page.url.endswith(f"#/runs/{second.run_id}")


async def test_two_tabs_show_the_same(stage: Stage) -> None:
    run = await stage.teller.run()
    pages = [await stage.window.run(run.run_id) for _ in range(2)]

    await run.say(
        StageStarted(stage="codesmith", round=2), TokenStream(agent="codesmith", channel="text", text="Here.")
    )

    for page in pages:
        await expect(page.locator("main.run")).to_have_attribute("data-seq", "3")
        await expect(page.locator(".node.active")).to_have_text("Code and tests×2")
        await expect(page.locator(".speech")).to_have_text("Here.")


async def test_an_error_is_shown_with_its_remedies(stage: Stage) -> None:
    run = await stage.teller.run()
    recovery = ("Wait a minute", "Set AGENT_WORKFLOWS_MODEL_CODESMITH to another model")
    error = WorkflowError(
        kind="rate_limited", error="Too many requests.", blame="provider", recovery=recovery, partial={}
    )
    await run.say(error)

    page = await stage.window.run(run.run_id)

    await expect(page.locator(".ending h2")).to_have_text("It failed: rate limited")
    await expect(page.locator(".ending")).to_contain_text("The model's provider is at fault.")
    await expect(page.locator(".recovery li")).to_have_text(list(recovery))


async def test_a_finished_run_can_be_gone_through_event_by_event(stage: Stage) -> None:
    run = await stage.teller.run()
    await run.say(StageStarted(stage="research", round=1), progress=10)
    await run.say(AgentEvent(agent="research", event_type="decision", details={"text": "one module"}), progress=20)
    await run.say(StageCompleted(stage="research", round=1, seconds=4.0, output={}), end(), progress=100)
    page = await stage.window.run(run.run_id)
    await expect(page.locator("main.run")).to_have_attribute("data-seq", "5")

    slider = page.get_by_role("slider", name="Event")
    await slider.focus()
    for _ in range(3):
        await slider.press("ArrowLeft")

    await expect(page.locator("main.run")).to_have_attribute("data-seq", "2")
    await expect(page.locator(".node.active")).to_have_text("Research")
    await expect(page.locator(".percent")).to_have_text("10 %")
    await expect(page.locator(".stream")).not_to_contain_text("one module")
    await expect(page.locator(".ending")).to_have_count(0)
    await page.get_by_role("button", name="One event on").click()
    await expect(page.locator(".stream")).to_contain_text("one module")
    await page.get_by_role("button", name="To the end").click()
    await expect(page.locator(".ending")).to_be_visible()


async def test_artifacts_are_shown_as_what_they_are(stage: Stage) -> None:
    run = await stage.teller.run()
    made = {
        "notes.md": ("text/markdown", "# Notes\n\n| a | b |\n|---|---|\n| 1 | 2 |\n"),
        "changes.diff": ("text/x-diff", "--- a/x.py\n+++ b/x.py\n@@ -1 +1 @@\n-old = 1\n+new = 1\n"),
        "review.json": ("application/json", '{"verdict": "approved", "findings": []}'),
        "x.py": ("text/x-python", "def x() -> int:\n    return 1\n"),
    }
    for name, (media_type, text) in made.items():
        run.made(name, media_type, text)
        details = {"text": name.title(), "artifact": name, "media_type": media_type}
        await run.say(AgentEvent(agent="codesmith", event_type="result", details=details))
    page = await stage.window.run(run.run_id)
    links = page.locator(".artifact-list a")
    await expect(links).to_have_count(4)

    await links.nth(0).click()
    await expect(page.locator(".artifact .markdown h3")).to_have_text("Notes")
    await expect(page.locator(".artifact td")).to_have_text(["a", "b", "1", "2"])
    await links.nth(1).click()
    await expect(page.locator(".artifact .diff-line.added")).to_have_text("+new = 1\n")
    await expect(page.locator(".artifact .diff-line.removed")).to_have_text("-old = 1\n")
    await links.nth(2).click()
    await expect(page.locator(".artifact .json")).to_contain_text("approved")
    await links.nth(3).click()
    await expect(page.locator(".artifact .hljs-keyword")).to_have_text(["def", "return"])
    await shot(page, "artifact")


async def started(client: httpx.AsyncClient, workflow: str, **given: str) -> str:
    answer = await client.post("/api/runs", json={"workflow": workflow, "input": given})
    assert answer.status_code == 202, answer.text
    return str(answer.json()["run_id"])


async def test_build_feature_is_watched_from_its_start_to_its_end(tmp_path: Path, browser: Browser) -> None:
    place, port = Place.below(tmp_path), free_port()
    url = f"http://127.0.0.1:{port}"
    task = "Turn titles into URL slugs. Say what happens to accents and emoji, and add tests."
    async with (
        served(place, port, "--offline"),
        window_on(browser, url) as window,
        httpx.AsyncClient(base_url=url, timeout=20, verify=False, trust_env=False) as client,
    ):
        before = await started(client, "research", question="Which HTTP clients for Python keep connections alive?")
        await client.get(f"/api/runs/{before}/events")  # its end: what is imported for a first run is then there
        run_id = await started(client, "build_feature", task=task)
        page = await window.run(run_id)
        await expect(page.locator(".graph")).to_contain_text("Code and tests×2", timeout=30_000)
        await shot(page, "run-page")

        await expect(page.locator("main.run")).to_have_attribute("data-status", "completed", timeout=30_000)
        run = (await client.get(f"/api/runs/{run_id}")).json()
        await expect(page.locator("main.run")).to_have_attribute("data-seq", str(run["last_seq"]))
        await expect(page.locator(".graph ol li")).to_have_text([re.compile(": done, ")] * 5)
        names = [artifact["name"] for artifact in run["artifacts"]]
        await expect(page.locator(".artifact-list .hint")).to_have_text(names)
