"""Finds the sections of a message that lists the members of a group by their state.

`*Alerts Firing:*`, then members, then `*Alerts Resolved:*` and members that are over.
"""

from __future__ import annotations

import re
from functools import lru_cache

from bot.incidents.model import AlertStatus
from bot.intake import states
from bot.intake.phrases import TOKEN

_LINES_READ = 400
_LONGEST_HEADING = 60  # characters
_EMOJI = re.compile(r":[a-z0-9_+'-]{1,60}:", re.IGNORECASE)
_COUNT = r"\W{0,3}[1-9]\d{0,3}(?![\w%.])"
_COUNTED_FIRING = re.compile(
    rf"\b(?:firing|alerting|triggered|critical|warning|high|active|open){_COUNT}"
    r"|\b[1-9]\d{0,3} (?:alerts? )?(?:firing|alerting|triggered|active|open)\b",
    re.IGNORECASE,
)
_COUNTED_RESOLVED = re.compile(
    rf"\b(?:resolved|recovered|ok|cleared|closed){_COUNT}"
    r"|\b[1-9]\d{0,3} (?:alerts? )?(?:resolved|recovered|cleared|closed)\b",
    re.IGNORECASE,
)


def counts_both(title: str) -> bool:
    """Return True if a title counts members that fire and members that are over:
    `[CRITICAL - 2] [RESOLVED - 1]`, `2 firing, 1 resolved`.
    """
    return _COUNTED_RESOLVED.search(title) is not None and _COUNTED_FIRING.search(title) is not None


def part_that_fires(text: str) -> tuple[str, bool]:
    """Return the text without the sections of members that are over, and whether there are any.

    A text that has no section of members that fire is returned as it is.
    """
    lines = text.split("\n", _LINES_READ)
    headings = [_section(line) if len(line) <= _LONGEST_HEADING else None for line in lines]
    if AlertStatus.FIRING not in headings or AlertStatus.RESOLVED not in headings:
        return text, False
    kept: list[str] = []
    status = AlertStatus.FIRING
    for line, heading in zip(lines, headings, strict=True):
        status = heading or status
        if status is AlertStatus.FIRING:
            kept.append(line)
    return "\n".join(kept), True


@lru_cache(maxsize=1024)
def _section(line: str) -> AlertStatus | None:
    """Return the state of the members below a heading, or None for any other line.

    A heading with the number 0 has no members.
    """
    name, _, behind = _EMOJI.sub(" ", line).strip(" \t*_~`=#•-–—").partition(":")
    count = behind.strip(" \t*_~`()")
    if count and not count.isdecimal():
        return None
    tokens = [states.folded(token) for token in TOKEN.findall(name)]
    if "0" in (*tokens, count) or not tokens or tokens[0] in ("status", "state"):
        return None
    parts = [token for token in tokens if token not in states.FILLERS and not token.isdecimal()]
    phrase = " ".join(parts)
    if word := states.STATE_WORDS.get(phrase):
        return None if word.is_symptom else word.status
    run = states.unseparated_state(phrase) if len(parts) == 1 else None
    return run[1].status if run is not None and run[0] == 0 and not run[1].is_symptom else None
