"""Names sessions and queries of a database for people."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any

from bot.remediation.contract import printable

_SHOWN = 10
_QUERY_CHARS = 200
_READ_CHARS = 4_000
# Comments come first: an apostrophe in one begins no literal. Where the end of a literal cannot be
# told without the server's settings (a backslash, $$, # of MySQL), all the rest is left out.
_LITERALS = re.compile(
    r"--[^\n]*|/\*(?:[^*]|\*(?!/))*(?:\*/)?"
    r"|'[^'\\]*\\[\s\S]*|\"[^\"\\]*\\[\s\S]*|\$[a-zA-Z_]*\$[\s\S]*|#[\s\S]*"
    r"|'[^']*'?|\"[^\"]*\"?|\b\d[\w.]*"
)


def count(number: int, thing: str) -> str:
    """Return "1 query", "3 sessions"."""
    plural = "queries" if thing == "query" else f"{thing}s"
    return f"{number} {thing if number == 1 else plural}"


def listed(items: Sequence[Any]) -> list[str]:
    """Return one line for each of the first items, and one for the rest."""
    lines = [str(item) for item in items[:_SHOWN]]
    return [*lines, f"and {len(items) - _SHOWN} more"] if len(items) > _SHOWN else lines


def query_text(text: Any) -> str:
    """Return a query without its literals, which may be secrets or personal data."""
    read = printable(str(text)[:_READ_CHARS])
    return " ".join(_LITERALS.sub("?", read).split())[:_QUERY_CHARS]
