"""The key by which two questions are equal: their prompt without the times in it."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Sequence
from dataclasses import replace
from datetime import UTC, datetime

from bot.advice.model import Subject, Turn
from bot.incidents.model import Alert, Incident

_NO_TIME = datetime.min.replace(tzinfo=UTC)


def without_times(subject: Subject) -> Subject:
    """Return the subject as an equal one at another time has it.

    The earlier answers to this same question do not count: otherwise each answer would make the
    next question another one. Advice that nobody asked for has no earlier question, so it has no
    history at all.
    """
    history = tuple(_other_turns(subject)) if subject.question else ()
    return replace(
        subject,
        about=_undated(subject.about),
        history=tuple(replace(turn, at=_NO_TIME) for turn in history),
        facts=tuple(replace(fact, at=None) for fact in subject.facts),
        now=None,
    )


def key_of(canonical_prompt: str, advisors: Sequence[str]) -> str:
    """Return the key of a question to these advisors."""
    digest = hashlib.sha256()
    for text in (*advisors, canonical_prompt):
        digest.update(text.encode("utf-8", "surrogatepass") + b"\0")
    return digest.hexdigest()


def _other_turns(subject: Subject) -> Iterator[Turn]:
    answers_it = False
    for turn in subject.history:
        if turn.role == "person":
            answers_it = turn.text.strip() == subject.question.strip()
        if not answers_it:
            yield turn
        elif turn.role != "person":
            answers_it = False  # one answer for each question


def _undated(about: Alert | Incident | None) -> Alert | Incident | None:
    if isinstance(about, Alert):
        return replace(about, starts_at=None, ends_at=None)
    if isinstance(about, Incident):
        return replace(about, opened_at=_NO_TIME)
    return None
