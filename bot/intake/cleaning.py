"""The one normaliser of strangers' text: its results can be stored, shown and encoded."""

from __future__ import annotations

import json
import math
import re
from collections.abc import Mapping
from functools import lru_cache
from typing import Any

from bot.fast_json import ascii_text

TITLE_LIMIT = 200
WORD_LIMIT = 200
VALUE_LIMIT = 1_000
TEXT_LIMIT = 10_000
MAP_LIMIT = 100
LINK_LIMIT = 20
URL_LIMIT = 2_048
_DEPTH_LIMIT = 40
LOOKED_AT = 4 * TEXT_LIMIT  # characters of one text that are cleaned; no view shows as many

_LINE_ENDS = "\r\x0b\x0c\x85\u2028\u2029"
_SURROGATES = "\ud800-\udfff"
# Invisible characters and those that turn the reading direction. Zero-width joiners stay: emoji
# consist of them. The last range are tag characters, which hide whole sentences from people but not
# from a model.
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
# A table, because calling a function for each of a million such characters takes half a second.
_CLEANED: dict[int, str | None] = {
    **dict.fromkeys(_UNSEEN_CODES),
    **dict.fromkeys(map(ord, _LINE_ENDS), "\n"),
    **dict.fromkeys(range(0xD800, 0xE000), "\N{REPLACEMENT CHARACTER}"),
}
_STORABLE = dict.fromkeys((0, *range(55296, 57344)), "�")
_UNSTORABLE = re.compile("[\x00\ud800-\udfff]")
# The store's encoder; the other one distinguishes half a pair of surrogates from an emoji.
_ENCODER = json.JSONEncoder(separators=(",", ":"), allow_nan=False)
_TEXT_ENCODER = json.JSONEncoder(ensure_ascii=False)
_SPACE = re.compile(r"\s+")
_URL = re.compile(r"https?://[^\s<>|\"'`\\]+", re.IGNORECASE)
_USERINFO = re.compile(r"^(https?://)[^/?#]*@", re.IGNORECASE)
_DECORATION = " \t\n*_~`"


def parse_words(text: str) -> frozenset[str]:
    """Split a table of words that is written as running text."""
    return frozenset(text.split())


def clean(text: str) -> str:
    """Return the text without control, direction and invisible characters; surrogates become
    U+FFFD.
    """
    # No removed character is printable, and isprintable is far cheaper than a search.
    if text.replace("\n", " ").replace("\t", " ").isprintable() or _ODD.search(text) is None:
        return text
    return text.replace("\r\n", "\n").translate(_CLEANED)


def cut(text: str, limit: int) -> str:
    """Return at most `limit` characters; the last one is '…' if the text was cut."""
    return text if len(text) <= limit else text[: limit - 1] + "…"


def one_line(text: str, limit: int = WORD_LIMIT) -> str:
    """Return clean text on one line, runs of white space as one space, at most `limit`
    characters.
    """
    if not text:
        return text
    text = text[: limit * 4]
    if text.isascii() and text.isprintable() and "  " not in text:
        text = text.strip()
        return text if len(text) <= limit else cut(text, limit)
    return cut(_SPACE.sub(" ", clean(text)).strip(), limit)


def title_of(text: str) -> str:
    """Return the first line of `text` with any content, at most 200 characters."""
    for line in clean(text[:LOOKED_AT]).split("\n"):
        if shown := line.strip(_DECORATION):
            return one_line(shown, TITLE_LIMIT)
    return ""


def body_of(text: str) -> str:
    """Return clean text of many lines; characters beyond 10,000 are only counted."""
    unread = max(0, len(text) - LOOKED_AT)
    text = clean(text[:LOOKED_AT]).strip()
    if len(text) <= TEXT_LIMIT and not unread:
        return text
    rest = max(0, len(text) - TEXT_LIMIT) + unread
    return f"{text[:TEXT_LIMIT]}\n… {rest} more characters were cut; the raw alert has them."


def clean_mapping(mapping: Mapping[str, str], limit: int = VALUE_LIMIT) -> dict[str, str]:
    """Return labels or annotations as clean text, without blank names and values, 100 at most."""
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
    """Replace only the parts of a JSON value that no database accepts: NUL and lone surrogates.

    Numbers that JSON cannot express become text; then parts nested deeper than 40 also become '…'.
    """
    return storable_with_json(value)[0]


def json_text(value: Any) -> str:
    """Return `storable`, as compact ASCII JSON text."""
    stored, text = storable_with_json(value)
    return text or _ENCODER.encode(stored)


def storable_with_json(value: Any) -> tuple[Any, str]:
    """Return `storable`, and the value's JSON text, which the check produces anyway.

    The text is ASCII and compact; it is '' if something had to be replaced.
    """
    try:
        text = ascii_text(value) or _ENCODER.encode(value)
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
    """Return an http or https address that fits a button, without user and password; else ''."""
    text = text.strip()
    return _http_url(text) if 0 < len(text) <= URL_LIMIT else ""


@lru_cache(maxsize=256)  # the alerts of a burst link to the same few places
def _http_url(text: str) -> str:
    if _URL.fullmatch(text) is None or clean(text) != text:
        return ""
    return _USERINFO.sub(r"\1", text) if "@" in text else text


def urls_in(text: str) -> list[str]:
    """Return every http(s) address in a text, without a full stop or bracket behind it."""
    if "://" not in text:
        return []
    urls = [http_url(match.rstrip(".,;:!?)]}*_")) for match in _URL.findall(text)]
    return [url for url in urls if url]
