"""A notice outside of Slack is claimed once for each target, and none is doubled or lost."""

from __future__ import annotations

import asyncio

from bot.incidents.model import Severity
from store import Store
from store.operations.outside_notices import MOST_AT_ONCE, LateMessage
from tests.helpers.builders import later, open_incident, pending_approval

TEXT = "It may have been sent by {target}."


async def notes(store: Store, incident_id: int) -> list[str]:
    return [entry.text for entry in await store.timeline(incident_id) if entry.kind == "note"]


async def late(store: Store, seconds: float) -> list[LateMessage]:
    return await store.late_messages(later(seconds), ("email", "ntfy"), later(seconds))


async def test_critical_incidents_and_waiting_approvals_are_late_until_slack_shows_them(
    store: Store,
) -> None:
    critical = await open_incident(store, severity=Severity.CRITICAL)
    high = await open_incident(
        store, service="other", fingerprint="fp-other", severity=Severity.HIGH
    )
    approval = await pending_approval(store, high.id)
    assert await late(store, -1) == []
    assert {(item.kind, item.incident_id) for item in await late(store, 60)} == {
        ("card", critical.id),
        ("approval", high.id),
    }
    card = await store.outbox_message(f"card:{critical.id}")
    assert card is not None
    assert await store.outbox_sent(card, "1700000000.000100")
    await store.resolve(high.id, "U0ANA", later(61))
    assert await late(store, 62) == []
    assert approval.id


async def test_one_of_many_claims_a_notice_and_a_refused_one_is_claimed_again_later(
    store: Store,
) -> None:
    await open_incident(store, severity=Severity.CRITICAL)
    (message,) = await late(store, 60)
    claims = await asyncio.gather(
        *(store.claim_outside_notice(message, "email", later(60)) for _ in range(5))
    )
    (notice,) = [claim for claim in claims if claim]
    assert await store.claim_outside_notice(message, "ntfy", later(60)), "another target"
    await store.finish_outside_notice(notice, "refused", later(61), retry_at=later(90))
    assert await store.claim_outside_notice(message, "email", later(89)) is None
    second = await store.claim_outside_notice(message, "email", later(90))
    assert second is not None
    assert second.attempts == 2
    await store.finish_outside_notice(notice, "sent", later(91), note="an old attempt")
    assert await notes(store, message.incident_id) == [], "the claim is another one by now"
    await store.finish_outside_notice(second, "sent", later(92), note="sent by email")
    assert await notes(store, message.incident_id) == ["sent by email"]
    assert await store.claim_outside_notice(message, "email", later(9000)) is None


async def test_a_notice_whose_process_ended_is_noted_in_the_thread_and_sent_once_more(
    store: Store,
) -> None:
    incident = await open_incident(store, severity=Severity.CRITICAL)
    (message,) = await late(store, 60)
    first = await store.claim_outside_notice(message, "email", later(60))
    assert first is not None
    assert not first.is_repeat
    assert await store.give_up_unfinished_notices(later(59), later(100), TEXT) == 0
    assert await store.give_up_unfinished_notices(later(60), later(400), TEXT) == 1
    assert await store.give_up_unfinished_notices(later(60), later(400), TEXT) == 0
    assert await notes(store, incident.id) == ["It may have been sent by email."]
    repeat = await store.claim_outside_notice(message, "email", later(400))
    assert repeat is not None
    assert repeat.is_repeat
    await store.finish_outside_notice(repeat, "refused", later(401), retry_at=later(430))
    assert await store.claim_outside_notice(message, "email", later(429)) is None
    third_claim = await store.claim_outside_notice(message, "email", later(430))
    assert third_claim is not None
    assert third_claim.is_repeat, "the first may have been taken all the same"
    assert await store.give_up_unfinished_notices(later(430), later(800), TEXT) == 1
    assert await store.claim_outside_notice(message, "email", later(9000)) is None, "twice at most"


async def test_messages_that_went_out_leave_their_place_to_the_next_ones(store: Store) -> None:
    for number in range(MOST_AT_ONCE + 1):
        await open_incident(
            store, severity=Severity.CRITICAL, service=f"s{number}", fingerprint=f"f{number}"
        )
    first = await late(store, 60)
    assert len(first) == MOST_AT_ONCE
    for message in first:
        for target in ("email", "ntfy"):
            notice = await store.claim_outside_notice(message, target, later(60))
            assert notice is not None
            await store.finish_outside_notice(notice, "sent", later(61))
    (last,) = await late(store, 62)
    notice = await store.claim_outside_notice(last, "email", later(62))
    assert notice is not None
    await store.finish_outside_notice(notice, "refused", later(63), retry_at=later(93))
    assert await late(store, 64), "the other target has not got it"
    assert await store.claim_outside_notice(last, "ntfy", later(64))
    assert await late(store, 65) == []
    assert await late(store, 93) == [last]


async def test_the_return_of_slack_is_claimed_once_when_slack_shows_the_message(
    store: Store,
) -> None:
    incident = await open_incident(store, severity=Severity.CRITICAL)
    (message,) = await late(store, 60)
    notice = await store.claim_outside_notice(message, "email", later(60))
    assert notice is not None
    await store.finish_outside_notice(notice, "sent", later(61))
    assert await store.claim_returned_notices(later(62)) == {}
    card = await store.outbox_message(message.key)
    assert card is not None
    await store.outbox_sent(card, "1700000000.000100")
    assert await store.claim_returned_notices(later(63)) == {"email": [incident.id]}
    assert await store.claim_returned_notices(later(64)) == {}
