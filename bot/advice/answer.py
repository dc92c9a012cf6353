"""Reads a model's answer as advice. Its text is cleaned and never interpreted.

A structured answer is a JSON object; no model guarantees its form, so it is parsed leniently, and
older names of its keys are read too. Anything else is prose.
"""

from __future__ import annotations

import re
from dataclasses import replace
from typing import Any

from pydantic import BaseModel, ConfigDict, Field, ValidationError, field_validator

from bot.advice.citations import cited, leading
from bot.advice.cleaning import last_json, strip_terminal
from bot.advice.flaws import flaws_of, without_echo
from bot.advice.kinds.contract import Reply
from bot.advice.model import CONFIDENCE_LEVELS, UNDETERMINED, Advice, Flaw, Subject
from bot.advice.prompt import ids_of
from bot.advice.rules import sop_source

CAUSE_CHARS = 2_000
ITEM_CHARS = 2_000
MOST_ITEMS = 30
OLDER_NAMES = {
    "next_steps": "suggested_actions",
    "analysis_summary": "summary",
    "contrary": "contrary_evidence",
}
_OPTIONAL = (
    *("confidence", "evidence", "contrary_evidence", "suggested_actions", "questions", "summary"),
    *OLDER_NAMES,
)
_UNDETERMINED = re.compile(rf"\W*{UNDETERMINED}\b\W*", re.IGNORECASE)


class _ModelAnswer(BaseModel):
    """The structure that we ask the model for."""

    model_config = ConfigDict(extra="ignore")

    root_cause: str = UNDETERMINED
    confidence: str = ""
    evidence: list[str] = Field(default_factory=list)
    contrary_evidence: list[str] = Field(default_factory=list)
    suggested_actions: list[str] = Field(default_factory=list)
    questions: list[str] = Field(default_factory=list)
    summary: str = ""

    @field_validator("root_cause", "summary", mode="before")
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

    @field_validator(
        "evidence", "contrary_evidence", "suggested_actions", "questions", mode="before"
    )
    @classmethod
    def _items(cls, value: Any) -> list[str]:
        items = value if isinstance(value, list) else [value]
        lines = (_one_line(item) for item in items if item)
        return [line for line in lines if line]


def read_answer(reply: Reply, subject: Subject, prompt: str) -> Advice:
    """Return the advice in a model's reply to `prompt`.

    Long parts are cut; `raw` is the whole.
    """
    ids = ids_of(subject)
    text = without_echo(reply.text, prompt)
    flaws = flaws_of(text, prompt)
    if reply.cut:
        flaws = tuple(dict.fromkeys((*flaws, Flaw.CUT.value)))
    prose = Advice(
        source=reply.name,
        seconds=reply.seconds,
        text=text,
        sources=sources_of(subject),
        ids=ids,
        flaws=flaws,
        failure=" ".join(reply.failures),
    )
    fields = last_json(text, ("root_cause",), _OPTIONAL) if Flaw.ECHO not in flaws else None
    if fields is None:
        return prose
    for older, current in OLDER_NAMES.items():
        if older in fields:
            fields.setdefault(current, fields[older])
    try:
        answer = _ModelAnswer.model_validate(fields)
    except ValidationError:
        return prose
    evidence = _evidence(answer.evidence, subject)
    cause, summary = _cause(answer)
    supporting = cited(" ".join((answer.root_cause, *evidence)))
    return replace(
        prose,
        cause=cause[:CAUSE_CHARS],
        confidence=answer.confidence,
        evidence=_capped(evidence),
        contrary=_capped(_evidence(answer.contrary_evidence, subject)),
        next_steps=_capped(answer.suggested_actions),
        questions=_capped(answer.questions),
        text=summary,
        cited=tuple(name for name in supporting if name in ids),
        raw=text,
    )


def _cause(answer: _ModelAnswer) -> tuple[str, str]:
    """Return the cause and the summary; "Undetermined: …" gives its reason to the summary."""
    start = _UNDETERMINED.match(answer.root_cause)
    if start is None:
        return answer.root_cause or UNDETERMINED, answer.summary
    reason = answer.root_cause[start.end() :].strip()
    return UNDETERMINED, " ".join(part for part in (reason, answer.summary) if part)


def _evidence(items: list[str], subject: Subject) -> list[str]:
    """Return each item with its ids in brackets first; a bare id gets the text of its fact."""
    facts = {fact.id: f"{fact.source}: {fact.text}" for fact in subject.facts if fact.id}
    lines = []
    for item in items:
        ids, rest = leading(item)
        if ids and not rest:
            rest = " · ".join(_one_line(facts[name])[:200] for name in ids if name in facts)
        lines.append(f"[{', '.join(ids)}] {rest}".rstrip() if ids else item)
    return lines


def _capped(items: list[str]) -> tuple[str, ...]:
    return tuple(item[:ITEM_CHARS] for item in items[:MOST_ITEMS])


def _one_line(value: Any) -> str:
    # Cleaned again: inside JSON the model can encode an ESC as \u001b.
    if isinstance(value, dict):  # {"action": …, "reason": …}: its texts, in order
        value = " · ".join(str(part) for part in value.values())
    return " ".join(strip_terminal(str(value)).split())


def sources_of(subject: Subject) -> tuple[str, ...]:
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
