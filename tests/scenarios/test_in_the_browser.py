"""The main job in a real browser: what a person sees on the local Slack's page, and clicks."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from playwright.async_api import Page, expect

from bot.simulator import read_manifest
from tests.conftest import unavailable
from tests.helpers.browser_pages import DESK, IS_INSTALLED, chromium
from tests.scenarios.starting import StartBot
from tests.scenarios.world import Gateway, World

pytestmark = [pytest.mark.browser, pytest.mark.one_engine]
expect.set_options(timeout=30_000)

MANIFEST = Path(__file__).parents[2] / "manifest.yml"


@pytest.fixture
async def page(world: World) -> AsyncIterator[Page]:
    if not IS_INSTALLED:
        unavailable("chromium is not on this machine (make services)")
    async with chromium() as browser:
        yield await browser.new_page(viewport=DESK)


async def test_approve_is_clicked_in_the_browser_and_the_service_is_restarted(
    world: World, bot: StartBot, gateway: Gateway, page: Page
) -> None:
    await bot()
    await world.leaky_service.make_unhealthy()
    await page.goto(f"{world.slack.page_url}?as=ben")
    await page.wait_for_selector(".live.on", state="attached")

    await world.alert()
    await expect(page.get_by_text("HealthCheckFailing").first).to_be_visible()
    await expect(page.get_by_text("INC-1").first).to_be_visible()
    await world.approval_card("awaiting approval")
    await page.get_by_text("replies").first.click()
    await page.get_by_role("button", name="Approve", exact=True).click()

    await expect(page.get_by_text("approved").first).to_be_visible()
    await expect(page.get_by_role("button", name="Approve", exact=True)).to_have_count(0)
    await expect(page.get_by_text("Verified:").first).to_be_visible()
    assert world.leaky_service.restarts == 1
    await world.resolves()
    await expect(page.get_by_text("RESOLVED").first).to_be_visible()


async def test_a_refusal_shows_in_the_thread_to_the_presser_alone(
    world: World, bot: StartBot, gateway: Gateway, page: Page
) -> None:
    await bot()
    await world.alert()
    card = await world.card()
    await world.approval_card("awaiting approval")
    await page.goto(f"{world.slack.page_url}?as=ana&thread={card.ts}")
    await page.wait_for_selector(".live.on", state="attached")
    if not await page.get_by_role("button", name="Approve", exact=True).count():
        await page.get_by_text("replies").first.click()
    await page.get_by_role("button", name="Approve", exact=True).click()
    await expect(page.get_by_text("Not counted: you are not an approver")).to_be_visible()
    assert world.leaky_service.restarts == 0


async def test_the_home_tab_and_the_shortcuts_are_pressed_in_the_browser(
    world: World, bot: StartBot, page: Page
) -> None:
    world.slack.core.manifest = read_manifest(MANIFEST)
    await bot()
    await world.alert()
    card = await world.card()
    await world.quiet()
    await page.goto(f"{world.slack.page_url}?as=ben")
    await page.wait_for_selector(".live.on", state="attached")

    await page.get_by_role("link", name="sopbot · Home").click()
    home = page.locator(".home")
    await expect(home.get_by_text("1 open incident")).to_be_visible()
    await home.get_by_role("button", name="Acknowledge").click()
    await expect(home.get_by_text("Yours (1)")).to_be_visible()
    await home.get_by_label("More actions").click()
    await home.get_by_role("button", name="Change severity…").click()
    dialog = page.get_by_role("dialog")
    await dialog.get_by_label("Severity").select_option("low")
    await dialog.get_by_role("button", name="Set severity").click()
    await expect(dialog.get_by_text("Submit once more to set it to low")).to_be_visible()
    await expect(dialog.get_by_label("Severity")).to_have_value("low")
    await dialog.get_by_role("button", name="Set severity").click()
    await expect(dialog).to_have_count(0)
    assert (await world.card("severity set by @ben")).text.startswith("🔹 LOW")
    await home.get_by_role("button", name="Approve").click()
    await expect(home.get_by_text("Nothing waits for your approval.")).to_be_visible()
    async with page.expect_popup() as opened:
        await home.get_by_role("link", name="Open thread").first.click()
    thread = await opened.value
    await thread.wait_for_url(f"**as=ben**thread={card.ts}**")
    await thread.close()

    await page.get_by_role("button", name="Report an incident").click()
    await page.get_by_label("What is wrong?").fill("The lift is stuck")
    await page.get_by_role("button", name="Open incident").click()
    await expect(page.get_by_text("Opened INC-2 The lift is stuck")).to_be_visible()
