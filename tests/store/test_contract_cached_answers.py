"""Answers that are used again: each for its time, the newest ones only."""

from __future__ import annotations

import pytest

from store import Store
from store.operations import cached_answers
from tests.helpers.builders import NOW, later


async def test_an_answer_is_kept_for_its_time_and_in_a_bounded_number(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    await store.cache_answer("a", {"text": "disk"}, NOW, later(-60))
    await store.cache_answer("a", {"text": "full"}, later(1), later(-59))
    assert await store.cached_answer("a", later(1)) == {"text": "full"}
    assert await store.cached_answer("a", later(2)) is None, "it is older"
    assert await store.cached_answer("b", NOW) is None

    await store.cache_answer("b", {}, later(60), expired=later(2))
    assert await store.cached_answer("a", NOW) is None, "it was deleted"

    monkeypatch.setattr(cached_answers, "MOST", 2)
    for second, key in enumerate("cde"):
        await store.cache_answer(key, {}, later(70 + second), NOW)
    kept = [key for key in "abcde" if await store.cached_answer(key, NOW) is not None]
    assert kept == ["d", "e"]


@pytest.mark.attack("ASI08")
async def test_a_huge_answer_is_not_kept(store: Store) -> None:
    await store.cache_answer("big", {"text": "x" * 70_000}, NOW, later(-60))
    assert await store.cached_answer("big", NOW) is None
