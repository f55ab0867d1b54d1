"""A person whose browser has no token yet, or no longer one that holds."""

from pathlib import Path

import pytest
from playwright.async_api import Browser, expect

from tests.mcp_server.http.running import running
from tests.viewer.browser import needs_chromium, window_on
from tests.viewer.test_accessibility import in_both_schemes, needs_axe

pytestmark = [pytest.mark.anyio, needs_chromium]

TOKENS = {"ann": "a-token-of-ann-for-this-test-alone", "bob": "a-token-of-bob-for-this-test-alone"}


async def test_a_person_signs_in_sees_their_runs_only_and_is_asked_again_when_the_session_is_over(
    tmp_path: Path, browser: Browser
) -> None:
    async with running(tmp_path, tokens=TOKENS) as server, window_on(browser, server.url) as window:
        await server.told("ann", events=1)
        await server.told("bob", events=1)
        page = await window.page()
        await page.get_by_label("Token").fill("wrong")
        await page.get_by_role("button", name="Sign in").click()
        await expect(page.get_by_role("status")).to_have_text("This token is not valid here, or not any more.")

        await page.get_by_label("Token").fill(TOKENS["ann"])
        await page.keyboard.press("Enter")
        await expect(page.locator(".run-row")).to_have_count(1)
        assert TOKENS["ann"] not in page.url

        await page.context.clear_cookies()
        token = page.get_by_label("This server asks for a token")
        await token.fill("wrong")
        await page.keyboard.press("Enter")
        await expect(page.get_by_role("alert")).to_have_text("The server does not know this token.")
        await token.fill(TOKENS["ann"])
        await page.get_by_role("button", name="Open").click()
        await page.locator(".run-row").click()
        await expect(page.locator("main.run")).to_have_attribute("data-seq", "1")


@needs_axe
async def test_axe_finds_nothing_where_a_person_signs_in(tmp_path: Path, browser: Browser) -> None:
    async with running(tmp_path, tokens=TOKENS) as server, window_on(browser, server.url) as window:
        page = await window.page(width=320)
        await expect(page.get_by_label("Token")).to_be_visible()
        await in_both_schemes(page, "sign-in")
