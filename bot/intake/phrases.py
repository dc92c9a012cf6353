"""Finds the phrase for a state or a severity that begins at a place in a title."""

from __future__ import annotations

import re

from bot.incidents.severity_words import known_severity
from bot.intake import states
from bot.intake.states import StateWord

TOKEN = re.compile(r"[^\W_]+(?:['\u2019][^\W_]+)*")


def phrase_at(text: str, start: int) -> tuple[int, StateWord | None]:
    """Return the length and meaning of the longest known phrase that begins here."""
    tokens = list(TOKEN.finditer(text, start, start + 80))[: states.LONGEST_PHRASE]
    for count in range(len(tokens), 0, -1):
        end = tokens[count - 1].end()
        if word := states.STATE_WORDS.get(states.folded(text[start:end])):
            return end - start, word
    return 0, None


def begins_with_state(text: str) -> bool:
    first = TOKEN.search(text)
    return first is not None and (
        phrase_at(text, first.start())[1] is not None
        or states.unseparated_state(states.folded(first[0])) is not None
    )


def is_symptom(text: str) -> bool:
    """Return True if a text begins with a state that says what is the matter: `Down`, `Up`."""
    first = TOKEN.search(text)
    word = phrase_at(text, first.start())[1] if first is not None else None
    return word is not None and word.is_symptom


def severity_word(text: str, token: re.Match[str]) -> str:
    """Return the token, joined with a number behind a dash: `SEV-1`."""
    behind = text[token.end() : token.end() + 2]
    if len(behind) == 2 and behind[0] in "- " and behind[1].isdigit():
        joined = token[0] + behind[1]
        if known_severity(joined) is not None:
            return joined
    return token[0]
