"""Messages that Slack did not take, in every store: retried, given up, reported elsewhere."""

from __future__ import annotations

from bot.incidents.model import Severity
from store import Store
from tests.helpers.builders import ANA, CHANNEL, later, open_incident
from tests.helpers.outbox_rows import NEVER, due, message, send

# Failures


async def test_a_message_that_was_not_posted_is_tried_again(store: Store) -> None:
    incident = await open_incident(store)
    card = await message(store, f"card:{incident.id}")
    await store.outbox_retry(card, later(5), "not_reached", maybe_posted=False)
    second = await message(store, card.key)
    assert (second.attempts, second.error, second.unsure) == (1, "not_reached", False)
    assert await due(store, 4) == []
    assert await due(store, 5) == [card.key]


async def test_a_message_that_may_be_posted_is_looked_for_until_it_is_seen(store: Store) -> None:
    incident = await open_incident(store)
    card = await message(store, f"card:{incident.id}")
    await store.outbox_retry(card, later(5), "no answer", maybe_posted=True)
    assert (await message(store, card.key)).unsure
    await store.outbox_retry(card, later(6), "not_reached", maybe_posted=False)
    assert (await message(store, card.key)).unsure, "the first try may have come through"
    assert not (await send(store, card.key, "100.1")).unsure


async def test_what_slack_never_takes_stays_with_its_reason_and_is_not_tried_again(
    store: Store,
) -> None:
    incident = await open_incident(store)
    card = await message(store, f"card:{incident.id}")
    await store.outbox_give_up(card, "channel_not_found", "", later(3))
    kept = await message(store, card.key)
    assert (kept.given_up_at, kept.error) == (later(3), "channel_not_found")
    assert await due(store, NEVER) == []
    assert await store.outbox_backlog() == (0, 1)


async def test_people_hear_in_the_ops_channel_what_could_not_be_shown(store: Store) -> None:
    incident = await open_incident(store, severity=Severity.CRITICAL)
    card = await message(store, f"card:{incident.id}")
    await store.outbox_give_up(card, "channel_not_found", "C0OPS", later(3))
    [item] = await store.outbox_due("C0OPS", later(3))
    assert (item.kind, item.subject, item.severity) == ("undelivered", card.key, Severity.CRITICAL)
    assert (item.in_thread, item.incident_id) == (False, incident.id)


async def test_what_the_ops_channel_itself_refuses_is_not_told_there_for_ever(
    store: Store,
) -> None:
    incident = await open_incident(store)
    card = await message(store, f"card:{incident.id}")
    await store.outbox_give_up(card, "is_archived", CHANNEL, later(3))
    assert await store.outbox_channels(later(NEVER)) == {}
    assert await store.outbox_backlog() == (0, 1)


async def test_a_message_that_was_deleted_in_slack_is_posted_anew(store: Store) -> None:
    incident = await open_incident(store)
    shown = await send(store, f"card:{incident.id}", "100.1")
    await store.outbox_mark_deleted(shown)
    [card] = await store.outbox_due(CHANNEL, later(1))
    assert (card.ts, card.sent_version, card.unsure) == (None, 0, False)
    await send(store, f"card:{incident.id}", "100.2")
    await store.outbox_mark_deleted(shown)
    assert (await message(store, card.key)).ts == "100.2", "that one is not lost"


async def test_of_two_posts_of_one_message_the_first_noted_stays(store: Store) -> None:
    incident = await open_incident(store)
    card = await message(store, f"card:{incident.id}")
    assert await store.outbox_sent(card, "100.1")
    assert not await store.outbox_sent(card, "100.2"), "a copy too many"
    assert (await message(store, card.key)).ts == "100.1"


async def test_an_older_version_never_hides_that_a_newer_one_was_sent(store: Store) -> None:
    incident = await open_incident(store)
    old = await send(store, f"card:{incident.id}", "100.1")
    await store.acknowledge(incident.id, "U0ANA", later(1))
    await send(store, old.key, "100.1")
    await store.outbox_sent(old, "100.1")
    assert (await message(store, old.key)).sent_version == 2
    await store.outbox_requeue(old)
    assert await due(store, 2) == [old.key], "whoever is not sure sends the newest again"


async def test_the_backlog_counts_what_waits_and_what_was_given_up(store: Store) -> None:
    assert await store.outbox_backlog() == (0, 0)
    first = await open_incident(store)
    await open_incident(store, service="api", fingerprint="fp-api")
    assert await store.outbox_backlog() == (2, 0)
    await send(store, f"card:{first.id}", "100.1")
    assert await store.outbox_backlog() == (1, 0)


async def test_a_new_wish_is_a_new_chance_for_what_was_given_up(store: Store) -> None:
    incident = await open_incident(store)
    card = await message(store, f"card:{incident.id}")
    await store.outbox_retry(card, later(50), "odd", maybe_posted=False)
    await store.outbox_give_up(card, "not_in_channel", "", later(60))
    await store.acknowledge(incident.id, ANA, later(70))
    [second] = await store.outbox_due(CHANNEL, later(70))
    assert (second.key, second.attempts, second.given_up_at) == (card.key, 0, None)


async def test_what_was_given_up_is_due_again_after_a_while_for_a_day(store: Store) -> None:
    incident = await open_incident(store)
    card = await message(store, f"card:{incident.id}")
    await store.outbox_give_up(card, "not_in_channel", "", later(60))
    assert await store.outbox_retry_failed(later(659)) == 0
    assert await store.outbox_retry_failed(later(660)) == 1
    [second] = await store.outbox_due(CHANNEL, later(660))
    assert (second.key, second.attempts, second.error) == (card.key, 0, "not_in_channel")
    await store.outbox_give_up(second, "not_in_channel", "", later(700))
    assert await store.outbox_retry_failed(later(24 * 3600)) == 0
    assert (await message(store, card.key)).given_up_at


async def test_what_is_shown_is_not_revived(store: Store) -> None:
    incident = await open_incident(store)
    await send(store, f"card:{incident.id}", "100.1")
    assert await store.outbox_retry_failed(later(1000)) == 0
    assert await store.outbox_channels(later(1000)) == {}


async def test_what_is_given_up_is_one_message_elsewhere_that_follows_it(store: Store) -> None:
    incident = await open_incident(store)
    key = f"card:{incident.id}"
    text = f"undelivered:{key}"
    for number, (error, sentence) in enumerate(
        [("not_in_channel", 1), ("not_in_channel", 2), ("is_archived", 3)]
    ):
        at = later(1000 * (number + 1))
        await store.outbox_give_up(await message(store, key), error, "C0OPS", at)
        assert (await message(store, text)).desired_version == sentence
        await store.outbox_retry_failed(later(1000 * (number + 2)))


async def test_a_reply_has_failed_with_its_card(store: Store) -> None:
    incident = await open_incident(store)
    await store.note(incident.id, "Looking", ANA, later(1))
    assert await store.outbox_backlog() == (2, 0)
    card = await message(store, f"card:{incident.id}")
    await store.outbox_give_up(card, "not_in_channel", "", later(3))
    assert await store.outbox_backlog() == (0, 2)
    await store.outbox_retry_failed(later(1000))
    assert await store.outbox_backlog() == (2, 0)
