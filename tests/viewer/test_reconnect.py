from pathlib import Path

import anyio
import httpx
import pytest
from playwright.async_api import Browser, Page, expect

from tests.system.place import Place
from tests.viewer.browser import needs_chromium, window_on
from tests.viewer.served import free_port, served
from tests.viewer.told_run import ToldRun, teller_at
from workflows.runs.events import AgentEvent, WorkflowCompleted

pytestmark = [pytest.mark.anyio, needs_chromium]


HELD = Path(__file__).parents[1] / "system" / "own_workflows" / "held.py"


async def thoughts(run: ToldRun, first: int, last: int) -> None:
    numbers = range(first, last + 1)
    await run.say(
        *(AgentEvent(agent="codesmith", event_type="think", details={"text": f"thought {n}"}) for n in numbers)
    )


async def shown_thoughts(page: Page) -> list[str]:
    """All thoughts of the stream, in its order: it is scrolled through, as only what is seen is in the document."""
    return await page.evaluate(
        """async () => {
            const box = document.querySelector(".stream-scroll");
            const frame = () => new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(done)));
            const found = new Map();
            for (let top = 0; top <= box.scrollHeight; top += box.clientHeight / 2) {
                box.dispatchEvent(new WheelEvent("wheel"));
                box.scrollTop = top;
                await frame();
                for (const item of box.querySelectorAll("li[data-seq]")) {
                    found.set(Number(item.dataset.seq), item.querySelector(".speech").textContent);
                }
            }
            return [...found].sort((one, other) => one[0] - other[0]).map((pair) => pair[1]);
        }"""
    )


EVENT_SOURCE = """(path) => {
    window.heard = [];
    window.source = new EventSource(path);
    for (const type of ["workflow_started", "agent_event", "workflow_completed"]) {
        window.source.addEventListener(type, (event) => window.heard.push(Number(event.lastEventId)));
    }
}"""
"""Follows a run as any page can, without a line of this project's code."""
CLOSED = """() => new Promise((resolve) => {
    const look = () => window.source.readyState === EventSource.CLOSED ? resolve() : setTimeout(look, 50);
    look();
})"""


async def test_nothing_is_missing_and_nothing_comes_twice_when_the_server_restarts(
    tmp_path: Path, browser: Browser
) -> None:
    place, port = Place.below(tmp_path), free_port()
    async with teller_at(place.home) as teller, window_on(browser, f"http://127.0.0.1:{port}") as window:
        run = await teller.run()
        async with served(place, port):
            page = await window.run(run.run_id)
            await page.evaluate(EVENT_SOURCE, f"/api/runs/{run.run_id}/events")
            await thoughts(run, 1, 30)
            await expect(page.locator("main.run")).to_have_attribute("data-seq", "31")

        await expect(page.locator(".chip.connection")).to_be_visible()
        await thoughts(run, 31, 60)
        async with served(place, port):
            await thoughts(run, 61, 90)
            await expect(page.locator("main.run")).to_have_attribute("data-seq", "91", timeout=15_000)
            await expect(page.locator(".chip.connection")).to_have_count(0)

            assert await shown_thoughts(page) == [f"thought {number}" for number in range(1, 91)]
            end = WorkflowCompleted(final_response="Done.", result={}, usage={}, seconds=1.0, tool_calls=0, steps=0)
            await run.say(end, progress=100)
            await expect(page.locator(".ending")).to_contain_text("Done.")

            # A browser that is told that there is no more to come does not ask again.
            with anyio.fail_after(15):
                await page.evaluate(CLOSED)
            assert await page.evaluate("window.heard") == list(range(1, 93))


async def test_a_run_whose_process_is_gone_is_shown_as_interrupted(tmp_path: Path, browser: Browser) -> None:
    place, port = Place.below(tmp_path), free_port()
    async with served(place, port), window_on(browser, f"http://127.0.0.1:{port}") as window:
        async with teller_at(place.home) as teller:
            run = await teller.run()
            await thoughts(run, 1, 1)
            page = await window.run(run.run_id)
            await expect(page.locator("main .run-title .chip").first).to_have_text("Running")

        await expect(page.locator("main .run-title .chip").first).to_have_text("Interrupted", timeout=15_000)
        await expect(page.get_by_role("button", name="Resume")).to_be_visible()


async def test_a_run_that_its_server_left_in_its_midst_is_resumed_from_the_page(
    tmp_path: Path, browser: Browser
) -> None:
    place, port = Place.below(tmp_path), free_port()
    arguments = ("--offline", "--workflow", str(HELD))
    async with window_on(browser, f"http://127.0.0.1:{port}") as window:
        async with served(place, port, *arguments):
            page = await window.run(await started(window.url))
            await expect(page.locator(".stream")).to_contain_text("waiting for go", timeout=15_000)

        (place.workspace / "go").touch()
        async with served(place, port, *arguments):
            await expect(page.locator(".run-title .chip").first).to_have_text("Interrupted", timeout=15_000)
            await page.get_by_role("button", name="Resume").click()

            await expect(page.locator(".run-title .chip").first).to_have_text("Completed", timeout=15_000)
            await expect(page.locator(".stream")).to_contain_text("let go")
            await expect(page.get_by_role("button", name="Resume")).to_have_count(0)


async def started(url: str) -> str:
    """A run of the workflow that waits for a file."""
    async with httpx.AsyncClient(base_url=url, timeout=20, verify=False, trust_env=False) as client:
        answer = await client.post("/api/runs", json={"workflow": "held", "input": {"task": "wait"}})
        assert answer.status_code == 202, answer.text
        return str(answer.json()["run_id"])
