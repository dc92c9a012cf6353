"""Notices of the bot about itself, and its search for overdue work, in every store."""

from __future__ import annotations

from datetime import timedelta

from bot.approvals.model import Choice
from bot.incidents.model import Severity
from store import Store
from store.operations.cursors import Cursor
from tests.helpers.builders import (
    ANA,
    BEN,
    CHANNEL,
    TEAM,
    alert,
    claim_execution,
    deliver,
    later,
    open_incident,
    pending_approval,
    voter,
)
from tests.helpers.stores import Storage

OPS = "C0OPS"


async def due(store: Store, seconds: float, channel: str = CHANNEL) -> list[str]:
    return [item.key for item in await store.outbox_due(channel, later(seconds), 100)]


async def post(store: Store, key: str, ts: str) -> None:
    message = await store.outbox_message(key)
    assert message is not None, key
    await store.outbox_sent(message, ts)


async def several(store: Store, count: int, severity: Severity = Severity.LOW) -> list[int]:
    """So many incidents of different services."""
    items = []
    for number in range(count):
        item = alert(
            service=f"{severity}-{number}", fingerprint=f"{severity}-{number}", severity=severity
        )
        items.append(await deliver(store, item))
    return items


# What it says


async def test_a_notice_is_one_message_that_changes_until_it_is_over(store: Store) -> None:
    await store.upsert_notice("stuck", OPS, ["a"], later(0), over=False)
    assert await due(store, 0, OPS) == ["stuck:1"]
    await post(store, "stuck:1", "5.1")
    await store.upsert_notice("stuck", OPS, ["a"], later(60), over=False)
    assert await due(store, 60, OPS) == [], "it says so already"
    await store.upsert_notice("stuck", OPS, ["a", "b"], later(120), over=False)
    assert await due(store, 120, OPS) == ["stuck:1"]
    await store.upsert_notice("stuck", OPS, [], later(180), over=True)
    notice = await store.notice(1)
    assert notice is not None
    assert (notice.body, notice.began_at, notice.ended_at) == ([], later(0), later(180))
    await store.upsert_notice("stuck", OPS, ["c"], later(240), over=False)
    assert "stuck:2" in await due(store, 240, OPS)


async def test_what_is_over_before_it_began_is_not_said(store: Store) -> None:
    await store.upsert_notice("stuck", OPS, [], later(0), over=True)
    assert await due(store, 0, OPS) == []
    assert await store.notice(1) is None


async def test_a_storm_is_more_waiting_cards_than_the_limit_and_lasts_until_all_are_up(
    store: Store,
) -> None:
    ids = await several(store, 3)
    assert not await store.update_burst(CHANNEL, 3, later(1), remind=True)
    ids += await several(store, 2, Severity.CRITICAL)
    assert await store.update_burst(CHANNEL, 3, later(2), remind=True)
    keys = await due(store, 2)
    assert keys[0] == "storm:1", "what the bot says of itself comes before all cards"
    assert set(keys[1:3]) == {f"card:{ids[3]}", f"card:{ids[4]}"}
    await post(store, "storm:1", "9.9")
    for number, incident in enumerate(ids[:4]):
        await post(store, f"card:{incident}", f"7.{number}")
    assert await store.update_burst(CHANNEL, 3, later(3), remind=False), "one is still to come"
    assert "storm:1" not in await due(store, 3)
    assert await store.update_burst(CHANNEL, 3, later(4), remind=True)
    assert "storm:1" in await due(store, 4)
    await post(store, f"card:{ids[4]}", "7.9")
    await post(store, "storm:1", "9.9")
    assert not await store.update_burst(CHANNEL, 3, later(5), remind=False)
    assert await due(store, 5) == ["storm:1"], "it says that it is over"
    await several(store, 4, Severity.HIGH)
    assert await store.update_burst(CHANNEL, 3, later(6), remind=False)
    assert "storm:2" in await due(store, 6), "the next storm has a message of its own"


