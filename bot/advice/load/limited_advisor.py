"""Stands before the advisors, and decides whether one is asked."""

from __future__ import annotations

import logging
import time
from collections.abc import Awaitable, Callable
from dataclasses import asdict, replace
from datetime import datetime, timedelta
from typing import Any, Protocol

from bot.advice.advisor import Advisor
from bot.advice.load.budget import Spent
from bot.advice.load.one_replica import OneReplica, SharedQuestions
from bot.advice.load.question_key import key_of, without_times
from bot.advice.load.segment import AdviceLimits
from bot.advice.load.shared_runs import SharedRuns
from bot.advice.model import Advice, Subject, advice_from, utc_text
from bot.advice.rules import advice_from_rules
from bot.errors import AdvisorError, BudgetSpent, StoreError
from bot.observability.events import Event, emit

log = logging.getLogger(__name__)


class AdviceStore(SharedQuestions, Protocol):
    """The part of the store that keeps answers, and counts runs."""

    async def cached_answer(self, key: str, since: datetime) -> dict[str, Any] | None:
        """Return the answer to this question if it was given since then."""

    async def cache_answer(
        self, key: str, body: dict[str, Any], now: datetime, expired: datetime
    ) -> None:
        """Keep the answer, and delete those that were given before `expired`."""

    async def start_advisor_run(
        self, about: str, limits: AdviceLimits, now: datetime
    ) -> int | Spent:
        """Store that a run begins, and return its id; or the limit that forbids it."""

    async def end_advisor_run(self, run_id: int, seconds: float, tokens: int) -> None:
        """Store what the run used."""


class LimitedAdvisor:
    """Asks `advisor` within the limits of the policy.

    Equal questions at the same time share one run, also those of other replicas, and a model's
    answer is used again for `cache_minutes`. Advice that is used again says in `answered_at` when
    it was given. When the budget is spent, the rules answer, and `failure` says so. `observe` is
    told "cached", "shared" or "budget" of each question that started no run.
    """

    def __init__(
        self,
        advisor: Advisor,
        store: AdviceStore,
        limits: Callable[[], AdviceLimits],
        clock: Callable[[], datetime],
        observe: Callable[[str], None] = lambda _kind: None,
    ) -> None:
        self._advisor = advisor
        self._store = store
        self._limits = limits
        self._clock = clock
        self._observe = observe
        self._runs: SharedRuns[Advice] = SharedRuns()
        self._one_replica = OneReplica(store, clock)

    @property
    def names(self) -> tuple[str, ...]:
        """The names of the advisors, in their order."""
        return self._advisor.names

    async def advise(self, subject: Subject) -> Advice:
        """Return the advice for the thread.

        If no advisor answers, the SOP's rules do, and `failure` names the reason.
        """
        try:
            return await self.ask(subject)
        except AdvisorError as error:
            return advice_from_rules(subject, failure=str(error))

    async def ask(self, subject: Subject) -> Advice:
        """Return the answer of the advisors, or one that is not too old. AdvisorError."""
        key = key_of(self._advisor.prompt(without_times(subject)), self._advisor.names)
        advice, is_ours = await self._runs.result(key, lambda: self._answer(key, subject))
        if is_ours or not advice.by_model:
            return advice
        self._observe("shared")
        return replace(advice, answered_at=advice.answered_at or utc_text(self._clock()))

    async def _answer(self, key: str, subject: Subject) -> Advice:
        """Return a kept answer, that of another replica, or ask."""
        advice = await self._cached(key)
        if advice is not None:
            return advice
        body = await self._one_replica.turn(key)
        if body is not None:
            self._observe("shared")
            return advice_from(body)
        try:
            # The replica before this one may have kept its answer since.
            advice = await self._cached(key) or await self._run(key, subject)
            at = advice.answered_at or (utc_text(self._clock()) if advice.by_model else "")
            body = asdict(replace(advice, answered_at=at))
        finally:
            await self._one_replica.end(key, body)
        return advice

    async def _cached(self, key: str) -> Advice | None:
        lifetime = timedelta(minutes=self._limits().cache_minutes)
        if not lifetime:
            return None
        body = await self._store.cached_answer(key, self._clock() - lifetime)
        if body is None:
            return None
        self._observe("cached")
        return advice_from(body)

    async def _run(self, key: str, subject: Subject) -> Advice:
        run = _Run(self._store, lambda: self._start(subject))
        try:
            advice = await self._advisor.ask(subject, on_slot=run.begin)
            run.tokens = advice.tokens
        except BudgetSpent as error:
            advice = advice_from_rules(subject, failure=str(error))
        finally:
            await run.end()
        lifetime = timedelta(minutes=self._limits().cache_minutes)
        # Not a fallback's answer, for the advisor before it may be back; nor one that is faulty.
        if lifetime and advice.by_model and not advice.failure and not advice.flaws:
            now = self._clock()
            body = asdict(replace(advice, answered_at=utc_text(now)))
            try:
                await self._store.cache_answer(key, body, now, now - lifetime)
            except StoreError as error:
                log.warning("the answer is not kept for the next equal question: %s", error)
        return advice

    async def _start(self, subject: Subject) -> int:
        about = subject.incident or subject.incident_key
        limits = self._limits() if subject.question else self._limits().for_alerts()
        started = await self._store.start_advisor_run(about, limits, self._clock())
        if isinstance(started, Spent):
            self._observe("budget")
            emit(Event.ADVICE_BUDGET_SPENT, limit=started.key, about=about)
            raise BudgetSpent("budget", str(started))
        return started


class _Run:
    """One run of the advisors, from its slot to its end."""

    def __init__(self, store: AdviceStore, start: Callable[[], Awaitable[int]]) -> None:
        self._store = store
        self._start = start
        self._id: int | None = None
        self._began = 0.0
        self.tokens = 0

    async def begin(self) -> None:
        """Store that the run begins, or raise BudgetSpent."""
        self._id = await self._start()
        self._began = time.monotonic()

    async def end(self) -> None:
        """Store what the run used, if it began."""
        if self._id is None:
            return
        seconds = time.monotonic() - self._began
        try:
            await self._store.end_advisor_run(self._id, seconds, self.tokens)
        except StoreError as error:
            log.warning("the budget does not know how long the advisors took: %s", error)
