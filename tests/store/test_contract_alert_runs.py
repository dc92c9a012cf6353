"""Alerts that are taken in together become what they become one after the other."""

from __future__ import annotations

import asyncio
import random
from collections.abc import Sequence
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from bot.incidents.correlation import IdentifiedAlert
from bot.incidents.model import Alert, AlertStatus, Severity
from bot.incidents.sops import SopLibrary
from bot.response.receive import Delivery, name_all
from store import Store, open_store
from store.admin import invariants
from store.operations import accepting, gathering, suppression
from store.operations.accepting import IncomingDelivery
from store.receipts import AlertOutcome, Receipt
from store.statements import Operation, query
from tests.helpers.builders import AUDIT_KEY, CHANNEL, NOW, alert, identify
from tests.helpers.silences import silence
from tests.helpers.waiting import until

SENDER = "http:alertmanager"
ALERTS = 60
SEEDS = 4
# What counts how often something was written differs: a run writes an incident once.
UNCOMPARED = {"desired_version", "wanted", "turn", "last_active_at", "seen_at"}


def some_alert(choose: random.Random) -> Alert:
    started = NOW - timedelta(seconds=choose.choice([30, 30, 30, 30, 1_000, 2_500]))
    is_resolve = choose.random() < 0.12
    service = choose.choice(["web", "web", "web", "shop", "hushed"])
    return alert(
        service=service,
        category=choose.choice(["cpu", "cpu", "cpu", "disk"]),
        env=choose.choice(["prod", "prod", "prod", ""]),
        region=choose.choice(["", "", "", "eu-west-1"]),
        severity=choose.choice([Severity.MEDIUM, Severity.MEDIUM, Severity.CRITICAL]),
        fingerprint=f"{service}-{choose.randrange(7)}",
        starts_at=choose.choice([started, started, None]),
        status=AlertStatus.RESOLVED if is_resolve else AlertStatus.FIRING,
        ends_at=NOW if is_resolve else None,
    )


def some_deliveries(seed: int) -> list[tuple[str, IdentifiedAlert]]:
    """Return keys of deliveries, each with its only alert."""
    choose = random.Random(seed)
    deliveries = []
    for number in range(ALERTS):
        delivery = Delivery(
            f"delivery-{number}",
            CHANNEL,
            [replace(some_alert(choose), tracking_id=f"req-{number}")],
            repeats=True,
            sender=choose.choice([SENDER, SENDER, SENDER, "slack:B1"]),
            sent_at=choose.choice([None, NOW - timedelta(seconds=choose.randrange(900))]),
        )
        [item] = name_all(delivery, SopLibrary(), NOW)
        deliveries.append((delivery.key, item))
    return deliveries


async def one_by_one(store: Store, deliveries: Sequence[tuple[str, IdentifiedAlert]]) -> None:
    for key, item in deliveries:
        await store._write(accepting.accept, key, [item], context(store))


async def in_one_delivery(store: Store, deliveries: Sequence[tuple[str, IdentifiedAlert]]) -> None:
    await store.accept("all", [item for _, item in deliveries], channel=CHANNEL, now=NOW)


async def in_one_transaction(
    store: Store, deliveries: Sequence[tuple[str, IdentifiedAlert]]
) -> None:
    arrival = context(store)
    incoming = [IncomingDelivery(key, [item], arrival) for key, item in deliveries]
    await store._write(accepting.accept_together, incoming)


async def assert_invariants(store: Store) -> None:
    broken = await store._engine.read(invariants.broken)
    assert broken == []


def context(store: Store) -> Any:
    return suppression.delivery_context(store.config.current, CHANNEL, NOW, posted=True)


async def everything(store: Store) -> dict[str, list[dict[str, Any]]]:
    tables = ("alerts", "firing", "incidents", "repeats", "outbox", "timeline", "suppressed")
    return {table: await store._engine.read(_rows, table) for table in tables}


def _rows(table: str) -> Operation[list[dict[str, Any]]]:
    names = yield query("SELECT name FROM pragma_table_info(?)", table)
    columns = sorted({row["name"] for row in names} - UNCOMPARED)
    rows = yield query(f"SELECT {', '.join(columns)} FROM {table}")  # noqa: S608 - names of ours
    return sorted((dict(zip(columns, row, strict=True)) for row in rows), key=repr)


