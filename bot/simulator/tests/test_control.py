"""The control page: a person makes Slack fail, over HTTP and in a real browser."""

from __future__ import annotations

from typing import Any

import aiohttp
import pytest
from playwright.async_api import Page, expect
from slack_sdk.errors import SlackApiError
from slack_sdk.web.async_client import AsyncWebClient

from ..local import LocalSlack
from .client import link, read

JSON = dict[str, Any]
ALERTS = "C0ALERTS01"


async def ask(slack: LocalSlack, http: aiohttp.ClientSession, what: str, **about: Any) -> JSON:
    headers = {"Origin": slack.page_url.rstrip("/")}
    url = slack.page_url + f"control/{what}"
    async with http.post(url, json=about, headers=headers) as answer:
        return dict(await answer.json())


@pytest.mark.browser
async def test_a_person_plans_a_fault_sees_it_come_true_and_cuts_a_connection(
    slack: LocalSlack, client: AsyncWebClient, http: aiohttp.ClientSession, page: Page
) -> None:
    socket = await link(slack, http)
    await page.goto(slack.page_url)
    await page.get_by_role("link", name="Faults").click()
    await page.wait_for_selector(".live.on", state="attached")
    await page.get_by_label("Error, status or seconds").fill("is_archived")
    await page.get_by_label("Times").fill("2")
    await page.get_by_role("button", name="Plan it").click()
    await expect(page.get_by_text("error chat.postMessage is_archived · 2 left")).to_be_visible()
    with pytest.raises(SlackApiError, match="is_archived"):
        await client.chat_postMessage(channel=ALERTS, text="x")
    await expect(page.get_by_text("error chat.postMessage is_archived · 1 left")).to_be_visible()
    happened = page.get_by_role("region", name="What happened")
    await expect(happened.get_by_text("error is_archived")).to_be_visible()
    await page.get_by_role("button", name="Cancel error chat.postMessage").focus()
    await page.keyboard.press("Enter")
    await expect(page.get_by_role("heading", name="Planned")).to_be_focused()
    await client.chat_postMessage(channel=ALERTS, text="x")
    event = (await read(socket))["payload"]["event"]
    assert event["text"] == "x"
    await expect(page.get_by_text("open: 1 · envelopes unanswered: 1")).to_be_visible()
    await page.get_by_role("button", name="warning").click()
    assert (await read(socket))["reason"] == "warning"
    await page.get_by_role("button", name="Cut").click()
    await expect(page.get_by_text("The app is not connected.")).to_be_visible()


@pytest.mark.browser
async def test_a_phone_shows_the_control_page_without_scrolling_sideways(
    slack: LocalSlack, http: aiohttp.ClientSession, page: Page
) -> None:
    for _ in range(2):
        await link(slack, http)
    slack.script.fail("chat.postMessage", "x" * 60, channel=ALERTS)
    await page.set_viewport_size({"width": 360, "height": 740})
    await page.goto(slack.page_url + "control")
    assert await page.evaluate("document.documentElement.scrollWidth") <= 360


@pytest.mark.browser
async def test_an_alert_is_edited_and_deleted_as_its_app_from_its_menu(
    slack: LocalSlack, page: Page
) -> None:
    alert = await slack.post_as_app("Zabbix", "alerts", attachments=[{"title": "Problem: disk"}])
    await page.goto(slack.page_url + "?as=ben&channel=alerts")
    await page.wait_for_selector(".live.on", state="attached")
    answers = ["Resolved: disk", ""]
    page.on("dialog", lambda dialog: dialog.accept(answers.pop(0)))
    await page.locator("article summary").focus()
    await page.keyboard.press("Enter")
    await page.get_by_role("button", name="Edit as Zabbix").click()
    await expect(page.get_by_text("Resolved: disk")).to_be_visible()
    changed = slack.message("alerts", alert.ts)
    assert (changed["attachments"][0]["title"], changed["edited"]["user"]) == (
        "Resolved: disk",
        alert["bot_id"],
    )
    await page.locator("article summary").focus()
    await page.keyboard.press("Enter")
    await page.get_by_role("button", name="Delete as Zabbix").click()
    await expect(page.get_by_text("Nothing was said here yet.")).to_be_visible()
    assert slack.messages("alerts") == []


async def test_chaos_limits_and_links_are_controlled_from_the_page(
    slack: LocalSlack, http: aiohttp.ClientSession
) -> None:
    socket = await link(slack, http)
    assert (await ask(slack, http, "storm", seed="7"))["ok"]
    assert slack.chaos is not None
    assert slack.chaos.seed == 7
    await ask(slack, http, "calm")
    assert slack.chaos is None
    await ask(slack, http, "limit", burst="2")
    assert slack.limits is not None
    await ask(slack, http, "unlimit")
    assert slack.limits is None
    await ask(slack, http, "app_rate_limited")
    assert (await read(socket))["payload"]["type"] == "app_rate_limited"
    await ask(slack, http, "half_open", link="1")
    assert slack.links[0].half_open
    await ask(slack, http, "plan", kind="slow", on="chat.*", value="2.5", times="")
    (plan,) = slack.script.plans
    assert (plan.value, plan.left) == (2.5, None)
    await ask(slack, http, "clear")
    assert slack.script.plans == []


@pytest.mark.parametrize(
    ("what", "about"),
    [
        ("plan", {"kind": "earthquake"}),
        ("plan", {"kind": "slow", "value": "long"}),
        ("plan", {"kind": "error", "on": "chat.update"}),
        ("plan", {"kind": "lose_answer", "times": "0"}),
        ("disconnect", {"reason": "tired"}),
        ("drop", {"link": "first"}),
        ("storm", {}),
        ("limit", {"burst": "many"}),
        ("shout", {}),
    ],
)
async def test_nonsense_on_the_control_page_is_answered_in_words(
    slack: LocalSlack, http: aiohttp.ClientSession, what: str, about: JSON
) -> None:
    answer = await ask(slack, http, what, **about)
    assert answer["ok"] is False
    assert answer["error"].startswith("That cannot be done: ")
    assert not slack.script.plans
    assert slack.chaos is None


async def test_a_stranger_may_not_make_slack_fail(
    slack: LocalSlack, http: aiohttp.ClientSession
) -> None:
    url, plan = slack.page_url + "control/plan", {"kind": "lose_answer"}
    for headers in ({"Origin": "http://evil.example"}, {"Origin": "null"}, {}):
        async with http.post(url, json=plan, headers=headers) as answer:
            assert answer.status == 403
    assert slack.script.plans == []


async def test_hostile_names_stay_text_on_the_control_page(
    slack: LocalSlack, http: aiohttp.ClientSession
) -> None:
    slack.script.fail("<script>alert(1)</script>", '"><img src=x onerror=alert(1)>')
    async with http.get(slack.page_url + "control") as answer:
        policy = answer.headers["Content-Security-Policy"]
        html = await answer.text()
    assert "unsafe" not in policy
    assert "<script>alert" not in html
    assert "<img" not in html
