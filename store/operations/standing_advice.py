"""The advice of an incident that is in force, and the advisors that are asked for the next one."""

from __future__ import annotations

from datetime import datetime

from bot.advice.model import Asking
from bot.incidents.model import Incident
from store.operations import incidents, outbox
from store.operations.part import Part
from store.statements import Operation, from_db_time, lock, query, to_db_time

POINTER_DELAY = 1.0  # seconds: the newer message is posted before the older one points at it

IS_ASKED = "v.asking_since != '' AND v.body IS NULL AND v.state != 'done'"
"""SQL: the advisors are asked for the advice `v`, and the card says so."""


def begin(advice_id: int, advisors: str, since: datetime, now: datetime) -> Operation[None]:
    """Let the card say that the advisors are asked, unless the advice is there meanwhile."""
    rows = yield query(
        "UPDATE advice SET asking = ?, asking_since = ? WHERE id = ? AND body IS NULL"
        " AND state != 'done' RETURNING incident_id",
        advisors,
        to_db_time(since),
        advice_id,
    )
    for row in rows:
        yield from _show_card((yield from incidents.get(row["incident_id"])), now)


def end(incident: Incident, asking_since: str, now: datetime) -> Operation[None]:
    """Let the card say no more that they are asked, if it does."""
    if asking_since:
        yield from _show_card(incident, now)


def of_card(incident_id: int) -> Operation[Asking | None]:
    """Return who is asked about an incident or a child of it, the first question first."""
    rows = yield query(
        "SELECT v.asking, v.asking_since, v.asked_by FROM advice v WHERE (v.incident_id = ?"  # noqa: S608 - constants
        " OR v.incident_id IN (SELECT c.id FROM incidents c WHERE c.parent_id = ?))"
        f" AND {IS_ASKED} ORDER BY v.asking_since, v.id LIMIT 1",
        incident_id,
        incident_id,
    )
    if not rows:
        return None
    row = rows[0]
    return Asking(row["asking"], from_db_time(row["asking_since"]), row["asked_by"])


def replace_former(
    advice_id: int, incident: Incident, now: datetime, *, by_model: bool
) -> Operation[None]:
    """Let this advice be in force instead of the former one of its incident.

    The SOP's rules never replace a model's answer: they stand in where no model answered. The lock
    lets the second of two answers that come at the same time see the first.
    """
    yield lock(f"advice:{incident.id}")
    rows = yield query(
        "UPDATE advice SET replaced_by = ? WHERE incident_id = ? AND id != ? AND body IS NOT NULL"
        " AND replaced_by IS NULL AND by_model <= ? RETURNING id",
        advice_id,
        incident.id,
        advice_id,
        int(by_model),
    )
    for row in rows:
        yield from _show(row["id"], incident, now, POINTER_DELAY)


def redraw(incident: Incident, now: datetime) -> Operation[None]:
    """Let a model's advice that is in force show the actions that can be proposed now."""
    rows = yield query(
        "SELECT id FROM advice WHERE incident_id = ? AND by_model = 1 AND replaced_by IS NULL",
        incident.id,
    )
    for row in rows:
        yield from _show(row["id"], incident, now)


def place(advice_id: int) -> Operation[tuple[str, str] | None]:
    """Return the channel and the ts of the message of an advice; None until it is posted."""
    rows = yield query(
        "SELECT channel, ts FROM outbox WHERE key = ? AND ts IS NOT NULL", f"advice:{advice_id}"
    )
    return (rows[0]["channel"], rows[0]["ts"]) if rows else None


def under_way(incident_id: int) -> Operation[frozenset[tuple[str, str]]]:
    """Return the (action, target) that wait for approval or run: nobody proposes them again."""
    rows = yield query(
        "SELECT a.action_id, a.target FROM approvals a"
        " LEFT JOIN executions e ON e.approval_id = a.id WHERE a.incident_id = ?"
        " AND (a.state = 'awaiting approval' OR e.state IN ('approved', 'dispatching'))",
        incident_id,
    )
    return frozenset((row["action_id"], row["target"]) for row in rows)


def _show(advice_id: int, incident: Incident, now: datetime, delay: float = 0.0) -> Operation[None]:
    """Enqueue a change of the message, if there is one."""
    known = yield query("SELECT 1 FROM outbox WHERE key = ?", f"advice:{advice_id}")
    if not known:
        return
    yield from outbox.enqueue(
        kind="advice",
        subject=advice_id,
        channel=incident.channel,
        incident_id=incident.id,
        in_thread=True,
        severity=incident.severity,
        now=now,
        delay=delay,
    )


def _show_card(incident: Incident, now: datetime) -> Operation[None]:
    yield from incidents.show_card(incident.id, incident.channel, incident.severity, now)


def times_reopened(incident_id: int) -> Operation[int]:
    """Count how often the incident was reopened."""
    rows = yield query(
        "SELECT COUNT(*) AS n FROM timeline WHERE incident_id = ? AND kind = 'reopened'",
        incident_id,
    )
    return int(rows[0]["n"])


class StandingAdvicePart(Part):
    """The methods of `Store` for the advice in force and the advisors that are asked."""

    async def advice_is_asked(
        self, advice_id: int, advisors: str, since: datetime, now: datetime
    ) -> None:
        """Let the card say that these advisors are asked; the advice itself ends that."""
        await self._write(begin, advice_id, advisors, since, now)

    async def actions_under_way(self, incident_id: int) -> frozenset[tuple[str, str]]:
        """Return the (action, target) of an incident that wait for approval or run."""
        return await self._engine.read(under_way, incident_id)

    async def times_reopened(self, incident_id: int) -> int:
        """Return how often the incident was reopened."""
        return await self._engine.read(times_reopened, incident_id)

    async def place_of_advice(self, advice_id: int) -> tuple[str, str] | None:
        """Return the channel and the ts of the message of an advice; None until it is posted."""
        return await self._engine.read(place, advice_id)
