"""The times of an incident: its first symptom, and how long people took."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from bot.incidents.model import GroupedAlert
from bot.language import _
from bot.postmortem.facts import PostmortemFacts

_TAKEN = ("acknowledged", "assigned")


@dataclass(frozen=True, slots=True)
class Times:
    """`symptom` is when the first alert began by its sender's time, `opened` when the bot knew.

    `first` is that alert, None if alerts are not stored any more. A time is None if that did not
    happen yet.
    """

    symptom: datetime
    first: GroupedAlert | None
    opened: datetime
    acknowledged: datetime | None
    resolved: datetime | None

    def since_symptom(self, at: datetime | None) -> str:
        """Return the duration from the first symptom to `at`; `not yet` for None."""
        return _("not yet") if at is None else span(at - self.symptom)


def times_of(facts: PostmortemFacts) -> Times:
    """Return the times of an incident and its children."""
    incident = facts.incident
    alerts = [*facts.alerts, *(alert for child in facts.children for alert in child.alerts)]
    first = min(alerts, key=lambda alert: alert.since, default=None)
    symptom = incident.opened_at
    if first is not None and first.since <= symptom:
        symptom = first.since
    else:
        first = None
    taken = [entry.at for entry in facts.timeline if entry.kind in _TAKEN]
    return Times(
        symptom=symptom,
        first=first,
        opened=incident.opened_at,
        acknowledged=taken[0] if taken else incident.acknowledged_at,
        resolved=incident.resolved_at,
    )


def at_text(at: datetime) -> str:
    """Return a time to the second, in UTC."""
    return f"{at.astimezone(UTC):%Y-%m-%d %H:%M:%S}"


def span(length: timedelta) -> str:
    """Return a duration to the second: 8 s, 6 min 12 s, 2 h 5 min 1 s, 3 d 4 h."""
    total = max(0, int(length.total_seconds()))
    parts = []
    for size, unit in ((86_400, "d"), (3600, "h"), (60, "min"), (1, "s")):
        count, total = divmod(total, size)
        if count:
            parts.append(f"{count} {unit}")
    return " ".join(parts) or "0 s"
