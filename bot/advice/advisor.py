"""Advice about one subject: from the model if there is one and it answers, else from the SOP."""

from __future__ import annotations

import secrets
from collections.abc import Callable, Collection
from typing import Any

from pydantic import BaseModel, ConfigDict, Field, ValidationError, field_validator

from bot.advice.chain import AdvisorChain, ChainHealth
from bot.advice.cleaning import last_json, strip_terminal
from bot.advice.kinds.contract import Reply
from bot.advice.model import CONFIDENCE_LEVELS, UNDETERMINED, Advice, Subject
from bot.advice.prompt import build_prompt
from bot.advice.rules import advice_from_rules, sop_source
from bot.advice.schema import ANSWER_SCHEMA
from bot.errors import AdvisorBusy, AdvisorError

_TEXT_CHARS = 10_000
_CAUSE_CHARS = 600
_ITEM_CHARS = 600
_ITEMS = 8


class Advisor:
    """Answers from `chain`, or from rules if it is None or (with `rules_answer`) fails.

    `task_instructions` is the operator's text in every prompt. The model's text is cleaned and cut
    (10,000 characters), and never interpreted.
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

    async def advise(self, subject: Subject) -> Advice:
        """Return the advice for the thread.

        Never raises if no advisor answers: then the SOP's rules answer, and `failure` names the
        reason.
        """
        try:
            return await self.ask(subject)
        except AdvisorError as error:
            return advice_from_rules(subject, failure=str(error))

    async def ask(self, subject: Subject) -> Advice:
        """Return the answer for `POST /incident` and `/incident ask`; `.answer` is its text.

        Raises AdvisorError if there are advisors and none answers: kind "timeout", "busy" (an
        AdvisorBusy with `retry_after`), or another kind; all mean that there is no usable answer.
        With `rules_answer` only AdvisorBusy is raised.
        """
        if self._chain is None:
            return advice_from_rules(subject)
        try:
            schema = None if subject.question else ANSWER_SCHEMA
            prompt = self.prompt(subject, self._nonce())
            reply = await self._chain.ask(prompt, schema=schema)
        except AdvisorBusy:
            raise
        except AdvisorError as error:
            if not self._rules_answer:
                raise
            return advice_from_rules(subject, failure=str(error))
        return _advice(reply, subject)

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


class _ModelAnswer(BaseModel):
    """The structure that we ask the model for.

    It is parsed leniently, because no model guarantees it.
    """

    model_config = ConfigDict(extra="ignore")

    root_cause: str = UNDETERMINED
    confidence: str = ""
    evidence: list[str] = Field(default_factory=list)
    next_steps: list[str] = Field(default_factory=list)
    analysis_summary: str = ""

    @field_validator("root_cause", "analysis_summary", mode="before")
    @classmethod
    def _text(cls, value: Any) -> str:
        return "" if value is None else _one_line(value)

    @field_validator("confidence", mode="before")
    @classmethod
    def _word(cls, value: Any) -> str:
        if isinstance(value, bool) or value is None:
            return ""
        if isinstance(value, int | float):  # older task files asked for 0..1
            return "low" if value < 0.4 else "medium" if value < 0.75 else "high"
        word = str(value).strip().lower()
        return word if word in CONFIDENCE_LEVELS else ""

    @field_validator("evidence", "next_steps", mode="before")
    @classmethod
    def _items(cls, value: Any) -> list[str]:
        items = value if isinstance(value, list) else [value]
        lines = (_one_line(item)[:_ITEM_CHARS] for item in items[:_ITEMS] if item)
        return [line for line in lines if line]


def _one_line(value: Any) -> str:
    if isinstance(value, dict):  # {"action": …, "reason": …}: its texts, in order
        value = " · ".join(str(part) for part in value.values())
    return " ".join(strip_terminal(str(value)).split())


def _advice(reply: Reply, subject: Subject) -> Advice:
    # Cleaned again: inside JSON the model can encode an ESC as \u001b.
    text = reply.text[:_TEXT_CHARS]
    plain = Advice(
        source=reply.name,
        seconds=reply.seconds,
        text=text,
        raw=text,
        sources=_sources(subject),
        failure=" ".join(reply.failures),
    )
    fields = last_json(
        reply.text,
        ("root_cause",),
        ("confidence", "evidence", "next_steps", "suggested_actions", "analysis_summary"),
    )
    if fields is None:
        return plain
    fields.setdefault("next_steps", fields.get("suggested_actions", []))
    try:
        model_answer = _ModelAnswer.model_validate(fields)
    except ValidationError:
        return plain
    return Advice(
        source=reply.name,
        seconds=reply.seconds,
        cause=model_answer.root_cause[:_CAUSE_CHARS] or UNDETERMINED,
        confidence=model_answer.confidence,
        evidence=tuple(model_answer.evidence),
        next_steps=tuple(model_answer.next_steps),
        text=model_answer.analysis_summary[:_TEXT_CHARS],
        sources=plain.sources,
        failure=plain.failure,
        raw=text,
    )


def _sources(subject: Subject) -> tuple[str, ...]:
    """Return the texts that the model got beside the alert itself, each named once.

    A runbook is not among them: the model gets its address, not its text.
    """
    names = []
    if subject.guidance:
        names.append(sop_source(subject.guidance.sop_id, subject.guidance.title))
    names += [fact.source for fact in subject.facts]
    if subject.history:
        names.append("earlier answers for this SOP")
    return tuple(dict.fromkeys(names))