async def test_a_storm_tells_what_it_brought(store: Store) -> None:
    before = await open_incident(store, service="before", fingerprint="before")
    await post(store, f"card:{before.id}", "1.1")
    low = await several(store, 2)
    [critical] = await several(store, 1, Severity.CRITICAL)
    await store.update_burst(CHANNEL, 2, later(1), remind=True)
    await post(store, f"card:{critical}", "2.1")
    await store.resolve(low[0], ANA, later(2))
    storm = await store.storm(1)
    assert storm is not None
    assert storm.severities == {"critical": 1, "low": 2}
    assert (storm.hidden, storm.resolved, storm.ended_at) == (2, 1, None)
    assert [number for number, _, _ in storm.most_severe] == [critical, low[1]]
    for incident in low:
        await post(store, f"card:{incident}", f"3.{incident}")
    await store.update_burst(CHANNEL, 2, later(9), remind=False)
    await several(store, 2, Severity.HIGH)
    over = await store.storm(1)
    assert over is not None
    assert over.ended_at == later(9)
    assert over.severities == {"critical": 1, "low": 2}, "what comes later is not its own"
    assert await store.storm(99) is None


# The order in which things are said


async def test_every_card_comes_before_what_stands_in_threads(store: Store) -> None:
    [critical] = await several(store, 1, Severity.CRITICAL)
    await post(store, f"card:{critical}", "1.1")
    await store.note(critical, "Looking", ANA, later(0))
    await several(store, 2)
    assert (await due(store, 0))[-1].startswith("note:")
    await store.outbox_raise_priority(later(59))
    assert (await due(store, 59))[-1].startswith("note:")
    await store.outbox_raise_priority(later(60))
    assert (await due(store, 60))[0].startswith("note:"), "it waited long enough"


async def test_what_failed_before_is_due_at_once_when_slack_is_well_again(store: Store) -> None:
    [second] = await several(store, 1)
    [first] = await several(store, 1, Severity.CRITICAL)
    message = await store.outbox_message(f"card:{first}")
    assert message is not None
    await store.outbox_retry(message, later(60), "not_reached", maybe_posted=False)
    assert await due(store, 1) == [f"card:{second}"]
    await store.outbox_make_due_now(CHANNEL, later(1))
    assert await due(store, 1) == [f"card:{first}", f"card:{second}"]


async def test_a_change_that_waits_for_a_minute_gets_its_turn_before_graver_ones(
    storage: Storage,
) -> None:
    store = await storage.open(card_update_seconds=1.0)
    low = await open_incident(store, service="db", fingerprint="db", severity=Severity.LOW)
    critical = await open_incident(store, severity=Severity.CRITICAL)
    for number, incident in enumerate((low, critical)):
        await post(store, f"card:{incident.id}", f"1.{number}")
    await deliver(store, alert(service="db", fingerprint="db", severity=Severity.LOW), at=later(1))
    await deliver(store, alert(severity=Severity.CRITICAL), at=later(30))
    await store.outbox_raise_priority(later(60))
    assert await due(store, 60) == [f"card:{critical.id}", f"card:{low.id}"]
    await store.outbox_raise_priority(later(62))
    assert await due(store, 62) == [f"card:{low.id}", f"card:{critical.id}"]
    await deliver(store, alert(service="db", fingerprint="db", severity=Severity.LOW), at=later(63))
    assert await due(store, 63) == [f"card:{low.id}", f"card:{critical.id}"], "it keeps its place"


async def test_what_was_shown_or_given_up_before_makes_no_storm(store: Store) -> None:
    ids = await several(store, 4)
    for incident in ids[:2]:
        await post(store, f"card:{incident}", f"1.{incident}")
        card = await store.outbox_message(f"card:{incident}")
        assert card is not None
        await store.outbox_mark_deleted(card)  # somebody deleted it
    for incident in ids[2:]:
        card = await store.outbox_message(f"card:{incident}")
        assert card is not None
        await store.outbox_give_up(card, "is_archived", "", later(1))
    await store.outbox_retry_failed(later(1000))
    assert not await store.update_burst(CHANNEL, 1, later(1001), remind=True)
    new = await several(store, 2, Severity.HIGH)
    assert await store.update_burst(CHANNEL, 1, later(1002), remind=True)
    storm = await store.storm(1)
    assert storm is not None
    assert storm.severities == {"high": len(new)}


# Reading back


async def test_of_many_deliveries_those_that_were_taken_in_are_known(store: Store) -> None:
    await store.accept("seen-1", [], channel=CHANNEL, now=later(0))
    await store.accept("seen-2", [], channel=CHANNEL, now=later(0))
    keys = [f"new-{n}" for n in range(1200)]
    assert await store.known_deliveries(["seen-1", *keys, "seen-2"]) == {"seen-1", "seen-2"}
    assert await store.known_deliveries([]) == set()


