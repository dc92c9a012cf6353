"""Twelve tasks of a night on call, done on a page as wide as a phone as docs/tasks.md says."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest
from aiohttp import web
from playwright.async_api import Locator, Page, expect

from bot.simulator import read_manifest
from tests.conftest import unavailable
from tests.helpers.browser_pages import IS_INSTALLED, PHONE, chromium
from tests.helpers.http_servers import served, vector
from tests.helpers.waiting import until
from tests.scenarios.starting import StartBot
from tests.scenarios.world import ANA, BEN, CHLOE, Gateway, World

pytestmark = [pytest.mark.browser, pytest.mark.one_engine]
expect.set_options(timeout=30_000)

ROOT = Path(__file__).parents[2]
ROWS = [
    [cell.strip() for cell in line.strip("|").split(" | ")]
    for line in (ROOT / "docs" / "tasks.md").read_text(encoding="utf-8").splitlines()
    if line.startswith("| ") and not line.startswith("| task")
]
TASKS = {row[0].strip(" |"): row[1:] for row in ROWS}
SERVICES = {
    "shop-web": {"depends_on": ["cart-api"]},
    "cart-api": {"depends_on": ["orders-db"]},
    "orders-db": {},
}


class Night:
    """Ben, an approver who is on call, with his phone."""

    def __init__(self, world: World, page: Page) -> None:
        self.world = world
        self.page = page
        self.done: set[str] = set()

    async def open(self) -> None:
        await self.page.goto(f"{self.world.slack.page_url}?as=ben")
        await self.page.wait_for_selector(".live.on", state="attached")

    def card(self, number: int) -> Locator:
        """The card of the n-th incident, in the channel."""
        return self.page.locator(f"#m-{self.world.cards()[number - 1].ts}".replace(".", r"\."))

    @property
    def home(self) -> Locator:
        return self.page.locator(".home")

    @property
    def dialog(self) -> Locator:
        return self.page.locator("dialog[open]")

    async def go(self, place: str) -> None:
        await self.page.get_by_label("Show channels").check()
        await self.page.get_by_role("link", name=place).click()
        await self.page.wait_for_selector(".live.on", state="attached")

    async def does(self, task: str, number: int, *, other: str = "") -> None:
        """Do what the table says, in the place that it says, about the n-th incident.

        `other` is the person, or the second incident, that it takes.
        """
        place, steps = TASKS[task][:2]
        presses = re.findall(r"\*\*(.+?)\*\*", steps)
        commands = re.findall(r"`(/.+?)`", steps)
        assert len(presses) <= 2
        assert len(commands) <= 1
        assert not (presses and commands), "two presses or one command"
        for command in commands:
            assert place == "any channel"
            line = command.replace("INC-1", f"INC-{number}").replace("@ben", other)
            box = self.page.get_by_label("Message #alerts")
            await box.fill(line)
            await box.press("Enter")
        scope = self.home if place == "Home" else self.card(number)
        for press in presses:
            label = press.replace("INC-1", other)
            await scope.locator("button, a").filter(has_text=label).first.click()
            scope = self.dialog
        self.done.add(task)

    async def close_dialog(self) -> None:
        await self.dialog.get_by_role("button", name="Close").click()
        await expect(self.dialog).to_have_count(0)

    def incident(self, number: int, column: str) -> Any:
        rows = self.world.rows("SELECT * FROM incidents ORDER BY id")
        return rows[number - 1][column]

    async def holds(self, column: str, number: int, value: Any) -> None:
        await until(lambda: self.incident(number, column) == value, why=f"{column} of INC-{number}")


async def _fills(world: World, bot: StartBot, url: str) -> None:
    """The operator's files; nothing waits for a digest."""
    source = {
        "name": "prom",
        "kind": "prometheus",
        "url": url,
        "queries": {"error-rate": 'errors{service="{{service}}"}'},
    }
    services = world.folder / "services.yaml"
    services.write_text(json.dumps({"services": SERVICES}))
    correlate = {"card_update_seconds": 0, "reopen_within_seconds": 0, "flapping_changes": 100}
    world.write_policy(BEN, CHLOE, segments={"llm": {"sources": [source]}, "correlate": correlate})
    world.slack.core.manifest = read_manifest(ROOT / "manifest.yml")
    await bot(SERVICES_FILE=str(services))


async def _last_time(world: World) -> None:
    """INC-1 of the checkout, which is over."""
    await world.alert()
    await world.card("INC-1")
    await world.resolves()
    await world.card("RESOLVED")
    await world.quiet()


