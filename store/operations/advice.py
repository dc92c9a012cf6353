"""Advice: queued, claimed and given; and the conversation of a SOP ID."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime
from typing import Any

from bot.advice.load.segment import AdviceLimits
from bot.advice.model import FROM_NOTHING, FROM_SOP
from bot.incidents.model import Incident, Severity
from bot.language import deferred
from bot.observability.events import Event
from store.incident_rows import incident_from
from store.log_events import log_event
from store.operations import advisor_runs, incidents, leases, standing_advice
from store.operations.idempotency import first_time
from store.operations.part import Part
from store.rows import AdviceRecord, TurnRecord, advice_from, dump
from store.statements import (
    SKIP_LOCKED,
    Operation,
    Row,
    from_db_time,
    last,
    notify,
    query,
    run,
    to_db_time,
    together,
)
from store.topics import Topic

ATTEMPTS = 5  # so that a bug, or an alert that kills the process, is not tried for ever


def enqueue(
    incident_id: int,
    question: str,
    user: str,
    severity: Severity,
    now: datetime,
    once: str = "",
    limits: AdviceLimits | None = None,
) -> Operation[bool]:
    """Enqueue advice: unasked when `question` is ''. False when the key `once` was seen before.

    1. Store the key.
    2. With `limits`, raise Refused if the user asks too often.
    3. Store the question. Unasked advice wakes nobody: it never delays the card, whose posting
       wakes the advisor.
    """
    if once and not (yield from first_time(once, now)):
        return False
    if limits is not None:
        yield from advisor_runs.check_rate(user, incident_id, limits, now)
    yield run(
        "INSERT INTO advice (incident_id, question, asked_by, rank, state, at, asked_at)"
        " VALUES (?, ?, ?, ?, 'wanted', ?, ?)",
        incident_id,
        question,
        user,
        severity.rank,
        to_db_time(now),
        to_db_time(now),
    )
    if question:
        yield notify(Topic.ADVICE)
    return True


def claim(
    owner: str, now: datetime, in_hand: Sequence[int] | None
) -> Operation[AdviceRecord | None]:
    """Claim the most severe advice that is due, or that a replica claimed whose lease lapsed.

    An advice that is this replica's own but not `in_hand` is claimed again, too.
    """
    forgotten = ""
    if in_hand is not None:
        # No advice has the id 0: PostgreSQL knows no empty list.
        held = ", ".join(["0", *("?" * len(in_hand))])
        forgotten = f" OR (owner = ? AND id NOT IN ({held}))"
    claiming = query(
        "UPDATE advice SET state = 'running', owner = ?, attempts = attempts + 1 WHERE id = ("  # noqa: S608 - constants
        " SELECT id FROM advice WHERE state != 'done' AND attempts < ? AND (state = 'wanted'"
        f" OR (owner != ? AND NOT {leases.alive('advice.owner')}){forgotten})"
        f" ORDER BY rank, id LIMIT 1 {SKIP_LOCKED}) RETURNING *",
        owner,
        ATTEMPTS,
        owner,
        to_db_time(now),
        *((owner, *in_hand) if in_hand is not None else ()),
    )
    rows = yield last(claiming)
    if not rows:
        return None
    return replace(advice_from(rows[0]), is_last_attempt=rows[0]["attempts"] >= ATTEMPTS)


def release(advice_id: int, owner: str) -> Operation[None]:
    """Queue the advice again after a fault of ours, a few times."""
    yield run(
        "UPDATE advice SET state = 'wanted' WHERE id = ? AND state = 'running' AND owner = ?",
        advice_id,
        owner,
    )


def give(advice_id: int, body: dict[str, Any], text: str, now: datetime) -> Operation[None]:
    """Record advice and show it in the thread; the second time changes nothing.

    1. Store the advice if it has none, and read its incident.
    2. Add the question and the answer to the SOP's conversation, unless the answer is one that is
    used again: it is there already.
    3. Append the event.
    4. Enqueue the reply, and the card if that says that the advisors are asked.
    5. Let the former advice point at this one.
    """
    by_model = body["source"] not in (FROM_SOP, FROM_NOTHING)
    rows, value = yield from together(
        query(
            "UPDATE advice SET body = ?, by_model = ?, at = ?, given_at = ?"
            " WHERE id = ? AND body IS NULL RETURNING question, asking_since",
            dump(body),
            int(by_model),
            to_db_time(now),
            to_db_time(now),
            advice_id,
        ),
        query(
            "SELECT * FROM incidents WHERE id = (SELECT incident_id FROM advice WHERE id = ?)",
            advice_id,
        ),
    )
    if not rows:
        return
    incident = incident_from(value[0])
    if not body.get("answered_at"):
        if rows[0]["question"]:
            yield from remember(incident.sop_id, incident.id, "person", rows[0]["question"], now)
        yield from remember(incident.sop_id, incident.id, "advisor", text, now)
    yield log_event(
        Event.ADVICE_GIVEN,
        incident.id,
        source=body["source"],
        advice_ms=round(body.get("seconds", 0) * 1000),
        answered_at=body.get("answered_at") or None,
    )
    text = deferred("Advice from {source}", source=body["source"])
    yield from incidents.append_event(incident.id, now, "advised", text)
    by_request = bool(rows[0]["question"])
    yield from incidents.reply(incident, "advice", advice_id, now, by_request=by_request)
    yield from standing_advice.end(incident, rows[0]["asking_since"], now)
    yield from standing_advice.replace_former(advice_id, incident, now, by_model=by_model)
    yield notify(Topic.ADVICE_GIVEN)


def unasked(incident_id: int) -> Operation[AdviceRecord | None]:
    """Return the advice that an incident gets unasked."""
    rows = yield query(
        "SELECT * FROM advice WHERE incident_id = ? AND question = '' ORDER BY id LIMIT 1",
        incident_id,
    )
    return advice_from(rows[0]) if rows else None


def done(advice_id: int) -> Operation[None]:
    """Nothing more follows from this advice."""
    yield run("UPDATE advice SET state = 'done' WHERE id = ?", advice_id)


def get(advice_id: int) -> Operation[AdviceRecord | None]:
    """One piece of advice."""
    rows = yield query("SELECT * FROM advice WHERE id = ?", advice_id)
    return advice_from(rows[0]) if rows else None


def remember(
    sop_id: str, incident_id: int | None, role: str, text: str, now: datetime
) -> Operation[None]:
    """Keep one turn of the conversation of a SOP ID."""
    yield run(
        "INSERT INTO turns (sop_id, incident_id, role, text, at) VALUES (?, ?, ?, ?, ?)",
        sop_id,
        incident_id,
        role,
        text,
        to_db_time(now),
    )


def turns(sop_id: str, limit: int) -> Operation[list[TurnRecord]]:
    """Return the last turns of a SOP ID, oldest first."""
    rows = yield query(
        "SELECT role, text, at FROM turns WHERE sop_id = ? ORDER BY id DESC LIMIT ?", sop_id, limit
    )
    return turns_from(rows)


def turns_from(rows: Sequence[Row]) -> list[TurnRecord]:
    """Return the turns of rows that were read newest first, oldest first."""
    return [TurnRecord(row["role"], row["text"], from_db_time(row["at"])) for row in reversed(rows)]


def sop_of_key(incident_key: str) -> Operation[str | None]:
    """Return the SOP ID that an incident key was mapped to."""
    rows = yield query("SELECT sop_id FROM sop_map WHERE incident_key = ?", incident_key)
    return rows[0]["sop_id"] if rows else None


class AdvicePart(Part):
    """The methods of `Store` for advice and the conversation of a SOP ID."""

    async def enqueue_advice(
        self,
        incident: Incident,
        question: str,
        user: str,
        now: datetime,
        once: str = "",
        limits: AdviceLimits | None = None,
    ) -> bool:
        """Queue a person's question; it is answered even if this process dies.

        The same key `once` queues it once; False the next time. Refused if the user, or all in
        the channel, asked more often lately than the limits allow.
        """
        return await self._write(
            enqueue, incident.id, question, user, incident.severity, now, once, limits
        )

    async def claim_advice(
        self, now: datetime, in_hand: Sequence[int] | None = None
    ) -> AdviceRecord | None:
        """Claim the most severe advice that is due; None if there is none.

        The advice of a replica whose lease lapsed is claimed again, with its `body` if that was
        given. So is this replica's own that is not `in_hand`: the answer to a claim may be lost.
        """
        return await self._write(claim, self.owner, now, in_hand)

    async def release_advice(self, advice_id: int) -> None:
        """Queue the advice again after a fault of ours, five times at most."""
        await self._write(release, advice_id, self.owner)

    async def give_advice(
        self, advice_id: int, body: dict[str, Any], text: str, now: datetime
    ) -> None:
        """Record advice and show it in the thread, once; `said` joins the SOP's conversation."""
        await self._write(give, advice_id, body, text, now)

    async def advice_done(self, advice_id: int) -> None:
        """Nothing more follows from this advice."""
        await self._write(done, advice_id)

    async def advice(self, advice_id: int) -> AdviceRecord | None:
        """One piece of advice."""
        return await self._engine.read(get, advice_id)

    async def first_advice(self, incident_id: int) -> AdviceRecord | None:
        """The advice that an incident gets unasked, given or not yet."""
        return await self._engine.read(unasked, incident_id)

    async def remember(
        self, sop_id: str, incident_id: int | None, role: str, text: str, now: datetime
    ) -> None:
        """Keep one turn of the conversation of a SOP ID."""
        await self._write(remember, sop_id, incident_id, role, text, now)

    async def turns(self, sop_id: str, limit: int = 10) -> list[TurnRecord]:
        """The last turns of a SOP ID across incidents, oldest first."""
        return await self._engine.read(turns, sop_id, limit)

    async def sop_of_key(self, incident_key: str) -> str | None:
        """The SOP ID an incident key was mapped to before."""
        return await self._engine.read(sop_of_key, incident_key)
