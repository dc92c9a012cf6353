"""The page, asked over HTTP and clicked in a real browser."""

from typing import Any

import aiohttp
import pytest
from playwright.async_api import Page, expect
from slack_bolt.app.async_app import AsyncApp

from ..local import LocalSlack

JSON = dict[str, Any]
ATTACKS = [
    "<script>document.title='owned'</script>",
    "<img src=x onerror=\"document.title='owned'\">",
    '<https://a.b|"><svg onload=alert(1)>>',
    "<javascript:alert(1)|click me>",
    "*<b onmouseover=alert(1)>*",
    "lone \ud800 surrogate and \x00 nul",
]


async def open_page(page: Page, slack: LocalSlack, who: str = "ben", **query: str) -> None:
    more = "".join(f"&{name}={value}" for name, value in query.items())
    await page.goto(f"{slack.page_url}?as={who}{more}")
    await page.wait_for_selector(".live.on", state="attached")


def approval() -> list[JSON]:
    def button(text: str, action_id: str, style: str) -> JSON:
        label = {"type": "plain_text", "text": text}
        return {"type": "button", "text": label, "action_id": action_id, "style": style}

    return [
        {"type": "section", "text": {"type": "mrkdwn", "text": "*Restart checkout-api*"}},
        {
            "type": "actions",
            "elements": [
                button("Approve", "sopbot.approve", "primary"),
                button("Reject", "sopbot.reject", "danger"),
            ],
        },
    ]


@pytest.mark.browser
async def test_an_alert_appears_by_itself_and_approve_in_the_thread_updates_the_card(
    slack: LocalSlack, app: AsyncApp, connected: Any, page: Page
) -> None:
    @app.event("message")
    async def on_message() -> None:
        pass

    @app.action("sopbot.approve")
    async def approve(ack: Any, body: JSON, client: Any) -> None:
        await ack()
        text = f"approved by <@{body['user']['id']}>"
        await client.chat_update(
            channel=body["channel"]["id"], ts=body["message"]["ts"], text=text, blocks=[]
        )

    await connected()
    await open_page(page, slack, channel="alerts")
    alert = await slack.post_as_app(
        "Alertmanager",
        "alerts",
        attachments=[{"title": "[FIRING:1] HighErrorRate", "color": "danger"}],
    )
    await expect(page.get_by_text("[FIRING:1] HighErrorRate")).to_be_visible()
    await app.client.chat_postMessage(
        channel="C0ALERTS01", thread_ts=alert.ts, text="Approve?", blocks=approval()
    )
    await page.get_by_role("link", name="1 reply").click()
    thread = page.get_by_role("complementary", name="Thread")
    await thread.get_by_role("button", name="Approve").click()
    await expect(thread.get_by_text("approved by @ben")).to_be_visible()
    await expect(thread.get_by_role("button", name="Approve")).to_have_count(0)


@pytest.mark.browser
@pytest.mark.parametrize("width", [390, 1280])
async def test_the_end_of_a_long_section_is_hidden_until_it_is_asked_for(
    slack: LocalSlack, page: Page, width: int
) -> None:
    long = "\n".join(f"line {number}" for number in range(30))

    def section(**more: Any) -> list[JSON]:
        text = {"type": "mrkdwn", "text": long}
        return [{"type": "section", "text": text, **more}]

    await page.set_viewport_size({"width": width, "height": 900})
    await slack.post_as_app("Folding", "alerts", "t", blocks=section())
    await slack.post_as_app("Whole", "alerts", "t", blocks=section(expand=True))
    await open_page(page, slack, channel="alerts")
    folding = page.get_by_role("article").filter(has_text="Folding")
    whole = page.get_by_role("article").filter(has_text="Whole")
    more = folding.get_by_role("checkbox", name="See more")

    async def height(of: Any) -> float:
        return float((await of.bounding_box())["height"])

    assert await height(folding) < 250 < await height(whole)
    await expect(whole.get_by_role("checkbox")).to_have_count(0)
    await more.focus()
    await more.press("Space")
    await expect(more).to_be_checked()
    assert await height(folding) > await height(whole) - 50


