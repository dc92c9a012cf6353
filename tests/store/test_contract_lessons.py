"""Lessons are kept once, shown in the thread, and found by SOP ID or alert name."""

from __future__ import annotations

import pytest

from bot.errors import NotFound
from store import Store
from store.operations import lessons
from tests.helpers.builders import ANA, BEN, NOW, alert, deliver, later, open_incident
from tests.helpers.trail import trail


async def test_a_lesson_is_kept_once_and_found_by_its_sop_or_alert_name(store: Store) -> None:
    first = await open_incident(store)
    other = await deliver(store, alert(service="s2", fingerprint="f2"))
    kept = await store.add_lesson(first.id, "DiskFull", "It was the log", ANA, "key", NOW)
    assert await store.add_lesson(first.id, "DiskFull", "It was the log", ANA, "key", NOW) == kept
    newer = await store.add_lesson(other, "DiskFull", "Logs again", BEN, "key2", later(1))
    assert (kept.incident, kept.sop_id, kept.text) == (first.number, first.sop_id, "It was the log")
    assert await store.lessons_about(first.sop_id) == [kept]
    assert await store.lessons_about("sop_unknown", "DiskFull") == [newer, kept]
    assert await store.lessons_about("sop_unknown", "") == []
    assert await store.all_lessons() == [newer, kept]
    events = [entry.text for entry in await store.timeline(first.id)]
    assert events.count("Lesson: It was the log") == 1
    with pytest.raises(NotFound):
        await store.add_lesson(999, "", "x", ANA, "key3", NOW)


async def test_a_removed_lesson_is_cited_no_more_and_stands_in_the_trail(store: Store) -> None:
    first = await open_incident(store)
    wrong = await store.add_lesson(first.id, "DiskFull", "It was the moon", ANA, "key", NOW)
    assert await store.lesson(wrong.id) == wrong
    assert await store.remove_lesson(wrong.id, BEN, later(1)) == wrong
    assert await store.remove_lesson(wrong.id, ANA, later(2)) is None
    assert await store.add_lesson(first.id, "", "It was the moon", ANA, "key", NOW) == wrong
    assert await store.lesson(wrong.id) is None
    assert await store.lessons_about(first.sop_id, "DiskFull") == []
    assert await store.all_lessons() == []
    [row] = [row for row in await trail(store) if row.kind == "lesson removed"]
    assert (row.actor, row.subject, row.incident_id) == (BEN, str(wrong.id), first.id)
    assert "moon" in str(row.detail)
    texts = [entry.text for entry in await store.timeline(first.id)]
    assert texts[-1] == f"Lesson removed by @{BEN}: It was the moon"


async def test_all_lessons_are_read_in_batches(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(lessons, "BATCH", 2)
    incident = await open_incident(store)
    for number in range(5):
        await store.add_lesson(incident.id, "", f"{number}", ANA, f"key {number}", NOW)
    assert [lesson.text for lesson in await store.all_lessons()] == ["4", "3", "2", "1", "0"]


async def test_opinions_are_counted_by_the_sop_of_their_incident(store: Store) -> None:
    incident = await open_incident(store)
    taken = await store.claim_advice(NOW)
    assert taken is not None
    await store.give_advice(taken.id, {"source": "SOP"}, "text", NOW)
    await store.give_feedback(taken.id, ANA, NOW, helped=True)
    await store.give_feedback(taken.id, BEN, NOW, helped=False)
    assert await store.feedback_under(incident.sop_id) == (1, 1)
    assert await store.feedback_under("sop_unknown") == (0, 0)
