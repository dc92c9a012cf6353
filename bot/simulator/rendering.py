"""Prepares messages and views for the templates: every text is safe, every part named."""

import re
from datetime import UTC, datetime
from typing import Any

from markupsafe import Markup

from . import reading
from .emoji import EMOJI
from .forms import initial
from .mrkdwn import Names, plain_to_html, to_html, unescape
from .rich_drawing import LINK, markdown, rich_text, table, task
from .transcript import author
from .workspace import Workspace

JSON = dict[str, Any]

_HEX = re.compile(r"[0-9a-fA-F]{3}(?:[0-9a-fA-F]{3})?\Z")
_COLOURS = 6  # avatar colours in the style sheet


def clock(at: float) -> str:
    """The time of day in UTC."""
    return datetime.fromtimestamp(at, UTC).strftime("%H:%M:%S")


def iso(at: float) -> str:
    """A time as machines read it."""
    return datetime.fromtimestamp(at, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def message(workspace: Workspace, data: JSON, viewer: str, names: Names) -> JSON:
    """One message for the template."""
    who = author(workspace, data)
    when = float(data["ts"])
    own_blocks = [b for b in data.get("blocks") or () if not _is_typed(data, b)]
    numbers = _Numbers()
    return {
        "ts": data["ts"],
        "author": who,
        "initials": (who[:1] or "?").upper(),
        "colour": sum(map(ord, who)) % _COLOURS,
        "app": bool(data.get("bot_id")),
        "time": clock(when)[:5],
        "iso": iso(when),
        "edited": "edited" in data,
        "only_you": bool(data.get("is_ephemeral")),
        "foreign": data.get("bot_id") not in (None, workspace.app.bot_id),
        "own": data.get("user") == viewer and not data.get("is_ephemeral"),
        "gone": data.get("subtype") == "tombstone",
        "text": None if own_blocks else to_html(data.get("text") or "", names),
        "blocks": [_block(b, numbers, workspace, names) for b in own_blocks],
        "attachments": [
            _attachment(a, numbers, workspace, names) for a in data.get("attachments") or ()
        ],
        "files": data.get("files") or (),
        "reactions": [
            {
                "name": r["name"],
                "shown": EMOJI.get(r["name"], f":{r['name']}:"),
                "count": r["count"],
                "mine": viewer in r["users"],
            }
            for r in data.get("reactions") or ()
        ],
        "replies": data.get("reply_count", 0),
    }


def view(workspace: Workspace, data: JSON, errors: dict[str, str], names: Names) -> JSON:
    """A modal or a Home tab for the template."""
    numbers = _Numbers()
    return {
        "id": data["id"],
        "hash": f"{data['hash']}.{len(errors)}",
        "title": (data.get("title") or {}).get("text", ""),
        "submit": (data.get("submit") or {}).get("text", ""),
        "close": (data.get("close") or {}).get("text") or "Cancel",
        "blocks": [
            {
                **_block(b, numbers, workspace, names),
                "error": errors.get(b.get("block_id", ""), ""),
            }
            for b in data["blocks"]
        ],
    }


class _Numbers:
    """The place of an element among all of its message, by which a click names it."""

    def __init__(self) -> None:
        self._next = 0

    def take(self) -> int:
        self._next += 1
        return self._next - 1


def _is_typed(data: JSON, block: JSON) -> bool:
    """True if this block only repeats a person's text, as Slack's clients send it."""
    return bool(block["type"] == "rich_text" and not data.get("bot_id"))


def _text(value: Any, names: Names) -> Markup:
    if not isinstance(value, dict):
        return Markup("")
    result = str(value.get("text", ""))
    if value.get("type") == "mrkdwn":
        return to_html(result, names)
    return Markup("<br>").join(map(plain_to_html, result.split("\n")))


def _block(block: JSON, numbers: _Numbers, workspace: Workspace, names: Names) -> JSON:
    kind = block["type"]
    done: JSON = {"kind": kind, "id": block.get("block_id", ""), "optional": block.get("optional")}
    if kind == "markdown":
        done["text"] = markdown(str(block.get("text", "")), names)
    elif kind == "rich_text":
        done["text"] = rich_text(block, names)
    elif kind == "image":
        done["text"] = plain_to_html(str(block.get("alt_text", "image")))
    elif kind in ("table", "data_table"):
        done["table"] = table(block, names)
    elif kind in ("task_card", "plan"):
        tasks = (block.get("tasks") or ()) if kind == "plan" else (block,)
        done["title"] = block["title"]
        done["tasks"] = [task(item, names) for item in tasks]
    elif kind in ("container", "card"):
        done |= _group(block, numbers, workspace, names)
    else:
        done["text"] = _text(block.get("text") or block.get("label"), names)
        done["level"] = block.get("level") or "default"
    done["folded"] = kind == "section" and reading.is_folded(block)
    done["fields"] = [_text(f, names) for f in block.get("fields") or ()]
    done["hint"] = _text(block.get("hint"), names)
    if kind in ("context", "actions", "context_actions"):
        elements = block.get("elements") or ()
        done["parts"] = [p for e in elements for p in _parts(e, numbers, workspace, names)]
    for name in ("accessory", "element"):
        if isinstance(block.get(name), dict):
            done["parts"] = _parts(block[name], numbers, workspace, names)
    return done


def _group(block: JSON, numbers: _Numbers, workspace: Workspace, names: Names) -> JSON:
    """A `container` with its blocks, or a `card` with its buttons."""
    title = block.get("rich_text_title")
    images = [block[name].get("alt_text", "") for name in ("hero_image", "icon") if block.get(name)]
    actions = block.get("actions") or ()
    return {
        "title": rich_text(title, names) if title else _text(block.get("title"), names),
        "subtitle": _text(block.get("subtitle"), names),
        "text": _text(block.get("body"), names),
        "images": [image for image in images if image],
        "parts": [p for e in actions for p in _parts(e, numbers, workspace, names)],
        "children": [
            _block(child, numbers, workspace, names) for child in block.get("child_blocks") or ()
        ],
        "collapsible": bool(block.get("is_collapsible")),
        "collapsed": bool(block.get("default_collapsed")),
        "divider": bool(block.get("has_header_divider")),
    }


def _parts(item: JSON, numbers: _Numbers, workspace: Workspace, names: Names) -> list[JSON]:
    kind = item.get("type", "")
    if kind in ("plain_text", "mrkdwn"):
        return [{"kind": "text", "text": _text(item, names)}]
    if kind == "image":
        return [{"kind": "image", "label": item.get("alt_text", "image")}]
    if kind == "feedback_buttons":
        sides = (item["positive_button"], item["negative_button"])
        return [_element({**s, "type": "button"}, numbers.take(), workspace) for s in sides]
    return [_element(item, numbers.take(), workspace)]


def _element(item: JSON, number: int, workspace: Workspace) -> JSON:
    kind = item["type"]
    shown = "More actions" if kind == "overflow" else reading.label({**item, "action_id": ""})
    url = str(item.get("url") or "")
    confirm = item.get("confirm") or {}
    first = initial(item)
    return {
        "kind": kind,
        "n": number,
        "label": plain_to_html(shown),
        "style": item.get("style", ""),
        "url": url if LINK.match(url) else "",
        "confirm": (confirm.get("text") or {}).get("text", ""),
        "many": kind.startswith("multi_") or kind == "checkboxes",
        "multiline": bool(item.get("multiline")),
        "initial": "" if first is None else first,
        "options": _options(item, workspace),
    }


def _options(item: JSON, workspace: Workspace) -> list[tuple[str, str]]:
    kind = item["type"]
    if "users" in kind:
        return [(u.id, u.real_name) for u in workspace.users.values() if not u.is_bot]
    if "channels" in kind or "conversations" in kind:
        return [(c.id, f"#{c.name}") for c in workspace.channels.values() if c.name]
    return [(o.get("value", ""), unescape(o["text"]["text"])) for o in reading.options(item)]


def _attachment(item: JSON, numbers: _Numbers, workspace: Workspace, names: Names) -> JSON:
    colour = str(item.get("color", ""))
    link = unescape(str(item.get("title_link", "")))
    blocks = item.get("blocks") or ()
    shown = blocks or any(
        item.get(n) for n in ("pretext", "author_name", "title", "text", "fields")
    )
    text = item.get("text") if shown else item.get("fallback")
    return {
        "colour": f"#{colour}" if _HEX.match(colour) else "#9a9a9a",
        "pretext": to_html(str(item.get("pretext") or ""), names),
        "author": item.get("author_name", ""),
        "title": to_html(str(item.get("title") or ""), names),
        "link": link if LINK.match(link) else "",
        "text": to_html(str(text or ""), names),
        "fields": [
            {
                "title": f.get("title", ""),
                "value": to_html(str(f.get("value", "")), names),
                "short": f.get("short"),
            }
            for f in item.get("fields") or ()
        ],
        "blocks": [_block(b, numbers, workspace, names) for b in blocks],
        "footer": to_html(str(item.get("footer") or ""), names),
    }
