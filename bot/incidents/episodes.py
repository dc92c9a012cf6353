"""Decides whether a firing alert continues an incident that is resolved.

Within the reopen time an alert continues the incident in which it, or its scope, fired last. An
alert that never ended continues its incident at any age: a person resolved the incident, or it was
closed as stale, while the sender still reports the same start. Only a reminder soon after a
person's resolve changes nothing: that person knows more than the sender.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from bot.incidents.correlation import Decision, IdentifiedAlert, Reason, Verdict, in_our_words
from bot.incidents.model import Alert, Resolution
from bot.incidents.subject import Scope

LONGEST_SILENCE = timedelta(hours=24)
"""A sender without start times that reports an alert again so long after it became stale reports
another trouble: no tool repeats a reminder less often than once a day.
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class EndedIncident:
    """A resolved incident that an alert could continue.

    `last` is the newest message that reported this very alert as firing there, None if the
    incident is only one of the alert's scope.
    """

    id: int
    scope: Scope
    resolved_at: datetime
    resolution: Resolution
    last: Alert | None = None


@dataclass(frozen=True, slots=True)
class LastEpisode:
    """The end of the incident of the same scope before this one; `fix` is the action that was
    verified to have helped, '' without one. `place` is the channel and `ts` of its card, None if
    the card is not posted.
    """

    incident_id: int
    resolved_at: datetime
    resolution: Resolution
    resolved_by: str
    fix: str
    place: tuple[str, str] | None = None


def continue_or_open(
    named: IdentifiedAlert,
    ended: Sequence[EndedIncident],
    open_scopes: Iterable[Scope],
    now: datetime,
    within: timedelta,
) -> Decision:
    """Decide about a firing alert that no open incident matches.

    The incident that knows the alert itself comes first, then the one of its scope that was
    resolved last. As among open incidents, an unknown env, region or place matches only if
    everything that fits, open or ended, is at one place.
    """
    by_end = sorted(ended, key=lambda incident: incident.resolved_at, reverse=True)
    for incident in by_end:
        if incident.last is not None and (
            decision := _of_same_alert(named.alert, incident, incident.last, now, within)
        ):
            return decision
    lately = [
        incident
        for incident in by_end
        if _has_kind(named, incident.scope) and _is_within(named.alert, incident, now, within)
    ]
    if chosen := _at_the_same_place(named, lately) or _only_fitting(named, lately, open_scopes):
        return _reopens(chosen, Reason.SCOPE_FIRES_AGAIN)
    return Decision(Verdict.OPEN, None, Reason.OPENED)


def _has_kind(named: IdentifiedAlert, scope: Scope) -> bool:
    return (scope.service, scope.category) == (named.scope.service, named.scope.category)


def _at_the_same_place(
    named: IdentifiedAlert, ended: Sequence[EndedIncident]
) -> EndedIncident | None:
    at = (item for item in ended if in_our_words(named, item.scope).is_at(named.scope))
    return next(at, None)


def _only_fitting(
    named: IdentifiedAlert, ended: Sequence[EndedIncident], open_scopes: Iterable[Scope]
) -> EndedIncident | None:
    def fits(scope: Scope) -> bool:
        return not in_our_words(named, scope).contradicts(named.scope)

    fitting = [item for item in ended if fits(item.scope)]
    scopes = {item.scope for item in fitting}
    scopes |= {scope for scope in open_scopes if _has_kind(named, scope) and fits(scope)}
    return fitting[0] if fitting and len(scopes) == 1 else None


def _of_same_alert(
    alert: Alert, incident: EndedIncident, last: Alert, now: datetime, within: timedelta
) -> Decision | None:
    is_soon = _is_within(alert, incident, now, within)
    is_stale = incident.resolution is Resolution.STALE
    same_start = alert.starts_at == last.starts_at
    if alert.starts_at is None:
        # It may be a new one: surely after a person's resolve, and long after it was heard of last.
        same_start &= is_stale and now - incident.resolved_at < LONGEST_SILENCE
    if same_start and incident.resolution is not Resolution.CLEARED:
        if not is_stale and is_soon and alert.severity is last.severity:
            return Decision(Verdict.NOTHING_OPEN, None, Reason.REMINDER_AFTER_RESOLVE)
        return _reopens(incident, Reason.STILL_FIRES)
    return _reopens(incident, Reason.FIRES_AGAIN) if is_soon else None


def _reopens(incident: EndedIncident, reason: Reason) -> Decision:
    facts = {"incident": f"INC-{incident.id}", "resolution": str(incident.resolution)}
    return Decision(Verdict.REOPEN, incident.id, reason, facts)


def _is_within(alert: Alert, incident: EndedIncident, now: datetime, within: timedelta) -> bool:
    began = began_at(alert, now)
    if began < incident.resolved_at:  # a start that says nothing of this end
        began = now
    return began - incident.resolved_at < within


def began_at(alert: Alert, now: datetime) -> datetime:
    """Return when the alert began to fire by its sender, else the time of its arrival."""
    return alert.starts_at if alert.starts_at and alert.starts_at <= now else now
