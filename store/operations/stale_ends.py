"""Incidents of which nothing is heard any more are closed as stale, unless a person has them."""

from __future__ import annotations

from datetime import datetime, timedelta

from bot.incidents.correlation import Decision, IdentifiedAlert, Reason, Verdict
from bot.incidents.model import Resolution
from bot.language import deferred
from store.incident_rows import SCOPE_COLUMNS
from store.operations import closing, ended_incidents, incidents, stale
from store.operations.cutoffs import Cutoff
from store.operations.part import Part
from store.statements import Operation, query, run, to_db_time

AT_ONCE = 200
"""Incidents that are closed as stale in one run; the next run closes the others."""

# An unknown outcome is a person's to settle: that incident is asked about.
_IS_BUSY = (
    "EXISTS (SELECT 1 FROM approvals a WHERE a.incident_id = i.id"
    " AND a.state = 'awaiting approval')"
    " OR EXISTS (SELECT 1 FROM executions e WHERE e.incident_id = i.id"
    " AND (e.state IN ('approved', 'dispatching', 'outcome unknown')"
    " OR (e.state = 'succeeded' AND e.concluded_at IS NULL)))"
)
_IS_STALE = (
    "FROM incidents i LEFT JOIN incidents r ON r.id = i.parent_id"  # noqa: S608 - constants
    # The first condition is that of the index.
    " WHERE i.status IN ('open', 'acknowledged') AND i.status = 'open'"
    f" AND {stale.LAST_ACTIVE} <= ? AND COALESCE(r.status, '') != 'acknowledged'"
    " AND i.muted_by = '' AND COALESCE(r.muted_by, '') = ''"
    " AND NOT EXISTS (SELECT 1 FROM incidents c WHERE c.parent_id = i.id"
    " AND c.status IN ('open', 'acknowledged'))"
    " AND NOT EXISTS (SELECT 1 FROM timeline t WHERE t.incident_id IN (i.id, i.parent_id)"
    f" AND t.actor != '' AND t.at > ?) AND NOT ({_IS_BUSY})"
)


def silent(cutoff: Cutoff) -> Operation[list[tuple[int, datetime, str]]]:
    """The incidents that are stale: open, and no alert or person said anything since the time that
    stands beside each, with the override that decides.
    """
    before = to_db_time(cutoff.latest)
    rows = yield query(
        f"SELECT i.id, {SCOPE_COLUMNS}, {stale.LAST_ACTIVE} AS active {_IS_STALE}"
        " ORDER BY i.id LIMIT ?",
        before,
        before,
        cutoff.limit(AT_ONCE),
    )
    old = ((row, cutoff.if_before(row, row["active"])) for row in rows)
    due = [(row, time) for row, time in old if time is not None]
    return [(row["id"], time, cutoff.decided_by(row)) for row, time in due[:AT_ONCE]]


def close(
    incident_id: int, active_before: datetime, override: str, now: datetime
) -> Operation[bool]:
    """Close it as stale; False if something was heard of it before this transaction held it."""
    yield from incidents.lock_incident(incident_id)
    before = to_db_time(active_before)
    rows = yield query(f"SELECT 1 {_IS_STALE} AND i.id = ?", before, before, incident_id)
    if not rows:
        return False
    if override:
        text = deferred(
            "The override {override} says after how long it is stale", override=override
        )
        yield from incidents.append_event(incident_id, now, "override", text)
    yield from closing.close(incident_id, by="", now=now, resolution=Resolution.STALE)
    return True


def of_resolve(
    identified_alert: IdentifiedAlert, decision: Decision, now: datetime, within: timedelta
) -> Operation[Decision]:
    """Return the decision about a resolve that no open incident matches.

    It belongs to the incident in which its alert fired last, if a person resolved that one, or it
    was closed as stale; or if it was resolved so shortly before, as senders repeat what they are
    not sure to have delivered. A stale incident has then ended as others do.
    """
    row = yield from ended_incidents.of_resolve(identified_alert, now - within)
    if row is None:
        return decision
    incident = yield from incidents.get(row["id"])
    if incident.resolution is Resolution.STALE:
        yield run(
            "UPDATE incidents SET resolution = ?, updated_at = ? WHERE id = ?",
            Resolution.CLEARED,
            to_db_time(now),
            incident.id,
        )
        yield from incidents.append_event(
            incident.id, now, "cleared", deferred("Its alert cleared")
        )
        yield from incidents.show_card(incident.id, incident.channel, incident.severity, now)
        subject = yield from incidents.resolved_subject(incident.id)
        yield from incidents.reply(incident, "resolved", subject, now)
    is_repeat = incident.resolution is Resolution.CLEARED
    reason = Reason.ENDS_AGAIN if is_repeat else Reason.ENDS_LATER
    facts = {"incident": incident.number}
    return Decision(Verdict.KEEP, incident.id, reason, facts)


class StaleEndsPart(Part):
    """The method of `Store` that closes incidents as stale."""

    async def close_stale(self, cutoff: Cutoff, now: datetime) -> int:
        """Close each incident without an owner or a mute of which no alert or person said
        anything since then. Says how many; one with a remediation that waits or runs is left.
        """
        stale_ones = await self._engine.read(silent, cutoff)
        return sum([await self._write(close, *item, now) for item in stale_ones])
