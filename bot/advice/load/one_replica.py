"""One run for equal questions on several replicas of the bot."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable
from contextlib import suppress
from datetime import datetime
from typing import Any, Protocol

from bot.errors import StoreError

log = logging.getLogger(__name__)

POLL = 1.0  # seconds; the store's signal wakes earlier, this finds the claim of a dead replica

Body = dict[str, Any]


class RunState(Protocol):
    """The run for a question: `body` is its answer once `is_over`, None if it has none."""

    @property
    def is_over(self) -> bool: ...

    @property
    def body(self) -> Body | None: ...


class SharedQuestions(Protocol):
    """The part of the store by which replicas share a question."""

    async def claim_question(self, key: str, now: datetime) -> bool:
        """Claim the question; False while a live replica asks it."""

    async def end_question(self, key: str, body: Body | None, now: datetime) -> None:
        """End this replica's run; the others get `body`."""

    async def shared_run(self, key: str) -> RunState:
        """Return the run for a question."""

    @property
    def answered(self) -> asyncio.Event:
        """Set after each end of a run, of any replica."""


class OneReplica:
    """Lets one replica run, and gives the others its answer."""

    def __init__(self, store: SharedQuestions, clock: Callable[[], datetime]) -> None:
        self._store = store
        self._clock = clock

    async def turn(self, key: str) -> Body | None:
        """Return None if this replica shall ask: then `end` has to follow. Else the other's answer.

        If the other replica dies or gets no answer, one that waits asks in its place.
        """
        while not await self._store.claim_question(key, self._clock()):
            body = await self._answer_of_other(key)
            if body is not None:
                return body
        return None

    async def end(self, key: str, body: Body | None) -> None:
        """Give `body` to the replicas that wait; None lets one of them ask."""
        try:
            await self._store.end_question(key, body, self._clock())
        except StoreError as error:
            log.warning("other replicas wait until the claim of the question lapses: %s", error)

    async def _answer_of_other(self, key: str) -> Body | None:
        """Wait until its run is over, or may have lapsed."""
        signal = self._store.answered
        signal.clear()  # before the read: an end after it is not missed
        state = await self._store.shared_run(key)
        if state.is_over:
            return state.body
        with suppress(TimeoutError):
            await asyncio.wait_for(signal.wait(), POLL)
        state = await self._store.shared_run(key)
        return state.body if state.is_over else None