async def test_a_channel_remembers_from_where_and_how_far_it_was_read(store: Store) -> None:
    assert await store.cursor(CHANNEL) is None
    await store.advance_cursor(CHANNEL, "100.000000", edits_too=True)
    await store.advance_cursor(CHANNEL, "200.000000", edits_too=False)
    assert await store.cursor(CHANNEL) == Cursor("100.000000", "200.000000", "100.000000")
    await store.advance_cursor(CHANNEL, "300.000000", edits_too=True)
    assert await store.cursor(CHANNEL) == Cursor("100.000000", "300.000000", "300.000000")


async def test_the_oldest_open_incident_of_a_channel_is_known(store: Store) -> None:
    assert await store.open_since(CHANNEL) is None
    first = await open_incident(store)
    await deliver(store, alert(service="db", fingerprint="db"), at=later(60))
    assert await store.open_since(CHANNEL) == later(0)
    await store.resolve(first.id, ANA, later(90))
    assert await store.open_since(CHANNEL) == later(60)


# What is stuck


async def overdue(store: Store, seconds: float) -> dict[str, tuple[int, tuple[str, ...]]]:
    result = await store.overdue_work(later(seconds))
    return {item.what: (item.count, item.names) for item in result}


async def test_nothing_is_stuck_while_everything_moves(store: Store) -> None:
    incident = await open_incident(store)
    await pending_approval(store, incident.id)
    assert await overdue(store, 1) == {}


async def test_an_open_incident_without_a_card_is_stuck(store: Store) -> None:
    incident = await open_incident(store)
    assert "card" not in await overdue(store, 300)
    assert (await overdue(store, 301))["card"] == (1, (incident.number,))
    await post(store, f"card:{incident.id}", "1.1")
    assert "card" not in await overdue(store, 301)


async def test_an_overdue_message_and_one_that_slack_does_not_take_are_stuck(store: Store) -> None:
    incident = await open_incident(store)
    await post(store, f"card:{incident.id}", "1.1")
    await store.note(incident.id, "Looking", ANA, later(0))
    assert (await overdue(store, 301))["message"][0] == 1
    note = (await store.outbox_due(CHANNEL, later(1)))[0]
    await store.outbox_give_up(note, "is_archived", "", later(2))
    result = await overdue(store, 2)
    assert result["undelivered"] == (1, (f"{incident.number} (note)",))
    await store.resolve(incident.id, ANA, later(3))
    assert "undelivered" not in await overdue(store, 4), "it does not matter any more"


async def test_an_approval_that_did_not_expire_is_stuck(store: Store) -> None:
    incident = await open_incident(store)
    result = await pending_approval(store, incident.id, expires_at=later(900))
    assert "approval" not in await overdue(store, 960)
    assert (await overdue(store, 961))["approval"] == (1, (result.id,))


async def test_an_approved_action_that_nobody_sends_and_a_dispatch_without_result_are_stuck(
    store: Store,
) -> None:
    incident = await open_incident(store)
    result = await pending_approval(store, incident.id)
    await store.vote(result.id, voter(BEN), Choice.APPROVE, TEAM, later(1))
    assert (await overdue(store, 62))["approved"] == (1, (result.id,))
    execution = await claim_execution(store, later(62))
    assert execution is not None
    assert "approved" not in await overdue(store, 200)
    assert (await overdue(store, 363))["dispatch"] == (1, (execution.id,))


async def test_of_many_that_are_stuck_the_first_few_are_named(store: Store) -> None:
    await several(store, 7)
    count, names = (await overdue(store, 400))["card"]
    assert (count, len(names)) == (7, 5)


async def test_advice_that_nobody_gives_is_stuck_once_its_card_is_up(store: Store) -> None:
    incident = await open_incident(store)
    hour = timedelta(hours=1).total_seconds()
    assert "advice" not in await overdue(store, hour), (
        "it waits for the card, which is stuck itself"
    )
    await post(store, f"card:{incident.id}", "1.1")
    assert (await overdue(store, hour))["advice"] == (1, (incident.number,))
