"""Advice in every store: claimed once, given once, never lost with its process."""

from __future__ import annotations

import asyncio

import pytest

from bot.errors import NotFound, StoreError
from bot.incidents.model import Severity
from store import Store
from store.rows import AdviceRecord
from tests.helpers.builders import ANA, NOW, alert, deliver, later, open_incident
from tests.helpers.stores import Storage

BODY = {"source": "Amazon Q", "cause": "a leak", "evidence": ["one", "two"]}


async def claimed(store: Store) -> AdviceRecord:
    record = await store.claim_advice(NOW)
    assert record is not None
    return record


async def test_the_gravest_is_advised_first_then_the_oldest(store: Store) -> None:
    severities = [Severity.LOW, Severity.HIGH, Severity.CRITICAL, Severity.HIGH]
    ids = [
        await deliver(store, alert(service=f"s{n}", fingerprint=f"fp{n}", severity=severity))
        for n, severity in enumerate(severities)
    ]
    order = [(await claimed(store)).incident_id for _ in ids]
    assert order == [ids[n] for n in (2, 1, 3, 0)]
    assert await store.claim_advice(NOW) is None


async def test_twenty_that_claim_at_once_take_each_piece_of_advice_once(store: Store) -> None:
    for number in range(5):
        await deliver(store, alert(service=f"s{number}", fingerprint=f"fp{number}"))
    records = await asyncio.gather(*(store.claim_advice(NOW) for _ in range(20)))
    taken = [record.id for record in records if record]
    assert len(taken) == len(set(taken)) == 5


async def test_a_persons_question_is_queued_with_who_asked(store: Store) -> None:
    incident = await open_incident(store)
    await claimed(store)
    await store.enqueue_advice(incident, "why now?", ANA, later(1))
    record = await claimed(store)
    assert (record.question, record.asked_by, record.body) == ("why now?", ANA, None)
    assert (record.incident_id, record.at) == (incident.id, later(1))


async def test_a_question_about_no_incident_is_a_store_error_and_queues_nothing(
    store: Store,
) -> None:
    incident = await open_incident(store)
    await claimed(store)
    nowhere = type(incident)(
        **{**{name: getattr(incident, name) for name in incident.__slots__}, "id": 999}
    )
    with pytest.raises(StoreError):
        await store.enqueue_advice(nowhere, "why?", ANA, NOW)
    assert await store.claim_advice(NOW) is None


async def test_given_advice_is_shown_in_the_thread_and_joins_the_conversation(
    store: Store,
) -> None:
    incident = await open_incident(store)
    await claimed(store)
    await store.enqueue_advice(incident, "why now?", ANA, later(1))
    record = await claimed(store)
    await store.give_advice(record.id, BODY, "a leak, likely", later(9))
    advice = await store.advice(record.id)
    assert advice is not None
    assert (advice.body, advice.at) == (BODY, later(9))
    shown = await store.outbox_message(f"advice:{record.id}")
    assert shown is not None
    assert (shown.in_thread, shown.desired_version) == (True, 1)
    turns = await store.turns(incident.sop_id)
    assert [(turn.role, turn.text) for turn in turns] == [
        ("person", "why now?"),
        ("advisor", "a leak, likely"),
    ]
    assert (await store.timeline(incident.id))[-1].text == "Advice from Amazon Q"


async def test_advice_is_given_once(store: Store) -> None:
    incident = await open_incident(store)
    record = await claimed(store)
    await store.give_advice(record.id, BODY, "first", later(1))
    await store.give_advice(record.id, {**BODY, "cause": "other"}, "second", later(2))
    advice = await store.advice(record.id)
    assert advice is not None
    assert advice.body == BODY
    shown = await store.outbox_message(f"advice:{record.id}")
    assert shown is not None
    assert shown.desired_version == 1
    assert [turn.text for turn in await store.turns(incident.sop_id)] == ["first"]


@pytest.mark.sqlite_file
async def test_two_processes_that_give_at_once_give_it_once(storage: Storage) -> None:
    here, there = await storage.open("bot-a"), await storage.open("bot-b")
    incident = await open_incident(here)
    record = await claimed(here)
    await asyncio.gather(
        here.give_advice(record.id, BODY, "ours", NOW),
        there.give_advice(record.id, BODY, "theirs", NOW),
    )
    assert len(await here.turns(incident.sop_id)) == 1


