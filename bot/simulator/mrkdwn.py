"""Slack's message text as HTML that cannot do harm, or as plain text for a terminal.

Everything is escaped except what this module itself writes; links are http, https or mailto.
"""

import re
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime

from markupsafe import Markup, escape

from .emoji import EMOJI


@dataclass(frozen=True)
class Names:
    """The names of users, channels and groups, by id."""

    users: dict[str, str] = field(default_factory=dict)
    channels: dict[str, str] = field(default_factory=dict)
    groups: dict[str, str] = field(default_factory=dict)


_FENCE = re.compile(r"```\n?(.*?)\n?```", re.DOTALL)
_INLINE = re.compile(
    r"`(?P<code>[^`\n]+)`"
    r"|<(?P<control>[^<>\n]+)>"
    r"|(?<![\w*])\*(?=\S)(?P<bold>[^*\n]+)(?<=\S)\*(?![\w*])"
    r"|(?<![\w_])_(?=\S)(?P<italic>[^_\n]+)(?<=\S)_(?![\w_])"
    r"|(?<![\w~])~(?=\S)(?P<strike>[^~\n]+)(?<=\S)~(?![\w~])"
    r"|:(?P<emoji>[a-z0-9_+-]{1,50}):"
)
_SAFE_LINK = re.compile(r"(?:https?://|mailto:)[^\s\"'<>]+\Z", re.IGNORECASE)
_SPANS = {"bold": "strong", "italic": "em", "strike": "del"}
_DATE = re.compile(r"!date\^(-?\d{1,12})\^([^^|]*)(?:\^([^|]*))?")
_SHORT_ID = re.compile(r"[A-Z]{1,10}-[0-9]{1,9}")


def unescape(text: str) -> str:
    """Undo Slack's three entities, and no other."""
    return text.replace("&lt;", "<").replace("&gt;", ">").replace("&amp;", "&")


def to_html(text: str, names: Names) -> Markup:
    """Message text as safe HTML."""
    parts: list[str] = []
    at = 0
    for fence in _FENCE.finditer(text):
        parts.append(_lines(text[at : fence.start()], names))
        parts.append(f"<pre><code>{escape(_readable(fence[1], names))}</code></pre>")
        at = fence.end()
    parts.append(_lines(text[at:], names))
    return Markup("".join(parts))  # noqa: S704 - each part above is escaped piece by piece


def plain_to_html(text: str) -> Markup:
    """The text of a `plain_text` object: only emoji are special."""
    return escape(_emojis(text))


def to_plain(text: str, names: Names) -> str:
    """Message text as one reads it, without markup characters."""
    parts: list[str] = []
    at = 0
    for fence in _FENCE.finditer(text):
        parts.append(_plain_inline(text[at : fence.start()], names))
        parts.append(_readable(fence[1], names))
        at = fence.end()
    parts.append(_plain_inline(text[at:], names))
    return "".join(parts)


def _lines(text: str, names: Names) -> str:
    out: list[str] = []
    quote: list[str] = []
    for line in text.split("\n"):
        if line.startswith("&gt;"):
            quote.append(_inline(line.removeprefix("&gt;").lstrip(), names))
            continue
        if quote:
            out.append(f"<blockquote>{'<br>'.join(quote)}</blockquote>")
            quote = []
        out.append(_inline(line, names))
    if quote:
        out.append(f"<blockquote>{'<br>'.join(quote)}</blockquote>")
    return "<br>".join(out).replace("</blockquote><br>", "</blockquote>")


def _inline(text: str, names: Names) -> str:
    out: list[str] = []
    at = 0
    for item in _INLINE.finditer(text):
        out.append(str(escape(unescape(text[at : item.start()]))))
        out.append(_piece(item, names))
        at = item.end()
    out.append(str(escape(unescape(text[at:]))))
    return "".join(out)


