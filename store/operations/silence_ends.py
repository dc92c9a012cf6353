"""The end of a silence: what still fires opens its incident, once, and one digest is posted."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime

from bot.incidents.correlation import IdentifiedAlert
from bot.incidents.model import Alert
from store.operations import accepting, silences, suppression
from store.operations.candidates import lock_scopes
from store.operations.delivery_context import DeliveryContext
from store.operations.part import Part
from store.rows import alert_from_json
from store.statements import (
    Operation,
    execute,
    from_db_time_or_none,
    query,
    run,
    to_db_time,
)

AT_ONCE = 100  # alerts that are read to be opened


@dataclass(frozen=True, slots=True, kw_only=True)
class SuppressedRow:
    """An alert that still fires although its silence has ended. `key` is that of `suppressed`."""

    key: str
    alert_id: int
    silence_id: int
    alert: Alert
    tracking_id: str
    sender: str
    sent_at: datetime | None
    dedup_key: str
    channel: str
    posted: bool


def end_due(now: datetime, open_windows: Collection[str]) -> Operation[int]:
    """End the silences whose time is over, and those of windows that are not open any more.

    Returns how many ended.
    """
    ended = 0
    for silence in (yield from silences.not_ended()):
        is_over = silence.ends_at <= now
        window = silence.origin.rpartition("/")[0]  # without the channel
        if not is_over and not (silence.is_of_policy and window not in open_windows):
            continue
        count: int = yield execute(
            "UPDATE silences SET ended_at = ? WHERE id = ? AND ended_at IS NULL",
            to_db_time(min(now, silence.ends_at)),
            silence.id,
        )
        if count and silence.author:
            yield from silences.show(silence, now)
        ended += count
    return ended


def due() -> Operation[list[SuppressedRow]]:
    """The alerts that still fire although their silence has ended, in the order of arrival."""
    rows = yield query(
        "SELECT u.fingerprint, u.alert_id, u.silence_id, u.sender, u.told_at, u.channel, u.posted,"
        " a.body, a.dedup_key, a.tracking_id FROM suppressed u"
        " JOIN silences s ON s.id = u.silence_id JOIN alerts a ON a.id = u.alert_id"
        " WHERE s.ended_at IS NOT NULL ORDER BY u.alert_id LIMIT ?",
        AT_ONCE,
    )
    return [
        SuppressedRow(
            key=row["fingerprint"],
            alert_id=row["alert_id"],
            silence_id=row["silence_id"],
            alert=alert_from_json(row["body"]),
            tracking_id=row["tracking_id"],
            sender=row["sender"],
            sent_at=from_db_time_or_none(row["told_at"]),
            dedup_key=row["dedup_key"],
            channel=row["channel"],
            posted=bool(row["posted"]),
        )
        for row in rows
    ]


def open_after(
    row: SuppressedRow, identified_alert: IdentifiedAlert, arrival: DeliveryContext
) -> Operation[None]:
    """Take in once more an alert whose silence has ended, as if it had arrived now.

    1. Lock its scope. 2. Take it out of `suppressed`; nothing more if it changed since it was read.
    3. Unless it fires in an incident already, take it in. 4. Note its silence beside what opened.
    """
    yield lock_scopes([identified_alert])
    count: int = yield execute(
        "DELETE FROM suppressed WHERE fingerprint = ? AND alert_id = ?", row.key, row.alert_id
    )
    if not count or (yield query("SELECT 1 FROM firing WHERE fingerprint = ? LIMIT 1", row.key)):
        return
    yield from accepting.accept(identified_alert.dedup_key, [identified_alert], arrival)
    yield run(
        "UPDATE alerts SET silence_id = ? WHERE dedup_key = ? AND incident_id IS NOT NULL",
        row.silence_id,
        identified_alert.dedup_key,
    )


def close(now: datetime) -> Operation[int]:
    """Finish each ended silence of which nothing is left to open: its one digest, if it needs one.

    It needs one if an incident opened at its end; quiet hours, if they held anything.
    Returns how many digests were enqueued.
    """
    rows = yield query(
        f"SELECT {silences.COLUMNS}, EXISTS (SELECT 1 FROM alerts a WHERE a.silence_id = s.id"  # noqa: S608 - constants
        " AND a.incident_id IS NOT NULL) AS opened,"
        " EXISTS (SELECT 1 FROM alerts a WHERE a.silence_id = s.id) AS suppressed"
        " FROM silences s WHERE s.closed_at IS NULL AND s.ended_at IS NOT NULL"
        " AND NOT EXISTS (SELECT 1 FROM suppressed u WHERE u.silence_id = s.id) ORDER BY s.id"
    )
    digests = 0
    for row in rows:
        silence = silences.silence_from(row)
        count = yield execute(
            "UPDATE silences SET closed_at = ? WHERE id = ? AND closed_at IS NULL",
            to_db_time(now),
            silence.id,
        )
        is_news = row["opened"] or (silence.is_of_quiet_hours and row["suppressed"])
        if count and is_news:
            yield from silences.show(silence, now, "silence_digest")
            digests += 1
    return digests


class SilenceEndsPart(Part):
    """The methods of `Store` for the end of a silence."""

    async def end_silences(self, now: datetime, open_windows: Collection[str] = ()) -> int:
        """End those whose time is over, and those of the policy whose window is not open now.

        `open_windows` are the origins of the policy's silences of this moment. Says how many.
        """
        return await self._write(end_due, now, open_windows)

    async def due_after_silences(self) -> list[SuppressedRow]:
        """The alerts that still fire although their silence has ended, the first hundred."""
        return await self._engine.read(due)

    async def open_after_silence(
        self, row: SuppressedRow, identified_alert: IdentifiedAlert, now: datetime
    ) -> None:
        """Take in once more, all or nothing, an alert whose silence has ended.

        It opens or joins an incident, or another silence suppresses it. A second call does nothing.
        """
        current = self.config.current
        arrival = suppression.delivery_context(current, row.channel, now, posted=row.posted)
        arrival = arrival.of_scope(identified_alert.scope)
        await self._write(open_after, row, identified_alert, arrival)

    async def close_silences(self, now: datetime) -> int:
        """Finish what has ended and has nothing left to open. Says how many digests it enqueued."""
        return await self._write(close, now)
