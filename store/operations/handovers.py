"""A person hands their open incidents over to another person, who must accept."""

from __future__ import annotations

import json
from datetime import datetime, timedelta

from bot.errors import NotFound, Refused
from bot.incidents.model import Incident, Severity
from bot.incidents.records import Handover, HandoverState
from bot.language import deferred
from store.incident_rows import incident_from
from store.operations import incidents, outbox, steering
from store.operations.part import Part
from store.rows import dump
from store.statements import (
    Operation,
    Row,
    execute,
    from_db_time,
    from_db_time_or_none,
    lock,
    query,
    run,
    to_db_time,
)

LATE = timedelta(minutes=15)  # then the bot tells the giver of a critical incident
GIVER, TAKER = "giver", "taker"

WAITING_OF = (
    "SELECT * FROM handovers WHERE state = 'waiting' AND (taker = ? OR giver = ?)"
    " ORDER BY id DESC LIMIT 3"
)
"""Those that a person gives or is offered, and nobody has ended yet: the user's id, twice."""
_OWNED = "SELECT * FROM incidents WHERE status = 'acknowledged' AND acknowledged_by = ?"


def offer(
    giver: str, taker: str, channels: tuple[str, str], origin: str, now: datetime
) -> Operation[Handover]:
    """Offer the giver's open incidents to the taker; once for each origin.

    `channels` are the direct messages with giver and taker. 1. Return what this origin made
    already. 2. Read the incidents; Refused without any. 3. Cancel what the giver offered before.
    4. Insert it, and enqueue both messages.
    """
    yield lock(f"handover/{giver}")
    known = yield query("SELECT * FROM handovers WHERE origin = ?", origin)
    if known:
        return handover_from(known[0])
    rows = yield query(f"{_OWNED} ORDER BY id", giver)
    if not rows:
        raise Refused(deferred("Nothing to hand over: you own no open incident."))
    waiting = yield query(
        "SELECT * FROM handovers WHERE giver = ? AND state = ?", giver, HandoverState.WAITING
    )
    for row in waiting:
        yield from _end(row["id"], HandoverState.CANCELLED, giver, now)
    inserted = yield query(
        "INSERT INTO handovers (giver, taker, incidents, state, made_at, origin, giver_channel,"
        " taker_channel) VALUES (?, ?, ?, ?, ?, ?, ?, ?) RETURNING *",
        giver,
        taker,
        dump([row["id"] for row in rows]),
        HandoverState.WAITING,
        to_db_time(now),
        origin,
        *channels,
    )
    yield from _show(inserted[0], now)
    return handover_from(inserted[0])


def accept(handover_id: int, user: str, now: datetime) -> Operation[tuple[Handover, bool]]:
    """Make the taker the owner of what the giver still owns; False if it had ended before.

    1. Read it; only the taker may accept. 2. End it. 3. Lock the incidents. 4. Assign each that is
    still the giver's, which its thread says. 5. Change both messages.
    """
    handover = yield from get(handover_id)
    if user != handover.taker:
        raise Refused(deferred("Not done: only <@{taker}> can accept this.", taker=handover.taker))
    if not (yield from _end(handover_id, HandoverState.ACCEPTED, user, now)):
        return (yield from get(handover_id)), False
    places = ", ".join("?" * len(handover.incidents))
    scopes = yield query(
        f"SELECT scope_service FROM incidents WHERE id IN ({places})",  # noqa: S608 - placeholders
        *handover.incidents,
    )
    yield lock(*{incidents.lock_key(row["scope_service"]) for row in scopes})
    owned = yield query(_OWNED, handover.giver)
    moved = sorted({row["id"] for row in owned} & set(handover.incidents))
    for incident_id in moved:
        yield from steering.assign(incident_id, handover.taker, user, now)
    yield run("UPDATE handovers SET moved = ? WHERE id = ?", dump(moved), handover_id)
    return (yield from get(handover_id)), True


def cancel(handover_id: int, user: str, now: datetime) -> Operation[tuple[Handover, bool]]:
    """End it without effect, by its giver or its taker; False if it had ended before."""
    handover = yield from get(handover_id)
    if user not in (handover.giver, handover.taker):
        raise Refused(deferred("Not done: only the two people of this handover can end it."))
    ended = yield from _end(handover_id, HandoverState.CANCELLED, user, now)
    return (yield from get(handover_id)), ended


def _end(handover_id: int, state: HandoverState, user: str, now: datetime) -> Operation[bool]:
    """1. End it if it waits. 2. Change both messages."""
    count = yield execute(
        "UPDATE handovers SET state = ?, ended_at = ?, ended_by = ? WHERE id = ? AND state = ?",
        state,
        to_db_time(now),
        user,
        handover_id,
        HandoverState.WAITING,
    )
    if count:
        rows = yield query("SELECT * FROM handovers WHERE id = ?", handover_id)
        yield from _show(rows[0], now)
    return bool(count)


def _show(row: Row, now: datetime) -> Operation[None]:
    for side in (GIVER, TAKER):
        if channel := row[f"{side}_channel"]:
            yield from _enqueue("handover", f"{row['id']}/{side}", channel, now)


