"""An alert that fires again continues its incident: the incident is reopened."""

from __future__ import annotations

from datetime import timedelta

from bot.incidents import episodes
from bot.incidents.cascades import newcomer
from bot.incidents.correlation import Decision, IdentifiedAlert, Reason
from bot.incidents.ourselves import is_about_ourselves
from bot.language import deferred
from bot.observability.events import Event
from store.incident_rows import scope_from
from store.log_events import log_event
from store.operations import (
    advice,
    alternation,
    cascade_steering,
    ended_incidents,
    folding,
    incidents,
    proposing,
    reopening_news,
    stale_ends,
    standing_advice,
)
from store.operations.candidates import Candidates
from store.operations.delivery_context import DeliveryContext
from store.statements import Operation, Row, from_db_time, query, run, to_db_time

_READ_BY_FOLD = (
    "id",
    "sop_id",
    "channel",
    "was_acted_on",
    "scope_env",
    "scope_region",
    "scope_service",
    "scope_category",
    "scope_place",
)
ADVICE_AGAIN = timedelta(hours=1)
"""Advice that was asked for so long ago is asked for again when its incident is reopened."""


def of_ended(
    identified_alert: IdentifiedAlert,
    decision: Decision,
    arrival: DeliveryContext,
    candidates: Candidates,
) -> Operation[tuple[Decision, Row | None]]:
    """Decide about an alert that no open incident matches; the row is that of the incident that it
    reopens. The caller holds the alert's scope.
    """
    if decision.reason is Reason.NOTHING_TO_CLOSE:
        reading = stale_ends.of_resolve(
            identified_alert, decision, arrival.now, arrival.reopen_within
        )
        return (yield from reading), None
    if not candidates.may_reopen:
        return decision, None
    after = arrival.reopen_after(identified_alert.alert)
    ended, rows = yield from ended_incidents.read(identified_alert, after)
    decision = episodes.continue_or_open(
        identified_alert,
        ended,
        map(scope_from, candidates.rows),
        arrival.now,
        arrival.reopen_within,
    )
    row = next((row for row in rows if row["id"] == decision.incident_id), None)
    return decision, row


def reopen(
    row: Row, identified_alert: IdentifiedAlert, arrival: DeliveryContext, reason: Reason
) -> Operation[None]:
    """Reopen the incident of `row`, which `ended_incidents` has read, for the alert.

    1. Open it, with the alert's severity. 2. Append the event. 3. Fold the alert. 4. Report it, as
    news. 5. Fold in the incidents that took turns with it. 6. Enqueue advice and proposals again,
    if the last advice is old.
    """
    alert, now = identified_alert.alert, arrival.now
    returning = newcomer(identified_alert, now)
    happened_at = to_db_time(returning.at)
    fix = yield from reopening_news.title_of_fix(row["fixed_by"])
    yield from cascade_steering.leave_resolved_root(row["id"], now)
    yield from incidents.set_open(row["id"], now)
    yield run(
        # `fold` counts the alert, which is stored already. A cascade may grow from here.
        "UPDATE incidents SET severity = ?, alert_count = alert_count - 1, happened_at = ?,"
        " grew_at = ? WHERE id = ?",
        alert.severity,
        happened_at,
        happened_at,
        row["id"],
    )
    yield from incidents.append_event(
        row["id"], now, "reopened", deferred("Reopened: it fires again")
    )
    yield log_event(
        Event.INCIDENT_REOPENED, row["id"], why=reason, tracking_id=identified_alert.tracking_id
    )
    unseen = {
        "fires": 0,
        "firing": 0,
        "replaces": "",
        "shown_since": "",
        "severity": alert.severity,
        "severity_by": "",
        "flapping_changes": 0,
    }
    read = {name: row[name] for name in _READ_BY_FOLD}
    yield from folding.fold(read | unseen, identified_alert, arrival, may_fire=False)
    yield from reopening_news.report(row, fix, now)
    yield from standing_advice.redraw((yield from incidents.get(row["id"])), now)
    yield from alternation.fold_in(row["id"], returning, row["resolved_at"], now)
    yield from _advise_again(row, identified_alert, arrival)


def _advise_again(
    row: Row, identified_alert: IdentifiedAlert, arrival: DeliveryContext
) -> Operation[None]:
    latest = yield query(
        "SELECT MAX(at) AS at FROM advice WHERE incident_id = ? AND question = ''", row["id"]
    )
    at = latest[0]["at"]
    if at and arrival.now - from_db_time(at) < ADVICE_AGAIN:
        return
    severity = identified_alert.alert.severity
    if not is_about_ourselves(identified_alert.scope):
        yield from advice.enqueue(row["id"], "", "", severity, arrival.now)
    if identified_alert.sop_matched:
        origin = f"sop:{row['id']}:{to_db_time(arrival.now)}"
        yield from proposing.enqueue(row["id"], severity, origin, arrival.now)