@pytest.mark.browser
async def test_messages_commands_and_replies_are_typed_and_the_answer_is_only_mine(
    slack: LocalSlack, app: AsyncApp, connected: Any, page: Page
) -> None:
    @app.event("message")
    async def on_message() -> None:
        pass

    @app.command("/incident")
    async def incident(ack: Any, command: JSON) -> None:
        await ack(f"you asked for {command['text']}")

    await connected()
    await open_page(page, slack, channel="alerts")
    box = page.get_by_role("textbox", name="Message #alerts")
    await box.fill("hello *all*")
    await box.press("Enter")
    await expect(page.get_by_text("hello all")).to_be_visible()
    await box.fill("/incident list")
    await page.get_by_role("button", name="Send").click()
    await expect(page.get_by_text("you asked for list")).to_be_visible()
    await expect(page.get_by_text("Only visible to you")).to_be_visible()
    (message,) = slack.messages("alerts")
    await open_page(page, slack, channel="alerts", thread=message.ts)
    reply = page.get_by_role("textbox", name="Reply in thread")
    await reply.fill("a reply")
    await reply.press("Enter")
    await slack.wait_for(lambda: slack.thread("alerts", message.ts), why="the reply")
    await open_page(page, slack, "ana", channel="alerts")
    await expect(page.get_by_text("hello all")).to_be_visible()
    await expect(page.get_by_text("Only visible to you")).to_have_count(0)


def report_modal() -> JSON:
    """A modal with a text input and a menu."""

    def plain(text: str) -> JSON:
        return {"type": "plain_text", "text": text}

    def ask(block_id: str, label: str, element: JSON) -> JSON:
        element = {"action_id": "v", **element}
        return {"type": "input", "block_id": block_id, "label": plain(label), "element": element}

    options = [{"text": plain(word), "value": word} for word in ("high", "low")]
    return {
        "type": "modal",
        "callback_id": "report",
        "title": plain("Report"),
        "submit": plain("Open it"),
        "blocks": [
            ask("what", "What happens?", {"type": "plain_text_input"}),
            ask("sev", "Severity", {"type": "static_select", "options": options}),
        ],
    }


@pytest.mark.browser
async def test_a_modal_shows_its_errors_keeps_what_was_typed_and_closes_when_taken(
    slack: LocalSlack, app: AsyncApp, connected: Any, page: Page
) -> None:
    taken: list[JSON] = []

    @app.command("/incident")
    async def incident(ack: Any, body: JSON, client: Any) -> None:
        await ack()
        await client.views_open(trigger_id=body["trigger_id"], view=report_modal())

    @app.view("report")
    async def report(ack: Any, view: JSON) -> None:
        values = view["state"]["values"]
        if len(values["what"]["v"]["value"]) < 5:
            await ack(response_action="errors", errors={"what": "Too short"})
            return
        taken.append(values)
        await ack()

    await connected()
    await open_page(page, slack, channel="alerts")
    await page.get_by_role("textbox", name="Message #alerts").fill("/incident open")
    await page.get_by_role("button", name="Send").click()
    dialog = page.get_by_role("dialog", name="Report")
    await expect(dialog).to_be_visible()
    await dialog.get_by_role("combobox", name="Severity").select_option("high")
    await dialog.get_by_role("textbox", name="What happens?").fill("no")
    await dialog.get_by_role("button", name="Open it").click()
    await expect(dialog.get_by_text("Too short")).to_be_visible()
    await expect(dialog.get_by_role("combobox", name="Severity")).to_have_value("high")
    await dialog.get_by_role("textbox", name="What happens?").fill("checkout fails")
    await dialog.get_by_role("button", name="Open it").click()
    await expect(dialog).to_have_count(0)
    assert taken[0]["what"]["v"]["value"] == "checkout fails"
    assert taken[0]["sev"]["v"]["selected_option"]["value"] == "high"


@pytest.mark.browser
async def test_hostile_text_stays_text_in_the_browser(slack: LocalSlack, page: Page) -> None:
    for attack in ATTACKS:
        await slack.post_as_app(
            "Evil",
            "alerts",
            attack,
            username=attack,
            attachments=[
                {
                    "title": attack,
                    "title_link": "javascript:alert(1)",
                    "color": '"/><script>alert(1)</script>',
                    "fields": [{"title": attack, "value": attack}],
                }
            ],
            blocks=[{"type": "section", "text": {"type": "mrkdwn", "text": attack}}],
        )
    await open_page(page, slack, channel="alerts")
    await expect(page.locator("article")).to_have_count(len(ATTACKS))
    assert await page.title() == "#alerts · Local Slack"
    for bad in ("script:not([src])", "img", "[onerror]", "[onload]", "[onmouseover]"):
        await expect(page.locator(f".log {bad}")).to_have_count(0)
    assert await page.locator("a[href^='javascript']").count() == 0


@pytest.mark.browser
async def test_a_phone_shows_the_log_without_scrolling_sideways_and_the_thread_covers_it(
    slack: LocalSlack, page: Page
) -> None:
    message = await slack.post_as_app("Grafana", "alerts", "x" * 400 + " https://a.b/" + "y" * 200)
    await page.set_viewport_size({"width": 360, "height": 740})
    await open_page(page, slack, channel="alerts")
    assert await page.evaluate("document.documentElement.scrollWidth") <= 360
    await expect(page.get_by_role("link", name="ops")).to_have_count(0)
    await open_page(page, slack, channel="alerts", thread=message.ts)
    box = await page.get_by_role("complementary", name="Thread").bounding_box()
    assert box is not None
    assert (box["x"], box["width"]) == (0, 360)


