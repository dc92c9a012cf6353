"""The one normaliser of strangers' text: what leaves here can be stored, shown and encoded."""

from __future__ import annotations

import json
import math
import re
from collections.abc import Mapping
from functools import lru_cache
from typing import Any

TITLE_LIMIT = 200
WORD_LIMIT = 200
VALUE_LIMIT = 1_000
TEXT_LIMIT = 10_000
MAP_LIMIT = 100
LINK_LIMIT = 20
URL_LIMIT = 2_048
_DEPTH_LIMIT = 40
LOOKED_AT = 4 * TEXT_LIMIT  # characters of one text that are cleaned; none shows as many

_LINE_ENDS = "\r\x0b\x0c\x85\u2028\u2029"
_SURROGATES = "\ud800-\udfff"
# What is invisible or turns the reading direction. Zero-width joiners stay: emoji are made of them.
# The last range are tag characters, which hide whole sentences from people and not from a model.
_UNSEEN_CODES = (
    *range(0x09),
    *range(0x0E, 0x20),
    *range(0x7F, 0x85),
    *range(0x86, 0xA0),
    *(0x061C, 0x200B, 0x200E, 0x200F, 0xFEFF),
    *range(0x202A, 0x202F),
    *range(0x2060, 0x2065),
    *range(0x2066, 0x2070),
    *range(0xFFF9, 0xFFFC),
    *range(0xE0000, 0xE0080),
)
_UNSEEN = "".join(map(chr, _UNSEEN_CODES))
_ODD = re.compile(f"[{_LINE_ENDS}{_SURROGATES}{_UNSEEN}]")
# By a table: a function called for each of a million such characters would take half a second.
_CLEANED: dict[int, str | None] = {
    **dict.fromkeys(_UNSEEN_CODES),
    **dict.fromkeys(map(ord, _LINE_ENDS), "\n"),
    **dict.fromkeys(range(0xD800, 0xE000), "\N{REPLACEMENT CHARACTER}"),
}
_STORABLE = dict.fromkeys((0, *range(55296, 57344)), "�")
_UNSTORABLE = re.compile("[\x00\ud800-\udfff]")
# As the store writes it; the other one tells half a pair of surrogates from an emoji.
_ENCODER = json.JSONEncoder(separators=(",", ":"), allow_nan=False)
_TEXT_ENCODER = json.JSONEncoder(ensure_ascii=False)
_SPACE = re.compile(r"\s+")
_URL = re.compile(r"https?://[^\s<>|\"'`\\]+", re.IGNORECASE)
_USERINFO = re.compile(r"^(https?://)[^/?#]*@", re.IGNORECASE)
_DECORATION = " \t\n*_~`"


def word_set(text: str) -> frozenset[str]:
    """The words of a table, written as running text so that it fits on a screen."""
    return frozenset(text.split())


def clean(text: str) -> str:
    """The text without control, direction and invisible characters; surrogates become U+FFFD."""
    # Nothing that is taken out counts as printable, and asking that is far cheaper than searching.
    if text.replace("\n", " ").replace("\t", " ").isprintable() or _ODD.search(text) is None:
        return text
    return text.replace("\r\n", "\n").translate(_CLEANED)


def cut(text: str, limit: int) -> str:
    """At most `limit` characters; the last one is '…' when something was cut."""
    return text if len(text) <= limit else text[: limit - 1] + "…"


def one_line(text: str, limit: int = WORD_LIMIT) -> str:
    """Clean text on one line, runs of white space as one space, at most `limit` characters."""
    if not text:
        return text
    text = text[: limit * 4]
    if text.isascii() and text.isprintable() and "  " not in text:
        return cut(text.strip(), limit)
    return cut(_SPACE.sub(" ", clean(text)).strip(), limit)


def title_of(text: str) -> str:
    """The first line of `text` that says anything, at most 200 characters."""
    for line in clean(text[:LOOKED_AT]).split("\n"):
        if shown := line.strip(_DECORATION):
            return one_line(shown, TITLE_LIMIT)
    return ""


def body_of(text: str) -> str:
    """Clean text of many lines; over 10,000 characters the rest is counted, not kept."""
    unread = max(0, len(text) - LOOKED_AT)
    text = clean(text[:LOOKED_AT]).strip()
    if len(text) <= TEXT_LIMIT and not unread:
        return text
    rest = max(0, len(text) - TEXT_LIMIT) + unread
    return f"{text[:TEXT_LIMIT]}\n… {rest} more characters were cut; the raw alert has them."


def words_of(mapping: Mapping[str, str], limit: int = VALUE_LIMIT) -> dict[str, str]:
    """Labels or annotations as clean text; blank names and values are left out, 100 at most."""
    cleaned: dict[str, str] = {}
    for name, value in mapping.items():
        name = name if name.isidentifier() and name.isascii() else one_line(name)
        if value.isascii() and value.isprintable() and len(value) <= limit:
            value = value.strip()
        else:
            value = cut(clean(value[: limit * 4]), limit).strip()
        if name and value:
            cleaned[name] = value
            if len(cleaned) == MAP_LIMIT:
                break
    return cleaned


def storable(value: Any) -> Any:
    """The same JSON value with only what no database takes replaced: NUL and lone surrogates.

    Numbers that JSON has no word for become text; then also what is nested deeper than 40 is '…'.
    """
    return storable_with_json(value)[0]


def json_text(value: Any) -> str:
    """`storable`, as compact ASCII JSON text."""
    stored, text = storable_with_json(value)
    return text or _ENCODER.encode(stored)


def storable_with_json(value: Any) -> tuple[Any, str]:
    """`storable`, and the value's JSON text, which looking at it costs anyway.

    The text is ASCII and compact; it is '' where something had to be replaced.
    """
    try:
        text = _ENCODER.encode(value)
        if "\\u0000" not in text:
            if "\\ud" in text:
                _TEXT_ENCODER.encode(value).encode()
            return value, text
    except (ValueError, TypeError, RecursionError):  # a NaN or a surrogate, no JSON, too deep
        pass
    return _replaced(value, 0), ""


def _replaced(value: Any, depth: int) -> Any:
    if isinstance(value, str):
        return _storable_text(value)
    if value is None or isinstance(value, int):
        return value
    if isinstance(value, float):
        return value if math.isfinite(value) else str(value)
    if depth >= _DEPTH_LIMIT:
        return "…"
    if isinstance(value, dict):
        depth += 1
        return {_storable_text(str(key)): _replaced(item, depth) for key, item in value.items()}
    if isinstance(value, Mapping):
        return _replaced(dict(value), depth)
    if isinstance(value, (list, tuple)):
        return [_replaced(item, depth + 1) for item in value]
    return _storable_text(str(value))


def _storable_text(text: str) -> str:
    return text if _UNSTORABLE.search(text) is None else text.translate(_STORABLE)


def http_url(text: str) -> str:
    """The address if it is http or https and fit for a button, without user and password."""
    text = text.strip()
    return _http_url(text) if 0 < len(text) <= URL_LIMIT else ""


@lru_cache(maxsize=256)  # the alerts of a storm link to the same few places
def _http_url(text: str) -> str:
    if _URL.fullmatch(text) is None or clean(text) != text:
        return ""
    return _USERINFO.sub(r"\1", text) if "@" in text else text


def urls_in(text: str) -> list[str]:
    """Every http(s) address written in a text, without the full stop or bracket behind it."""
    if "://" not in text:
        return []
    found = [http_url(match.rstrip(".,;:!?)]}*_")) for match in _URL.findall(text)]
    return [url for url in found if url]
