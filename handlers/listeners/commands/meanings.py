"""Finds the command that newcomers and people of other tools mean by a word that is none here."""

from __future__ import annotations

from collections.abc import Collection
from difflib import get_close_matches

from bot.language import Deferred, deferred

# Words of other tools, and the verb that does that here. `difflib` finds mere misspellings.
MEANT = {
    "acknowledge": "ack",
    "take": "ack",
    "claim": "ack",
    "own": "ack",
    "close": "resolve",
    "done": "resolve",
    "fixed": "resolve",
    "details": "show",
    "info": "show",
    "status": "show",
    "get": "show",
    "ls": "list",
    "mine": "list",
    "incidents": "list",
    "restart": "fix",
    "stop": "fix",
    "start": "fix",
    "snooze": "mute",
    "history": "trace",
    "page": "escalate",
    "new": "open",
    "create": "open",
    "declare": "open",
    "comment": "note",
    "priority": "severity",
    "sev": "severity",
    "numbers": "stats",
    "report": "open",
    "why": "show",
    "children": "show",
    "evidence": "ask",
    "more": "ask",
    "handoff": "handover",
    "overnight": "stats",
    "join": "merge",
    "commands": "help",
    "?": "help",
}

BUTTONS = frozenset({"approve", "reject"})
"""Words for what only a button does: a vote counts for the plan that its card shows."""

# Phrases, the longest first, each with the command that newcomers mean by it.
MEANT_PHRASES = {
    "take over": "assign {rest} me",
    "takeover": "assign {rest} me",
    "hand over": "handover {rest}",
    "last time": "list resolved {rest}",
    "last": "list resolved {rest}",
    "previous": "list resolved {rest}",
}


def meant_by(word: str, rest: str, verbs: Collection[str], *, likeness: float = 0.65) -> str:
    """The command that the words mean, with its arguments: a phrase, a synonym or a misspelling.

    '' if they are like none of `verbs`. `likeness` is what a misspelling needs, from 0 to 1.
    """
    if phrase := _phrase(word, rest, verbs):
        return phrase
    if (verb := MEANT.get(word)) in verbs:
        return f"{verb} {rest}".strip()
    near = get_close_matches(word, verbs, n=3, cutoff=likeness)
    near.sort(key=lambda verb: sorted(verb) != sorted(word))  # swapped letters: `akc` is `ack`
    return f"{near[0]} {rest}".strip() if near else ""


def _phrase(word: str, rest: str, verbs: Collection[str]) -> str:
    """The command that several words mean, with what follows them; '' if they mean none."""
    text = f"{word} {rest}".strip()
    for phrase, command in MEANT_PHRASES.items():
        if f"{text.lower()} ".startswith(f"{phrase} ") and command.split()[0] in verbs:
            return " ".join(command.format(rest=text[len(phrase) :].strip()).split())
    return ""


def where_votes_are(remedy: str) -> Deferred:
    """The remedy for a person who typed one of `BUTTONS`; `remedy` follows."""
    return deferred(
        "Approve and Reject are buttons of the approval, in the thread of its incident and on"
        " the bot's Home tab. {remedy}",
        remedy=remedy,
    )
