"""Alerts that a silence suppresses: stored with the silence, and opened when it ends.

An alert that is suppressed and fires has a row in `suppressed` until it resolves, joins an
incident, or opens one. So nothing is lost, though its sender may never repeat it.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import datetime

from bot.configuration import Configuration
from bot.incidents.correlation import Decision, IdentifiedAlert, Reason, Verdict
from bot.incidents.model import AlertStatus
from bot.incidents.planned_silences import planned_silences
from bot.incidents.silences import Silence, find_silence
from bot.observability.events import Event
from store.log_events import log_event
from store.operations import senders, shadow, silences
from store.operations.candidates import sent_time
from store.operations.delivery_context import DeliveryContext
from store.statements import Operation, Row, Statement, execute, run, run_many, starting_with

_ITS_ID = "(SELECT id FROM alerts WHERE dedup_key = ?)"


def delivery_context(
    current: Configuration,
    channel: str,
    now: datetime,
    *,
    posted: bool,
    arrived_at: datetime | None = None,
    clock: Callable[[], datetime] | None = None,
) -> DeliveryContext:
    """Return the context of a delivery that arrives now, by that configuration."""
    policy = current.policy
    return DeliveryContext(
        channel,
        now,
        policy,
        posted,
        current.calls,
        silences=planned_silences(policy.notify.maintenance, policy.notify.quiet_hours, now),
        environments=policy.remediate.declared,
        shadow=shadow.of_configuration(current, now),
        arrived_at=arrived_at,
        clock=clock,
    )


def with_silences(arrival: DeliveryContext, rows: Sequence[Row]) -> DeliveryContext:
    """Return the context with the silences of `silences.in_force` before those of the policy."""
    if not rows:
        return arrival
    stored = (silences.silence_of(tuple(row)) for row in rows)
    return replace(arrival, silences=(*stored, *arrival.silences))


def suppress(
    identified_alert: IdentifiedAlert, decision: Decision, arrival: DeliveryContext
) -> Operation[tuple[Decision, Silence | None]]:
    """Return the decision, and the silence that suppresses the alert, if one does.

    Only an alert that would open or reopen an incident is suppressed.
    """
    if decision.verdict not in (Verdict.OPEN, Verdict.REOPEN) or not arrival.silences:
        return decision, None
    silence = find_silence(
        arrival.silences, identified_alert.alert, arrival.environments, identified_alert.subject
    )
    if silence is not None and not silence.id:
        channel = identified_alert.channel or arrival.channel
        silence = yield from silences.of_policy(silence, channel)
    if silence is None:
        return decision, None
    facts = {**decision.facts, "silence": silence.id}
    return Decision(Verdict.KEEP, None, Reason.SUPPRESSED, facts), silence


def record(
    identified_alert: IdentifiedAlert,
    decision: Decision,
    silence: Silence | None,
    arrival: DeliveryContext,
) -> Operation[None]:
    """Keep the stored alert in `suppressed` while it fires there, and forget it when it does not.

    1. Forget the earlier version of an edited message. 2. Keep an alert that is suppressed, or
    forget one that joins or opens an incident, or that is resolved.
    """
    is_firing = identified_alert.alert.status is AlertStatus.FIRING
    if silence is not None:
        yield from _forget_earlier_version(identified_alert)
        yield from _keep(identified_alert, silence, arrival)
    elif arrival.silences and (is_firing or decision.incident_id is not None):
        # With no silence in force, a row that is left here is dropped where it would open.
        yield forget([identified_alert])
    elif not is_firing and decision.incident_id is None:
        yield from _forget_earlier_version(identified_alert)
        yield from _forget_resolved(identified_alert)


def forget(alerts: Sequence[IdentifiedAlert]) -> Statement:
    """Forget that these alerts are suppressed."""
    return run_many(
        "DELETE FROM suppressed WHERE fingerprint = ?",
        [(senders.key(item.alert, item.sender),) for item in alerts],
    )


def _keep(
    identified_alert: IdentifiedAlert, silence: Silence, arrival: DeliveryContext
) -> Operation[None]:
    yield run(
        "UPDATE alerts SET silence_id = ? WHERE dedup_key = ?",
        silence.id,
        identified_alert.dedup_key,
    )
    yield run(
        "INSERT INTO suppressed (fingerprint, sender, name, scope, told_at, silence_id, alert_id,"  # noqa: S608 - constants
        f" channel, posted) VALUES (?, ?, ?, ?, ?, ?, {_ITS_ID}, ?, ?)"
        " ON CONFLICT (fingerprint) DO UPDATE SET name = excluded.name, scope = excluded.scope,"
        " told_at = excluded.told_at, silence_id = excluded.silence_id,"
        " alert_id = excluded.alert_id, channel = excluded.channel, posted = excluded.posted"
        " WHERE excluded.told_at = '' OR suppressed.told_at <= excluded.told_at",
        senders.key(identified_alert.alert, identified_alert.sender),
        identified_alert.sender,
        identified_alert.alert.name,
        _scope(identified_alert),
        sent_time(identified_alert),
        silence.id,
        identified_alert.dedup_key,
        identified_alert.channel or arrival.channel,
        int(arrival.posted),
    )
    yield log_event(
        Event.ALERT_SUPPRESSED,
        silence=silence.id,
        sop_id=identified_alert.sop_id,
        tracking_id=identified_alert.tracking_id,
    )


def _scope(identified_alert: IdentifiedAlert) -> str:
    scope = identified_alert.scope
    return f"{scope.env}/{scope.region}/{scope.service}"


def _forget_earlier_version(identified_alert: IdentifiedAlert) -> Operation[None]:
    edit_of = identified_alert.edit_of
    if edit_of is None:
        return
    by_them, them = senders.by_them(identified_alert)
    yield run(
        "DELETE FROM suppressed WHERE alert_id IN (SELECT a.id FROM alerts a"  # noqa: S608 - placeholders
        " WHERE a.dedup_key >= ? AND a.dedup_key < ?"
        " AND substr(a.dedup_key, length(a.dedup_key) + 1 - length(?)) = ?)"
        f" AND {by_them}",
        *starting_with(edit_of.delivery),
        edit_of.ending,
        edit_of.ending,
        *them,
    )


def _forget_resolved(identified_alert: IdentifiedAlert) -> Operation[None]:
    """Forget the alert that this resolve ends: by its key, else the only one of its name and scope.

    Only its own sender ends an alert, and not with a message that was sent before it.
    """
    by_them, them = senders.by_them(identified_alert)
    keys, at = senders.keys(identified_alert), sent_time(identified_alert)
    not_later = "(? = '' OR told_at <= ?)"
    count: int = yield execute(
        f"DELETE FROM suppressed WHERE fingerprint IN ({senders.placeholders(keys)})"  # noqa: S608 - placeholders
        f" AND {not_later} AND {by_them}",
        *keys,
        at,
        at,
        *them,
    )
    if count:
        return
    name, scope = identified_alert.alert.name, _scope(identified_alert)
    yield run(
        f"DELETE FROM suppressed WHERE name = ? AND scope = ? AND {not_later} AND {by_them}"  # noqa: S608 - placeholders
        f" AND 1 = (SELECT COUNT(*) FROM suppressed WHERE name = ? AND scope = ? AND {by_them})",
        name,
        scope,
        at,
        at,
        *them,
        name,
        scope,
        *them,
    )
