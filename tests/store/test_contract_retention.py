"""Retention: what the policy does not keep goes in small steps, and the record stays."""

from __future__ import annotations

from datetime import datetime
from typing import Any

import pytest

from bot.incidents.model import IncidentStatus
from store import Store
from store.admin.invariants import broken
from store.operations import retention
from store.operations.retention import RULES, STEP, Limits
from store.statements import Operation, query, run, to_db_time
from tests.helpers.builders import (
    ANA,
    CHANNEL,
    NOW,
    alert,
    deliver,
    identify,
    later,
    resolved,
)
from tests.helpers.every_state import a_bit_of_everything
from tests.helpers.query_plans import plan_of
from tests.helpers.retention import limits

YEAR = later(400 * 86_400)
KEPT = ("incidents", "timeline", "approvals", "votes", "executions", "audit")


def everything(at: datetime) -> Limits:
    return Limits(at, at, at, at, at, at)


async def rows(store: Store, sql: str) -> list[Any]:
    def read() -> Operation[list[Any]]:
        return (yield query(sql))

    return await store._engine.read(read)


async def count(store: Store, table: str) -> int:
    return int((await rows(store, f"SELECT COUNT(*) AS n FROM {table}"))[0]["n"])  # noqa: S608


async def test_the_record_stays_and_every_invariant_holds_when_all_else_goes(
    store: Store,
) -> None:
    await a_bit_of_everything(store)
    for row in await rows(store, "SELECT id FROM incidents WHERE status != 'resolved'"):
        await store.resolve(row["id"], ANA, later(100))
    before = {table: await count(store, table) for table in KEPT}
    await store.prune(everything(YEAR))
    assert {table: await count(store, table) for table in KEPT} == before
    left = {table: await count(store, table) for table in ("alerts", "outbox", "turns", "news")}
    assert left["turns"] == left["news"] == 0
    suppressed = {row["alert_id"] for row in await rows(store, "SELECT alert_id FROM suppressed")}
    assert {row["id"] for row in await rows(store, "SELECT id FROM alerts")} == suppressed
    assert await store._engine.read(broken) == []
    assert not any((await store.prune(everything(YEAR))).values()), "a second time finds nothing"


async def test_what_belongs_to_an_open_incident_stays(store: Store) -> None:
    incident = await deliver(store, alert())
    before = {table: await count(store, table) for table in ("alerts", "outbox", "advice")}
    await store.prune(limits(YEAR, YEAR))
    assert {table: await count(store, table) for table in before} == before
    assert (await store.incident(incident)).status is IncidentStatus.OPEN


async def test_a_reopened_incident_is_due_again_after_its_next_resolve(store: Store) -> None:
    incident = await deliver(store, alert())
    await deliver(store, resolved(), at=later(10))
    await store.prune(limits(later(20), later(20)))
    await store.reopen(incident, ANA, later(30))
    assert await store._engine.read(broken) == []
    await deliver(store, alert(), at=later(40))
    await store.prune(limits(later(50), later(50)))
    assert await count(store, "alerts") == 1
    await deliver(store, resolved(), at=later(60))
    await store.prune(limits(later(70), later(70)))
    assert await count(store, "alerts") == 0
    assert await store._engine.read(broken) == []


async def test_more_rows_than_a_step_go_in_several_transactions(store: Store) -> None:
    deliveries = STEP + STEP // 2
    for number in range(deliveries):
        await store.accept(f"delivery-{number}", [], channel=CHANNEL, now=NOW)
    rule = next(rule for rule in RULES if rule.table == "deliveries")
    assert await store._write(retention.apply, rule, limits(YEAR, YEAR)) == STEP
    assert await count(store, "deliveries") == deliveries - STEP
    assert (await store.prune(limits(YEAR, YEAR)))["deliveries"] == deliveries - STEP


async def test_alerts_without_an_incident_go_by_their_age(store: Store) -> None:
    for number, at in enumerate((NOW, later(100))):
        item = identify(resolved(service="never", fingerprint=f"fp-{number}"))
        await store.accept(f"delivery-{number}", [item], channel=CHANNEL, now=at)
    assert (await store.prune(limits(later(50), later(50))))["alerts"] == 1


async def test_conversations_and_summaries_have_limits_of_their_own(store: Store) -> None:
    for seconds in (0, 7_200):
        await store.remember("sop_a", None, "person", "text", later(seconds))
        await deliver(store, resolved(service=f"s{seconds}"), at=later(seconds))
    while await store.summarise_hour(later(20_000)):
        pass
    assert await count(store, "stats_hours") == 2
    deleted = await store.prune(Limits(NOW, NOW, later(1), later(1), NOW, NOW))
    assert (deleted["turns"], deleted["stats_hours"]) == (1, 1)


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: f"{rule.table}-{RULES.index(rule)}")
async def test_every_rule_finds_its_rows_by_an_index(rule: retention.Rule) -> None:
    """Else each step reads the whole table, also when there is nothing to delete."""
    plan = await plan_of(retention.apply(rule, limits(NOW, NOW)))
    by_id = ("turns", "cascade_corrections")  # the first ones by their id
    small = rule.table in ("replicas", "notices", *by_id)
    scans = [step for step in plan if step.startswith("SCAN") and "INDEX" not in step]
    assert small or not scans, plan


async def test_what_people_decided_long_ago_about_silences_and_cascades_goes(store: Store) -> None:
    await a_bit_of_everything(store)
    ended = await rows(store, "SELECT id FROM silences WHERE ended_at IS NOT NULL")
    lasting = await count(store, "silences") - len(ended)

    def correct() -> Operation[None]:
        for decided in (NOW, later(3_600)):
            yield run(
                "INSERT INTO cascade_corrections (kind, incident_id, root_id, decision, actor, at)"
                " VALUES ('split', 1, 1, '', ?, ?)",
                ANA,
                to_db_time(decided),
            )

    await store._write(correct)
    corrections = await count(store, "cascade_corrections")
    kept = await store.prune(Limits(NOW, NOW, NOW, NOW, NOW, NOW))
    assert (kept["silences"], kept["cascade_corrections"]) == (0, 0)
    gone = await store.prune(Limits(YEAR, YEAR, NOW, NOW, YEAR, later(1)))
    assert gone["cascade_corrections"] == 1
    assert await count(store, "cascade_corrections") == corrections - 1
    assert ended, "else this shows nothing"
    assert gone["silences"] == len(ended)
    assert await count(store, "silences") == lasting
    assert await store._engine.read(broken) == []
