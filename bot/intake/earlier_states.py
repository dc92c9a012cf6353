"""Knows where a text states what was before: `CRITICAL (was OK)`, `Previous state: OK`."""

from __future__ import annotations

import re
from collections.abc import Callable

from bot.intake.cleaning import parse_words

# A state behind one of these is not the state of now.
EARLIER = parse_words("previous previously prev former formerly")
_IN_BRACKETS = re.compile(
    r" {0,3}[(\[](?:was|previous|previously|prev|former|formerly)\b([^()\[\]]{1,60})[)\]]",
    re.IGNORECASE,
)


def without_earlier(text: str, is_state: Callable[[str], bool] = bool) -> str:
    """Return the text without each bracket that holds an earlier state.

    Brackets whose words are none, by `is_state`, stay: `orders (formerly sales)` is a name.
    """
    return _IN_BRACKETS.sub(lambda match: "" if is_state(match[1]) else match[0], text)
