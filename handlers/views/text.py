"""A stranger's text made safe for Slack, and the small words every view uses."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from typing import Any

from bot.incidents.model import Severity

Block = dict[str, Any]

_SPACE = re.compile(r"\s+")
# Control characters, lone surrogates, and what is invisible or turns the reading direction.
_CONTROL = re.compile(
    r"[\x00-\x08\x0b-\x1f\x7f-\x9f\u061c\u200b\u200e\u200f\u202a-\u202e\u2060-\u2064"
    r"\u2066-\u206f\ufeff\ud800-\udfff\U000e0000-\U000e007f]"
)
_ENTITIES = {"&": "&amp;", "<": "&lt;", ">": "&gt;"}
_ADDRESS = re.compile(r"https?://[^\s/?#<>|\"\\`][^\s<>|\"\\`]*", re.IGNORECASE)

_NO_FENCE = "'''"  # in the place of ```, where that would begin or end a code block

SYMBOL = {
    # Word and shape, never colour alone.
    Severity.CRITICAL: "🔴 CRITICAL",
    Severity.HIGH: "🔶 HIGH",
    Severity.MEDIUM: "🟨 MEDIUM",
    Severity.LOW: "🔹 LOW",
}


def escape(text: str) -> str:
    """Text that Slack shows and never obeys: no mention, no link, no broadcast comes of it."""
    text = _CONTROL.sub("", text)
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")


def line(text: str, limit: int) -> str:
    """One escaped line of at most `limit` characters, counted as Slack does: after escaping."""
    flat = _flat(text).replace("```", _NO_FENCE)
    if _fitting(flat, limit) < len(flat):
        flat = flat[: _fitting(flat, limit - 1)].rstrip() + "…"
    return escape(flat)


def plain(text: str, limit: int) -> str:
    """One line for a `plain_text` object, where nothing is escaped because nothing is obeyed."""
    return _flat(text)[:limit].rstrip()


def paragraph(text: str, limit: int) -> str:
    """Escaped text of at most `limit` characters with its line breaks; says what was cut."""
    text = _CONTROL.sub("", text)
    if _fitting(text, limit) < len(text):
        kept = _fitting(text, limit - 40)  # 40: room for what says so
        text = text[:kept].rstrip() + f" … ({len(text) - kept} characters more)"
    if text.count("```") % 2:  # what is not closed would swallow what stands behind it
        text = text.replace("```", _NO_FENCE)
    return escape(text)


def _flat(text: str) -> str:
    return _CONTROL.sub("", _SPACE.sub(" ", text)).strip()


def _fitting(text: str, limit: int) -> int:
    """How many characters of `text` take at most `limit` once they are escaped."""
    for place, char in enumerate(text):
        limit -= len(_ENTITIES.get(char, char))
        if limit < 0:
            return place
    return len(text)


def code(text: str, limit: int) -> str:
    """A code block of at most `limit` + 8 characters that nothing inside can end."""
    inside = _CONTROL.sub("", text).replace(
        "```", _NO_FENCE
    )  # in this order: one can make the other
    return "```\n" + paragraph(inside, limit) + "\n```"


def is_address(url: str) -> bool:
    """Whether Slack takes this as the address of a button or a link."""
    return len(url) <= 3000 and _ADDRESS.fullmatch(url) is not None


def clock(moment: datetime) -> str:
    """A time of day in each reader's own zone."""
    utc = moment.astimezone(UTC)
    return f"<!date^{int(utc.timestamp())}^{{time}}|{utc:%H:%M} UTC>"


def day(moment: datetime) -> str:
    """A day in each reader's own zone."""
    utc = moment.astimezone(UTC)
    return f"<!date^{int(utc.timestamp())}^{{date_short}}|{utc:%d %b %Y}>"


def ago(since: datetime, now: datetime) -> str:
    """How long: 8 s, 6 min, 2 h 5 min, 3 d 4 h."""
    return span((now - since).total_seconds())


def span(seconds: float) -> str:
    """A duration in words, two units at most."""
    total = max(0, int(seconds))
    if total < 60:
        return f"{total} s"
    minutes, hours, days = total // 60, total // 3600, total // 86_400
    if minutes < 60:
        return f"{minutes} min"
    if hours < 24:
        rest = minutes % 60
        return f"{hours} h {rest} min" if rest else f"{hours} h"
    rest = hours % 24
    return f"{days} d {rest} h" if rest else f"{days} d"


def section(text: str, *, expand: bool = False) -> Block:
    """A paragraph of mrkdwn, within Slack's 3,000 characters.

    Slack folds a long section behind "see more" unless `expand` is true.
    """
    block: Block = {"type": "section", "text": {"type": "mrkdwn", "text": _shown(text)}}
    return {**block, "expand": True} if expand else block


def context(*lines: str) -> Block:
    """Small print, a line each: Slack would set several elements in one row."""
    text = "\n".join(text for text in lines if text)
    return {"type": "context", "elements": [{"type": "mrkdwn", "text": _shown(text)}]}


def _shown(text: str) -> str:
    """Slack refuses a whole message for one text that is empty or over 3,000 characters."""
    return text[:3000] if text.strip() else "–"


def button(
    text: str, action: str, value: str, *, style: str = "", confirm: Block | None = None
) -> Block:
    """A button whose value carries only an id."""
    block: Block = {
        "type": "button",
        "text": {"type": "plain_text", "text": text, "emoji": True},
        "action_id": action,
        "value": value,
    }
    if style:
        block["style"] = style
    if confirm:
        block["confirm"] = confirm
    return block


def link_button(text: str, url: str, action: str) -> Block:
    """A button that opens an address."""
    return {
        "type": "button",
        "text": {"type": "plain_text", "text": text, "emoji": True},
        "action_id": action,
        "url": url,
    }


def plural(count: int, noun: str) -> str:
    """1 alert, 14 alerts."""
    return f"{count:,} {noun}" + ("" if count == 1 else "s")