def _piece(value: re.Match[str], names: Names) -> str:
    kind, inner = str(value.lastgroup), value[str(value.lastgroup)]
    if kind == "code":
        text = _readable(inner, names)
        # A phone would break the line at the hyphen of a short id; the text stays one to copy.
        whole = ' class="whole"' if _SHORT_ID.fullmatch(text) else ""
        return f"<code{whole}>{escape(text)}</code>"
    if kind == "emoji":
        return str(escape(EMOJI.get(inner, value[0])))
    if kind == "control":
        return _control_html(inner, names)
    return f"<{_SPANS[kind]}>{_inline(inner, names)}</{_SPANS[kind]}>"


def _control_html(inner: str, names: Names) -> str:
    target, _, label = inner.partition("|")
    if inner[0] in "@#!":
        shown = escape(control_text(inner, names))
        if inner.startswith("!date"):
            return f"<time>{shown}</time>"
        return f'<span class="mention">{shown}</span>'
    url = unescape(target)
    if not _SAFE_LINK.match(url):
        return str(escape(unescape(label or target)))
    shown = escape(_emojis(unescape(label or target.removeprefix("mailto:"))))
    return f'<a href="{escape(url)}" target="_blank" rel="noopener noreferrer">{shown}</a>'


def control_text(inner: str, names: Names) -> str:
    """The readable text of a control sequence, the part between `<` and `>`."""
    target, _, label = inner.partition("|")
    ident = target[1:]
    if target.startswith("@"):
        return "@" + names.users.get(ident, unescape(label) or ident)
    if target.startswith("#"):
        return "#" + names.channels.get(ident, unescape(label) or ident)
    if target.startswith("!subteam^"):
        ident = target.removeprefix("!subteam^")
        return "@" + names.groups.get(ident, unescape(label).removeprefix("@") or ident)
    if target.startswith("!date^"):
        return _date(target, unescape(label))
    if target.startswith("!"):
        return "@" + ident
    return unescape(label or target.removeprefix("mailto:"))


_FORMATS: dict[str, Callable[[datetime], str]] = {
    "date_num": lambda t: t.strftime("%Y-%m-%d"),
    "date": lambda t: f"{t:%B} {t.day}, {t.year}",
    "date_short": lambda t: f"{t:%b} {t.day}, {t.year}",
    "date_long": lambda t: f"{t:%A}, {t:%B} {t.day}, {t.year}",
    "time": lambda t: t.strftime("%H:%M"),
    "time_secs": lambda t: t.strftime("%H:%M:%S"),
    "ago": lambda t: t.strftime("%Y-%m-%d %H:%M"),
}
_NEAR = {-1: "yesterday", 0: "today", 1: "tomorrow"}  # how the `_pretty` forms say these


def _date(target: str, fallback: str) -> str:
    result = _DATE.match(target)
    if result is None:
        return fallback
    try:
        when = datetime.fromtimestamp(int(result[1]), UTC)
    except (ValueError, OverflowError, OSError):
        return fallback

    def token(match: re.Match[str]) -> str:
        name = match[1]
        near = _NEAR.get((when.date() - datetime.now(UTC).date()).days)
        if near and name.endswith("_pretty"):
            return near
        form = _FORMATS.get(name.removesuffix("_pretty"))
        return form(when) if form else match[0]

    return re.sub(r"\{(\w+)\}", token, unescape(result[2])) or fallback


def _readable(text: str, names: Names) -> str:
    """Text inside code: control sequences are read, nothing else is."""
    return unescape(re.sub(r"<([^<>\n]+)>", lambda m: control_text(m[1], names), text))


def _emojis(text: str) -> str:
    return re.sub(r":([a-z0-9_+-]{1,50}):", lambda m: EMOJI.get(m[1], m[0]), text)


def _plain_inline(text: str, names: Names) -> str:
    def piece(value: re.Match[str]) -> str:
        kind, inner = str(value.lastgroup), value[str(value.lastgroup)]
        if kind == "code":
            return f"`{_readable(inner, names)}`"
        if kind == "emoji":
            return EMOJI.get(inner, value[0])
        if kind == "control":
            return control_text(inner, names).replace("<", "&lt;")
        return _plain_inline(inner, names)

    return unescape(_INLINE.sub(piece, text))
