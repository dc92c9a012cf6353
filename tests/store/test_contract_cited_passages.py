"""Presses and results say whether a cited passage helped, on every store."""

from __future__ import annotations

from bot.enrichment.model import RUNBOOK, Evidence, KnownFact
from store import Store
from tests.helpers.builders import NOW, alert, deliver

PASSAGE = "Spool full (mail/queue.md)"


async def cited(store: Store, number: int) -> tuple[int, int]:
    """The incident and its advice."""
    incident_id = await deliver(store, alert(service=f"s{number}", fingerprint=f"fp{number}"))
    fact = KnownFact(RUNBOOK, PASSAGE, "Delete what is old.", NOW)
    incident = await store.incident(incident_id)
    await store.store_evidence(incident, Evidence.of([fact], []), NOW, shown=False)
    record = await store.claim_advice(NOW)
    assert record is not None
    await store.give_advice(record.id, {"source": "Amazon Q"}, "It is full.", NOW)
    return incident_id, record.id


async def judged(store: Store) -> dict[str, bool]:
    return {item.incident: item.helped for item in await store.judged_passages(100)}


async def test_people_decide_whether_it_helped_and_nobody_decides_nothing(store: Store) -> None:
    first, advice = await cited(store, 1)
    assert await judged(store) == {}
    await store.give_feedback(advice, "U1", NOW, helped=True)
    assert await judged(store) == {f"INC-{first}": True}
    await store.give_feedback(advice, "U2", NOW, helped=False)
    await store.give_feedback(advice, "U3", NOW, helped=False)
    assert await judged(store) == {f"INC-{first}": False}


async def test_a_passage_that_somebody_reported_as_wrong_did_not_help(store: Store) -> None:
    first, advice = await cited(store, 1)
    second, other = await cited(store, 2)
    for each in (advice, other):
        await store.give_feedback(each, "U1", NOW, helped=True)
    await store.report_wrong_runbook(first, PASSAGE, "Other", "U2", NOW)
    assert await judged(store) == {f"INC-{first}": False, f"INC-{second}": True}