def _enqueue(kind: str, subject: str, channel: str, now: datetime) -> Operation[None]:
    yield from outbox.enqueue(
        kind=kind,
        subject=subject,
        channel=channel,
        incident_id=None,
        in_thread=False,
        severity=None,
        now=now,
    )


def drop_ended(now: datetime) -> Operation[None]:
    """Take out of the handovers that wait what was resolved meanwhile, and change their messages.

    1. Read those that wait. 2. Read which of their incidents are open. 3. Store these; a handover
    without any ends, by nobody.
    """
    waiting = yield query("SELECT * FROM handovers WHERE state = ?", HandoverState.WAITING)
    for row in waiting:
        offered = json.loads(row["incidents"])
        rows = yield query(
            "SELECT id FROM incidents WHERE resolved_at IS NULL"  # noqa: S608 - placeholders
            f" AND id IN ({', '.join('?' * len(offered))}) ORDER BY id",
            *offered,
        )
        still_open = [incident["id"] for incident in rows]
        if not still_open:
            yield from _end(row["id"], HandoverState.CANCELLED, "", now)
        elif still_open != offered and (
            yield execute(
                "UPDATE handovers SET incidents = ? WHERE id = ? AND state = ?",
                dump(still_open),
                row["id"],
                HandoverState.WAITING,
            )
        ):
            yield from _show(row, now)


def report_late(now: datetime) -> Operation[int]:
    """Tell the giver once that nobody accepted a critical incident within LATE.

    1. Find the handovers that wait so long. 2. Claim each. 3. Enqueue the message if the giver
    still owns a critical one. Returns how many are new.
    """
    rows = yield query(
        "SELECT * FROM handovers WHERE state = ? AND late_at IS NULL AND made_at <= ?",
        HandoverState.WAITING,
        to_db_time(now - LATE),
    )
    reported = 0
    for row in rows:
        owned = yield query(f"{_OWNED} AND severity = ?", row["giver"], Severity.CRITICAL)
        offered = set(json.loads(row["incidents"]))
        if not row["giver_channel"] or not offered & {incident["id"] for incident in owned}:
            continue
        claimed = yield execute(
            "UPDATE handovers SET late_at = ? WHERE id = ? AND late_at IS NULL",
            to_db_time(now),
            row["id"],
        )
        if claimed:
            yield from _enqueue("handover_late", str(row["id"]), row["giver_channel"], now)
            reported += 1
    return reported


def get(handover_id: int) -> Operation[Handover]:
    """Return one handover, or raise NotFound."""
    rows = yield query("SELECT * FROM handovers WHERE id = ?", handover_id)
    if not rows:
        raise NotFound(deferred("This handover is not stored any more."))
    return handover_from(rows[0])


def shown(handover_id: int) -> Operation[tuple[Handover, list[Incident]]]:
    """Return a handover and its incidents as they are now."""
    handover = yield from get(handover_id)
    places = ", ".join("?" * len(handover.incidents))
    rows = yield query(
        f"SELECT * FROM incidents WHERE id IN ({places}) ORDER BY id",  # noqa: S608 - placeholders
        *handover.incidents,
    )
    return handover, [incident_from(row) for row in rows]


def handover_from(row: Row) -> Handover:
    """Return the handover of a row of `handovers`."""
    return Handover(
        id=row["id"],
        giver=row["giver"],
        taker=row["taker"],
        incidents=tuple(json.loads(row["incidents"])),
        state=HandoverState(row["state"]),
        made_at=from_db_time(row["made_at"]),
        ended_at=from_db_time_or_none(row["ended_at"]),
        ended_by=row["ended_by"],
        moved=tuple(json.loads(row["moved"])),
    )


class HandoversPart(Part):
    """The methods of `Store` for handovers."""

    async def offer_handover(
        self, giver: str, taker: str, channels: tuple[str, str], origin: str, now: datetime
    ) -> Handover:
        """Offer the giver's open incidents to the taker, once for each `origin`.

        `channels` are the direct messages with giver and taker. An earlier offer of the giver is
        cancelled. Refused if the giver owns no open incident.
        """
        return await self._write(offer, giver, taker, channels, origin, now)

    async def accept_handover(
        self, handover_id: int, user: str, now: datetime
    ) -> tuple[Handover, bool]:
        """The taker accepts, and owns what the giver still owned; False if it had ended before."""
        return await self._write(accept, handover_id, user, now)

    async def cancel_handover(
        self, handover_id: int, user: str, now: datetime
    ) -> tuple[Handover, bool]:
        """Giver or taker end it without effect; False if it had ended before."""
        return await self._write(cancel, handover_id, user, now)

    async def drop_ended_from_handovers(self, now: datetime) -> None:
        """A handover that waits offers no resolved incident; without any other, it ends."""
        await self._write(drop_ended, now)

    async def report_late_handovers(self, now: datetime) -> int:
        """Tell the giver once of a critical incident that nobody accepted within LATE."""
        return await self._write(report_late, now)

    async def handover(self, handover_id: int) -> tuple[Handover, list[Incident]]:
        """Return a handover and its incidents as they are now, or raise NotFound."""
        return await self._engine.read(shown, handover_id)
