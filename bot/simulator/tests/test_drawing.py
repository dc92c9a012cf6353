"""Every kind of block is drawn on the page and read as text; a press says where it was."""

import random
from typing import Any

import aiohttp
import pytest
from hypothesis import given
from hypothesis import strategies as st
from playwright.async_api import Page
from slack_sdk.web.async_client import AsyncWebClient

from .. import content, rendering, rich_drawing
from ..clock import ManualClock
from ..local import LocalSlack
from ..reading import find, full_text
from ..refusal import Refusal
from ..transcript import names_of
from ..workspace import Workspace
from .sample_blocks import ANOTHER_TABLE, GOOD, JSON, button, container, plain


async def test_a_press_within_a_container_or_a_card_says_where_it_was(
    slack: LocalSlack, client: AsyncWebClient
) -> None:
    within = container(child_blocks=[{**button(text=plain("Within")), "block_id": "child"}])
    await client.chat_postMessage(channel="C0ALERTS01", text="t", blocks=[within])
    (message,) = slack.messages("alerts")
    block, item = find(message.data, "Within")
    assert (block["block_id"], item["action_id"]) == ("child", "a")


LONG = "\n".join(f"line {n} of what runs" for n in range(40))


@pytest.mark.parametrize(
    ("text", "expand", "folded"),
    [
        (LONG, None, True),
        (LONG, False, True),
        (LONG, True, False),
        ("x" * 699, None, False),
        ("x" * 700, None, True),
        ("a\nb\nc\nd\ne", None, False),
        ("a\nb\nc\nd\ne\nf", None, True),
    ],
)
async def test_a_long_section_is_folded_unless_it_says_that_it_must_not_be(
    slack: LocalSlack,
    client: AsyncWebClient,
    http: aiohttp.ClientSession,
    text: str,
    expand: bool | None,
    folded: bool,
) -> None:
    block: JSON = {"type": "section", "text": plain(text)}
    if expand is not None:
        block["expand"] = expand
    await client.chat_postMessage(channel="C0ALERTS01", text="t", blocks=[block])
    async with http.get(slack.page_url) as answer:
        assert ('aria-label="See more"' in await answer.text()) == folded
    assert slack.messages("alerts")[0].text == text, "the transcript has all of it"


def test_a_new_line_in_rich_text_begins_a_line_on_the_page() -> None:
    section = {
        "type": "rich_text_section",
        "elements": [{"type": "text", "text": "checkout-api\n19 s · <nobody>"}],
    }
    drawn = rich_drawing.rich_text({"elements": [section]}, names_of(Workspace(ManualClock())))
    assert drawn == "checkout-api<br>19 s · &lt;nobody&gt;"


async def test_an_alert_is_drawn_in_a_modal_with_its_level_in_a_word() -> None:
    workspace = Workspace(ManualClock())
    alert = {"type": "alert", "block_id": "a", "text": plain("Nobody answered"), "level": "warning"}
    view = {"id": "V1", "hash": "1", "blocks": [alert]}
    drawn = rendering.view(workspace, view, {}, names_of(workspace))["blocks"][0]
    assert (drawn["kind"], drawn["level"], str(drawn["text"])) == (
        "alert",
        "warning",
        "Nobody answered",
    )


TEXTS = (
    "A header",
    "print",
    "(a plot)",
    "[Go]",
    "Title",
    "left",
    "[Pick ▾]",
    "• item",
    "@ben",
    "Good] [Bad] [Delete]",
    "cell | rich cell | 7",
    "A card",
    "its subtitle",
    "[Press]",
    "Details",
    "inside",
    "Rich title",
    "◐ Look at the logs (in progress)",
    "an error",
    "← the log <https://a.b/log>",
    "The steps",
    "✓ First (complete)",
    "expanded",
)
PIECES_OF_HTML = (
    "<strong>print</strong>",
    'aria-label="a plot"',
    ">Good</button>",
    "<strong>Title</strong>",
    '<a href="https://a.b" target="_blank" rel="noopener noreferrer">link</a>',
    "<code><strong>rich</strong></code>",
    "@ben",
    "• item",
    "<blockquote>quoted</blockquote>",
    ">Delete</button>",
    '<td class="right">rich cell</td>',
    ">Press</button>",
    '<details class="block framed"><summary>Details',
    "<strong>Rich title</strong>",
    "<small>in progress</small>",
    '<a href="https://a.b/log" target="_blank" rel="noopener noreferrer">the log</a>',
    "<caption>By service</caption>",
    '<th scope="row" class="left">svc-7</th>',
    'aria-label="See more rows"',
)


