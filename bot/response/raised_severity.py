"""Raises the severity of anomalies by the similar ones that the store has."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from datetime import datetime

from bot.incidents import scores
from bot.incidents.correlation import IdentifiedAlert
from store import Store


async def with_raised_severities(
    store: Store, named: Iterable[IdentifiedAlert], now: datetime
) -> list[IdentifiedAlert]:
    """Return the alerts with the severity that similar ones before them raise.

    Their keys stay, so that the same delivery again is recognised.
    """
    result = []
    for item in named:
        alert = item.alert
        if scores.may_be_raised(alert):
            alert = scores.raised(alert, *await store.count_similar(alert, now))
        result.append(item if alert is item.alert else replace(item, alert=alert))
    return result
