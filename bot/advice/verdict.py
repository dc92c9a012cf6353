"""Decides whether a model's cause counts: else the verdict is "Undetermined", and what to check.

A wrong cause said with confidence costs more than none.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import replace
from typing import Any

from bot.advice.model import CONFIDENCE_LEVELS, UNDETERMINED, Advice, Flaw, Shortfall, Subject
from bot.advice.rules import places_to_check
from bot.serving.redaction import redacted

_TEXTS = ("cause", "guess", "text", "raw")
_LISTS = ("evidence", "contrary", "next_steps", "questions")
_EARLIER = "H"  # the ids of earlier answers: a model's own texts are no evidence


def judged(advice: Advice, subject: Subject, floor: str) -> Advice:
    """Return the advice with a cause that counts; `floor` is the least confidence of the policy.

    A cause that does not count becomes the guess. Places to check are added where the cause is
    undetermined.
    """
    if not advice.by_model:
        return advice
    shortfall = _shortfall(advice, floor)
    if shortfall:
        guess = "" if advice.cause == UNDETERMINED else advice.cause
        advice = replace(advice, cause=UNDETERMINED, guess=guess, shortfall=shortfall)
    has_verdict = advice.is_structured or bool(shortfall)  # prose is shown as it came
    if has_verdict and advice.cause == UNDETERMINED and not subject.question:
        advice = replace(advice, look_at=places_to_check(subject))
    return advice


def without_private_data(advice: Advice, rules: Collection[str]) -> Advice:
    """Return the advice with the model's texts redacted by these rules of the policy."""
    changes: dict[str, Any] = {
        name: redacted(getattr(advice, name), rules) for name in (*_TEXTS, *_LISTS)
    }
    changes |= {name: tuple(changes[name]) for name in _LISTS}
    return replace(advice, **changes)


def _shortfall(advice: Advice, floor: str) -> str:
    if Flaw.ECHO in advice.flaws:
        return Shortfall.ECHO.value
    if advice.cause == UNDETERMINED:
        return ""
    levels = ("", *CONFIDENCE_LEVELS)
    if levels.index(advice.confidence) < levels.index(floor):
        return Shortfall.CONFIDENCE.value
    if not any(not name.startswith(_EARLIER) for name in advice.cited):
        return Shortfall.EVIDENCE.value
    return ""
