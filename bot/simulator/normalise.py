"""Changes a message as Slack does before anybody sees it.

Evidence: a captured Alertmanager message read back from Slack (colour, wrapped URLs, dropped
empty fields) and fixtures of other bots. Parsers must stand this, so the local Slack does it too.
"""

import re
import secrets
from typing import Any

JSON = dict[str, Any]

COLOURS = {"good": "2eb886", "warning": "daa038", "danger": "a30200"}
MAX_TEXT = 40_000

# A control sequence that the sender already wrote: <http://…>, <@U…>, <#C…|…>, <!here>, <mailto:…>
_CONTROL = r"<(?:[@#!][^<>\n]*|(?:https?|mailto|tel|slack|ftp):[^<>\n]*)>"
_ENTITY = r"&(?:amp|lt|gt);"
_URL = r"https?://[^\s<>|\"'`]*[^\s<>|\"'`.,;:!?)\]}*_~]"
_PARTS = re.compile(f"(?P<keep>{_CONTROL}|{_ENTITY})|(?P<url>{_URL})|(?P<raw>[&<>])")
_RAW = {"&": "&amp;", "<": "&lt;", ">": "&gt;"}
_ANY = re.compile(r"[&<>]|://")


def _part(match: re.Match[str]) -> str:
    if keep := match["keep"]:
        return keep
    if url := match["url"]:
        return f"<{re.sub(r'&(?!amp;|lt;|gt;)', '&amp;', url)}>"
    return _RAW[match["raw"]]


def text(raw: str) -> str:
    """Escape `& < >` where the sender did not, and wrap bare URLs as `<url>`."""
    return _PARTS.sub(_part, raw) if _ANY.search(raw) else raw


def truncated(raw: str) -> str:
    """Cut a message's text at Slack's 40,000 characters."""
    return raw[:MAX_TEXT]


def colour(value: str) -> str:
    """A named colour as its hex value, and any hex value without `#`, in lower case."""
    return COLOURS.get(value, value.removeprefix("#").lower())


def attachments(items: list[JSON]) -> list[JSON]:
    """Give each attachment an integer id, drop what is empty, write colours as hex."""
    return [_attachment(number, item) for number, item in enumerate(items, start=1)]


def _attachment(number: int, item: JSON) -> JSON:
    done: JSON = {"id": number}
    for name, value in item.items():
        if value in (None, "", [], {}) or name == "id":
            continue
        if name == "color":
            done[name] = colour(str(value))
        elif name in {"text", "fallback", "pretext", "footer"}:
            done[name] = text(str(value))
        elif name == "fields":
            done[name] = [_field(f) for f in value]
        elif name == "blocks":
            done[name] = blocks(value)
        else:
            done[name] = value
    if "blocks" in done:
        done.setdefault("fallback", "[no preview available]")
    return done


def _field(item: JSON) -> JSON:
    return {
        "title": str(item.get("title", "")),
        "value": text(str(item.get("value", ""))),
        "short": bool(item.get("short", False)),
    }


def blocks(items: list[JSON]) -> list[JSON]:
    """Copy the blocks, with a block_id for each and Slack's defaults in text objects.

    Slack does not keep the block_id of a markdown block (docs.slack.dev, markdown block).
    """
    return [_block(item) for item in items]


def _block(item: JSON) -> JSON:
    kept = None if item["type"] == "markdown" else item.get("block_id")
    done: JSON = {"type": item["type"], "block_id": kept or next_block_id()}
    for name, value in item.items():
        if name == "child_blocks":
            done[name] = blocks(value)
        elif name not in done:
            done[name] = value if item["type"] == "rich_text" else _inside(value)
    return done


def _inside(value: Any) -> Any:
    if isinstance(value, list):
        return [_inside(v) for v in value]
    if not isinstance(value, dict):
        return value
    kind = value.get("type")
    if kind == "mrkdwn" and isinstance(value.get("text"), str):
        return {**value, "text": text(value["text"]), "verbatim": value.get("verbatim", False)}
    if kind == "plain_text":
        return {**value, "emoji": value.get("emoji", True)}
    return {name: _inside(inner) for name, inner in value.items()}


def next_block_id() -> str:
    """A short id such as Slack gives to a block that came without one."""
    return secrets.token_hex(3)


def plain_rich_text(result: str) -> list[JSON]:
    """The `rich_text` block that Slack's own clients send beside what a person typed."""
    section = {"type": "rich_text_section", "elements": [{"type": "text", "text": result}]}
    return [{"type": "rich_text", "block_id": next_block_id(), "elements": [section]}]
