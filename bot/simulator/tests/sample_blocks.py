"""Blocks as a bot sends them: builders, and one good block of every kind."""

from typing import Any

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
