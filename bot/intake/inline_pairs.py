"""Reads the pairs that a sender writes behind a title: `Queue is full | service=cart env=prod`."""

from __future__ import annotations

import re

from bot.intake.lines import row_of

_PAIR = re.compile(r"([^\W\d][\w.]{0,40})=(?:\"([^\"\n]{1,200})\"|([^\s\"=,;|()\[\]]{1,200}))")
_MARKS = " \t|,;*·•-–—()[]{}`"
_BETWEEN = (" | ", " · ", " • ", " ｜ ")
_LOOKED_AT = 1_000


def without_pairs(line: str) -> tuple[str, dict[str, str]]:
    """Return a line without the pairs at its end, and the pairs by their lower-case names.

    A line of nothing but pairs stays as it is.
    """
    if "=" not in line and ":" not in line and "：" not in line:
        return line, {}
    text, pairs = line[:_LOOKED_AT], {}
    for mark in _BETWEEN:
        first, *rows = text.split(mark)
        while rows and (row := row_of(rows[-1])) is not None and "=" not in rows[-1]:
            pairs[row[0]] = row[1]
            rows.pop()
        text = mark.join([first, *rows])
    matches = list(_PAIR.finditer(text)) if "=" in text else []
    end = len(text)
    for match in reversed(matches):
        start = match.start()
        if text[match.end() : end].strip(_MARKS) or text[:start][-1:].strip(_MARKS):
            break
        pairs[match[1].lower()] = match[2] or match[3]
        end = start
    if end < len(text):
        text = text[:end].rstrip(" \t|,;·•-–—([{")
    return (text, pairs) if text.strip(_MARKS) else (line, {})
