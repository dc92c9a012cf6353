"""The block checks, and how each kind of block is read and drawn."""

import random
from typing import Any

import aiohttp
import pytest
from hypothesis import given
from hypothesis import strategies as st
from slack_sdk.web.async_client import AsyncWebClient

from .. import content, rendering
from ..blocks import problems
from ..clock import ManualClock
from ..local import LocalSlack
from ..reading import find, full_text
from ..refusal import Refusal
from ..transcript import names_of
from ..workspace import Workspace

JSON = dict[str, Any]


def plain(text: str) -> JSON:
    return {"type": "plain_text", "text": text}


def option(text: str = "one", value: str = "1") -> JSON:
    return {"text": plain(text), "value": value}


def element(kind: str, **more: Any) -> JSON:
    return {"type": "actions", "elements": [{"type": kind, "action_id": "a", **more}]}


def button(**more: Any) -> JSON:
    return element("button", **{"text": plain("Go"), **more})


def rich(text: str) -> JSON:
    items = [{"type": "text", "text": text}]
    return {
        "type": "rich_text",
        "elements": [{"type": "rich_text_section", "elements": items}],
    }


def cell(text: str) -> JSON:
    return {"type": "raw_text", "text": text}


def container(**more: Any) -> JSON:
    child = {"type": "section", "text": plain("inside")}
    return {"type": "container", "title": plain("Details"), "child_blocks": [child], **more}


def data_table(rows: int = 2, **more: Any) -> JSON:
    head = [cell("Service"), cell("Errors")]
    body = [[rich(f"svc-{n}"), {"type": "raw_number", "value": n}] for n in range(rows - 1)]
    return {"type": "data_table", "caption": "By service", "rows": [head, *body], **more}


def task(**more: Any) -> JSON:
    return {"type": "task_card", "task_id": "t1", "title": "Look at the logs", **more}


