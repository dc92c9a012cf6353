"""Takes in the alerts of deliveries: each is written once, and folded into the right incident."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import cache, partial
from itertools import islice

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
from bot.incidents.model import AlertStatus
from bot.intake.reading import IdentifiedActivity
from bot.observability.events import Event
from store.log_events import log_event, log_events
from store.operations import activities as activities_at_senders
from store.operations import (
    alert_runs,
    cascades,
    clearing,
    episodes,
    folding,
    opening,
    repeats,
    shadow,
    silences,
    stale,
    stored_alerts,
    suppression,
)
from store.operations.alert_runs import ArrivingAlert, folded_event
from store.operations.candidates import (
    candidate,
    candidates,
    is_overtaken,
    lock_scopes,
    open_for,
)
from store.operations.cascades import Placement
from store.operations.deliveries import insert, insert_all
from store.operations.delivery_context import DeliveryContext
from store.receipts import AlertOutcome, Receipt, receipt_of
from store.statements import (
    Operation,
    Row,
    Statement,
    together,
)


@dataclass(frozen=True, slots=True)
class IncomingDelivery:
    """A delivery that waits to be taken in: its key, its alerts and its context."""

    key: str
    named: Sequence[IdentifiedAlert]
    arrival: DeliveryContext


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
        [lock_scopes(named), open_for(named[0], arrival.of_scope(named[0].scope))] if named else []
    )
    inserted, in_force, *read = yield from together(
        insert(key, arrival.now), silences.in_force(arrival.now), *ahead
    )
    if not inserted:
        receipt = yield from _repeated_delivery(named)
        yield from repeats.count(named, receipt.outcomes, arrival.now)
        return receipt
    rows = read[-1] if read else None
    arrival = suppression.with_silences(arrival, in_force)
    yield from stored_alerts.keep_shared_parts(named, arrival.now)
    # Of the whole delivery at once: locks that are taken in any order wait for each other.
    lock_near = cache(partial(cascades.lock_near, named, arrival.calls))
    outcomes = yield from _accept_each(
        [ArrivingAlert(item, arrival.of_scope(item.scope)) for item in named], rows, lock_near
    )
    yield from repeats.count(named, outcomes, arrival.now)
    counts = yield from activities_at_senders.accept_all(
        activities, arrival.now, may_acknowledge=may_acknowledge
    )
    return receipt_of(named, outcomes, *counts)


def accept_together(incoming: Sequence[IncomingDelivery]) -> Operation[list[Receipt]]:
    """Do as `accept` for each of these small deliveries, in their order, but read and write once
    what they share. They have no activities, and each another key.

    1. Store their keys, and lock the scopes of all their alerts, in one round trip. 2. Take in the
    alerts of the new ones. 3. Count what is repeated.
    """
    everything = [item for delivery in incoming for item in delivery.named]
    inserted, in_force, _ = yield from together(
        insert_all(sorted((delivery.key, delivery.arrival.now) for delivery in incoming)),
        silences.in_force(incoming[0].arrival.now),
        lock_scopes(everything),
    )
    new_keys = {row["key"] for row in inserted}
    arriving: list[ArrivingAlert] = []
    for delivery in incoming:
        if delivery.key in new_keys:
            arrival = suppression.with_silences(delivery.arrival, in_force)
            arriving += [
                ArrivingAlert(item, arrival.of_scope(item.scope)) for item in delivery.named
            ]
    now = incoming[0].arrival.now
    yield from stored_alerts.keep_shared_parts([alert.item for alert in arriving], now)
    lock_near = cache(partial(cascades.lock_near, everything, incoming[0].arrival.calls))
    outcomes = iter((yield from _accept_each(arriving, None, lock_near)))
    receipts: list[Receipt] = []
    for delivery in incoming:
        if delivery.key in new_keys:
            its_outcomes = list(islice(outcomes, len(delivery.named)))
            receipt = receipt_of(delivery.named, its_outcomes, 0, 0)
        else:
            receipt = yield from _repeated_delivery(delivery.named)
        receipts.append(receipt)
    counted = [outcome for receipt in receipts for outcome in receipt.outcomes]
    yield from repeats.count(everything, counted, now)
    return receipts


def _repeated_delivery(named: Sequence[IdentifiedAlert]) -> Operation[Receipt]:
    known, outcomes = yield from repeats.stored_before(named)
    yield log_event(Event.ALERT_REPEATED, alerts=len(named), tracking_id=", ".join(known[:5]))
    return Receipt(0, len(named), known, (), (), outcomes)


_LONGEST_PAUSE = 16


def _accept_each(
    arriving: Sequence[ArrivingAlert],
    rows: list[Row] | None,
    lock_near: Callable[[], Statement],
) -> Operation[list[AlertOutcome]]:
    """Take in the alerts in their order, in runs where they are of one kind.

    `rows` are the candidates of the first one, if they were read just now. Where a run took nothing
    in, the next one begins some alerts later: what it reads is read in vain.
    """
    outcomes: list[AlertOutcome] = []
    singly, pause = (0 if rows is None else 1), 1
    while (done := len(outcomes)) < len(arriving):
        if not singly and len(arriving) - done > 1:
            taken = yield from alert_runs.take(arriving[done : done + alert_runs.MOST])
            outcomes += taken
            pause = 1 if taken else min(2 * pause, _LONGEST_PAUSE)
            if done + len(taken) == len(arriving) or len(taken) == alert_runs.MOST:
                continue
            singly = pause
        next_one = arriving[len(outcomes)]
        outcomes.append((yield from _accept_one(next_one.item, next_one.arrival, rows, lock_near)))
        rows = None  # what is open changes with each alert
        singly = max(0, singly - 1)
    return outcomes


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
    result = yield from candidates(identified_alert, arrival, rows)
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
    if (yield from is_overtaken(identified_alert, row, result.resolves)):
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
        incident_id = yield from opening.open_new(identified_alert, arrival, placement)
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
    placement = yield from cascades.place(
        identified_alert, arrival.calls, arrival.now, arrival.reopen_within
    )
    return placement.seen_in(identified_alert.channel or arrival.channel, identified_alert)


def _with_override(decision: Decision, arrival: DeliveryContext) -> Decision:
    """Return the decision with the override that says how soon an incident is reopened."""
    override = arrival.override_of("reopen_within_seconds")
    if not override or decision.verdict not in (Verdict.OPEN, Verdict.REOPEN):
        return decision
    return replace(decision, facts={**decision.facts, "override": override})


def _overtaken(identified_alert: IdentifiedAlert, decision: Decision) -> Decision:
    """Return the decision about a late message: a resolve stays with the incident of its alert."""
    is_late_end = identified_alert.alert.status is AlertStatus.RESOLVED
    belongs_to = decision.incident_id if is_late_end else None
    return Decision(Verdict.KEEP, belongs_to, Reason.OVERTAKEN)


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
        yield log_events([folded_event(row, identified_alert, decision)])
        yield from folding.fold(row, identified_alert, arrival, may_fire=may_fire)
