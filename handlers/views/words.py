"""The words of the states: stored in English as data, shown in the language of the reader."""

from __future__ import annotations

from enum import StrEnum

from bot.errors import SopbotError
from bot.language import N_, _, translated

_WORDS = (
    # Incidents and alerts
    *(N_("open"), N_("acknowledged"), N_("resolved"), N_("firing")),
    # Severities
    *(N_("critical"), N_("high"), N_("medium"), N_("low")),
    # Remediations
    *(N_("awaiting approval"), N_("approved"), N_("rejected"), N_("expired"), N_("revoked")),
    *(N_("dispatching"), N_("succeeded"), N_("failed"), N_("outcome unknown")),
    *(N_("verified"), N_("not verified"), N_("undone")),
    # Environments
    N_("unknown"),
)


def word(state: StrEnum) -> str:
    """The state as people read it."""
    return _(str(state))


def error_text(error: SopbotError) -> str:
    """The error and its remedy in the language of the reader."""
    return " ".join(translated(part) for part in error.translatable if part)
