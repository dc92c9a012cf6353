"""Decides whether two symptoms of one service take turns."""

from __future__ import annotations

from datetime import datetime

from bot.incidents.cascades import WINDOW, Member
from bot.incidents.troubles import Trouble


def alternates(
    returning: Member, ended_at: datetime, other: Member, other_ended_at: datetime | None
) -> bool:
    """Return whether another incident took turns with one that fires again.

    It is another acute symptom of the same service at the same place. It began within five minutes
    of `ended_at`, when the first one ended; and that one fires again while it lasts, or within five
    minutes of its end. `returning` is of the alert that fires again.
    """
    return (
        bool(returning.service)
        and returning.service == other.service
        and returning.scope.category != other.scope.category
        and Trouble.SLOW not in (returning.trouble, other.trouble)
        and not returning.scope.contradicts(other.scope)
        and abs(other.at - ended_at) <= WINDOW
        and (other_ended_at is None or returning.at - other_ended_at <= WINDOW)
    )
