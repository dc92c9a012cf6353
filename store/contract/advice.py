"""What is asked of the advisor, and what it said."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from bot.incidents.model import Incident
from store.contract.part import Part
from store.operations import advice, questions
from store.rows import AdviceRecord, QuestionRecord, TurnRecord


class Advising(Part):
    """The methods of `Store` for advice."""

    async def want_advice(
        self, incident: Incident, question: str, user: str, now: datetime, once: str = ""
    ) -> bool:
        """Queue a person's question; it is answered even if this process dies.

        The same key `once` queues it once; False the next time.
        """
        return await self._write(
            advice.want, incident.id, question, user, incident.severity, now, once
        )

    async def claim_advice(
        self, now: datetime, in_hand: Sequence[int] | None = None
    ) -> AdviceRecord | None:
        """The gravest advice that is wanted, taken on by this replica; None when none is.

        What a replica left whose lease lapsed comes again; its `body` is there if it was given.
        So does what is this replica's own and not `in_hand`: the answer to a claim may be lost.
        """
        return await self._write(advice.claim, self.owner, now, in_hand)

    async def release_advice(self, advice_id: int) -> None:
        """It failed by a fault of ours: wanted again, five times at most."""
        await self._write(advice.release, advice_id, self.owner)

    async def give_advice(
        self, advice_id: int, body: dict[str, Any], said: str, now: datetime
    ) -> None:
        """Record advice and show it in the thread, once; `said` joins the SOP's conversation."""
        await self._write(advice.give, advice_id, body, said, now)

    async def advice_done(self, advice_id: int) -> None:
        """Nothing more follows from this advice."""
        await self._write(advice.done, advice_id)

    async def advice(self, advice_id: int) -> AdviceRecord | None:
        """One piece of advice."""
        return await self._engine.read(advice.get, advice_id)

    async def first_advice(self, incident_id: int) -> AdviceRecord | None:
        """The advice that an incident gets unasked, given or not yet."""
        return await self._engine.read(advice.unasked, incident_id)

    async def remember(
        self, sop_id: str, incident_id: int | None, role: str, text: str, now: datetime
    ) -> None:
        """Keep one turn of the conversation of a SOP ID."""
        await self._write(advice.remember, sop_id, incident_id, role, text, now)

    async def turns(self, sop_id: str, limit: int = 10) -> list[TurnRecord]:
        """The last turns of a SOP ID across incidents, oldest first."""
        return await self._engine.read(advice.turns, sop_id, limit)

    async def sop_of_key(self, incident_key: str) -> str | None:
        """The SOP ID an incident key was mapped to before."""
        return await self._engine.read(advice.sop_of_key, incident_key)

    async def note_question(
        self, tracking_id: str, incident_key: str, sop_id: str, *, named: bool, now: datetime
    ) -> None:
        """A question by HTTP without an alert; with `named` the key keeps the caller's SOP ID."""
        await self._write(questions.ask, tracking_id, incident_key, sop_id, named=named, now=now)

    async def note_answer(self, tracking_id: str, source: str, now: datetime) -> None:
        """Who answered that question."""
        await self._write(questions.answered, tracking_id, source, now)

    async def question(self, tracking_id: str) -> QuestionRecord | None:
        """The question with this tracking id."""
        return await self._engine.read(questions.get, tracking_id)
