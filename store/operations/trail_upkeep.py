"""Keeps the audit trail provable: its head is posted every day, its old rows are pruned."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

from bot.errors import StoreError
from bot.incidents.model import Severity
from store.audit.proof.rows import CHECKPOINT, DAY, FIRST, HEAD, Anchor, anchor_text
from store.operations import audit, outbox, trail_end
from store.operations.audit_kinds import Kind
from store.operations.part import Part
from store.statements import Operation, execute, lock, query, run, seal, starting_with, to_db_time

POSTED = "audit_head"
_BATCH = 500  # rows that are read at once
_MOST = 2_000  # rows that are pruned at once, so that no decision waits long for the trail


def close_day(channel: str, now: datetime) -> Operation[bool]:
    """Close each day once, after it is over, if the trail has a row of before today.

    1. Keep a day that is closed.
    2. Lock the trail, so that nobody prunes rows that are proved here.
    3. Prove the rows since the last close.
    4. Store the end of the trail as the day's anchor, with the fault if there is one.
    5. Enqueue the message that posts it.
    """
    midnight = now.astimezone(UTC).replace(hour=0, minute=0, second=0, microsecond=0)
    day = (midnight - timedelta(days=1)).date().isoformat()
    if (yield from trail_end.find_anchor(DAY + day)) is not None:
        return False
    yield lock(audit.LOCK)  # no replica may prune rows that are being proved
    oldest = yield query("SELECT at FROM audit ORDER BY seq LIMIT 1")
    head = yield from trail_end.end_of_chain()
    if head is None or not oldest or oldest[0]["at"] >= to_db_time(midnight):
        return False
    fault = yield from _fault_since_last_day(head.seq)
    anchor = Anchor(DAY + day, head.seq, head.mac, to_db_time(now), fault, "")
    written = yield execute(
        "INSERT INTO audit_anchors (name, seq, mac, at, note, seal) VALUES (?, ?, ?, ?, ?, ?)"
        " ON CONFLICT (name) DO NOTHING",
        anchor.name,
        anchor.seq,
        anchor.mac,
        anchor.at,
        anchor.note,
        (yield seal(anchor_text(anchor))),
    )
    if written:
        yield from outbox.enqueue(
            kind=POSTED,
            subject=day,
            channel=channel,
            incident_id=None,
            in_thread=False,
            severity=Severity.LOW,  # behind every incident's card
            now=now,
        )
    return bool(written)


def closed_day(day: str) -> Operation[Anchor | None]:
    """Return the anchor of the end of that day; its note has a fault if it is not genuine.

    Every later start believes a posted head.
    """
    anchor: Anchor | None = yield from trail_end.find_anchor(DAY + day)
    if anchor is not None and (yield seal(anchor_text(anchor))) != anchor.seal:
        return replace(anchor, note=f"the anchor {anchor.name!r} was edited")
    return anchor


def prune(before: datetime, now: datetime) -> Operation[int]:
    """Prune the rows of before then; the last row stays. Returns how many were pruned.

    1. Lock the trail: of two that prune, the second continues where the first one stopped.
    2. Read the checkpoint and choose the rows.
    3. Prove them: otherwise an editor of a row's time could have the bot forget it.
    4. Delete them.
    5. Store the new checkpoint.
    6. Record that in the trail.
    """
    yield lock(audit.LOCK)
    checkpoint = yield from trail_end.sealed_anchor(CHECKPOINT)
    seq, mac = (checkpoint.seq, checkpoint.mac) if checkpoint else (0, FIRST)
    head = yield from trail_end.end_of_chain()
    if head is None:
        return 0
    kept = yield query("SELECT MIN(seq) AS seq FROM audit WHERE at >= ?", to_db_time(before))
    through = min((kept[0]["seq"] or head.seq) - 1, seq + _MOST)
    if through <= seq:
        return 0
    if fault := (yield from _fault(seq, mac, through)):
        raise StoreError(
            f"The audit trail is not pruned: {fault}.",
            permanent=True,
            remedy="Keep a backup as it is now; `python -m bot audit verify` says more.",
        )
    rows = yield query("SELECT mac FROM audit WHERE seq = ?", through)
    times = yield query("SELECT MAX(at) AS latest FROM audit WHERE seq <= ?", through)
    latest = max(times[0]["latest"], checkpoint.note) if checkpoint else times[0]["latest"]
    yield run("DELETE FROM audit WHERE seq <= ?", through)
    yield from trail_end.put(
        Anchor(CHECKPOINT, through, rows[0]["mac"], to_db_time(now), latest, "")
    )
    yield from audit.record(
        Kind.PRUNED, now=now, detail={"through": through, "rows": through - seq}
    )
    return through - seq


def reset_trail(reason: str, now: datetime) -> Operation[int]:
    """Forget the whole trail, and continue from its end. Returns the number of the first row.

    For a key that changes, or a trail that was tampered with; the caller has kept a copy.
    1. Lock the trail.
    2. Delete its rows, its anchors and the posted heads.
    3. Store a checkpoint and a head where it ended.
    4. Record the reset.
    5. Record the freeze, if there is one.
    """
    yield lock(audit.LOCK)
    rows = yield query("SELECT seq, mac FROM audit ORDER BY seq DESC LIMIT 1")
    seq, mac = (rows[0]["seq"], rows[0]["mac"]) if rows else (0, FIRST)
    yield run("DELETE FROM audit")
    yield run("DELETE FROM audit_anchors")
    yield run("DELETE FROM outbox WHERE kind = ?", POSTED)  # Slack keeps what was posted
    start = yield from trail_end.put(
        Anchor(CHECKPOINT, seq, mac, to_db_time(now), to_db_time(now), "")
    )
    yield from trail_end.put(replace(start, name=HEAD))
    first: int = yield from audit.record(
        Kind.BEGUN_ANEW, now=now, detail={"reason": reason, "rows": seq, "head": mac}
    )
    for row in (yield query("SELECT * FROM freezes WHERE name = 'all'")):
        # A freeze goes onto the new trail, or store and trail would disagree about it.
        detail = {"why": row["reason"], "since": row["at"]}
        yield from audit.record(
            Kind.FROZEN, now=now, subject="all", actor=row["actor"], detail=detail
        )
    for row in (yield query("SELECT * FROM freezes WHERE name != 'all' ORDER BY name")):
        detail = {"why": row["reason"], "since": row["at"]}
        yield from audit.record(
            Kind.SCOPE_FROZEN, now=now, subject=row["name"], actor=row["actor"], detail=detail
        )
    return first


def _fault_since_last_day(through: int) -> Operation[str]:
    """Return what `_fault` returns, from the last day's end or the checkpoint on.

    A fault of that time is still one.
    """
    rows = yield query(
        "SELECT * FROM audit_anchors WHERE name >= ? AND name < ?"
        " OR name = 'checkpoint' ORDER BY seq DESC, name DESC LIMIT 1",
        *starting_with(DAY),
    )
    if not rows:
        return (yield from _fault(0, FIRST, through))
    anchor = trail_end.anchor_from(rows[0])
    if (yield seal(anchor_text(anchor))) != anchor.seal:
        return f"the anchor {anchor.name!r} was edited"
    if anchor.name != CHECKPOINT and anchor.note:
        return anchor.note
    if anchor.seq > through:
        return f"rows {through + 1} to {anchor.seq} were cut off"
    return (yield from _fault(anchor.seq, anchor.mac, through))


def _fault(seq: int, mac: str, through: int) -> Operation[str]:
    """Describe the fault of the rows after `seq`; '' if they lead to `through`."""
    frozen = yield from _frozen_at(seq)
    while seq < through:
        rows = yield query(
            "SELECT * FROM audit WHERE seq > ? AND seq <= ? ORDER BY seq LIMIT ?",
            seq,
            through,
            _BATCH,
        )
        if not rows:
            return f"rows {seq + 1} to {through} are missing"
        for row in map(trail_end.row_from, rows):
            if row.seq != seq + 1:
                return f"row {seq + 1} is missing"
            if row.prev != mac:
                return f"row {row.seq} does not follow the one before it"
            if (yield from trail_end.is_forged(row)):
                return f"row {row.seq} was edited"
            if row.kind in (Kind.FROZEN, Kind.UNFROZEN):
                frozen = row.seq if row.kind == Kind.FROZEN else 0
            elif row.kind == Kind.REQUEST and frozen:
                return trail_end.sent_while_frozen(row.seq, frozen)
            elif row.kind == Kind.DISPUTED:
                return trail_end.disputed_text(row)
            seq, mac = row.seq, row.mac
    return ""


def _frozen_at(seq: int) -> Operation[int]:
    """Return the row of the freeze that was in force at row `seq`; 0 if there was none."""
    rows = yield query(
        "SELECT seq, kind FROM audit WHERE incident_id IS NULL AND kind IN ('frozen', 'unfrozen')"
        " AND seq <= ? ORDER BY seq DESC LIMIT 1",
        seq,
    )
    return int(rows[0]["seq"]) if rows and rows[0]["kind"] == Kind.FROZEN else 0


class TrailUpkeepPart(Part):
    """The methods of `Store` for the audit trail's days and its pruning."""

    async def close_audit_day(self, channel: str, now: datetime) -> bool:
        """Prove the rows since the last day, and post yesterday's head in `channel`.

        Only the first call of a day does it; then False. A fault of the trail is posted with the
        head.
        """
        return await self._write(close_day, channel, now)

    async def audit_day(self, day: str) -> Anchor | None:
        """Return the head of the trail at the end of that day, for its post."""
        return await self._read_sealed(closed_day, day)

    async def prune_audit(self, before: datetime, now: datetime) -> int:
        """Prune the rows of before then; a checkpoint proves them.

        Returns how many. StoreError if they cannot be proved: rows that were tampered with are
        kept.
        """
        return await self._write(prune, before, now)

    async def reset_trail(self, reason: str, now: datetime) -> int:
        """Delete the trail and begin a new one with this store's key.

        Returns the number of its first row. The former trail cannot be proved any more: keep a copy
        of the store first.
        """
        return await self._write(reset_trail, reason, now)
