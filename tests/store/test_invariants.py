"""The invariants hold whatever happens, and each row that breaks one is named."""

from __future__ import annotations

import asyncio
import random
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import psycopg
import pytest

from bot.approvals.model import Choice
from bot.errors import NotFound, Refused
from bot.incidents.remediation import RemediationStatus
from store import Store, open_store
from store.admin import invariants
from store.admin.invariants import INVARIANTS, SHOWN
from store.admin.transfer import End, answer
from store.admin.transfer_postgres import PostgresEnd
from store.admin.transfer_sqlite import SqliteEnd
from store.engines.dialects import statement_for_postgres
from store.operations.audit_kinds import Kind
from tests.helpers.builders import (
    ANA,
    AUDIT_KEY,
    BEN,
    CHANNEL,
    TEAM,
    alert,
    claim_execution,
    deliver,
    later,
    pending_approval,
    resolved,
    voter,
)
from tests.helpers.every_state import fill

ENGINES = ("sqlite", "postgresql")

# Where a foreign key would not let it be broken. SQLite's are off in the connection that breaks.
_NO_KEYS = {
    "postgresql": (
        "ALTER TABLE alerts DROP CONSTRAINT alerts_incident_id_fkey",
        "ALTER TABLE executions DROP CONSTRAINT executions_approval_id_fkey",
        "ALTER TABLE votes DROP CONSTRAINT votes_approval_id_fkey",
    ),
    "sqlite": (),
}

