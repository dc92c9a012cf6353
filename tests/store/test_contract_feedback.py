"""The last opinion of each person on advice counts, and refused kinds of blocks end."""

from __future__ import annotations

from store import Store
from tests.helpers.builders import ANA, BEN, NOW, later, open_incident


async def test_the_last_opinion_of_each_person_counts_and_only_on_advice_that_was_given(
    store: Store,
) -> None:
    incident = await open_incident(store)
    taken = await store.claim_advice(NOW)
    assert taken is not None
    assert not await store.give_feedback(taken.id, ANA, NOW, helped=True), "not given yet"
    await store.give_advice(taken.id, {"source": "SOP"}, "text", NOW)
    counts = []
    for user, helped in ((ANA, True), (BEN, True), (ANA, False), (ANA, False)):
        assert await store.give_feedback(taken.id, user, later(1), helped=helped)
        counts.append(await store.feedback_under(incident.sop_id))
    assert counts == [(1, 0), (2, 0), (1, 1), (1, 1)]
    assert not await store.give_feedback(999, ANA, NOW, helped=True)


async def test_a_refused_kind_of_block_is_refused_until_its_time_is_over(store: Store) -> None:
    await store.refuse_block_kinds(["context_actions"], later(60))
    assert await store.refused_block_kinds(later(59)) == {"context_actions"}
    assert await store.refused_block_kinds(later(60)) == frozenset()
    await store.refuse_block_kinds(["context_actions"], later(120))
    assert await store.refused_block_kinds(later(60)) == {"context_actions"}
