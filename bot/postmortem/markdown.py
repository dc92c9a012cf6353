"""Writes untrusted text into Markdown so that it stays text, wherever the file is read.

Alerts, models and people wrote it. It must not format, link, mention, embed HTML or begin a
heading. No function here cuts a text: a post-mortem loses nothing to length.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Mapping

from bot.language import _

_SPACE = re.compile(r"\s+")
_LINE_ENDS = re.compile("\r\n?|[\u2028\u2029\x85\x0b\x0c]")
_USER = re.compile(r"@([UW][A-Z0-9]{2,20})(?![A-Za-z0-9])")
# CommonMark and GitHub read these signs anywhere in a line. `_` formats at the edge of a word only.
_SIGNS = re.compile(r"[\\`*\[\]<>&~|$]|(?<![A-Za-z0-9])_|_(?![A-Za-z0-9])")
# GitHub makes links of these without any sign around them.
_ADDRESS = re.compile(r"(?<=[A-Za-z]):(?=//)|(?<=mailto):|(?<=xmpp):|(?<=www)\.", re.IGNORECASE)
_BEGINS_BLOCK = re.compile(r"^(\s*)([#+=-]|\d+(?=[.)]))")
_NO_MENTION = "@\u2060"  # a word joiner: a reader does not see it, and no site reads a mention
_QUOTATION = re.compile(r"^ *> ?", re.MULTILINE)
_BOLD = re.compile(r"(?<!\\)\*\*")
_ESCAPED = re.compile(r"\\([^\w\s]|_)")
_NO_REFERENCE = re.compile(r"#(?=\d)")  # the number of somebody else's issue


def inline(text: str) -> str:
    """One line of text, which formats nothing; `–` for an empty text."""
    flat = _SPACE.sub(" ", _visible(text)).strip()
    return _escaped(flat) or "–"


def quoted(text: str) -> str:
    """The text as a quotation that keeps its lines."""
    lines = _LINE_ENDS.sub("\n", text).split("\n")
    return "\n".join(f"> {_escaped(_visible(line).strip())}".rstrip() for line in lines)


def as_text(markdown: str) -> str:
    """Return a draft as a reader sees it: no marks of quotation and bold, and no escapes."""
    plain = _QUOTATION.sub("", _BOLD.sub("", markdown)).replace("\u2060", "")
    return _ESCAPED.sub(r"\1", plain)


def named(text: str, names: Mapping[str, str]) -> str:
    """The text with the names of users in place of their ids, not escaped yet."""
    return _USER.sub(lambda match: f"@{names.get(match[1]) or match[1]}", text)


def person(user: str, names: Mapping[str, str]) -> str:
    """One user as text that formats nothing; `the bot` for nobody."""
    return inline(f"@{names.get(user) or user}") if user else _("the bot")


def _escaped(flat: str) -> str:
    text = _SIGNS.sub(r"\\\g<0>", flat)
    text = _ADDRESS.sub(r"\\\g<0>", text)
    text = _NO_REFERENCE.sub("#\u2060", text.replace("@", _NO_MENTION))
    return _BEGINS_BLOCK.sub(_escape_start, text)


def _escape_start(match: re.Match[str]) -> str:
    sign = match[2]
    return f"{match[1]}{sign}\\" if sign.isdigit() else f"{match[1]}\\{sign}"


def _visible(text: str) -> str:
    """Remove characters that are invisible or change the direction, and lone surrogates."""
    if text.isascii() and text.isprintable():
        return text
    return "".join(
        char
        for char in text
        if char in "\t\n" or unicodedata.category(char) not in {"Cc", "Cf", "Cs", "Zl", "Zp"}
    )
