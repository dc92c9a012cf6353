"""Advice about one subject: from the model if there is one and it answers, else from the SOP."""

from __future__ import annotations

import secrets
from collections.abc import Callable, Collection
from dataclasses import replace

from bot.advice.answer import read_answer
from bot.advice.chain import AdvisorChain, ChainHealth, OnSlot
from bot.advice.model import Advice, Subject
from bot.advice.prompt import build_prompt
from bot.advice.rules import advice_from_rules
from bot.advice.schema import ANSWER_SCHEMA
from bot.advice.verdict import without_private_data
from bot.errors import AdvisorBusy, AdvisorError, BudgetSpent

MOST_TOKENS = 10**9  # of one run


class Advisor:
    """Answers from `chain`, or from rules if it is None or (with `rules_answer`) fails.

    `task_instructions` is the operator's text in every prompt.
    """

    def __init__(
        self,
        chain: AdvisorChain | None,
        task_instructions: str = "",
        *,
        rules_answer: bool = False,
        nonce: Callable[[], str] = lambda: secrets.token_hex(8),
        private: Callable[[], Collection[str]] = tuple,
    ) -> None:
        self._chain = chain
        self._rules_answer = rules_answer
        self._instructions = task_instructions
        self._nonce = nonce
        self._private = private

    async def ask(self, subject: Subject, *, on_slot: OnSlot | None = None) -> Advice:
        """Return the answer for `POST /incident` and `/incident ask`; `.answer` is its text.

        `on_slot` is awaited before the first advisor is asked, and may raise AdvisorError.

        Raises AdvisorError if there are advisors and none answers: kind "timeout", "busy" (an
        AdvisorBusy with `retry_after`), or another kind; all mean that there is no usable answer.
        With `rules_answer` only AdvisorBusy is raised.
        """
        if self._chain is None:
            return advice_from_rules(subject)
        prompt = self.prompt(subject, self._nonce())
        try:
            schema = None if subject.question else ANSWER_SCHEMA
            reply = await self._chain.ask(
                prompt,
                schema=schema,
                severity=subject.severity,
                on_slot=on_slot,
            )
        except (AdvisorBusy, BudgetSpent):
            raise
        except AdvisorError as error:
            if not self._rules_answer:
                raise
            return advice_from_rules(subject, failure=str(error))
        advice = without_private_data(read_answer(reply, subject, prompt), self._private())
        # The advisor's own count: one that no run can have would break or empty the budget.
        return replace(
            advice,
            tokens=_counted(reply.tokens),
            input_tokens=_counted(reply.input_tokens),
            output_tokens=_counted(reply.output_tokens),
            provider=reply.provider,
            model=reply.model,
        )

    async def close(self) -> None:
        """Release what the advisors hold."""
        if self._chain:
            await self._chain.close()

    @property
    def names(self) -> tuple[str, ...]:
        """The names of the advisors, in their order."""
        return (self._chain.name,) if self._chain else ()

    def prompt(self, subject: Subject, nonce: str = "") -> str:
        """Return the prompt about `subject`; `nonce` names the fence around the data."""
        return build_prompt(subject, self._instructions, nonce=nonce, private=self._private())

    async def check(self) -> None:
        """Raise AdvisorError with the reason while an advisor is paused or failed last."""
        health = self.health()
        if health is not None and health.state in ("paused", "failing"):
            pause = f"paused for {health.paused_for:.0f} s more: " if health.paused_for else ""
            answers = [each.name for each in health.members if each.state in ("ok", "unknown")]
            instead = f" Meanwhile asked: {', '.join(answers)}." if answers else ""
            raise AdvisorError(health.state, pause + health.reason + instead)

    def health(self) -> ChainHealth | None:
        """Return the health of the advisors; None without one."""
        return self._chain.health() if self._chain else None


def _counted(tokens: int | None) -> int:
    return min(max(tokens or 0, 0), MOST_TOKENS)