async def test_each_of_twelve_tasks_takes_two_presses_or_one_command_on_a_phone(
    world: World, bot: StartBot, gateway: Gateway
) -> None:
    if not IS_INSTALLED:
        unavailable("chromium is not on this machine (make services)")
    values = ["0.078"]

    async def answer(request: web.Request) -> web.Response:
        return web.json_response(vector(({"job": "web"}, values[0])))

    async with served(answer) as url, chromium() as browser:
        await _fills(world, bot, url)
        await world.leaky_service.make_unhealthy()
        await _last_time(world)
        page = await browser.new_page(viewport=PHONE)
        night = Night(world, page)
        await night.open()
        await _one_incident(night, values)
        await _a_cascade(night)
        await _the_morning(night)
    assert night.done == set(TASKS), "each row of docs/tasks.md is driven"
    assert len(TASKS) == 12


async def _one_incident(night: Night, values: list[str]) -> None:
    world, page = night.world, night.page
    await world.alert()
    await world.card("last time", number=2)
    await world.approval_card("awaiting approval", number=2)

    await night.does("acknowledge", 2)
    await expect(night.card(2).get_by_text("acknowledged by @ben")).to_be_visible()
    await night.holds("acknowledged_by", 2, BEN)

    values[0] = "0.042"
    await night.does("more evidence", 2)
    await world.reply("evidence", "now 0.042", number=2)
    await world.advice("", number=2, which=2)

    await night.go("sopbot · Home")
    await night.does("approve from phone", 2)
    await expect(night.home.get_by_text("Nothing waits for your approval.")).to_be_visible()
    await world.result("Verified", number=2)
    assert world.leaky_service.restarts == 1

    await night.go("# alerts")
    async with page.expect_popup() as opened:
        await night.does("find last time", 2, other="INC-1")
    thread = await opened.value
    await thread.wait_for_url(f"**as=ben**thread={world.cards()[0].ts}**")
    await expect(thread.get_by_text("INC-1 resolved").first).to_be_visible()
    await thread.close()


async def _a_cascade(night: Night) -> None:
    world = night.world
    await world.alert("shop-web", name="HighErrorRate")
    await world.card("INC-3", number=3)
    await world.press(await world.card(number=3), "Acknowledge", "ana")
    await world.alert("orders-db", name="ConnectionsRefused")
    await world.card("INC-4", number=4)
    await world.alert("cart-api", name="UpstreamTimeouts")
    await world.card("2 children", number=3)

    await night.does("why merged", 3)
    await expect(night.dialog.get_by_text("INC-5 is linked with both")).to_be_visible()
    await expect(night.dialog.get_by_text("shop_web is declared to call cart_api")).to_be_visible()
    await night.close_dialog()

    await night.does("split", 3, other="INC-4")
    await night.holds("parent_id", 4, None)
    await expect(night.dialog.get_by_text("Split INC-4")).to_have_count(0)
    await expect(night.dialog.get_by_text("INC-4 is an incident of its own again")).to_be_visible()
    await night.close_dialog()

    await night.does("take over", 3)
    await expect(night.card(3).get_by_text("acknowledged by @ben")).to_be_visible()
    await world.reply("steered", "it was @ana's", number=3, which=2)

    await night.does("mute until clear", 3)
    await expect(night.card(3).get_by_text("🔕 muted by @ben until it clears")).to_be_visible()
    assert night.incident(3, "muted_by") == BEN

    await night.does("escalate", 3, other="@chloe")
    await expect(night.card(3).get_by_text("escalated to @chloe")).to_be_visible()
    await _direct(world, CHLOE, "please help")

    await night.does("hand over", 3, other="@ana")
    offer = await _direct(world, ANA, "hands 2 incidents over to you")
    await world.slack.as_user("ana").press(offer, "Accept")
    await expect(night.card(3).get_by_text("acknowledged by @ana")).to_be_visible()
    await night.holds("acknowledged_by", 2, ANA)


async def _the_morning(night: Night) -> None:
    world = night.world
    await world.resolves()
    await world.card("RESOLVED", number=2)
    await night.does("post-mortem", 2)
    await night.card(2).get_by_role("link", name=re.compile("replies")).click()
    await expect(night.page.get_by_text("INC-2-postmortem-v1.md")).to_be_visible()
    await night.page.get_by_role("link", name="Close thread").click()
    assert world.rows("SELECT version FROM postmortems WHERE incident_id = 2")

    await night.go("sopbot · Home")
    await night.does("what happened overnight", 2)
    await expect(night.home.get_by_text("5 incidents opened, 2 resolved")).to_be_visible()


async def _direct(world: World, user: str, says: str) -> Any:
    channel = world.slack.core.workspace.direct(user).id
    return await world.slack.wait_for(
        lambda: next((m for m in world.slack.messages(channel) if says in m.text), None),
        why=f"a direct message saying {says!r}",
    )
