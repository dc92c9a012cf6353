"""Stands before the advisors, and decides whether one is asked."""

from __future__ import annotations

import logging
from collections.abc import Callable
from dataclasses import asdict, replace
from datetime import datetime, timedelta
from typing import Any, Protocol

from bot.advice.advisor import Advisor
from bot.advice.load.question_key import key_of, without_times
from bot.advice.load.segment import AdviceLimits
from bot.advice.load.shared_runs import SharedRuns
from bot.advice.model import Advice, Subject, advice_from, utc_text
from bot.advice.rules import advice_from_rules
from bot.errors import AdvisorError, StoreError

log = logging.getLogger(__name__)


class AnswerStore(Protocol):
    """The part of the store that keeps answers."""

    async def cached_answer(self, key: str, since: datetime) -> dict[str, Any] | None:
        """Return the answer to this question if it was given since then."""

    async def cache_answer(
        self, key: str, body: dict[str, Any], now: datetime, expired: datetime
    ) -> None:
        """Keep the answer, and delete those that were given before `expired`."""


class LimitedAdvisor:
    """Asks `advisor` within the limits of the policy.

    Equal questions at the same time share one run, and a model's answer is used again for
    `cache_minutes`. Advice that is used again says in `answered_at` when it was given.
    """

    def __init__(
        self,
        advisor: Advisor,
        answers: AnswerStore,
        limits: Callable[[], AdviceLimits],
        clock: Callable[[], datetime],
    ) -> None:
        self._advisor = advisor
        self._answers = answers
        self._limits = limits
        self._clock = clock
        self._runs: SharedRuns[Advice] = SharedRuns()

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
        if is_ours or advice.answered_at or not advice.by_model:
            return advice
        return replace(advice, answered_at=utc_text(self._clock()))

    async def _answer(self, key: str, subject: Subject) -> Advice:
        lifetime = timedelta(minutes=self._limits().cache_minutes)
        if lifetime:
            body = await self._answers.cached_answer(key, self._clock() - lifetime)
            if body is not None:
                return advice_from(body)
        advice = await self._advisor.ask(subject)
        # A fallback's answer is not kept: the advisor before it may be back by the next question.
        if lifetime and advice.by_model and not advice.failure:
            now = self._clock()
            body = asdict(replace(advice, answered_at=utc_text(now)))
            try:
                await self._answers.cache_answer(key, body, now, now - lifetime)
            except StoreError as error:
                log.warning("the answer is not kept for the next equal question: %s", error)
        return advice