FEEDBACK = {
    "positive_button": {"text": plain("Good"), "value": "+"},
    "negative_button": {"text": plain("Bad"), "value": "-"},
}
ICON = {"type": "icon_button", "icon": "trash", "text": plain("Delete"), "action_id": "d"}
SOURCE = {"type": "url", "url": "https://a.b/log", "text": "the log"}
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
        {"type": "feedback_buttons", "action_id": "f", **FEEDBACK}, ICON]},
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
    {"type": "table", "rows": [
        [cell("cell"), rich("rich cell"), {"type": "raw_number", "value": 7}]],
     "column_settings": [None, {"align": "right", "is_wrapped": True}]},
    {"type": "card", "title": plain("A card"), "subtitle": plain("its subtitle"),
     "body": {"type": "mrkdwn", "text": "*its body*"},
     "icon": {"type": "image", "image_url": "https://a.b/i.png", "alt_text": "its icon"},
     "actions": [{"type": "button", "text": plain("Press"), "action_id": "p"}]},
    container(is_collapsible=True, default_collapsed=True, subtitle=plain("one of them")),
    container(title=None, rich_text_title=rich("Rich title"), has_header_divider=True,
              child_blocks=[button(text=plain("Within"))]),
    task(status="in_progress", details=rich("reading"), output=rich("an error"), sources=[SOURCE]),
    {"type": "plan", "title": "The steps", "tasks": [
        task(title="First", status="complete"), task()]},
    {"type": "section", "expand": True, "text": plain("expanded")},
]  # fmt: skip
ANOTHER_TABLE = data_table(rows=9, page_size=3, row_header_column_index=0)
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
    ({"type": "section", "text": plain("x"), "expand": "yes"}, "/0/expand"),
    ({"type": "table", "rows": [[1] * 21]}, "/0/rows/0"),
    ({"type": "table", "rows": [[cell("x")]] * 101}, "/0/rows"),
    ({"type": "table", "rows": []}, "/0/rows"),
    ({"type": "table", "rows": [[cell("")]]}, "/0/rows/0/0/text"),
    ({"type": "table", "rows": [[plain("x")]]}, "/0/rows/0/0/type"),
    ({"type": "table", "rows": [[{"type": "raw_number", "value": "7"}]]}, "/0/rows/0/0/value"),
    ({"type": "table", "rows": [[cell("x" * 5001)], [cell("x" * 5000)]]}, "/0/rows"),
    ({"type": "table", "rows": [[cell("x")]], "column_settings": [None] * 21},
     "/0/column_settings"),
    ({"type": "table", "rows": [[cell("x")]], "column_settings": [{"align": "top"}]},
     "/0/column_settings/0/align"),
    (data_table(rows=1), "/0/rows"),
    (data_table(rows=202), "/0/rows"),
    (data_table(caption=None), "/0/caption"),
    (data_table(page_size=0), "/0/page_size"),
    (data_table(page_size=101), "/0/page_size"),
    (data_table(row_header_column_index=2), "/0/row_header_column_index"),
    ({"type": "data_table", "caption": "c", "rows": [[rich("x")], [cell("y")]]},
     "/0/rows/0/0/type"),
    ({"type": "data_table", "caption": "c", "rows": [[cell("x")], [cell("y")] * 2]}, "/0/rows"),
    ({"type": "data_table", "caption": "c", "rows": [[cell("x" * 10_001)]] * 2}, "/0/rows"),
    ({"type": "card"}, "/0"),
    ({"type": "card", "body": plain("x" * 201)}, "/0/body/text"),
    ({"type": "card", "title": plain("x" * 151)}, "/0/title/text"),
    ({"type": "card", "title": plain("t"), "icon": "https://a.b"}, "/0/icon"),
    ({"type": "card", "title": plain("t"), "actions": [ICON]}, "/0/actions/0/type"),
    ({"type": "card", "title": plain("t"), "actions": [1, 2, 3, 4]}, "/0/actions"),
    (container(title=None), "/0"),
    (container(title=plain("x" * 151)), "/0/title/text"),
    (container(subtitle=plain("x" * 151)), "/0/subtitle/text"),
    (container(child_blocks=[]), "/0/child_blocks"),
    (container(child_blocks=[{"type": "divider"}] * 11), "/0/child_blocks"),
    (container(child_blocks=[container()]), "/0/child_blocks/0/type"),
    (container(child_blocks=[{"type": "header"}]), "/0/child_blocks/0/text"),
    (container(width="huge"), "/0/width"),
    (container(is_collapsible="yes"), "/0/is_collapsible"),
    (container(default_collapsed=True), "/0/default_collapsed"),
    (container(is_collapsible=True, has_header_divider=True), "/0/has_header_divider"),
    (task(task_id=None), "/0/task_id"),
    (task(title=""), "/0/title"),
    (task(status="done"), "/0/status"),
    (task(output={"type": "mrkdwn"}), "/0/output/elements"),
    (task(sources=[{"type": "file"}]), "/0/sources/0/type"),
    (task(sources=[{"type": "url", "url": "https://a.b"}]), "/0/sources/0/text"),
    ({"type": "plan"}, "/0/title"),
    ({"type": "plan", "title": "p", "tasks": [{"type": "section"}]}, "/0/tasks/0/type"),
    ({"type": "context_actions", "elements": [
        {**ICON, "action_id": str(n)} for n in range(6)]}, "/0/elements"),
    ({"type": "context_actions", "elements": [button()["elements"][0]]}, "/0/elements/0/type"),
    ({"type": "context_actions", "elements": [ICON | {"icon": "star"}]}, "/0/elements/0/icon"),
    ({"type": "context_actions", "elements": [ICON | {"text": plain("x" * 76)}]},
     "/0/elements/0/text/text"),
    ({"type": "context_actions", "elements": [
        {"type": "feedback_buttons", **FEEDBACK, "negative_button": {"value": "-"}}]},
     "/0/elements/0/negative_button/text"),
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
    within = [container(child_blocks=[{"type": "divider", "block_id": "b"}]), twice[0]]
    assert [p.pointer for p in problems(within)] == ["/blocks/1/block_id"]
    alert = [{"type": "alert", "text": plain("Nobody answered"), "level": "warning"}]
    assert [p.pointer for p in problems(alert)] == ["/blocks/0/type"], "in modals only"
    assert problems(alert, surface="modal") == []
    assert problems([{"type": "alert", "text": plain("x"), "level": "loud"}], surface="modal")
    for kind in (
        "container",
        "table",
        "data_table",
        "context_actions",
        "task_card",
        "plan",
        "card",
    ):
        assert [p.code for p in problems([{"type": kind}], surface="modal")] == ["invalid_enum"]
    assert problems([{"type": "divider"}] * 100, surface="home") == []
    assert problems([{"type": "divider"}] * 101, surface="home")
    assert problems("no list")


@pytest.mark.parametrize(
    ("blocks", "error"),
    [
        ([ANOTHER_TABLE, {"type": "table", "rows": [[cell("x")]]}], "invalid_attachments"),
        ([container(child_blocks=[{"type": "table", "rows": [[cell("x")]]}]), ANOTHER_TABLE],
         "invalid_attachments"),
        ([{"type": "markdown", "text": "x" * 6001}] * 2, "msg_too_long"),
        ([{"type": "section", "text": plain("x" * 3000)}] * 5, "msg_blocks_too_long"),
    ],
    ids=["two tables", "a table within", "markdown", "all text"],
)  # fmt: skip
def test_what_is_too_much_for_one_message_is_refused(blocks: list[JSON], error: str) -> None:
    with pytest.raises(Refusal) as refused:
        content.kept_content({"text": "t", "blocks": blocks})
    assert refused.value.name == error


def test_slack_keeps_no_block_id_of_a_markdown_block() -> None:
    blocks = [{"type": "markdown", "text": "x", "block_id": "mine"}, container(block_id="mine too")]
    kept = content.kept_content({"text": "t", "blocks": blocks})["blocks"]
    assert [block["block_id"] == "mine" for block in kept] == [False, False]
    assert kept[1]["block_id"] == "mine too"
    assert kept[1]["child_blocks"][0]["block_id"], "a child gets one too"


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
        assert word in message.text
    for word in (
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
    ):
        assert word in message.text
    assert message.buttons == ["Go", "Good", "Bad", "Delete", "Press", "Within"]
    await client.chat_postMessage(channel="C0ALERTS01", text="t", blocks=[ANOTHER_TABLE])
    assert "By service\nService | Errors\nsvc-0 | 0" in slack.messages("alerts")[1].text
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