BREAKS = {
    "one open incident for each SOP ID and scope": (
        "DROP INDEX one_open_incident",
        (
            "UPDATE incidents SET sop_id = 'x', scope_env = 'x', scope_service = 'x'"
            " WHERE status = 'open'"
        ),
    ),
    "an incident's times fit its status": (
        "UPDATE incidents SET resolved_at = NULL WHERE status = 'resolved'",
    ),
    "every row that names an incident has that incident": (
        "UPDATE alerts SET incident_id = 4711 WHERE id = (SELECT MIN(id) FROM alerts)",
    ),
    "every incident counts exactly its firing alerts": (
        "UPDATE incidents SET firing = firing + 1 WHERE id = 1",
    ),
    "a resolved incident has no firing alert and no pending approval": (
        (
            "UPDATE approvals SET state = 'awaiting approval' WHERE incident_id IN"
            " (SELECT id FROM incidents WHERE status = 'resolved')"
        ),
    ),
    "an open incident counts every alert that joined it": (
        "DELETE FROM alerts WHERE incident_id = 1",
    ),
    "every firing incident shows one of its own stored alerts": (
        "UPDATE incidents SET shown_alert = 4711 WHERE id = 1",
    ),
    "every part that the alerts of a delivery share is stored": (
        "UPDATE alerts SET shared = 'gone'",
    ),
    "every open incident that is no child has its card": (
        "DELETE FROM outbox WHERE key = 'card:1'",
    ),
    "every open incident that is no child has its advice, complete or pending": (
        "DELETE FROM advice WHERE incident_id = 1",
    ),
    "a child's root exists, and is no child itself": ("UPDATE incidents SET parent_id = 4711",),
    "a resolved root has no open child": (
        (
            "UPDATE incidents SET parent_id = (SELECT MAX(r.id) FROM incidents r"
            " WHERE r.status = 'resolved') WHERE status = 'open'"
        ),
    ),
    "the cause of a cascade is one of its members": ("UPDATE incidents SET cause_id = 1",),
    "a child that never was a root has no card": (
        "UPDATE incidents SET parent_id = 2 WHERE id = 1",
        "DELETE FROM advice WHERE incident_id = 1",
    ),
    "every incident key maps to a SOP ID": ("DELETE FROM sop_map",),
    "every timeline begins with 'opened'": (
        "DELETE FROM timeline WHERE incident_id = 1 AND kind = 'opened'",
    ),
    "the timeline of every resolved incident has 'resolved'": (
        "DELETE FROM timeline WHERE kind = 'resolved'",
    ),
    "an approval has a decision time exactly when it is decided": (
        "UPDATE approvals SET decided_at = NULL WHERE state = 'rejected'",
    ),
    "no pending approval has the votes that decide it": (
        "UPDATE approvals SET state = 'awaiting approval' WHERE state = 'rejected'",
    ),
    "nobody voted on their own request": ("UPDATE approvals SET requested_by = 'U0ANA'",),
    "every approved remediation has exactly one execution": ("DELETE FROM executions",),
    "every execution has its approval, with enough votes": (
        "DELETE FROM votes WHERE voter = 'U0BEN'",
    ),
    "an execution is revoked exactly when its approval is": (
        "UPDATE approvals SET state = 'approved' WHERE state = 'revoked'",
    ),
    "every execution has the times that its state requires": (
        "UPDATE executions SET finished_at = NULL WHERE state = 'failed'",
    ),
    "no target has two running actions": (
        "UPDATE approvals SET target = 'web'",
        (
            "UPDATE executions SET state = 'dispatching', finished_at = NULL"
            " WHERE state IN ('failed', 'dispatching')"
        ),
    ),
    "the action that fixed an incident was verified": (
        "UPDATE executions SET state = 'not verified' WHERE state = 'verified'",
    ),
    "a suppressed alert has its silence and no incident": ("UPDATE alerts SET silence_id = NULL",),
    "what fires suppressed is stored as suppressed by that silence": (
        "UPDATE suppressed SET silence_id = 1",
    ),
    "only a silence that has ended is closed": (
        "UPDATE silences SET closed_at = made_at, ended_at = NULL",
    ),
    "only an open incident is muted": (
        "UPDATE incidents SET muted_by = 'U0ANA' WHERE status = 'resolved'",
    ),
    "every reply has its card": ("UPDATE outbox SET in_thread = 1, incident_id = NULL",),
    "every message shows a stored row": ("UPDATE advice SET body = NULL",),
    "no message was sent in a version that was not enqueued": (
        "UPDATE outbox SET sent_version = desired_version + 1 WHERE sent_version > 0",
    ),
    "a message has a Slack timestamp exactly when it was sent": (
        "UPDATE outbox SET ts = NULL WHERE sent_version > 0",
    ),
    "every row of the audit trail follows the one before it": ("DELETE FROM audit WHERE seq = 3",),
    "the audit trail ends where its head says": (
        "DELETE FROM audit WHERE seq = (SELECT MAX(seq) FROM audit)",
    ),
    "every vote is in the audit trail": ("UPDATE audit SET actor = 'U0EVE' WHERE kind = 'voted'",),
    "the store has a freeze exactly when the audit trail has one": (
        "INSERT INTO freezes (name, actor, at, reason) VALUES ('all', 'U0EVE', '2026', '')",
    ),
    "each frozen incident or target of the audit trail is in the store": (
        "UPDATE audit SET kind = 'scope frozen', incident_id = NULL WHERE seq = 1",
    ),
    "no bot has found the audit trail cut back or replaced": (
        "UPDATE audit SET kind = 'disputed' WHERE seq = 1",
    ),
    "every answered execution has its request in the audit trail": (
        "UPDATE audit SET kind = 'refused' WHERE kind = 'request'",
    ),
    "every execution has the state of its last row in the audit trail": (
        "UPDATE executions SET state = 'not verified' WHERE state = 'verified'",
    ),
    "every request in the audit trail has its execution": (
        "UPDATE audit SET kind = 'request', subject = 'gone' WHERE seq = 1",
    ),
    "what was published on NATS is in the store": (
        "UPDATE published SET source_id = 4711 WHERE subject = 'enrichment.completed'",
    ),
}


