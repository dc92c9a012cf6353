"""The outbox in every store: the messages that Slack should show."""

from __future__ import annotations

from bot.incidents.model import Severity
from store import Store
from store.messages import EVERYTHING, MessageClass
from store.operations.outbox_fetch import FetchRequest
from tests.helpers.builders import ANA, CHANNEL, alert, deliver, later, open_incident
from tests.helpers.outbox_rows import NEVER, due, message, send
from tests.helpers.stores import Storage


async def test_a_new_card_is_due_at_once_and_known_by_its_key(store: Store) -> None:
    incident = await open_incident(store)
    [card] = await store.outbox_due(CHANNEL, later(0))
    assert (card.key, card.kind, card.subject) == (f"card:{incident.id}", "card", str(incident.id))
    assert (card.incident_id, card.ts, card.thread_ts) == (incident.id, None, None)
    assert (card.desired_version, card.sent_version, card.attempts) == (1, 0, 0)
    assert card.given_up_at is None
    assert (card.unsure, card.created_at) == (False, later(0))
    assert await store.outbox_message("card:999") is None


async def test_what_is_sent_is_not_due_any_more(store: Store) -> None:
    incident = await open_incident(store)
    card = await send(store, f"card:{incident.id}", "100.1")
    assert (card.ts, card.sent_version, card.desired_version) == ("100.1", 1, 1)
    assert await due(store, NEVER) == []
    assert await store.outbox_channels(later(NEVER)) == {}


async def test_any_number_of_wishes_before_the_send_become_one_send(store: Store) -> None:
    incident = await open_incident(store)
    for _ in range(9):
        await deliver(store, alert())
    card = await message(store, f"card:{incident.id}")
    assert (card.desired_version, card.sent_version) == (10, 0)
    await send(store, card.key, "100.1")
    assert await due(store, NEVER) == []


async def test_a_change_wished_while_the_message_is_sent_stays_due(store: Store) -> None:
    incident = await open_incident(store)
    taken = await message(store, f"card:{incident.id}")
    await store.acknowledge(incident.id, ANA, later(1))
    await store.outbox_sent(taken, "100.1")
    assert await due(store, 1) == [taken.key]
    assert (await message(store, taken.key)).ts == "100.1"


# Delays


async def test_repeats_gather_for_card_update_seconds_before_the_card_changes(
    storage: Storage,
) -> None:
    store = await storage.open(card_update_seconds=5.0)
    incident = await open_incident(store)
    await send(store, f"card:{incident.id}", "100.1")
    await deliver(store, alert(), at=later(10))
    assert await due(store, 14.9) == []
    assert await due(store, 15) == [f"card:{incident.id}"]


async def test_more_repeats_do_not_put_the_change_off_again(storage: Storage) -> None:
    store = await storage.open(card_update_seconds=5.0)
    incident = await open_incident(store)
    await send(store, f"card:{incident.id}", "100.1")
    for second in (10, 12, 14):
        await deliver(store, alert(), at=later(second))
    assert await due(store, 15) == [f"card:{incident.id}"]


async def test_a_first_card_that_waits_is_not_put_off_by_repeats(storage: Storage) -> None:
    store = await storage.open(card_update_seconds=5.0)
    incident = await open_incident(store)
    await deliver(store, alert(), at=later(1))
    assert await due(store, 1) == [f"card:{incident.id}"]


async def test_an_undelayed_wish_overtakes_a_delayed_one(storage: Storage) -> None:
    store = await storage.open(card_update_seconds=5.0)
    incident = await open_incident(store)
    await send(store, f"card:{incident.id}", "100.1")
    await deliver(store, alert(), at=later(10))
    await store.acknowledge(incident.id, ANA, later(11))
    assert await due(store, 11) == [f"card:{incident.id}"]


async def test_a_change_of_severity_does_not_wait_for_repeats_to_gather(storage: Storage) -> None:
    store = await storage.open(card_update_seconds=5.0)
    incident = await open_incident(store)
    await send(store, f"card:{incident.id}", "100.1")
    await deliver(store, alert(severity=Severity.CRITICAL), at=later(10))
    news = await due(store, 10)
    assert news[0] == f"card:{incident.id}"
    assert len(news) == 2, "the card's change, and the message that it got worse"


async def test_no_wish_shortens_a_wait_that_slack_imposed(store: Store) -> None:
    incident = await open_incident(store)
    card = await message(store, f"card:{incident.id}")
    await store.outbox_retry(card, later(30), "ratelimited", maybe_posted=False)
    await store.acknowledge(incident.id, ANA, later(2))
    assert await due(store, 29) == []
    assert await due(store, 30) == [card.key]


async def test_after_a_send_an_old_wait_does_not_hold_the_next_change(store: Store) -> None:
    incident = await open_incident(store)
    card = await message(store, f"card:{incident.id}")
    await store.outbox_retry(card, later(30), "ratelimited", maybe_posted=False)
    assert (await send(store, card.key, "100.1")).attempts == 0
    await store.acknowledge(incident.id, ANA, later(2))
    assert await due(store, 2) == [card.key]


# Order


