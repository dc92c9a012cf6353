"""Takes in a run of alerts at once: reads their incidents once, and writes these once.

In a burst nearly every alert is one of two kinds. It is new, and one more of an open incident that
shows a more severe or older one; or it is a reminder of an alert that fires. Neither changes what
the next alert's decision goes by, except in ways that a run follows in memory. Every other alert
ends the run, and goes through `alerts.accept_one`.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from bot.incidents.correlation import (
    Decision,
    IdentifiedAlert,
    Reason,
    Verdict,
    could_be_about,
    decide,
    explained,
)
from bot.incidents.model import AlertStatus, Severity
from bot.observability.events import Event
from store.incident_rows import scope_from
from store.log_events import LogEvent, log_events
from store.operations import (
    alert_facts,
    cascades,
    folding,
    incidents,
    senders,
    stale,
    stored_alerts,
    suppression,
)
from store.operations.alert_facts import AlertFacts, OpenIncident
from store.operations.candidates import is_unchanged
from store.operations.delivery_context import DeliveryContext
from store.receipts import AlertOutcome
from store.rows import decision_to_json
from store.statements import Operation, Row, run, run_many, to_db_time

MOST = 64
"""Alerts of a run: the event loop waits while SQLite writes them."""


@dataclass(frozen=True, slots=True)
class ArrivingAlert:
    """An alert with the context of its delivery."""

    item: IdentifiedAlert
    arrival: DeliveryContext


@dataclass(frozen=True, slots=True)
class _Join:
    """The incident that alerts of one kind join, and the decision about them."""

    row: OpenIncident
    decision: Decision
    decision_text: str  # as it is stored with each of them


_Kind = tuple[str | bool, ...]
"""The values that a run decides by, besides the open incidents, which stay as it read them."""


@dataclass(frozen=True, slots=True)
class _Folded:
    arriving: ArrivingAlert
    join: _Join


def take(arriving: Sequence[ArrivingAlert]) -> Operation[list[AlertOutcome]]:
    """Take in the first of these alerts, up to one that is of another kind, which is left.

    Returns their outcomes. The caller holds the scopes of all. 1. Read what is known about them.
    2. Decide about each. 3. Write those that are new. 4. Note that an alert of their incidents
    came. 5. Count the new ones at their incidents, and enqueue the cards.
    """
    facts = yield from alert_facts.read([alert.item for alert in arriving])
    outcomes: list[AlertOutcome] = []
    new: list[_Folded] = []
    last_came: dict[int, tuple[OpenIncident, datetime]] = {}
    joins: dict[_Kind, _Join | None] = {}
    for alert in arriving:
        row = _fires_in(alert.item, facts)
        folded = None if row else _folded(alert, facts, joins)
        if row is not None:
            outcome = AlertOutcome(row["id"], Reason.SAME_FINGERPRINT, is_repeat=True)
        elif folded is not None:
            row = folded.join.row
            outcome = AlertOutcome(row["id"], folded.join.decision.reason)
            new.append(folded)
            _follow(folded, facts)
        else:
            break
        outcomes.append(outcome)
        last_came[row["id"]] = row, alert.arrival.now
    yield from _store(new)
    for row, now in last_came.values():
        yield from stale.alert_came(row, now)
    yield from _count(new)
    return outcomes


def _fires_in(item: IdentifiedAlert, facts: AlertFacts) -> OpenIncident | None:
    """Return the incident in which it fires unchanged, for a reminder of its sender."""
    if not item.series_key or not _is_plain(item, facts):
        return None
    keys = senders.keys(item)
    if facts.firing.keys().isdisjoint(keys):
        return None
    rows = [row for key in keys for row in facts.firing.get(key, ())]
    if len(rows) != 1:
        return None
    [row] = rows
    is_it = (
        row["scope_service"] == item.scope.service
        and could_be_about(item, row["env"], row["service"], scope_from(row))
        and is_unchanged(row, item.alert)
    )
    return row if is_it else None


def _folded(
    arriving: ArrivingAlert, facts: AlertFacts, joins: dict[_Kind, _Join | None]
) -> _Folded | None:
    """Return the decision about an alert that is one more of an open incident, and no news of it.

    Nobody knows its fingerprint: so nothing overtakes it, and it continues nothing. `joins` are the
    decisions of this run: the alerts of a burst are of few kinds.
    """
    item, alert = arriving.item, arriving.item.alert
    if (
        not _is_plain(item, facts)
        or (alert.source, alert.fingerprint) in facts.earlier
        or not facts.firing.keys().isdisjoint(senders.keys(item))
    ):
        return None
    kind = _kind_of(item)
    if kind not in joins:
        joins[kind] = _join_of(item, facts)
    join = joins[kind]
    if join is None or not folding.is_shown_after(join.row, alert, arriving.arrival.now):
        return None
    return _Folded(arriving, join)


def _kind_of(item: IdentifiedAlert) -> _Kind:
    """Return what `_join_of` goes by of an alert."""
    scope = item.scope
    return (
        scope.env,
        scope.region,
        scope.service,
        scope.category,
        scope.place,
        item.alert.env,
        item.sop_id,
        item.chooses_sop,
    )


def _join_of(item: IdentifiedAlert, facts: AlertFacts) -> _Join | None:
    """Return the open incident that the alert joins without changing what it is about, if any."""
    rows = {
        row["id"]: (row, could_join)
        for row, could_join in facts.open_incidents.get(item.scope.service, ())
        if row["scope_category"] == item.scope.category or row["sop_id"] == item.sop_id
    }
    candidates = [could_join for _, could_join in rows.values()]
    decision = decide(item, candidates)
    if decision.verdict is not Verdict.JOIN or decision.incident_id is None:
        return None
    row, joined = rows[decision.incident_id]
    if (
        row["was_acted_on"]
        or row["flapping_changes"]
        or folding.narrowed(joined.scope, item) is not None
    ):
        return None
    decision = explained(decision, item, candidates)
    return _Join(row, decision, decision_to_json(decision))


def _is_plain(item: IdentifiedAlert, facts: AlertFacts) -> bool:
    return (
        item.alert.status is AlertStatus.FIRING
        and item.edit_of is None
        and item.dedup_key not in facts.stored
    )


def _follow(folded: _Folded, facts: AlertFacts) -> None:
    """Keep the facts as they are once this alert is written."""
    item = folded.arriving.item
    facts.stored.add(item.dedup_key)
    facts.earlier.add((item.alert.source, item.alert.fingerprint))
    folded.join.row["firing"] += 1


def _store(new: Sequence[_Folded]) -> Operation[None]:
    """Store the alerts, and that they fire."""
    if not new:
        return
    parts = [(folded.arriving.item, folded.join, folded.arriving.arrival) for folded in new]
    yield run_many(
        stored_alerts.INSERT,
        [
            stored_alerts.values(item, join.decision, join.decision_text, arrival)
            for item, join, arrival in parts
        ],
    )
    unsuppressed = [item for item, _, arrival in parts if arrival.silences]
    if unsuppressed:
        yield suppression.forget(unsuppressed)
    yield run_many(
        folding.INSERT_FIRING,
        [folding.firing_values(join.row["id"], item, arrival.now) for item, join, arrival in parts],
    )
    steps: list[LogEvent] = []
    for item, join, _ in parts:
        steps.append(stored_alerts.accepted(item))
        steps.append(folded_event(join.row, item, join.decision))
    yield log_events(steps)


def folded_event(row: Row, item: IdentifiedAlert, decision: Decision) -> LogEvent:
    """Return the log event that an alert joins the incident of `row`."""
    return LogEvent(
        Event.ALERT_FOLDED,
        decision.incident_id,
        {"sop_id": row["sop_id"], "tracking_id": item.tracking_id, "why": decision.reason},
    )


def _count(new: Sequence[_Folded]) -> Operation[None]:
    """Count the alerts at their incidents, each incident once, and let its card follow."""
    by_incident: dict[int, list[_Folded]] = {}
    for folded in new:
        by_incident.setdefault(folded.join.row["id"], []).append(folded)
    for incident_id, alerts in by_incident.items():
        row, arrival = alerts[-1].join.row, alerts[-1].arriving.arrival
        yield run(
            folding.COUNT,
            len(alerts),
            len(alerts),
            to_db_time(arrival.now),
            *_grew(row, alerts),
            incident_id,
        )
        yield from incidents.show_card(
            incident_id,
            row["channel"],
            Severity(row["severity"]),
            arrival.now,
            delay=arrival.correlate.card_update_seconds,
        )


def _grew(row: OpenIncident, alerts: Sequence[_Folded]) -> tuple[str, str, str]:
    """Return the values of `cascades.GREW` of the last alert that moves the window on."""
    began = row["happened_at"] or ""
    moves = [
        values
        for folded in alerts
        if (
            values := cascades.grew(folded.arriving.item, folded.arriving.arrival.now, is_new=True)
        )[1]
        <= began
    ]
    return max(moves, default=("", "", ""))
