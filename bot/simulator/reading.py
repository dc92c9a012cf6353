"""Reads a message or a view as a person does: its text, its buttons, its menus."""

from collections.abc import Iterable, Iterator
from typing import Any

from .mrkdwn import Names, to_plain, unescape

JSON = dict[str, Any]

STATEFUL = {
    "plain_text_input": "value",
    "number_input": "value",
    "email_text_input": "value",
    "url_text_input": "value",
    "datepicker": "selected_date",
    "timepicker": "selected_time",
    "static_select": "selected_option",
    "external_select": "selected_option",
    "radio_buttons": "selected_option",
    "overflow": "selected_option",
    "users_select": "selected_user",
    "channels_select": "selected_channel",
    "conversations_select": "selected_conversation",
    "checkboxes": "selected_options",
    "multi_static_select": "selected_options",
    "multi_users_select": "selected_users",
    "multi_channels_select": "selected_channels",
    "multi_conversations_select": "selected_conversations",
}


class NotThereError(AssertionError):
    """The person cannot find this button, menu or field; says what is there instead."""


# docs.slack.dev says that a section "may be" folded, not when. Slack's documentation of attachments
# named these two; users of 2026 report that it goes by height, so a narrow window folds sooner.
FOLDED_CHARACTERS, FOLDED_BREAKS = 700, 5

TASK_MARKS = {"pending": "○", "in_progress": "◐", "complete": "✓", "error": "✗"}


def is_folded(section: JSON) -> bool:
    """True if Slack may hide the end of this section behind "see more"."""
    text = str((section.get("text") or {}).get("text", ""))
    is_long = len(text) >= FOLDED_CHARACTERS or text.count("\n") >= FOLDED_BREAKS
    return is_long and not section.get("expand")


def all_blocks(holder: JSON) -> Iterator[JSON]:
    """Blocks of a message or view, those inside attachments and containers included."""
    yield from _flat(holder.get("blocks") or ())
    for attachment in holder.get("attachments") or ():
        yield from _flat(attachment.get("blocks") or ())


def _flat(blocks: Iterable[JSON]) -> Iterator[JSON]:
    for block in blocks:
        yield block
        yield from _flat(block.get("child_blocks") or ())


def elements(holder: JSON) -> Iterator[tuple[JSON, JSON]]:
    """Every interactive element with its block."""
    for block in all_blocks(holder):
        for element in block.get("elements") or ():
            if block["type"] in ("actions", "context_actions") and isinstance(element, dict):
                if element.get("type") == "feedback_buttons":
                    for side in ("positive_button", "negative_button"):
                        action_id = element.get("action_id")
                        yield block, {"type": "button", "action_id": action_id, **element[side]}
                else:
                    yield block, element
        if block["type"] == "card":
            for element in block.get("actions") or ():
                yield block, element
        for name in ("accessory", "element"):
            element = block.get(name)
            if isinstance(element, dict) and element.get("type") != "image":
                yield block, element


def label(element: JSON) -> str:
    """The text of a button, or of a menu before a choice."""
    for name in ("text", "placeholder"):
        if isinstance(element.get(name), dict):
            return str(element[name]["text"])
    return str(element.get("action_id", ""))


def buttons(holder: JSON) -> list[str]:
    """The visible texts of all buttons, in order."""
    kinds = ("button", "icon_button")
    return [label(item) for _, item in elements(holder) if item["type"] in kinds]


def find(holder: JSON, name: str, kinds: set[str] | None = None) -> tuple[JSON, JSON]:
    """The element with this visible text, action_id or block's label; NotThereError otherwise."""
    there: list[str] = []
    for block, item in elements(holder):
        if kinds is not None and item["type"] not in kinds:
            continue
        text = (block.get("label") or {}).get("text")
        if name in (label(item), item.get("action_id"), text, block.get("block_id")):
            return block, item
        there.append(text or label(item))
    raise NotThereError(f"no {name!r} here; there is {', '.join(map(repr, there)) or 'nothing'}")


def menu_entry(holder: JSON, name: str) -> tuple[JSON, JSON, str] | None:
    """The block, the overflow menu and the value of its entry with this visible text, if any."""
    for block, item in elements(holder):
        for entry in options(item) if item["type"] == "overflow" else ():
            if entry["text"]["text"] == name:
                return block, item, str(entry.get("value", ""))
    return None


def menu_entries(holder: JSON) -> list[str]:
    """The visible texts of the entries of all overflow menus, in order."""
    menus = [item for _, item in elements(holder) if item["type"] == "overflow"]
    return [entry["text"]["text"] for item in menus for entry in options(item)]


def options(element: JSON) -> list[JSON]:
    """All options of a menu, those in groups included."""
    result = list(element.get("options") or ())
    for group in element.get("option_groups") or ():
        result.extend(group["options"])
    return result


def option(element: JSON, label: str) -> JSON:
    """One option by its visible text or its value."""
    for item in options(element):
        if label in (item["text"]["text"], item.get("value")):
            return item
    there = ", ".join(repr(item["text"]["text"]) for item in options(element))
    raise NotThereError(f"no option {label!r}; there is {there}")