@pytest.mark.parametrize("seed", range(SEEDS))
async def test_alerts_in_a_run_become_what_they_become_one_by_one(seed: int) -> None:
    results = []
    for take_in in (one_by_one, in_one_delivery, in_one_transaction):
        store = await open_store("sqlite://", owner="a", audit_key=AUDIT_KEY)
        await store.silence(silence(service="hushed"))
        await take_in(store, some_deliveries(seed))
        await assert_invariants(store)
        results.append(await everything(store))
        await store.close()
    expected = results.pop(0)
    for result in results:
        for table, rows in expected.items():
            assert result[table] == rows
    assert len(expected["alerts"]) > ALERTS / 3
    assert expected["repeats"]


async def test_a_burst_of_new_alerts_and_its_reminders_count_each_alert(store: Store) -> None:
    """On both engines, and through what gathers deliveries."""
    items = [alert(fingerprint=f"fp-{number}", starts_at=NOW) for number in range(100)]

    async def send(turn: int) -> list[Receipt]:
        deliveries = [
            Delivery(f"{turn}/{place}", CHANNEL, [item], repeats=True, sender=SENDER)
            for place, item in enumerate(items)
        ]
        return await asyncio.gather(
            *(
                store.accept(
                    delivery.key,
                    list(name_all(delivery, SopLibrary(), NOW)),
                    channel=CHANNEL,
                    now=NOW,
                )
                for delivery in deliveries
            )
        )

    new, reminders, redelivered = [await send(turn) for turn in (0, 1, 1)]
    [incident] = await store.open_incidents()
    assert (incident.alert_count, incident.firing) == (100, 100)
    assert [receipt.accepted for receipt in new] == [1] * 100
    assert {receipt.outcomes[0].incident_id for receipt in new} == {incident.id}
    assert sum(receipt.outcomes[0].opened for receipt in new) == 1
    for receipt in (*reminders, *redelivered):
        assert (receipt.accepted, receipt.duplicates) == (0, 1)
    await assert_invariants(store)


async def test_alerts_of_several_kinds_in_one_run_join_each_its_own_incident(store: Store) -> None:
    """They share the service, and so the open incidents that a run decides among."""
    kinds = [("prod", "cpu"), ("prod", "disk"), ("staging", "cpu"), ("staging", "disk")]

    async def send(key: str, turns: int) -> Receipt:
        items = [
            alert(env=env, category=category, fingerprint=f"{key}-{turn}-{env}-{category}")
            for turn in range(turns)
            for env, category in kinds
        ]
        named = list(name_all(Delivery(key, CHANNEL, items, sender=SENDER), SopLibrary(), NOW))
        return await store.accept(key, named, channel=CHANNEL, now=NOW)

    opened = (await send("first", 1)).opened
    assert len(opened) == len(kinds)
    joined = await send("second", 5)
    assert joined.opened == ()
    assert joined.incident_ids == opened * 5
    await assert_invariants(store)


async def test_two_deliveries_of_one_key_at_the_same_time_count_once(store: Store) -> None:
    items = [identify(alert(fingerprint=f"fp-{number}")) for number in range(20)]
    receipts = await asyncio.gather(
        *(store.accept("a key", [item], channel=CHANNEL, now=NOW) for item in items),
        *(store.accept(item.dedup_key, [item], channel=CHANNEL, now=NOW) for item in items),
    )
    assert [receipt.accepted for receipt in receipts[:20]].count(1) == 1
    [incident] = await store.open_incidents()
    assert incident.alert_count == 20
    await assert_invariants(store)


async def test_a_delivery_that_cannot_be_stored_fails_alone(store: Store) -> None:
    items = [identify(alert(fingerprint=f"fp-{number}")) for number in range(40)]
    wrong = replace(items[7].alert, severity="nobody's")  # type: ignore[arg-type] # a bug of ours
    items[7] = replace(items[7], alert=wrong)
    receipts = await asyncio.gather(
        *(store.accept(item.dedup_key, [item], channel=CHANNEL, now=NOW) for item in items),
        return_exceptions=True,
    )
    assert isinstance(receipts.pop(7), AttributeError)
    assert all(isinstance(receipt, Receipt) and receipt.accepted == 1 for receipt in receipts)
    [incident] = await store.open_incidents()
    assert incident.alert_count == 39


