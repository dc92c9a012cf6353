"""The block checks, and how each kind of block is read and drawn."""

import random
from typing import Any

import aiohttp
import pytest
from hypothesis import given
from hypothesis import strategies as st
from slack_sdk.web.async_client import AsyncWebClient

from bot.simulator import content, rendering
from bot.simulator.blocks import problems
from bot.simulator.clock import ManualClock
from bot.simulator.local import LocalSlack
from bot.simulator.reading import words
from bot.simulator.refusal import Refusal
from bot.simulator.transcript import names_of
from bot.simulator.workspace import Workspace

JSON = dict[str, Any]


def plain(text: str) -> JSON:
    return {"type": "plain_text", "text": text}


def option(text: str = "one", value: str = "1") -> JSON:
    return {"text": plain(text), "value": value}


def element(kind: str, **more: Any) -> JSON:
    return {"type": "actions", "elements": [{"type": kind, "action_id": "a", **more}]}


def button(**more: Any) -> JSON:
    return element("button", **{"text": plain("Go"), **more})


FEEDBACK = {"positive_button": {"text": plain("Good")}, "negative_button": {"text": plain("Bad")}}
GOOD: list[JSON] = [
    {"type": "header", "text": plain("A header")},
    {"type": "divider"},
    {"type": "context", "elements": [plain("small"), {"type": "mrkdwn", "text": "*print*"}]},
    {"type": "image", "image_url": "https://a.b/c.png", "alt_text": "a plot"},
    {"type": "section", "fields": [plain("left"), plain("right")]},
    {"type": "section", "text": plain("beside"),
     "accessory": {"type": "overflow", "action_id": "o", "options": [option()]}},
    button(style="danger", url="https://a.b", value="v",
           confirm={"title": plain("Sure?"), "text": plain("Really")}),
    element("static_select", placeholder=plain("Pick"), options=[option()]),
    element("static_select", option_groups=[{"label": plain("g"), "options": [option()]}]),
    element("users_select"),
    element("checkboxes", options=[option("tick")]),
    element("radio_buttons", options=[option("turn")]),
    element("datepicker"),
    {"type": "context_actions", "elements": [
        {"type": "feedback_buttons", "action_id": "f", **FEEDBACK}]},
    {"type": "markdown", "text": "# Title\n**bold** [link](https://a.b)\n- item"},
    {"type": "rich_text", "elements": [
        {"type": "rich_text_section", "elements": [
            {"type": "text", "text": "rich", "style": {"bold": True, "code": True}},
            {"type": "link", "url": "https://a.b", "text": "there"},
            {"type": "link", "url": "javascript:alert(1)", "text": "nowhere"},
            {"type": "user", "user_id": "U0BEN00001"},
            {"type": "channel", "channel_id": "C0OPS00001"},
            {"type": "emoji", "name": "eyes"}]},
        {"type": "rich_text_list", "elements": [
            {"type": "rich_text_section", "elements": [{"type": "text", "text": "item"}]}]},
        {"type": "rich_text_preformatted", "elements": [{"type": "text", "text": "code"}]},
        {"type": "rich_text_quote", "elements": [{"type": "text", "text": "quoted"}]}]},
    {"type": "table", "rows": [[plain("cell")]]},
    {"type": "card", "title": plain("t")},
]  # fmt: skip
BAD: list[tuple[Any, str]] = [
    ("text", "/0"),
    ({"type": "header", "text": plain("x" * 151)}, "/0/text/text"),
    ({"type": "header", "text": {"type": "mrkdwn", "text": "x"}}, "/0/text/type"),
    ({"type": "header"}, "/0/text"),
    ({"type": "section"}, "/0"),
    ({"type": "section", "text": plain("")}, "/0/text/text"),
    ({"type": "section", "fields": [plain("x")] * 11}, "/0/fields"),
    ({"type": "section", "fields": [plain("x" * 2001)]}, "/0/fields/0/text"),
    ({"type": "section", "text": plain("x"), "accessory": {"type": "no"}}, "/0/accessory/type"),
    ({"type": "context", "elements": [plain("x")] * 11}, "/0/elements"),
    ({"type": "context", "elements": [{"type": "button"}]}, "/0/elements/0/type"),
    ({"type": "actions", "elements": []}, "/0/elements"),
    ({"type": "divider", "block_id": "x" * 256}, "/0/block_id"),
    ({"type": "image", "alt_text": "x"}, "/0"),
    ({"type": "image", "image_url": "https://a.b"}, "/0/alt_text"),
    ({"type": "markdown", "text": "x" * 12_001}, "/0/text"),
    ({"type": "rich_text", "elements": [{"type": "x"}]}, "/0/elements"),
    ({"type": "rich_text", "elements": [{"type": "rich_text_section", "elements": ["x"]}]},
     "/0/elements"),
    ({"type": "table", "rows": [[1] * 21]}, "/0/rows"),
    ({"type": "card", "body": plain("x" * 201)}, "/0/body/text"),
    (button(text=plain("x" * 76)), "/0/elements/0/text/text"),
    (button(url="x" * 3001), "/0/elements/0/url"),
    (button(style="loud"), "/0/elements/0/style"),
    (button(action_id="x" * 256), "/0/elements/0/action_id"),
    (button(value=7), "/0/elements/0/value"),
    (button(confirm={"title": plain("x" * 101), "text": plain("y")}),
     "/0/elements/0/confirm/title/text"),
    (element("overflow", options=[option()] * 6), "/0/elements/0/options"),
    (element("static_select", options=[option()] * 101), "/0/elements/0/options"),
    (element("static_select", options=[option("x" * 76)]), "/0/elements/0/options/0/text/text"),
    (element("static_select", options=["x"]), "/0/elements/0/options/0"),
    (element("static_select", option_groups=[]), "/0/elements/0/option_groups"),
    (element("users_select", placeholder=plain("x" * 151)), "/0/elements/0/placeholder/text"),
]  # fmt: skip


