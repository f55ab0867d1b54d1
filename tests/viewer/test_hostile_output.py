"""Whatever a model, a tool or a file says ends as text: nothing of it runs, loads or leads anywhere it should not."""

import pytest
from playwright.async_api import Page, expect

from tests.viewer.browser import needs_chromium
from tests.viewer.conftest import Stage
from workflows.runs.events import (
    AgentEvent,
    GateOpened,
    SupervisorEvent,
    TokenStream,
    ToolEnd,
    ToolStart,
    WorkflowCompleted,
)

pytestmark = [pytest.mark.anyio, needs_chromium]

HOSTILE = (
    "<script>window.hit = 1</script>",
    '<img src="x" onerror="window.hit = 1">',
    '<svg onload="window.hit = 1"></svg>',
    "</p></div><h1 onclick='window.hit=1'>hit</h1>",
    "[link](javascript:window.hit=1) [data](data:text/html,<script>window.hit=1</script>) [rel](//elsewhere.invalid/x)",
    "![picture](http://elsewhere.invalid/picture.png)",
    "<iframe srcdoc='<script>parent.hit=1</script>'></iframe>",
    '<a href="javascript:window.hit=1">a</a>',
    "```html\n<script>window.hit = 1</script>\n```",
    "&lt;script&gt;window.hit = 1&lt;/script&gt;",
    "\u202egnp.exe \x00 \x1b[31m",
)
TEXT = "\n\n".join(HOSTILE)


async def said_everywhere(stage: Stage) -> str:
    """A run in which every place that shows foreign text has the hostile text."""
    run = await stage.teller.run(TEXT, workflow="<img src=x onerror=window.hit=1>")
    agent = "<b onmouseover=window.hit=1>agent</b>"
    for name, media_type in {"a.md": "text/markdown", "b.json": "application/json", "c.diff": "text/x-diff"}.items():
        run.made(name, media_type, TEXT)
        details = {"text": TEXT, "artifact": name, "media_type": media_type}
        await run.say(AgentEvent(agent=agent, event_type="result", details=details))
    schema = {
        "type": "object",
        "properties": {"<script>": {"type": "string", "title": TEXT, "description": TEXT, "enum": [TEXT]}},
    }
    await run.say(
        TokenStream(agent=agent, channel="text", text=TEXT),
        AgentEvent(agent=agent, event_type="decision", details={"text": TEXT, TEXT: {TEXT: [TEXT]}}),
        ToolStart(agent=agent, tool=TEXT, call_id=TEXT, input={"file_path": TEXT, TEXT: TEXT}),
        ToolEnd(agent=agent, tool=TEXT, call_id=TEXT, seconds=0.1, ok=False, output=TEXT),
        SupervisorEvent(event_type="decision", reasoning=TEXT, confidence=7.0, next_agent=TEXT, instructions=TEXT),
        GateOpened(gate_id=TEXT, question=TEXT, schema=schema),
    )
    await run.say(
        WorkflowCompleted(final_response=TEXT, result={TEXT: TEXT}, usage={}, seconds=1, tool_calls=1, steps=0)
    )
    return run.run_id


async def assert_harmless(page: Page) -> None:
    assert await page.evaluate("window.hit") is None
    assert await page.locator("#page script, #page img, #page iframe, #page object, #page embed").count() == 0
    links = await page.locator("#page a").evaluate_all("links => links.map((link) => link.getAttribute('href'))")
    assert [link for link in links if not link.startswith(("#/", "#main"))] == []
    handlers = "nodes => nodes.filter((node) => [...node.attributes].some((one) => one.name.startsWith('on'))).length"
    assert await page.locator("#page *").evaluate_all(handlers) == 0


async def test_hostile_output_is_shown_as_text_wherever_it_comes(stage: Stage) -> None:
    run_id = await said_everywhere(stage)
    page = await stage.window.run(run_id)
    await expect(page.locator(".ending")).to_contain_text("<script>window.hit = 1</script>")

    for details in await page.locator("details > summary").all():
        await details.click()
    await assert_harmless(page)

    for number in range(3):
        await page.locator(".artifact-list a").nth(number).click()
        await expect(page.locator(".artifact")).to_contain_text('<img src="x" onerror="window.hit = 1">')
        await assert_harmless(page)


async def test_a_question_with_hostile_words_is_asked_as_text(stage: Stage) -> None:
    run = await stage.teller.run()
    schema = {"type": "object", "properties": {"a": {"type": "string", "title": TEXT, "description": TEXT}}}
    await run.say(GateOpened(gate_id="g", question=TEXT, schema=schema))

    page = await stage.window.run(run.run_id)

    await expect(page.locator("main > .gate .gate-question")).to_contain_text("<script>window.hit = 1</script>")
    await assert_harmless(page)


async def test_links_of_a_model_lead_to_the_web_only_and_tell_nobody_where_from(stage: Stage) -> None:
    run = await stage.teller.run()
    text = "[good](https://example.com/) [mail](mailto:a@example.com) [bad](JaVaScRiPt:alert(1)) [file](file:///etc/passwd)"
    await run.say(WorkflowCompleted(final_response=text, result={}, usage={}, seconds=1, tool_calls=0, steps=0))

    page = await stage.window.run(run.run_id)

    links = page.locator(".ending a")
    await expect(links).to_have_text(["good", "mail"])
    for link in await links.all():
        assert await link.get_attribute("rel") == "noopener noreferrer nofollow"
    await expect(page.locator(".ending")).to_contain_text("bad file")
