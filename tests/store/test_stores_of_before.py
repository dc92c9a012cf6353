"""A store that an earlier version wrote opens, migrates and shows what it holds.

`stores_of_before/` has dumps of real stores, named by their last migration and their engine. They
hold every state of a remediation and of a message, and texts that strangers sent.
"""

from __future__ import annotations

import sqlite3
from collections.abc import AsyncIterator
from contextlib import closing
from pathlib import Path

import psycopg
import pytest

from bot.incidents.model import Severity
from bot.incidents.remediation import RemediationStatus
from store import Store
from store.admin import invariants
from store.engines.tables import steps
from store.statements import Operation, execute, query
from tests.helpers.builders import ANA, CHANNEL, NOW, alert, identify, later
from tests.helpers.postgres import PostgresServer
from tests.helpers.stores import PostgresStorage, SqliteFileStorage, Storage, executions_of
from tests.helpers.trail import fault

DUMPS = Path(__file__).parent / "stores_of_before"
# The keys in the order in which the version that wrote the store would have sent them.
SENT_NEXT = (
    *("card:1", "news:7", "card:3", "card:5", "card:6", "card:7", "card:8", "card:9", "card:10"),
    *("card:11", "card:12", "card:13", "card:14", "card:15", "card:16", "card:17", "card:18"),
    *("card:19", "card:20", "card:21", "card:23", "card:2"),
    *("note:2", "advice:1", "note:11", "advice:4", "audit_head:2026-11-21"),
)


@pytest.fixture(params=["sqlite-file", "postgresql"])
async def storage(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[Storage]:
    """The store of migration 18, not opened yet."""
    where: Storage
    if request.param == "postgresql":
        server: PostgresServer = request.getfixturevalue("postgres")
        url = server.database(migrated=False)
        with psycopg.connect(url, autocommit=True) as connection:
            connection.execute((DUMPS / "m018_postgresql.sql").read_bytes())
        where = PostgresStorage(url)
    else:
        where = SqliteFileStorage(tmp_path)
        with closing(sqlite3.connect(tmp_path / "sopbot.db")) as file:
            file.executescript((DUMPS / "m018_sqlite.sql").read_text("utf-8"))
    yield where
    await where.close()
    if isinstance(where, PostgresStorage):
        server.drop(where.url)


async def test_it_shows_its_incidents_with_their_approvals_and_executions(store: Store) -> None:
    assert await store.schema() == steps()
    assert await store.incident_counts() == {"acknowledged": 9, "open": 10, "resolved": 4}
    assert await store.identity() != ""
    states = set()
    for number in range(1, 24):
        incident = await store.incident(number)
        assert (await store.timeline(number))[0].kind == "opened"
        assert (await store.card_content(number)).incident == incident
        assert await store.latest_alert(number) is not None
        states |= {approval.state for approval in await store.approvals_of(number)}
        states |= {approval.state for approval in await executions_of(store, number)}
    assert states >= set(RemediationStatus) - {RemediationStatus.UNDONE}


async def test_its_audit_trail_is_proved_and_nothing_contradicts_itself(store: Store) -> None:
    assert await fault(store) == ""
    assert await store._engine.read(invariants.broken) == []


async def test_its_messages_are_sent_in_the_order_in_which_it_would_have_sent_them(
    store: Store,
) -> None:
    due = await store.outbox_due(CHANNEL, later(100), limit=500)
    assert tuple(message.key for message in due) == SENT_NEXT
    assert await store.outbox_backlog() == (67, 3)
    assert await store.outbox_retry_failed(later(60 + 599)) == 0, "given up a second too late"
    assert await store.outbox_retry_failed(later(60 + 600)) == 1


async def test_a_mention_that_it_took_in_is_not_answered_once_more(store: Store) -> None:
    [items] = [item for item in await store.open_incidents(100) if item.service == "mentioned"]
    assert not await store.enqueue_advice(items, "why?", ANA, later(100), "mention/C1/1.2")
    assert await store.enqueue_advice(items, "why?", ANA, later(100), "mention/C1/1.3")


async def test_it_takes_in_an_alert_and_posts_its_card(store: Store) -> None:
    number = await opened_now(store, "after")
    card = await store.outbox_message(f"card:{number}")
    assert card is not None
    assert await store.outbox_sent(card, "1700000000.000900")
    assert await store.incident_of_message(CHANNEL, "1700000000.000900") is not None


async def opened_now(store: Store, name: str) -> int:
    """The store holds deliveries of the same builders already, so that the keys are new ones."""
    result = identify(alert(service=name, fingerprint=name), dedup_key=name)
    receipt = await store.accept(name, [result], channel=CHANNEL, now=later(200))
    return receipt.incident_ids[0]


# What the bot of migration 18 writes to the outbox, word for word but for the values.
ENQUEUED_BEFORE = """
INSERT INTO outbox (key, kind, incident_id, subject, channel, in_thread, rank,
    not_before, due_since, created_at, sender, turn)
VALUES ('card:' || ?, 'card', ?, ?, 'C0BEFORE', 0, 2, ?, ?, ?, 's', 0)
ON CONFLICT (key) DO UPDATE SET wanted = outbox.wanted + 1,
    rank = CASE WHEN outbox.ts IS NOT NULL THEN -1 ELSE excluded.rank END, failed = 0
"""
DUE_BEFORE = "SELECT key FROM outbox WHERE channel = ? AND sent < wanted AND failed = 0"
SENT_BEFORE = "UPDATE outbox SET ts = ?, sent = wanted, due_since = NULL WHERE key = ?"
GIVEN_UP_BEFORE = "UPDATE outbox SET failed = 1, error = ?, not_before = ? WHERE key = ?"


def run_before(sql: str, *parameters: object) -> Operation[int]:
    count: int = yield execute(sql, *parameters)
    return count


def keys_before(channel: str) -> Operation[list[str]]:
    rows = yield query(DUE_BEFORE, channel)
    return [row["key"] for row in rows]


async def test_a_replica_of_before_and_this_one_see_each_others_messages(store: Store) -> None:
    number = await opened_now(store, "both")
    at = "2026-11-21T04:00:00.000000Z"
    write, card = store._engine.write, f"card:{number}"
    assert await write(run_before, "DELETE FROM outbox WHERE key = ?", card) == 1
    for _ in range(2):
        await write(run_before, ENQUEUED_BEFORE, number, number, str(number), at, at, at)
    [enqueued] = await store.outbox_due("C0BEFORE", later(86_400))
    assert (enqueued.desired_version, enqueued.sent_version) == (2, 0)
    assert enqueued.severity is Severity.HIGH

    await write(run_before, SENT_BEFORE, "1.1", card)
    assert await store.outbox_due("C0BEFORE", later(86_400)) == []
    await store.outbox_requeue(enqueued)
    assert await store._engine.read(keys_before, "C0BEFORE") == [card]

    [second] = await store.outbox_due("C0BEFORE", later(86_400))
    assert await store.outbox_sent(second, "1.1")
    assert await store._engine.read(keys_before, "C0BEFORE") == []

    await store.outbox_requeue(second)
    await write(run_before, GIVEN_UP_BEFORE, "not_in_channel", at, card)
    assert await store.outbox_due("C0BEFORE", later(86_400)) == []
    await store.outbox_retry_failed(later(86_400), younger_than=later(86_400) - NOW)
    assert await store._engine.read(keys_before, "C0BEFORE") == [card]
    await store.outbox_give_up(second, "not_in_channel", "", later(86_400))
    assert await store._engine.read(keys_before, "C0BEFORE") == []
