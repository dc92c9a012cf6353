"""The second step: claims the questions that are due, and asks the advisor after the card."""

from __future__ import annotations

import time
from contextlib import suppress
from dataclasses import asdict
from functools import partial

from bot.advice.load.limited_advisor import LimitedAdvisor
from bot.advice.model import Advice, Subject
from bot.advice.rules import advice_from_rules
from bot.advice.verdict import judged
from bot.enrichment.model import Evidence
from bot.errors import InputError, StoreError
from bot.incidents.model import Incident
from bot.language import deferred
from bot.observability.events import Event, emit
from bot.response import advise, gateway_results
from bot.response.decisions import Decisions
from bot.response.dependencies import Dependencies
from bot.response.enrichment import Enrichment
from bot.response.shown_asking import ShownAsking
from bot.serving.logs import bound
from store.rows import AdviceRecord

GAVE_UP = "the bot failed or was ended each time it asked, and asks no more"


class AdviceQueue:
    """Answers the questions of new incidents and of people; a slow answer delays only its own."""

    def __init__(
        self, dependencies: Dependencies, enrichment: Enrichment, decisions: Decisions
    ) -> None:
        self._store = dependencies.store
        self._config = dependencies.config
        self._enrichment = enrichment
        self._check_person = decisions.check_person
        self._advisor = LimitedAdvisor(
            dependencies.advisor,
            dependencies.store,
            lambda: self._config.current.policy.llm.limits,
            dependencies.clock,
            dependencies.metrics.advisor.not_started,
        )
        self._conversations = dependencies.conversations
        self._clock = dependencies.clock
        self._in_hand: set[int] = set()  # advice that this replica asks for

    async def claim(self) -> AdviceRecord | None:
        """Claim the advice of the most severe incident that has none yet."""
        record = await self._store.claim_advice(self._clock(), tuple(self._in_hand))
        if record is not None:
            self._in_hand.add(record.id)
        return record

    async def work(self, record: AdviceRecord) -> None:
        """Give the advice that was claimed."""
        try:
            await self._advise(record)
            await self._store.advice_done(record.id)
        except BaseException:
            with suppress(StoreError):  # it stays ours and not in hand, so it is claimed again
                await self._store.release_advice(record.id)
            raise
        finally:
            self._in_hand.discard(record.id)

    async def _advise(self, record: AdviceRecord) -> None:
        if record.body is not None:
            return  # it was given already
        context = await self._store.advice_context(record.incident_id)
        incident = context.incident
        with bound(
            incident=incident.number, sop_id=incident.sop_id, tracking_id=incident.tracking_id
        ):
            began = time.monotonic()
            if record.is_last_attempt:
                evidence = Evidence()  # a source may be what failed
            else:
                evidence = await self._enrichment.evidence_of(context)
            evidence_ms = round((time.monotonic() - began) * 1000)
            policy = self._config.current.policy.for_scope(context.scope)
            if not record.question and not policy.features.advice:
                return
            subject = advise.subject_of(
                self._config.current.sops, context, record.question, self._clock(), evidence
            )
            emit(Event.ADVICE_ASKED, asked_by=record.asked_by or None, evidence_ms=evidence_ms)
            began = time.monotonic()
            if record.is_last_attempt:
                advice = advice_from_rules(subject, failure=GAVE_UP)
            else:
                shown = ShownAsking(self._store, record.id, self._clock)
                advice = await shown.during(self._advisor.advise(subject), self._advisor.names)
            advice = judged(advice, subject, policy.llm.confidence_floor)
            if advice.failure and not advice.by_model:
                seconds = round(time.monotonic() - began, 1)  # the advice has none: rules wrote it
                emit(Event.ADVICE_FAILED, why=advice.failure, seconds=seconds)
            give = partial(self._store.give_advice, record.id, asdict(advice), advice.answer)
            await gateway_results.written(lambda: give(self._clock()))
            await self._write_file(subject)

    async def ask(self, incident: Incident, question: str, user: str, *, once: str = "") -> bool:
        """Queue a person's question, one a key `once`; the answer is posted in the thread.

        False if that key was asked before. Refused if too many questions were asked lately.
        """
        if not question.strip():
            raise InputError(
                deferred("What is the question?"), remedy=deferred("`/incident ask INC-1 why now?`")
            )
        await self._check_person(user, "ask")
        now, limits = self._clock(), self._config.current.policy.llm.limits
        return await self._store.enqueue_advice(incident, question.strip(), user, now, once, limits)

    async def answer(self, subject: Subject) -> Advice:
        """Answer now, for POST /incident; AdvisorError says why there is no answer."""
        advice = await self._advisor.ask(subject)
        advice = judged(advice, subject, self._config.current.policy.llm.confidence_floor)
        if advice.answered_at:
            return advice  # the conversation has it already
        now = self._clock()
        await self._store.remember(subject.sop_id, None, "person", subject.question, now)
        await self._store.remember(subject.sop_id, None, "advisor", advice.answer, now)
        await self._write_file(subject)
        return advice

    async def _write_file(self, subject: Subject) -> None:
        if self._conversations is not None:
            await self._conversations.write(subject.sop_id, subject.incident_key)
