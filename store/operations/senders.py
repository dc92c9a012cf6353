"""The sender of an alert: only it may clear the alert, whatever the alert says of itself.

Every app in a channel and everybody with the HTTP token can send the resolve of any alert. Slack or
the endpoint names the sender: the bot that posted, or the source in the path.
"""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime
from functools import lru_cache

from bot.incidents.correlation import IdentifiedAlert, Reason
from bot.incidents.model import Alert
from bot.intake.reading import Activity
from bot.language import deferred
from store.operations import incidents
from store.statements import Operation, Row, query, run


def key(alert: Alert | Activity, sender: str) -> str:
    """Return the key of an alert: a fingerprint is unique only for its sender."""
    return _key(alert.source, alert.fingerprint, sender)


KEY = (
    "CASE WHEN {0}.sender = '' THEN '' ELSE {0}.sender || ' ' END"
    " || {0}.source || '/' || {0}.fingerprint"
)
"""The same in SQL, for a row of alerts of that name."""


def keys(identified_alert: IdentifiedAlert) -> tuple[str, ...]:
    """Return its own key, those of declared same senders, and that of rows without a sender."""
    alert = identified_alert.alert
    return _keys(alert.source, alert.fingerprint, identified_alert.senders)


@lru_cache(maxsize=512)  # each step of taking in an alert goes by them
def _keys(source: str, fingerprint: str, by: tuple[str, ...]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(_key(source, fingerprint, sender) for sender in (*by, "")))


def _key(source: str, fingerprint: str, sender: str) -> str:
    return f"{sender} {source}/{fingerprint}".strip()


def placeholders(values: Collection[object]) -> str:
    """Return a placeholder for each value."""
    return ", ".join("?" * len(values))


def by_them(identified_alert: IdentifiedAlert, table: str = "") -> tuple[str, tuple[str, ...]]:
    """Return SQL for "the row has the same sender, or none", and its values."""
    if not identified_alert.senders:
        return "1 = 1", ()
    return (
        f"{table}sender IN ('', {placeholders(identified_alert.senders)})",
        identified_alert.senders,
    )


def told_by_another(row: Row, identified_alert: IdentifiedAlert, now: datetime) -> Operation[None]:
    """Keep another sender's resolve, and report it in the thread, once for each sender."""
    yield run(
        "UPDATE alerts SET reason = ? WHERE dedup_key = ?",
        Reason.NOT_ITS_SENDER,
        identified_alert.dedup_key,
    )
    begins = f"{identified_alert.sender} says that it is resolved,"
    rows = yield query(
        "SELECT 1 FROM timeline WHERE incident_id = ? AND kind = 'note' AND actor = ''"
        " AND substr(text, 1, length(?)) = ? LIMIT 1",
        row["id"],
        begins,
        begins,
    )
    if not rows:
        text = deferred(
            "{sender} says that it is resolved, but what fires here was sent by another. Nothing is"
            " cleared. If both are the same sender, declare them under ingest.same_sender in"
            " policy.yaml.",
            sender=identified_alert.sender,
        )
        yield from incidents.note(row["id"], text, "", now)