@pytest.mark.browser
async def test_home_is_asked_for_and_shown_and_own_messages_can_be_deleted(
    slack: LocalSlack, app: AsyncApp, connected: Any, page: Page
) -> None:
    @app.event("message")
    async def on_message() -> None:
        pass

    @app.event("app_home_opened")
    async def opened(event: JSON, client: Any) -> None:
        text = {"type": "mrkdwn", "text": "No open incidents"}
        view = {"type": "home", "blocks": [{"type": "section", "text": text}]}
        await client.views_publish(user_id=event["user"], view=view)

    await connected()
    await open_page(page, slack, view="home")
    await expect(page.get_by_text("No open incidents")).to_be_visible()
    await slack.as_user("ben").say("ops", "a slip")
    await open_page(page, slack, channel="ops")
    page.on("dialog", lambda dialog: dialog.accept())
    await page.locator("article summary").focus()
    await page.keyboard.press("Enter")
    await page.get_by_role("button", name="Delete").click()
    await expect(page.get_by_text("a slip")).to_have_count(0)
    assert slack.messages("ops") == []


async def test_the_page_has_a_strict_policy_and_no_inline_script(
    slack: LocalSlack, http: aiohttp.ClientSession
) -> None:
    async with http.get(slack.page_url) as answer:
        policy = answer.headers["Content-Security-Policy"]
        html = await answer.text()
    assert "unsafe" not in policy
    assert "default-src 'none'" in policy
    assert "<style" not in html
    assert " style=" not in html
    assert html.count("<script") == html.count('<script src="/static/')


async def test_other_hosts_and_other_origins_are_refused(
    slack: LocalSlack, http: aiohttp.ClientSession
) -> None:
    async with http.get(slack.page_url, headers={"Host": "evil.example"}) as answer:
        assert answer.status == 421
    say = slack.page_url + "do/say"
    body = {"as": "ben", "channel": "alerts", "text": "x"}
    for headers in ({"Origin": "http://evil.example"}, {"Origin": "null"}, {}):
        async with http.post(say, json=body, headers=headers) as answer:
            assert answer.status == 403
    own = {"Origin": slack.page_url.rstrip("/")}
    async with http.post(say, data="x", headers=own) as answer:
        assert answer.status == 403
    assert slack.messages("alerts") == []
    async with http.post(say, json=body, headers=own) as answer:
        assert await answer.json() == {"ok": True}


@pytest.mark.parametrize(
    ("what", "body", "status"),
    [
        ("say", {"text": "   "}, 200),
        ("say", {}, 400),
        ("act", {"n": 0, "ts": "1.000001"}, 200),
        ("act", {"n": "x"}, 400),
        ("submit", {"values": {}}, 200),
        ("shout", {}, 200),
        ("say", {"as": "guest", "channel": "ops", "text": "x"}, 200),
    ],
)
async def test_an_impossible_action_on_the_page_is_answered_in_words(
    slack: LocalSlack, http: aiohttp.ClientSession, what: str, body: JSON, status: int
) -> None:
    headers = {"Origin": slack.page_url.rstrip("/")}
    fields = {"as": "ben", "channel": "alerts", **body}
    async with http.post(slack.page_url + f"do/{what}", json=fields, headers=headers) as answer:
        assert answer.status == status
        result = await answer.json()
    assert result["ok"] is False
    assert result["error"]


async def test_a_permalink_leads_to_the_message_on_the_page(
    slack: LocalSlack, http: aiohttp.ClientSession, client: Any
) -> None:
    posted = await client.chat_postMessage(channel="C0ALERTS01", text="findable")
    link = await client.chat_getPermalink(channel="C0ALERTS01", message_ts=posted["ts"])
    async with http.get(f"{link['permalink']}?as=ben") as answer:
        assert answer.status == 200
        assert answer.url.query["as"] == "ben", "the reader stays who they are"
        assert f'id="m-{posted["ts"]}"' in await answer.text()


@pytest.mark.browser
async def test_the_thread_stays_open_when_somebody_else_looks_at_it(
    slack: LocalSlack, page: Page
) -> None:
    card = await slack.post_as_app("Monitor", "alerts", text="disk full")
    await open_page(page, slack, "ana", channel="alerts", thread=card.ts)
    thread = page.get_by_role("complementary", name="Thread")
    await expect(thread).to_be_visible()
    await page.get_by_label("I am").select_option("ben")
    await page.wait_for_url("**as=ben**")
    await expect(thread).to_be_visible()
