"""Reads which alerts of a sender fire: for a sender inside the bot, which must resolve its own."""

from __future__ import annotations

from bot.incidents.model import Alert
from store.operations.part import Part
from store.rows import alert_from_json
from store.statements import Operation, query, starting_with


def firing_of(sender: str, source: str) -> Operation[list[Alert]]:
    """The newest message of each alert of that sender and source that fires, or is suppressed."""
    first, after = starting_with(f"{sender} {source}/")
    rows = yield query(
        "SELECT a.body FROM firing f JOIN alerts a ON a.id = f.last_alert"
        " WHERE f.fingerprint >= ? AND f.fingerprint < ?"
        " UNION ALL SELECT a.body FROM suppressed s JOIN alerts a ON a.id = s.alert_id"
        " WHERE s.fingerprint >= ? AND s.fingerprint < ?",
        first,
        after,
        first,
        after,
    )
    return [alert_from_json(row["body"]) for row in rows]


class FiringPart(Part):
    """The method of `Store` for the alerts of one sender."""

    async def firing_of(self, sender: str, source: str) -> list[Alert]:
        """The alerts of that sender and source that fire: those that are suppressed too."""
        return await self._engine.read(firing_of, sender, source)
