"""The block checks, and how each kind of block is read and drawn."""

from typing import Any

import pytest

from .. import content
from ..blocks import problems
from ..refusal import Refusal
from .sample_blocks import (
    ANOTHER_TABLE,
    FEEDBACK,
    GOOD,
    ICON,
    JSON,
    button,
    cell,
    container,
    data_table,
    element,
    option,
    plain,
    rich,
    task,
)

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
def test_blocks_that_are_too_much_for_one_message_are_refused(
    blocks: list[JSON], error: str
) -> None:
    with pytest.raises(Refusal) as refused:
        content.kept_content({"text": "t", "blocks": blocks})
    assert refused.value.name == error


def test_slack_keeps_no_block_id_of_a_markdown_block() -> None:
    blocks = [{"type": "markdown", "text": "x", "block_id": "mine"}, container(block_id="mine too")]
    kept = content.kept_content({"text": "t", "blocks": blocks})["blocks"]
    assert [block["block_id"] == "mine" for block in kept] == [False, False]
    assert kept[1]["block_id"] == "mine too"
    assert kept[1]["child_blocks"][0]["block_id"], "a child gets one too"