def full_text(holder: JSON, names: Names) -> str:
    """Everything a person can read in a message or view, one block a line."""
    lines: list[str] = []
    typed = "user" in holder and not holder.get("bot_id")  # its rich_text repeats the text
    blocks = [b for b in holder.get("blocks") or () if b["type"] != "rich_text" or not typed]
    if blocks:
        lines += [line for block in blocks for line in _block_words(block, names)]
    elif holder.get("text"):
        lines.append(to_plain(holder["text"], names))
    for attachment in holder.get("attachments") or ():
        lines += _attachment_words(attachment, names)
    lines += [f"[file {f['name']}, {f['size']} bytes]" for f in holder.get("files") or ()]
    return "\n".join(line for line in lines if line)


def _text(value: Any, names: Names) -> str:
    if not isinstance(value, dict):
        return ""
    result = str(value.get("text", ""))
    return to_plain(result, names) if value.get("type") == "mrkdwn" else unescape(result)


def _element_words(item: JSON, names: Names) -> str:
    if item.get("type") in ("plain_text", "mrkdwn"):
        return _text(item, names)
    if item.get("type") == "image":
        return f"({item.get('alt_text', 'image')})"
    shown = "⋯" if item.get("type") == "overflow" else label(item)
    if item.get("type") in ("button", "icon_button", "overflow"):
        return f"[{shown}]"
    if item.get("type") == "feedback_buttons":
        sides = (item["positive_button"], item["negative_button"])
        return " ".join(f"[{label(side)}]" for side in sides)
    return f"[{shown} ▾]" if shown else ""


def _block_words(block: JSON, names: Names) -> list[str]:
    kind = block["type"]
    if kind == "divider":
        return ["────"]
    if kind == "rich_text":
        return [_rich_words(part, names) for part in block.get("elements") or ()]
    if kind in ("task_card", "plan"):
        return _task_words(block, names)
    if kind in ("table", "data_table"):
        rows = [" | ".join(cell_words(cell, names) for cell in row) for row in block["rows"]]
        return [str(block.get("caption", "")), *rows]
    lines: list[str] = []
    if kind == "markdown":
        lines.append(str(block["text"]))
    elif kind == "image":
        lines.append(f"({block.get('alt_text', 'image')})")
    lines += [_text(block.get(n), names) for n in ("label", "text", "title", "subtitle", "body")]
    lines += [_text(field, names) for field in block.get("fields") or ()]
    if isinstance(block.get("rich_text_title"), dict):
        lines.append(_words_of(block["rich_text_title"], names))
    if kind in ("context", "actions", "context_actions", "card"):
        shown = block.get("actions" if kind == "card" else "elements") or ()
        items = [_element_words(field, names) for field in shown]
        lines.append(("  " if kind == "context" else " ").join(f for f in items if f))
    for child in block.get("child_blocks") or ():
        lines += _block_words(child, names)
    for name in ("accessory", "element"):
        if isinstance(block.get(name), dict):
            lines.append(_element_words(block[name], names))
    return lines


def cell_words(cell: JSON, names: Names) -> str:
    """The text of a table's cell."""
    if cell["type"] == "rich_text":
        return _words_of(cell, names)
    return str(cell.get("text") or cell.get("value", ""))


def _words_of(rich_text: JSON, names: Names) -> str:
    return " ".join(_rich_words(part, names) for part in rich_text.get("elements") or ())


def _task_words(block: JSON, names: Names) -> list[str]:
    """A plan with its tasks, or one task: its state, what it did, and from where."""
    if block["type"] == "plan":
        tasks = [line for task in block.get("tasks") or () for line in _task_words(task, names)]
        return [block["title"], *(f"  {line}" for line in tasks)]
    state = block.get("status", "pending")
    lines = [f"{TASK_MARKS[state]} {block['title']} ({state.replace('_', ' ')})"]
    shown = [block[name] for name in ("details", "output") if block.get(name)]
    lines += [f"  {_words_of(source, names)}" for source in shown]
    return lines + [
        f"  ← {source['text']} <{source['url']}>" for source in block.get("sources") or ()
    ]


def _rich_words(part: JSON, names: Names) -> str:
    """The words of one part of rich text, its nested parts included."""
    kind = part.get("type")
    if kind == "user":
        return "@" + names.users.get(str(part.get("user_id")), str(part.get("user_id")))
    if kind == "channel":
        return "#" + names.channels.get(str(part.get("channel_id")), str(part.get("channel_id")))
    if kind == "emoji":
        return to_plain(f":{part.get('name')}:", names)
    inner = [_rich_words(element, names) for element in part.get("elements") or ()]
    if kind == "rich_text_list":
        return "\n".join(f"• {element}" for element in inner)
    return str(part.get("text") or part.get("url") or "") + "".join(inner)


def _attachment_words(attachment: JSON, names: Names) -> list[str]:
    items = [attachment.get(name) for name in ("pretext", "author_name", "title", "text")]
    lines = [to_plain(str(item), names) for item in items if item]
    lines += [
        f"{field['title']}: {to_plain(field['value'], names)}"
        for field in attachment.get("fields") or ()
    ]
    for block in attachment.get("blocks") or ():
        lines += _block_words(block, names)
    shown = any(attachment.get(n) for n in ("title", "text", "fields", "blocks", "pretext"))
    if not shown and attachment.get("fallback"):
        lines.append(to_plain(str(attachment["fallback"]), names))
    return ["▌ " + part for line in lines if line for part in line.split("\n")]