async def test_what_another_process_died_over_comes_again(storage: Storage) -> None:
    dead, alive = await storage.open("bot-a"), await storage.open("bot-b")
    await open_incident(dead)
    first = await claimed(dead)
    execution = await claimed(alive)
    assert execution.id == first.id
    assert execution.body is None
    assert await alive.claim_advice(NOW) is None, "it is ours now"


async def test_advice_given_but_not_done_comes_again_with_its_body(storage: Storage) -> None:
    dead, alive = await storage.open("bot-a"), await storage.open("bot-b")
    await open_incident(dead)
    record = await claimed(dead)
    await dead.give_advice(record.id, BODY, "said", NOW)
    execution = await claimed(alive)
    assert (execution.id, execution.body) == (record.id, BODY)


async def test_done_advice_never_comes_again(storage: Storage) -> None:
    here, there = await storage.open("bot-a"), await storage.open("bot-b")
    await open_incident(here)
    record = await claimed(here)
    await here.advice_done(record.id)
    assert await here.claim_advice(NOW) is None
    assert await there.claim_advice(NOW) is None


async def test_advice_that_failed_by_our_fault_is_wanted_again_five_times_at_most(
    store: Store,
) -> None:
    await open_incident(store)
    first = await claimed(store)
    await store.release_advice(first.id)
    for _ in range(4):
        assert (await claimed(store)).id == first.id
        await store.release_advice(first.id)
    assert await store.claim_advice(NOW) is None


async def test_done_advice_is_not_wanted_again_by_a_late_release(store: Store) -> None:
    await open_incident(store)
    record = await claimed(store)
    await store.advice_done(record.id)
    await store.release_advice(record.id)
    assert await store.claim_advice(NOW) is None


async def test_the_advice_an_incident_gets_unasked_is_found(store: Store) -> None:
    incident = await open_incident(store)
    await store.enqueue_advice(incident, "why?", ANA, NOW)
    first = await store.first_advice(incident.id)
    assert first is not None
    assert (first.question, first.body) == ("", None)
    await store.give_advice(first.id, BODY, "said", NOW)
    assert await store.first_advice(incident.id) == await store.advice(first.id)
    assert await store.first_advice(999) is None
    assert await store.advice(999) is None


async def test_the_conversation_of_a_sop_keeps_its_last_turns_oldest_first(store: Store) -> None:
    for number in range(12):
        await store.remember("web-procedure", None, "person", f"turn {number}", later(number))
    await store.remember("other", None, "person", "elsewhere", NOW)
    turns = await store.turns("web-procedure", limit=3)
    assert [turn.text for turn in turns] == ["turn 9", "turn 10", "turn 11"]
    assert turns[-1].at == later(11)
    assert len(await store.turns("web-procedure")) == 10


async def test_a_question_handed_over_twice_is_queued_once(store: Store) -> None:
    incident = await open_incident(store)
    assert await store.enqueue_advice(incident, "why now?", ANA, NOW, "mention/C1/1.2")
    assert not await store.enqueue_advice(incident, "why now?", ANA, NOW, "mention/C1/1.2")
    questions = []
    while (record := await store.claim_advice(NOW)) is not None:
        questions.append(record.question)
    assert questions.count("why now?") == 1


async def test_advice_whose_claim_had_no_answer_comes_again_unless_it_is_in_hand(
    store: Store,
) -> None:
    await open_incident(store)
    assert await store.claim_advice(NOW), "and the answer is lost"
    assert await store.claim_advice(NOW) is None
    record = await store.claim_advice(NOW, in_hand=())
    assert record is not None
    assert await store.claim_advice(NOW, in_hand=(record.id,)) is None


async def test_the_advisor_is_told_the_newest_firing_alert_and_the_last_turns_of_the_sop(
    store: Store,
) -> None:
    incident = await open_incident(store, fingerprint="first")
    newest = alert(fingerprint="second")
    await deliver(store, newest)
    await open_incident(store, service="another", fingerprint="third")
    for number in range(12):
        await store.remember(incident.sop_id, None, "person", f"{number}", later(number))
    await store.remember("sop-of-another", None, "person", "not this", NOW)
    context = await store.advice_context(incident.id)
    assert context.incident == await store.incident(incident.id)
    assert context.alert == newest
    assert [turn.text for turn in context.turns] == [f"{number}" for number in range(2, 12)]
    with pytest.raises(NotFound, match="INC-999"):
        await store.advice_context(999)
