"""Pictures of the views on a phone and a desk, light and dark: nothing is cut or unreadable.

`make pictures` keeps them in build/pictures.
"""

from __future__ import annotations

import json
import os
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
from playwright.async_api import Browser, Page, ViewportSize
from slack_sdk.web.async_client import AsyncWebClient

from bot.simulator import LocalSlack
from handlers.views.text import Block
from tests.conftest import unavailable
from tests.helpers import pictured_views
from tests.helpers.browser_pages import IS_INSTALLED, chromium

pytestmark = [pytest.mark.browser, pytest.mark.unmeasured]

PEOPLE = {"U0ANA": "U0ANA00001", "U0BEN": "U0BEN00001", "U0CAT": "U0CHLOE001"}
ALERTS = "C0ALERTS01"
FAULTS = Path(pictured_views.__file__).with_name("page_faults.js").read_text(encoding="utf-8")


CONTENT_HEIGHT = "log => log.lastElementChild.offsetTop + log.lastElementChild.offsetHeight"
SCROLLED = (
    "() => (document.querySelector('dialog[open]') ?? document.querySelector('.log')).scrollTop"
)


def _with_people(value: Any) -> Any:
    """The same with the ids of the local Slack's people."""
    text = json.dumps(value)
    for made_up, real in PEOPLE.items():
        text = text.replace(f"{made_up}>", f"{real}>").replace(f'"{made_up}"', f'"{real}"')
    return json.loads(text)


class Studio:
    """A local Slack that shows the views, and the folder of the pictures."""

    def __init__(self, slack: LocalSlack, client: AsyncWebClient, folder: Path | None) -> None:
        self.slack = slack
        self.folder = folder
        self.faults: dict[str, list[str]] = {}
        self._client = client

    async def post(self, view: tuple[str, list[Block]], thread: str = "") -> str:
        """Post it; returns its `ts`."""
        text, blocks = _with_people(view)
        more = {"thread_ts": thread} if thread else {}
        answer = await self._client.chat_postMessage(
            channel=ALERTS, text=text, blocks=blocks, **more
        )
        return str(answer["ts"])

    async def opens(self, modal: Block) -> None:
        core = self.slack.core
        trigger = core.interactions.trigger(core.workspace.user("ben"))
        await self._client.views_open(trigger_id=trigger, view=_with_people(modal))

    async def publish(self, view: Block) -> None:
        await self._client.views_publish(user_id=PEOPLE["U0BEN"], view=_with_people(view))

    async def shoot(self, page: Page, name: str, query: str, pane: str) -> None:
        """Take the picture of a part of the page, and look at all of the page for faults."""
        await page.goto(f"{self.slack.page_url}?as=ben{query}")
        await page.evaluate("refresh()")
        faults = set(await page.evaluate(FAULTS))
        if name.startswith(("home", "modal")) and await page.evaluate(SCROLLED):
            faults.add("its beginning is scrolled out of sight")
        if faults:
            self.faults[name] = sorted(faults)
        if self.folder is None:
            return
        size = page.viewport_size or ViewportSize(width=390, height=900)
        if pane != "dialog":
            tall = await page.locator(f"{pane} .log").evaluate(
                "log => log.lastElementChild.offsetTop + log.lastElementChild.offsetHeight"
            )
            await page.set_viewport_size({"width": size["width"], "height": max(900, tall + 150)})
        await page.locator(pane).first.screenshot(path=self.folder / f"{name}.png")
        await page.set_viewport_size(size)


@pytest.fixture
async def studio() -> AsyncIterator[Studio]:
    if not IS_INSTALLED:
        unavailable("chromium is not on this machine (make services)")
    folder = Path(kept) if (kept := os.environ.get("SOPBOT_PICTURES")) else None
    if folder:
        folder.mkdir(parents=True, exist_ok=True)
    async with LocalSlack.start() as slack:
        yield Studio(slack, AsyncWebClient(slack.bot_token, base_url=slack.api_url), folder)


async def test_no_text_is_cut_or_unreadable_on_a_phone_or_a_desk_light_or_dark(
    studio: Studio,
) -> None:
    cards = {name: await studio.post(view) for name, view in pictured_views.cards().items()}
    root = cards["with approval"]
    for view in pictured_views.thread():
        await studio.post(view, root)
    await studio.publish(pictured_views.home_view())
    await studio.post(pictured_views.list_view())
    async with chromium() as browser:
        for width in (390, 1280):
            for scheme in ("light", "dark"):
                await _shoot_all(studio, browser, width, scheme, cards)
    assert not studio.faults, json.dumps(studio.faults, indent=1, ensure_ascii=False)


async def _shoot_all(
    studio: Studio, browser: Browser, width: int, scheme: Any, cards: dict[str, str]
) -> None:
    size = ViewportSize(width=width, height=900)
    page = await browser.new_page(viewport=size, color_scheme=scheme)
    root = cards["with approval"]
    end = f"{width}-{scheme}"
    await studio.shoot(page, f"cards-{end}", "", "main")
    await studio.shoot(page, f"thread-{end}", f"&thread={root}", "aside")
    await studio.shoot(page, f"home-{end}", "&view=home", "main")
    for name, modal in pictured_views.modal_views().items():
        await studio.opens(modal)
        await studio.shoot(page, f"modal-{name}-{end}", "", "dialog")
    core = studio.slack.core
    core.views.close(PEOPLE["U0BEN"], core.views.modal(PEOPLE["U0BEN"])["id"])
    await page.close()