@pytest.mark.parametrize("block", GOOD, ids=lambda b: str(b["type"]))
def test_a_good_block_is_taken(block: JSON) -> None:
    assert problems([block]) == []


@pytest.mark.parametrize(("block", "pointer"), BAD, ids=lambda v: v if isinstance(v, str) else "")
def test_a_bad_block_is_refused_where_it_is_bad(block: Any, pointer: str) -> None:
    assert [p.pointer for p in problems([block], pointer="")] == [pointer]


def test_block_ids_are_unique_and_surfaces_are_kept_apart() -> None:
    twice = [{"type": "divider", "block_id": "b"}] * 2
    assert [p.code for p in problems(twice)] == ["duplicate"]
    alert = [{"type": "alert"}]
    assert problems(alert)
    assert problems(alert, surface="modal") == []
    assert problems([{"type": "divider"}] * 100, surface="home") == []
    assert problems([{"type": "divider"}] * 101, surface="home")
    assert problems("no list")


async def test_every_kind_of_block_is_drawn_and_read(
    slack: LocalSlack, client: AsyncWebClient, http: aiohttp.ClientSession
) -> None:
    await client.chat_postMessage(channel="C0ALERTS01", text="fallback", blocks=GOOD)
    (message,) = slack.messages("alerts")
    for word in (
        "A header",
        "print",
        "(a plot)",
        "[Go]",
        "Title",
        "left",
        "[Pick ▾]",
        "• item",
        "@ben",
    ):
        assert word in message.text
    assert message.buttons == ["Go", "Good", "Bad"]
    async with http.get(slack.page_url) as answer:
        html = await answer.text()
    for piece in (
        "<strong>print</strong>",
        'aria-label="a plot"',
        ">Good</button>",
        "<strong>Title</strong>",
        '<a href="https://a.b" target="_blank" rel="noopener noreferrer">link</a>',
        "<code><strong>rich</strong></code>",
        "@ben",
        "• item",
        "<blockquote>quoted</blockquote>",
    ):
        assert piece in html
    assert "javascript:" not in html


async def test_a_response_url_can_replace_and_delete_what_it_belongs_to(
    slack: LocalSlack, client: AsyncWebClient, http: aiohttp.ClientSession
) -> None:
    workspace = slack.core.workspace
    ben, where = workspace.user("ben"), workspace.channel("alerts")
    await client.chat_postMessage(channel=where.id, text="x", blocks=[button()])
    await client.chat_postEphemeral(channel=where.id, user=ben.id, text="only you")
    for read in (lambda: slack.messages("alerts"), lambda: slack.ephemerals("ben")):
        url, _ = slack.core.interactions.response_url(ben, where, read()[0].data)
        async with http.post(url, json={"replace_original": True, "text": "done"}) as answer:
            assert await answer.text() == "ok"
        assert [m.text for m in read()] == ["done"]
        async with http.post(url, json={"delete_original": True}) as answer:
            assert await answer.text() == "ok"
        assert read() == []
    url, _ = slack.core.interactions.response_url(ben, where)
    async with http.post(url, json={"response_type": "in_channel", "text": "all"}) as answer:
        assert answer.status == 200
    assert [m.text for m in slack.messages("alerts")] == ["all"]
    async with http.post(url, data=b"{") as answer:
        assert (answer.status, (await answer.json())["error"]) == (400, "invalid_payload")


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


@given(st.randoms(use_true_random=False), st.sampled_from([*GOOD, ATTACHMENT]))
def test_a_spoilt_message_is_refused_by_name_or_can_be_read_and_drawn(
    chance: random.Random, good: JSON
) -> None:
    workspace = Workspace(ManualClock())
    kind = "attachments" if good is ATTACHMENT else "blocks"
    refused = ""
    try:
        body = content.content({"text": "t", kind: [spoilt(good, chance)]})
    except Refusal as refusal:
        refused = refusal.name
    if refused:
        assert refused.startswith("invalid_")
        return
    channel = workspace.channel("alerts")
    message = workspace.post(channel, workspace.our_author(), body)
    names = names_of(workspace)
    assert isinstance(words(message, names), str)
    drawn = rendering.message(workspace, message, "U0BEN00001", names)
    assert drawn["ts"] == message["ts"]