@pytest.fixture(scope="module", params=ENGINES)
def full(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> tuple[str, str]:
    """An engine's name, and the URL of a store with a bit of everything."""
    if request.param == "sqlite":
        url = f"sqlite:///{tmp_path_factory.mktemp('full') / 'sopbot.db'}"
    else:
        url = request.getfixturevalue("postgres").database()
    fill(url)
    return request.param, url


@pytest.fixture
def breakable(full: tuple[str, str]) -> Iterator[End]:
    """Open that store in a transaction that is rolled back, without foreign keys."""
    engine, url = full
    if engine == "sqlite":
        connection: Any = sqlite3.connect(url.removeprefix("sqlite:///"), isolation_level=None)
        end: End = SqliteEnd(connection, "the store")
        connection.execute("BEGIN")
    else:
        connection = psycopg.connect(url)
        end = PostgresEnd(connection, "the store")
    with closing(connection):
        for statement in _NO_KEYS[engine]:
            end.do(statement)
        yield end
        connection.rollback()


def broken(end: End) -> dict[str, invariants.Broken]:
    return {item.name: item for item in answer(end, invariants.broken())}


def test_a_store_with_a_bit_of_everything_breaks_nothing(breakable: End) -> None:
    assert broken(breakable) == {}


@pytest.mark.parametrize("invariant", INVARIANTS, ids=lambda invariant: invariant.name)
def test_each_invariant_is_named_when_it_is_broken(
    invariant: invariants.Invariant, breakable: End
) -> None:
    assert invariant.name in BREAKS, "say in BREAKS how this one is broken by hand"
    for statement in BREAKS[invariant.name]:
        breakable.do(statement)
    problems = broken(breakable)
    assert invariant.name in problems, f"nobody noticed; found {list(problems)}"
    assert all(problems[invariant.name].examples), "and which rows"


def test_of_many_only_some_are_shown(breakable: End) -> None:
    breakable.do("DELETE FROM sop_map")
    value = broken(breakable)["every incident key maps to a SOP ID"]
    assert len(value.examples) == SHOWN + 1
    assert str(value).startswith("every incident key maps to a SOP ID: not so for INC-")
    assert str(value).endswith(", …")


def test_every_way_to_break_one_is_of_an_invariant_that_there_is() -> None:
    assert set(BREAKS) == {invariant.name for invariant in INVARIANTS}


@pytest.mark.parametrize("engine", ENGINES)
async def test_they_hold_at_every_moment_while_replicas_get_in_each_others_way(
    engine: str, request: pytest.FixtureRequest, tmp_path: Path
) -> None:
    if engine == "sqlite":
        url = f"sqlite:///{tmp_path / 'sopbot.db'}"
    else:
        url = request.getfixturevalue("postgres").database()
    stores = [await open_store(url, owner=f"bot-{name}", audit_key=AUDIT_KEY) for name in "ab"]
    busy = [
        asyncio.create_task(work(stores[number % 2], random.Random(number))) for number in range(6)
    ]
    looks = 0
    try:
        while not all(task.done() for task in busy):
            message = await stores[looks % 2]._engine.read(invariants.broken)
            assert not message, f"after {looks} looks: {message[0]}"
            looks += 1
        await asyncio.gather(*busy)
        assert not await stores[0]._engine.read(invariants.broken)
        assert looks > 1, "nobody looked while they worked"
    finally:
        await asyncio.gather(*busy, return_exceptions=True)
        for store in stores:
            await store.close()


async def work(store: Store, chance: random.Random) -> None:
    """A hundred things that a bot does, about three services, so that many meet."""
    for number in range(100):
        try:
            await one_thing(store, chance, number)
        except (Refused, NotFound):
            continue


async def one_thing(store: Store, chance: random.Random, number: int) -> None:
    about = {
        "service": f"s{chance.randrange(3)}",
        "fingerprint": f"fp-{chance.randrange(4)}",
    }
    now = later(number)
    open_ones = await store.open_incidents()
    what = chance.randrange(9)
    if what < 3 or not open_ones:
        await deliver(store, alert(**about), alert(**about), at=now)
    elif what == 3:
        await deliver(store, resolved(**about), at=now)
    elif what == 4:
        await store.acknowledge(chance.choice(open_ones).id, ANA, now)
    elif what == 5:
        await store.resolve(chance.choice(open_ones).id, BEN, now)
    elif what == 6:
        await pending_approval(store, chance.choice(open_ones).id)
    elif what == 7:
        for item in await store.approvals_waiting():
            choice = chance.choice((Choice.APPROVE, Choice.APPROVE, Choice.REJECT))
            await store.vote(item.id, voter(chance.choice((ANA, BEN))), choice, TEAM, now)
    else:
        taken = await claim_execution(store, now)
        if taken is not None:
            about = {"incident_id": taken.incident_id, "subject": taken.approval_id}
            await store.record(Kind.REQUEST, now=now, **about)
            await store.finish_execution(
                taken, RemediationStatus.SUCCEEDED, answer={}, error="", now=now
            )
            await store.conclude(taken.id, RemediationStatus.VERIFIED, "200", now)
        for message in await store.outbox_due(CHANNEL, now):
            await store.outbox_sent(message, f"17.{message.id}")


def test_their_words_are_those_that_both_engines_speak() -> None:
    for invariant in INVARIANTS:
        assert "?" not in invariant.sql
        assert statement_for_postgres(invariant.sql) == invariant.sql
        assert "%" not in invariant.sql