async def test_every_kind_of_block_is_drawn_and_read(
    slack: LocalSlack, client: AsyncWebClient, http: aiohttp.ClientSession
) -> None:
    await client.chat_postMessage(channel="C0ALERTS01", text="fallback", blocks=GOOD)
    (message,) = slack.messages("alerts")
    assert [text for text in TEXTS if text not in message.text] == []
    assert message.buttons == ["Go", "Good", "Bad", "Delete", "Press", "Within"]
    await client.chat_postMessage(channel="C0ALERTS01", text="t", blocks=[ANOTHER_TABLE])
    assert "By service\nService | Errors\nsvc-0 | 0" in slack.messages("alerts")[1].text
    async with http.get(slack.page_url) as answer:
        html = await answer.text()
    assert [piece for piece in PIECES_OF_HTML if piece not in html] == []
    assert "javascript:" not in html


JUNK: list[Any] = [None, "", 0, [], {}, ["x"], {"a": 1}, {"type": "mrkdwn"}, True, "\ud800"]
ATTACHMENT: JSON = {
    "title": "a",
    "text": "b",
    "color": "good",
    "fields": [{"title": "a", "value": "b", "short": True}],
    "title_link": "https://a.b",
    "blocks": [button()],
}


def spoilt(value: Any, chance: random.Random) -> Any:
    """The value with one thing in it, at any depth, replaced by junk."""
    if isinstance(value, dict) and value and chance.random() < 0.8:
        name = chance.choice(list(value))
        return {**value, name: spoilt(value[name], chance)}
    if isinstance(value, list) and value and chance.random() < 0.8:
        place = chance.randrange(len(value))
        return [*value[:place], spoilt(value[place], chance), *value[place + 1 :]]
    return chance.choice(JUNK)


@given(st.randoms(use_true_random=False), st.sampled_from([*GOOD, ANOTHER_TABLE, ATTACHMENT]))
def test_a_spoilt_message_is_refused_by_name_or_can_be_read_and_drawn(
    chance: random.Random, good: JSON
) -> None:
    workspace = Workspace(ManualClock())
    kind = "attachments" if good is ATTACHMENT else "blocks"
    refused = ""
    try:
        body = content.kept_content({"text": "t", kind: [spoilt(good, chance)]})
    except Refusal as refusal:
        refused = refusal.name
    if refused:
        assert refused.startswith("invalid_")
        return
    channel = workspace.channel("alerts")
    message = workspace.post(channel, workspace.our_author(), body)
    names = names_of(workspace)
    assert isinstance(full_text(message, names), str)
    drawn = rendering.message(workspace, message, "U0BEN00001", names)
    assert drawn["ts"] == message["ts"]


@pytest.mark.browser
async def test_a_menu_beside_the_buttons_of_a_phone_stays_on_its_page(
    slack: LocalSlack, page: Page
) -> None:
    more = {
        "type": "overflow",
        "action_id": "more",
        "options": [{"text": plain("Change the severity of it"), "value": "severity"}],
    }
    buttons = [
        {"type": "button", "action_id": text, "text": plain(text)}
        for text in ("Approve it", "Reject it")
    ]
    blocks = [{"type": "actions", "elements": [*buttons, more]}]
    await page.set_viewport_size({"width": 390, "height": 844})
    await slack.post_as_app("Alertmanager", "alerts", "t", blocks=blocks)
    await page.goto(f"{slack.page_url}?as=ben&channel=alerts")
    await page.get_by_label("More actions").click()
    box = await page.locator(".overflow > div").bounding_box()
    assert box is not None
    assert box["x"] >= 0
    assert box["x"] + box["width"] <= 390
