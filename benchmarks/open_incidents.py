"""Fills a store on SQLite with many open incidents: one is opened as the bot does, then copied."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from benchmarks.stage import CHANNEL
from bot.incidents.correlation import IdentifiedAlert
from bot.incidents.model import Alert
from bot.incidents.sops import SopLibrary
from bot.response.receive import Delivery, name_all
from store import Store
from store.statements import Operation, execute, query

APART = 10  # seconds between two openings: some thirty incidents are in the window of a cascade


def identified(alerts: Sequence[Alert], key: str, now: datetime) -> list[IdentifiedAlert]:
    """Return the alerts of one webhook, identified as the bot does."""
    delivery = Delivery(key, CHANNEL, alerts, repeats=True, sender="http:alertmanager")
    return list(name_all(delivery, SopLibrary(), now))


async def open_many(store: Store, alert: Alert, count: int, now: datetime) -> None:
    """Open `count` incidents, each of another service, which began 10 s apart and fire at `now`.

    `alert` is the first one's. The name of its service holds `-0-`; each copy has its number there.
    """
    (first,) = identified([alert], "first", now)
    await store.accept("first", [first], channel=CHANNEL, now=now)
    await store._engine.write(_copy, count)  # noqa: SLF001 - no such method


def _copy(count: int) -> Operation[None]:
    yield from _copy_rows(
        "incidents",
        "id = 1",
        {
            "sop_id": "'sop_' || n.i",
            "scope_service": "replace(t.scope_service, '_0_', '_' || n.i || '_')",
            "service": "replace(t.service, '-0-', '-' || n.i || '-')",
            "subject": "replace(t.subject, '-0-', '-' || n.i || '-')",
            "runs_on": "'node-' || n.i % 1000",
            "grew_at": f"strftime('%Y-%m-%dT%H:%M:%f000Z', t.grew_at, '-' || (n.i * {APART})"
            " || ' seconds')",
        },
        count - 1,
    )
    yield from _copy_rows(
        "firing",
        "incident_id = 1",
        {"fingerprint": "t.fingerprint || n.i", "incident_id": "n.i + 1"},
        count - 1,
    )


def _copy_rows(table: str, condition: str, copied: dict[str, str], count: int) -> Operation[None]:
    columns = yield query("SELECT name FROM pragma_table_info(?) WHERE name != 'id'", table)
    names = [row["name"] for row in columns]
    values = ", ".join(copied.get(item, f"t.{item}") for item in names)
    yield execute(
        f"INSERT INTO {table} ({', '.join(names)})"  # noqa: S608 - names of columns
        " WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < ?)"
        f" SELECT {values} FROM {table} t, n WHERE t.{condition}",
        count,
    )