async def test_what_arrives_while_transactions_run_shares_the_next_one() -> None:
    sizes: list[int] = []
    go_on = asyncio.Event()

    async def write(operation: Any, *parameters: Any) -> Any:
        count = len(parameters[0]) if operation is accepting.accept_together else 1
        sizes.append(count)
        await go_on.wait()
        receipt = Receipt(1, 0, (), (), (), (AlertOutcome(1, ""),))
        return [receipt] * count if operation is accepting.accept_together else receipt

    gathered = gathering.GatheredDeliveries(write)
    store = await open_store("sqlite://", owner="a", audit_key=AUDIT_KEY)
    tasks = []
    at_once = [1] + [gathering.ENOUGH] * (gathering.AT_ONCE - 1)
    for started, count in enumerate([*at_once, gathering.MOST + 1], 1):
        for number in range(count):
            key = f"d{started}/{number}"
            delivery = IncomingDelivery(key, [identify(alert())], context(store))
            tasks.append(asyncio.create_task(gathered.accept(delivery)))
        if started <= gathering.AT_ONCE:
            await until(lambda: len(sizes) == started)  # noqa: B023 - called at once
    go_on.set()
    assert all(receipt.accepted == 1 for receipt in await asyncio.gather(*tasks))
    assert sizes == [*at_once, gathering.MOST, 1]
    await store.close()


async def test_a_few_deliveries_wait_only_so_long_for_a_transaction_that_is_held_up(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(gathering, "LONGEST_WAIT", 0)
    running: list[str] = []
    go_on = asyncio.Event()

    async def write(_operation: Any, key: str, *_: Any) -> Receipt:
        running.append(key)
        await go_on.wait()
        return Receipt(1, 0, (), (), ())

    gathered = gathering.GatheredDeliveries(write)
    store = await open_store("sqlite://", owner="a", audit_key=AUDIT_KEY)
    tasks = []
    for key in ("held up", "second", "third"):
        delivery = IncomingDelivery(key, [identify(alert())], context(store))
        tasks.append(asyncio.create_task(gathered.accept(delivery)))
        await until(lambda: key in running)  # noqa: B023 - called at once
    go_on.set()
    await asyncio.gather(*tasks)
    assert running == ["held up", "second", "third"]
    await store.close()


async def test_a_caller_that_delivers_one_after_the_other_never_waits(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(gathering, "LONGEST_WAIT", 60)
    store = await open_store("sqlite://", owner="a", audit_key=AUDIT_KEY)
    for number in range(3):
        item = identify(alert(fingerprint=f"fp-{number}"))
        async with asyncio.timeout(30):
            await store.accept(f"d{number}", [item], channel=CHANNEL, now=NOW)
    await store.close()


async def test_one_transaction_takes_in_no_more_alerts_however_they_are_delivered(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    sizes: list[int] = []
    running: list[str] = []
    go_on = asyncio.Event()

    async def write(operation: Any, *parameters: Any) -> Any:
        if operation is not accepting.accept_together:
            running.append(parameters[0])
            await go_on.wait()
            return Receipt(1, 0, (), (), ())
        sizes.append(sum(len(delivery.named) for delivery in parameters[0]))
        return [Receipt(1, 0, (), (), ())] * len(parameters[0])

    gathered = gathering.GatheredDeliveries(write)
    store = await open_store("sqlite://", owner="a", audit_key=AUDIT_KEY)
    named = [identify(alert())] * gathering.SMALL
    whole = gathering.MOST // gathering.SMALL
    tasks = []
    monkeypatch.setattr(gathering, "LONGEST_WAIT", 0)
    for number in range(gathering.AT_ONCE + 2 * whole):
        delivery = IncomingDelivery(f"d{number}", named, context(store))
        tasks.append(asyncio.create_task(gathered.accept(delivery)))
        if number < gathering.AT_ONCE:
            started = number + 1
            await until(lambda: len(running) == started)  # noqa: B023 - called at once
    go_on.set()
    await asyncio.gather(*tasks)
    assert sizes == [gathering.MOST, gathering.MOST]
    await store.close()
