"""Reads the pairs that a sender writes behind a title: `Queue is full | service=cart env=prod`."""

from __future__ import annotations

import re
from collections.abc import Mapping

from bot.intake.cleaning import parse_words
from bot.intake.drafting import identifying, still
from bot.intake.label_names import is_known, our_name, passes
from bot.intake.lines import BETWEEN_ROWS, row_of

# These identify an alert wherever they stand.
IDENTIFYING = parse_words(
    "env environment service app application host hostname instance cluster namespace name check "
    "monitor rule alert alertname kind pod domain website endpoint database queue topic"
)
PAIR = re.compile(r"([^\W\d][\w.]{0,40})=(?:\"([^\"\n]{1,200})\"|([^\s\"=,;|()\[\]]{1,200}))")
_MARKS = " \t|,;*·•-–—()[]{}`"
_LOOKED_AT = 1_000


def without_pairs(line: str) -> tuple[str, dict[str, str]]:
    """Return a line without the pairs at its end, and the pairs by their lower-case names.

    A row of an unknown name stays: `High error rate | checkout: 12%`. So does a line of nothing but
    pairs.
    """
    if "=" not in line and ":" not in line and "：" not in line:
        return line, {}
    text, pairs = line[:_LOOKED_AT], {}
    for mark in BETWEEN_ROWS:
        first, *rows = text.split(mark)
        while rows and (row := row_of(rows[-1])) is not None and "=" not in rows[-1]:
            if row[0] not in IDENTIFYING and not is_known(row[0]):
                break
            pairs[row[0]] = row[1]
            rows.pop()
        text = mark.join([first, *rows])
    matches = list(PAIR.finditer(text)) if "=" in text else []
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


def identity_of(pairs: Mapping[str, str]) -> dict[str, str]:
    """Return what the pairs say of which thing a message is about: no state, time, measure or run
    of it, and not the words for its trouble.
    """
    ours = {our_name(name) or name: still(text) for name, text in pairs.items()}
    return {
        name: text
        for name, text in identifying(ours).items()
        if name not in IDENTIFYING and not passes(name) and any(map(str.isalpha, text))
    }
