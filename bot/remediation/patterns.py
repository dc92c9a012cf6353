"""Patterns of parameters that somebody else wrote: a small language, matched in bounded time.

A pattern is a row of characters, classes (`[a-z0-9_-]`, `\\d`, `\\w`, `.`) and repetitions (`?`,
`*`, `+`, `{2,8}`). It has no groups, alternatives or references, so that it can be matched by
following all its states at once: at most `MOST_STATES` steps for each character of the text,
whatever the pattern.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

MOST_STATES = 400
_MOST_CHARS = 1_000  # of a text that is matched at all

_PART = re.compile(r"(\[\^?\]?[^\]\\]{0,100}\]|\\[dws.\-/\\+*?()\[\]{}^$|]|[^\\\[\](){}*+?^$|])")
_REPEAT = re.compile(r"[?*+]|\{(\d{1,3})(?:(,)(\d{1,3})?)?\}")
_FRAMES = (("^(?:", ")$"), ("^", "$"))


@dataclass(frozen=True, slots=True)
class _State:
    """One place in the pattern: a character class that may be skipped, and may be repeated."""

    accepts: re.Pattern[str]
    optional: bool
    repeats: bool


class Pattern:
    """A pattern that a whole text must match. ValueError: it is not in the language."""

    def __init__(self, text: str) -> None:
        for start, end in _FRAMES:
            if text.startswith(start) and text.endswith(end):
                text = text[len(start) : len(text) - len(end)]
                break
        self.text = text
        self._states = list(_states(text))

    def matches(self, value: str) -> bool:
        """Return True if the whole value fits."""
        if len(value) > _MOST_CHARS:
            return False
        places = self._skipping({0})
        for character in value:
            following: set[int] = set()
            for place in places:
                if place < len(self._states) and self._states[place].accepts.match(character):
                    following.add(place + 1)
                    if self._states[place].repeats:
                        following.add(place)
            places = self._skipping(following)
            if not places:
                return False
        return len(self._states) in places

    def _skipping(self, places: set[int]) -> set[int]:
        """Add the places that are reached by skipping what is optional."""
        reached = set(places)
        for place in sorted(places):
            while place < len(self._states) and self._states[place].optional:
                place += 1
                if place in reached:
                    break
                reached.add(place)
        return reached


def _states(text: str) -> list[_State]:
    states: list[_State] = []
    at = 0
    while at < len(text):
        part = _PART.match(text, at)
        if part is None:
            raise ValueError(f"cannot use the pattern from {text[at : at + 10]!r} on")
        at = part.end()
        try:
            accepts = re.compile(part[0], re.ASCII | re.DOTALL)
        except re.error:
            raise ValueError(f"cannot use {part[0]!r} in a pattern") from None
        least, most = 1, 1
        if repeat := _REPEAT.match(text, at):
            at = repeat.end()
            least, most = _times(repeat)
        states += [_State(accepts, optional=False, repeats=False)] * least
        if most < 0:
            states.append(_State(accepts, optional=True, repeats=True))
        else:
            states += [_State(accepts, optional=True, repeats=False)] * max(0, most - least)
        if len(states) > MOST_STATES:
            raise ValueError(f"the pattern is too large: at most {MOST_STATES} repetitions")
    return states


def _times(repeat: re.Match[str]) -> tuple[int, int]:
    """Return the least and the greatest number of repetitions; -1: any."""
    simple = {"?": (0, 1), "*": (0, -1), "+": (1, -1)}.get(repeat[0])
    if simple:
        return simple
    least = int(repeat[1])
    if repeat[2] is None:
        return least, least
    return least, -1 if repeat[3] is None else int(repeat[3])
