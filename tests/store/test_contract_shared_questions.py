"""Of the replicas that get an equal question, one asks the advisors."""

from __future__ import annotations

import asyncio
from datetime import datetime, timedelta
from typing import Any

import pytest

from bot.advice.load.one_replica import OneReplica
from store import Store
from store.operations import leases
from store.operations.shared_questions import LONGEST
from tests.helpers.builders import NOW, later
from tests.helpers.stores import Storage

ANSWER = {"source": "Amazon Q", "text": "The disk is full."}


class Waiting:
    """A replica whose claim was refused, so it waits for the answer of the other."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self.refused = asyncio.Event()
        self.end_question = store.end_question
        self.shared_run = store.shared_run

    async def claim_question(self, key: str, now: datetime) -> bool:
        """Claim as the store does, and note a refusal."""
        claimed = await self._store.claim_question(key, now)
        if not claimed:
            self.refused.set()
        return claimed

    @property
    def answered(self) -> asyncio.Event:
        """The store's own event."""
        return self._store.answered


async def waits_for(store: Store, key: str) -> asyncio.Task[dict[str, Any] | None]:
    """Return the turn of a replica, once it waits."""
    replica = Waiting(store)
    turn = asyncio.create_task(OneReplica(replica, lambda: NOW).turn(key))
    await replica.refused.wait()
    return turn


async def renew(store: Store, now: datetime) -> None:
    """Renew the lease as the heartbeat does, which alone on SQLite would evict the other."""
    await store._engine.write(leases.renew, store.owner, now, 10)


@pytest.fixture
async def pair(storage: Storage) -> tuple[Store, Store]:
    stores = await storage.open("bot-a"), await storage.open("bot-b")
    for store in stores:
        await renew(store, NOW)
    return stores


async def test_one_of_many_claims_asks_and_the_others_get_its_answer(
    pair: tuple[Store, Store],
) -> None:
    first, second = pair
    assert await first.claim_question("k", NOW)
    assert not await second.claim_question("k", NOW)
    assert await second.claim_question("another", NOW)
    waiting = await waits_for(second, "k")
    await first.end_question("k", ANSWER, NOW)
    assert await waiting == ANSWER
    assert await second.claim_question("k", NOW), "the next question is a run of its own"


async def test_a_run_without_an_answer_lets_one_that_waits_ask(pair: tuple[Store, Store]) -> None:
    first, second = pair
    assert await first.claim_question("k", NOW)
    waiting = await waits_for(second, "k")
    await first.end_question("k", None, NOW)
    assert await waiting is None
    assert not await first.claim_question("k", NOW), "it is the second's now"


async def test_an_answer_that_is_too_large_is_not_given_on(pair: tuple[Store, Store]) -> None:
    first, second = pair
    assert await first.claim_question("k", NOW)
    await first.end_question("k", {"text": "x" * 70_000}, NOW)
    assert await OneReplica(second, lambda: NOW).turn("k") is None


async def test_a_claim_lapses_with_the_lease_of_its_owner_and_after_its_longest_time(
    pair: tuple[Store, Store],
) -> None:
    first, second = pair
    assert await first.claim_question("k", NOW)
    assert await second.claim_question("k", later(3600)), "no lease is alive then"
    much_later = NOW + LONGEST + timedelta(seconds=1)
    await renew(second, much_later)
    assert await second.claim_question("j", NOW)
    assert await first.claim_question("j", much_later)


async def test_the_end_of_a_former_owner_changes_nothing(pair: tuple[Store, Store]) -> None:
    first, second = pair
    assert await first.claim_question("k", NOW)
    assert await second.claim_question("k", later(3600))
    await first.end_question("k", ANSWER, later(3601))
    assert not (await second.shared_run("k")).is_over
