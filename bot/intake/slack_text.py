"""Converts Slack's mrkdwn to plain text: entities, links, dates, mentions."""

from __future__ import annotations

import re
from collections.abc import Callable

from bot.intake.cleaning import clean

_ANGLE = re.compile(r"<([^<>|]+)(?:\|([^<>]*))?>")
_LEADING_EMOJI = re.compile(r"(?:\s*:[a-z0-9_+'-]+:)+\s*", re.IGNORECASE)
_LOOKED_AT = 2_000
_MARKS = " \t\n*_~`"
# Section fields: "*Kind:* pod" or "*Message*\ntext".
_FIELD = re.compile(r"\*([^*\n]{1,60}?):?\*:?\s*(.+)", re.DOTALL)

AddLink = Callable[[str, str], None]


def plain(text: str, add_link: AddLink | None = None) -> str:
    """Return the text that a person reads, cleaned; each link is passed to `add_link`.

    `<url

    label>` becomes its label, a date its fallback. The result cannot mention anybody: `<!channel>`
    becomes `[channel]`, `<@U1>` becomes `[user U1]`. Entities are decoded last, so that an escaped
    `&lt;!here&gt;` stays plain text.
    """
    if "<" in text:
        text = _ANGLE.sub(lambda match: _reading(match[1], match[2] or "", add_link), text)
    if "&" in text:
        text = text.replace("&lt;", "<").replace("&gt;", ">").replace("&amp;", "&")
    return clean(text)


def _reading(target: str, label: str, add_link: AddLink | None) -> str:
    if target.startswith("!date^"):
        return label
    if target.startswith("!"):
        return f"[{label.lstrip('@') or target[1:].replace('^', ' ')}]"
    if target.startswith("@"):
        return f"[{label.lstrip('@') or 'user ' + target[1:]}]"
    if target.startswith("#"):
        return f"#{label or target[1:]}"
    if add_link is not None:
        add_link(bare(label) if label else "", target.replace("&amp;", "&"))
    return label or target


def bare(text: str) -> str:
    """Return a headline without leading `:emoji:` and without the marks of bold, italics and code.

    Only its first 2,000 characters are searched for emoji: no headline begins with more of them.
    """
    text = text.strip(_MARKS)
    if emoji := _LEADING_EMOJI.match(text, 0, _LOOKED_AT):
        text = text[emoji.end() :].strip(_MARKS)
    return text


def field_of(text: str) -> tuple[str, str] | None:
    """Return (name, value) of a section field whose name is in bold, else None."""
    if not text.startswith("*") or (match := _FIELD.fullmatch(text)) is None:
        return None
    return match[1].strip(), match[2].strip()
