"""Publications in every store: due until acknowledged, never due again."""

from __future__ import annotations

import pytest

from bot.incidents.model import Severity
from store import Store
from store.operations.advice import ATTEMPTS
from store.operations.publications import (
    ADVICE_GIVEN,
    ADVICE_REQUESTED,
    INCIDENT_CREATED,
    SUBJECTS,
)
from store.statements import Operation, query
from tests.helpers.builders import ANA, NOW, alert, deliver, later, open_incident

LONG_AGO = later(-7 * 86_400)
BODY = {"source": "Amazon Q", "cause": "a leak"}


async def due(store: Store, subject: str, limit: int = 50) -> list[int]:
    return [item.source_id for item in await store.unpublished(subject, LONG_AGO, limit)]


def _kept() -> Operation[list[int]]:
    rows = yield query("SELECT source_id FROM published ORDER BY source_id")
    return [row["source_id"] for row in rows]


async def kept(store: Store) -> list[int]:
    """The rows that say what was published."""
    return await store._engine.read(_kept)


async def opens(store: Store, number: int, at: float = 0) -> int:
    return await deliver(
        store, alert(service=f"s{number}", fingerprint=f"fp{number}"), at=later(at)
    )


async def test_what_existed_before_the_first_start_is_not_due(store: Store) -> None:
    await opens(store, 1)
    await store.start_publishing()
    second = await opens(store, 2)
    await store.start_publishing()
    assert await due(store, INCIDENT_CREATED) == [second]


async def test_without_a_start_nothing_is_due(store: Store) -> None:
    await opens(store, 1)
    assert [await due(store, subject) for subject in SUBJECTS] == [[], [], []]


async def test_an_incident_is_due_until_it_is_recorded(store: Store) -> None:
    await store.start_publishing()
    first, second = await opens(store, 1), await opens(store, 2)
    assert await due(store, INCIDENT_CREATED) == [first, second]
    await store.record_published(INCIDENT_CREATED, [first], NOW)
    await store.record_published(INCIDENT_CREATED, [first], NOW)
    assert await due(store, INCIDENT_CREATED) == [second]


async def test_an_alert_that_folds_is_not_due(store: Store) -> None:
    await store.start_publishing()
    await opens(store, 1)
    await deliver(store, alert(service="s1", fingerprint="fp1b", severity=Severity.CRITICAL))
    assert len(await due(store, INCIDENT_CREATED)) == 1


async def test_a_publication_has_its_incident_and_the_name_of_the_first_alert(
    store: Store,
) -> None:
    await store.start_publishing()
    incident_id = await deliver(store, alert(name="link_degradation"))
    (created,) = await store.unpublished(INCIDENT_CREATED, LONG_AGO, 5)
    assert (created.incident.id, created.alert_name) == (incident_id, "link_degradation")
    (request,) = await store.unpublished(ADVICE_REQUESTED, LONG_AGO, 5)
    assert (request.incident.id, request.alert_name) == (incident_id, "link_degradation")


async def test_advice_is_due_when_it_is_asked_for_and_again_when_it_is_given(store: Store) -> None:
    await store.start_publishing()
    incident = await open_incident(store)
    await store.enqueue_advice(incident, "why now?", ANA, later(1))
    assert len(await due(store, ADVICE_REQUESTED)) == 2
    assert await due(store, ADVICE_GIVEN) == []
    record = await store.claim_advice(later(2))
    assert record is not None
    await store.give_advice(record.id, BODY, "said", later(3))
    (completed,) = await store.unpublished(ADVICE_GIVEN, LONG_AGO, 5)
    assert completed.advice is not None
    assert (completed.source_id, completed.advice.body) == (record.id, BODY)


async def test_at_most_so_many_are_returned_and_the_oldest_first(store: Store) -> None:
    await store.start_publishing()
    ids = [await opens(store, number) for number in range(5)]
    assert await due(store, INCIDENT_CREATED, 3) == ids[:3]


async def test_what_is_older_than_asked_for_is_not_due(store: Store) -> None:
    await store.start_publishing()
    await opens(store, 1)
    assert await store.unpublished(INCIDENT_CREATED, later(1), 5) == []


async def test_rows_are_forgotten_and_nothing_is_due_again(store: Store) -> None:
    await store.start_publishing()
    ids = [await opens(store, number) for number in range(3)]
    await store.record_published(INCIDENT_CREATED, ids, NOW)
    await store.forget_published(later(1), LONG_AGO)
    assert await kept(store) == []
    assert await due(store, INCIDENT_CREATED) == []
    fourth = await opens(store, 4)
    assert await due(store, INCIDENT_CREATED) == [fourth]


async def test_a_replica_that_was_frozen_records_nothing_that_is_forgotten(store: Store) -> None:
    await store.start_publishing()
    first = await opens(store, 1)
    await store.record_published(INCIDENT_CREATED, [first], NOW)
    await store.forget_published(later(1), LONG_AGO)
    await store.record_published(INCIDENT_CREATED, [first], later(2))
    assert await kept(store) == []


async def test_rows_stay_until_they_are_old_enough(store: Store) -> None:
    await store.start_publishing()
    await store.record_published(INCIDENT_CREATED, [await opens(store, 1)], NOW)
    await store.forget_published(NOW, LONG_AGO)
    assert len(await kept(store)) == 1


async def test_one_that_waits_keeps_the_rows_after_it(store: Store) -> None:
    await store.start_publishing()
    first, second, third = [await opens(store, number) for number in range(3)]
    await store.record_published(INCIDENT_CREATED, [first, third], NOW)
    await store.forget_published(later(1), LONG_AGO)
    assert await due(store, INCIDENT_CREATED) == [second]
    assert await kept(store) == [third], "else the third would be due again, or the second never"


async def test_one_too_old_to_publish_keeps_no_row(store: Store) -> None:
    await store.start_publishing()
    await opens(store, 1)
    second = await opens(store, 2, at=100)
    await store.record_published(INCIDENT_CREATED, [second], later(100))
    await store.forget_published(later(200), later(50))
    assert await kept(store) == []


async def test_advice_that_is_not_given_yet_is_due_later(store: Store) -> None:
    await store.start_publishing()
    for number in range(2):
        await opens(store, number)
    slow, quick = await store.claim_advice(NOW), await store.claim_advice(NOW)
    assert slow is not None
    assert quick is not None
    await store.give_advice(quick.id, BODY, "said", NOW)
    await store.record_published(ADVICE_GIVEN, [quick.id], NOW)
    await store.forget_published(later(1), LONG_AGO)
    await store.give_advice(slow.id, BODY, "said", later(2))
    assert await due(store, ADVICE_GIVEN) == [slow.id]


@pytest.mark.parametrize("attempts", [ATTEMPTS - 1, ATTEMPTS])
async def test_advice_that_nobody_tries_again_keeps_no_row(store: Store, attempts: int) -> None:
    await store.start_publishing()
    for number in range(2):
        await opens(store, number)
    released, completed = await store.claim_advice(NOW), await store.claim_advice(NOW)
    assert released is not None
    assert completed is not None
    for _ in range(attempts - 1):
        await store.release_advice(released.id)
        assert await store.claim_advice(NOW)
    await store.give_advice(completed.id, BODY, "said", NOW)
    await store.record_published(ADVICE_GIVEN, [completed.id], NOW)
    await store.forget_published(later(1), LONG_AGO)
    assert len(await kept(store)) == (1 if attempts < ATTEMPTS else 0)
