"""Decides whether a firing alert continues an incident that is resolved.

1. The same alert still fires: its sender reports the start that it reported before a person
   resolved the incident, or before it was closed as stale. It reopens that incident at any age.
   Only within the reopen time after a person's resolve it changes nothing: that person knows more
   than the sender.
2. The same alert fires again within the reopen time: it reopens its incident.
3. Another alert of the same scope does so: it reopens the incident that was resolved last.
4. Anything else opens a new incident.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from bot.incidents.correlation import Decision, IdentifiedAlert, Reason, Verdict, in_our_words
from bot.incidents.model import Alert, Resolution
from bot.incidents.subject import Scope

LONGEST_SILENCE = timedelta(hours=24)
"""Without a start time an alert may be a reminder or a new one. So long after its incident became
stale it is a new one: every tool repeats its reminders at least once a day.
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

    The incidents that know the alert itself come first, then those of its scope; of each kind the
    one that was resolved last. An unknown env, region or place matches any, but only if all
    incidents that fit, open or ended, are at one place: correlation treats open ones the same way.
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
        # Is it a reminder or a new alert? Only soon after it became stale it counts as a reminder.
        same_start &= is_stale and now - incident.resolved_at < LONGEST_SILENCE
    if same_start and incident.resolution is not Resolution.CLEARED:
        if not is_stale and is_soon and alert.severity is last.severity:
            return Decision(Verdict.KEEP, None, Reason.REMINDER_AFTER_RESOLVE)
        return _reopens(incident, Reason.STILL_FIRES)
    return _reopens(incident, Reason.FIRES_AGAIN) if is_soon else None


def _reopens(incident: EndedIncident, reason: Reason) -> Decision:
    facts = {"incident": f"INC-{incident.id}", "resolution": str(incident.resolution)}
    return Decision(Verdict.REOPEN, incident.id, reason, facts)


def _is_within(alert: Alert, incident: EndedIncident, now: datetime, within: timedelta) -> bool:
    began = began_at(alert, now)
    if began < incident.resolved_at:  # it began before the resolve: count from its arrival
        began = now
    return began - incident.resolved_at < within


def began_at(alert: Alert, now: datetime) -> datetime:
    """Return when the alert began to fire by its sender, else the time of its arrival."""
    return alert.starts_at if alert.starts_at and alert.starts_at <= now else now