async def test_the_gravest_goes_first_then_the_oldest(store: Store) -> None:
    severities = [Severity.LOW, Severity.HIGH, Severity.CRITICAL, Severity.HIGH]
    ids = [
        await deliver(store, alert(service=f"s{n}", fingerprint=f"fp{n}", severity=severity))
        for n, severity in enumerate(severities)
    ]
    expected = [f"card:{ids[n]}" for n in (2, 1, 3, 0)]
    assert await due(store, 0) == expected
    first_two = await store.outbox_due(CHANNEL, later(0), limit=2)
    assert [item.key for item in first_two] == expected[:2]


async def test_a_reply_waits_until_its_card_is_posted(store: Store) -> None:
    incident = await open_incident(store)
    await store.note(incident.id, "Looking", ANA, later(1))
    assert await due(store, 2) == [f"card:{incident.id}"]
    await send(store, f"card:{incident.id}", "100.1")
    [reply] = await store.outbox_due(CHANNEL, later(2))
    assert (reply.kind, reply.in_thread, reply.thread_ts) == ("note", True, "100.1")


async def test_a_channel_with_replies_that_cannot_go_yet_has_nothing_to_send(
    store: Store,
) -> None:
    incident = await open_incident(store)
    await store.note(incident.id, "Looking", ANA, later(1))
    card = await message(store, f"card:{incident.id}")
    await store.outbox_retry(card, later(60), "ratelimited", maybe_posted=False)
    assert await store.outbox_channels(later(2)) == {}
    await store.outbox_give_up(card, "channel_not_found", "", later(3))
    [note] = await store.outbox_due(CHANNEL, later(4))
    assert note.thread_ts is None, "there is no thread for it: it is given up as its card was"
    await store.outbox_give_up(note, "its card is not there", "", later(5))
    assert await store.outbox_channels(later(NEVER)) == {}


async def test_a_clock_set_back_makes_nothing_wait(store: Store) -> None:
    incident = await open_incident(store)
    card = await message(store, f"card:{incident.id}")
    await store.outbox_retry(card, later(60), "not_reached", maybe_posted=False)
    assert await due(store, 1) == []
    assert await due(store, -3600) == [card.key], "no wait is as long as an hour"


async def test_what_people_did_is_shown_before_repeats_of_what_is_graver(storage: Storage) -> None:
    store = await storage.open(card_update_seconds=5.0)
    low = await open_incident(store, service="db", fingerprint="db", severity=Severity.LOW)
    critical = await open_incident(store, severity=Severity.CRITICAL)
    for number, incident in enumerate((low, critical)):
        await send(store, f"card:{incident.id}", f"1.{number}")
    await deliver(store, alert(severity=Severity.CRITICAL), at=later(1))
    await store.acknowledge(low.id, ANA, later(20))
    assert await due(store, 20) == [f"card:{low.id}", f"card:{critical.id}"]


async def test_what_fails_again_and_again_is_overdue_all_the_same(store: Store) -> None:
    incident = await open_incident(store)
    await send(store, f"card:{incident.id}", "1.1")
    await store.acknowledge(incident.id, ANA, later(0))
    card = await message(store, f"card:{incident.id}")
    for tries in range(5):
        await store.outbox_retry(card, later(60 * (tries + 1)), "internal_error", maybe_posted=True)
    assert await store.outbox_overdue(later(0)) == [CHANNEL]
    assert "message" in [item.what for item in await store.overdue_work(later(301))]
    await send(store, card.key, "1.1")
    assert await store.outbox_overdue(later(NEVER)) == []


async def test_what_stood_elsewhere_says_so_once_it_is_shown(store: Store) -> None:
    incident = await open_incident(store)
    card = await message(store, f"card:{incident.id}")
    await store.outbox_give_up(card, "is_archived", "C0OPS", later(1))
    await send(store, f"undelivered:{card.key}", "9.9")
    await store.outbox_retry_failed(later(1000))
    await send(store, card.key, "1.1")
    [item] = await store.outbox_due("C0OPS", later(1000))
    assert item.key == f"undelivered:{card.key}"


async def test_only_channels_with_something_due_are_named(store: Store) -> None:
    await open_incident(store)
    assert await store.outbox_channels(later(-1)) == {}
    assert list(await store.outbox_channels(later(0))) == [CHANNEL]
    assert await store.outbox_due("C0OTHER", later(NEVER)) == []


async def test_a_channel_that_asks_gets_its_messages_and_the_first_card_in_the_same_read(
    store: Store,
) -> None:
    incident = await open_incident(store)
    await store.note(incident.id, "Looking", ANA, later(1))
    at = later(1)

    (quiet,) = (await store.outbox_channels(at)).values()
    assert (quiet.which, quiet.messages, quiet.card) == ({MessageClass.NEW}, None, None)

    asks = {CHANNEL: FetchRequest(20, EVERYTHING), "C0OTHER": FetchRequest(20, EVERYTHING)}
    channels = await store.outbox_channels(at, asks)
    assert list(channels) == [CHANNEL]
    assert channels[CHANNEL].messages == await store.outbox_due(CHANNEL, at)
    assert channels[CHANNEL].card == await store.card_content(incident.id)

    changes_only = {
        CHANNEL: FetchRequest(20, frozenset({MessageClass.STATE_CHANGE, MessageClass.REFRESH}))
    }
    assert (await store.outbox_channels(at, changes_only))[CHANNEL] == quiet

    await send(store, f"card:{incident.id}", "100.1")
    reply = (await store.outbox_channels(at, asks))[CHANNEL]
    assert reply.messages is not None
    assert [(item.kind, reply.card) for item in reply.messages] == [("note", None)]
