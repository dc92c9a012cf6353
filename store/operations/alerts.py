"""Alerts in: written once, folded into the right incident, in one transaction."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import datetime
from functools import cache, partial

from bot.incidents.cascades import newcomer
from bot.incidents.correlation import (
    Candidate,
    Decision,
    IdentifiedAlert,
    Reason,
    Verdict,
    decide,
    explained,
)
from bot.incidents.model import Alert, AlertStatus, UnmatchedResolve
from bot.intake.reading import IdentifiedActivity
from bot.observability.events import Event
from store.log_events import log_event
from store.operations import activities as activities_at_senders
from store.operations import (
    cascades,
    clearing,
    episodes,
    folding,
    repeats,
    shadow,
    silences,
    stale,
    stored_alerts,
    suppression,
)
from store.operations.candidates import (
    candidate,
    candidates,
    is_overtaken,
    lock_scopes,
    open_for,
)
from store.operations.cascades import Placement
from store.operations.deliveries import insert
from store.operations.delivery_context import DeliveryContext
from store.operations.part import Part
from store.operations.stages import repeated_as
from store.receipts import AlertOutcome, Receipt, receipt_of
from store.rows import (
    TracedAlert,
    alert_from_json,
    facts_from,
)
from store.statements import (
    Operation,
    Row,
    Statement,
    from_db_time,
    query,
    together,
)


def _reopen_after(identified_alert: IdentifiedAlert, arrival: DeliveryContext) -> datetime:
    return arrival.of_scope(identified_alert.scope).reopen_after(identified_alert.alert)


def accept(
    key: str,
    named: Sequence[IdentifiedAlert],
    arrival: DeliveryContext,
    activities: Sequence[IdentifiedActivity] = (),
    *,
    may_acknowledge: bool = False,
) -> Operation[Receipt]:
    """Write and correlate every alert of one delivery, or recognise it as seen.

    1. Store the delivery's key, lock the alerts' scopes, and read what the first alert could join,
    in one round trip. 2. Store what the alerts share. 3. Take in each alert. 4. Take in the
    activity at the sender.
    """
    # The first alert's candidates come along, though a delivery that was seen needs none.
    ahead = (
        [lock_scopes(named), open_for(named[0], _reopen_after(named[0], arrival))] if named else []
    )
    inserted, in_force, *read = yield from together(
        insert(key, arrival.now), silences.in_force(arrival.now), *ahead
    )
    if not inserted:
        known, outcomes_before = yield from repeats.stored_before(named)
        yield from repeats.count(named, outcomes_before, arrival.now)
        yield log_event(Event.ALERT_REPEATED, alerts=len(named), tracking_id=", ".join(known[:5]))
        return Receipt(0, len(named), known, (), (), outcomes_before)
    rows = read[-1] if read else None
    arrival = suppression.with_silences(arrival, in_force)
    outcomes: list[AlertOutcome] = []
    yield from stored_alerts.keep_shared_parts(named, arrival.now)
    # Of the whole delivery at once: locks that are taken in any order wait for each other.
    lock_near = cache(partial(cascades.lock_near, named, arrival.calls, arrival.now))
    for item in named:
        of_scope = arrival.of_scope(item.scope)
        outcome = yield from _accept_one(item, of_scope, rows, lock_near)
        rows = None  # what is open changes with each alert
        outcomes.append(outcome)
    yield from repeats.count(named, outcomes, arrival.now)
    counts = yield from activities_at_senders.accept_all(
        activities, arrival.now, may_acknowledge=may_acknowledge
    )
    return receipt_of(named, outcomes, *counts)


def _accept_one(
    identified_alert: IdentifiedAlert,
    arrival: DeliveryContext,
    rows: list[Row] | None,
    lock_near: Callable[[], Statement],
) -> Operation[AlertOutcome]:
    """Store the alert and fold it, unless it repeats what is stored.

    `rows` are the candidates that were read just now. `lock_near` holds what an incident that it
    opens could be a part of.
    """
    result = yield from candidates(
        identified_alert, arrival.reopen_after(identified_alert.alert), rows
    )
    if result.is_stored:
        return (yield from repeats.stored_outcome(identified_alert))
    open_incidents: list[Candidate] = [candidate(row) for row in result.rows]
    decision = decide(identified_alert, open_incidents)
    row = next((row for row in result.rows if row["id"] == decision.incident_id), None)
    if row is not None:
        yield from stale.alert_came(row, arrival.now)
    repeated = yield from repeats.repeated(identified_alert, decision, row, arrival)
    if repeated is not None:
        return repeated
    if is_overtaken(identified_alert, row, result.resolves):
        decision, row = _overtaken(identified_alert, decision), None
    elif decision.verdict is not Verdict.JOIN:
        decision, row = yield from episodes.of_ended(identified_alert, decision, arrival, result)
    decision = explained(decision, identified_alert, open_incidents)
    if result.may_reopen:
        decision = _with_override(decision, arrival)
    decision, silence = yield from suppression.suppress(identified_alert, decision, arrival)
    if silence is not None:
        row = None
    placement: Placement | None = None
    if decision.verdict is Verdict.OPEN:
        placement = yield from _place(identified_alert, arrival, lock_near)
        decision = placement.decision(decision)
    live = shadow.Live(decision, placement, open_incidents, arrival)
    decision = yield from shadow.compare(identified_alert, live)
    yield from stored_alerts.insert(identified_alert, decision, arrival)
    yield from suppression.record(identified_alert, decision, silence, arrival)
    if placement is not None:
        incident_id = yield from folding.open_new(identified_alert, arrival, placement)
        return AlertOutcome(incident_id, decision.reason, opened=True)
    if row is not None:
        may_fire = row["id"] in result.with_its_key
        yield from _join(row, identified_alert, decision, arrival, may_fire=may_fire)
    return AlertOutcome(decision.incident_id, decision.reason)


def _place(
    identified_alert: IdentifiedAlert,
    arrival: DeliveryContext,
    lock_near: Callable[[], Statement],
) -> Operation[Placement]:
    """Find where the incident that the alert opens belongs."""
    if not arrival.policy.features.cascades:
        return Placement(newcomer(identified_alert, arrival.now))
    yield lock_near()
    placement = yield from cascades.place(identified_alert, arrival.calls, arrival.now)
    return placement.seen_in(identified_alert.channel or arrival.channel, identified_alert)


def _with_override(decision: Decision, arrival: DeliveryContext) -> Decision:
    """Return the decision with the override that says how soon an incident is reopened."""
    if not arrival.reopen_override or decision.verdict not in (Verdict.OPEN, Verdict.REOPEN):
        return decision
    return replace(decision, facts={**decision.facts, "override": arrival.reopen_override})


def _overtaken(identified_alert: IdentifiedAlert, decision: Decision) -> Decision:
    """Return the decision about a late message: a resolve stays with the incident of its alert."""
    is_late_end = identified_alert.alert.status is AlertStatus.RESOLVED
    belongs_to = decision.incident_id if is_late_end else None
    return Decision(Verdict.NOTHING_OPEN, belongs_to, Reason.OVERTAKEN)


def _join(
    row: Row,
    identified_alert: IdentifiedAlert,
    decision: Decision,
    arrival: DeliveryContext,
    *,
    may_fire: bool,
) -> Operation[None]:
    """Fold the stored alert into the incident of `row`, clear it there, or reopen that one."""
    if decision.verdict is Verdict.REOPEN:
        yield from episodes.reopen(row, identified_alert, arrival, decision.reason)
    elif identified_alert.alert.status is AlertStatus.RESOLVED:
        yield from clearing.clear(row, identified_alert, arrival)
    else:
        yield log_event(
            Event.ALERT_FOLDED,
            decision.incident_id,
            sop_id=row["sop_id"],
            tracking_id=identified_alert.tracking_id,
            why=decision.reason,
        )
        yield from folding.fold(row, identified_alert, arrival, may_fire=may_fire)


def latest(incident_id: int) -> Operation[Alert | None]:
    """The newest firing alert of an incident."""
    return latest_from((yield reading_latest(incident_id)))


def reading_latest(incident_id: int) -> Statement:
    """Reads the newest firing alert of an incident, for `latest_from`."""
    return query(
        "SELECT body FROM alerts WHERE incident_id = ? AND status = 'firing'"
        " ORDER BY id DESC LIMIT 1",
        incident_id,
    )


def latest_from(rows: Sequence[Row]) -> Alert | None:
    """The alert that `reading_latest` has read."""
    return alert_from_json(rows[0]["body"]) if rows else None


def trace(tracking_id: str) -> Operation[list[TracedAlert]]:
    """Every alert that carries this tracking id; of a repeat, those that it repeated."""
    sql = "SELECT * FROM alerts WHERE tracking_id = ? ORDER BY id"
    rows = yield query(sql, tracking_id)
    if not rows:
        original = yield from repeated_as(tracking_id)
        rows = (yield query(sql, original)) if original else []
    return [
        TracedAlert(
            row["tracking_id"],
            row["source"],
            row["status"],
            row["name"],
            row["severity"],
            row["fingerprint"],
            row["reason"],
            from_db_time(row["received_at"]),
            row["incident_id"],
            alert_from_json(row["body"]).read_from,
            facts_from(row["decision"]),
        )
        for row in rows
    ]


def unmatched(limit: int) -> Operation[list[UnmatchedResolve]]:
    """The newest resolves that matched no open incident."""
    rows = yield query(
        "SELECT tracking_id, received_at, sender, body FROM alerts"
        " WHERE incident_id IS NULL AND status = 'resolved' AND reason = ?"
        " ORDER BY id DESC LIMIT ?",
        Reason.NOTHING_TO_CLOSE,
        limit,
    )
    return [
        UnmatchedResolve(
            row["tracking_id"],
            row["sender"],
            from_db_time(row["received_at"]),
            alert_from_json(row["body"]),
        )
        for row in rows
    ]


class AlertsPart(Part):
    """The methods of `Store` for alerts."""

    async def accept(
        self,
        key: str,
        named: Sequence[IdentifiedAlert],
        *,
        channel: str,
        now: datetime,
        posted: bool = True,
        activities: Sequence[IdentifiedActivity] = (),
        arrived_at: datetime | None = None,
        clock: Callable[[], datetime] | None = None,
    ) -> Receipt:
        """Write every alert of one delivery and fold it into its incident, all or nothing.

        The second call with the same `key` changes nothing; so does an alert whose dedup_key is
        stored, and a reminder (`series_key`) of what fires unchanged, or of what a person resolved
        less than `correlate.reopen_within_seconds` ago. `channel` is where a new incident's card
        goes; `posted`: the sender's own message stands there. `activities` reach the incidents of
        their alerts.
        `arrived_at` is when the first bytes came, `clock` tells when each alert is written.
        """
        current = self.config.current
        policy = current.policy
        arrival = replace(
            suppression.delivery_context(current, channel, now, posted=posted),
            arrived_at=arrived_at,
            clock=clock,
        )
        return await self._write(
            accept,
            key,
            named,
            arrival,
            activities,
            may_acknowledge=policy.ingest.acknowledge_at_source,
        )

    async def latest_alert(self, incident_id: int) -> Alert | None:
        """The newest firing alert of an incident."""
        return await self._engine.read(latest, incident_id)

    async def unmatched_resolves(self, limit: int = 10) -> list[UnmatchedResolve]:
        """The newest resolves that matched no open incident, newest first."""
        return await self._engine.read(unmatched, limit)

    async def trace(self, tracking_id: str) -> list[TracedAlert]:
        """Every alert that carries this tracking id, oldest first.

        Of an alert that only repeated a stored one, the stored one: known for the last repeat of
        each hour.
        """
        return await self._engine.read(trace, tracking_id)
