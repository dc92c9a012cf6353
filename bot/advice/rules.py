"""Advice without a model: the SOP's own text and the facts; without an SOP, general steps."""

from __future__ import annotations

from bot.advice.model import FROM_NOTHING, FROM_SOP, Advice, Fact, Guidance, Subject

_FACTS = 5  # of all that the thread shows beside the advice
_FACT_CHARS = 300
_GENERIC_STEPS = (
    "Look at the graph and the logs behind the alert: since when, and who is affected?",
    "Look for what changed shortly before: a deployment, a setting, the load, a certificate.",
    "Compare with a healthy instance of the same service.",
    "Note what you find in this thread; no SOP matches this alert, so write one afterwards.",
)


def advice_from_rules(subject: Subject, *, failure: str = "") -> Advice:
    """Return advice for `subject` from its SOP and the facts about it.

    The cause is always "Undetermined": rules cannot determine causes. `failure` is the reason why
    no model answered, or ''.
    """
    sop = subject.guidance
    shown = tuple(map(_shown, subject.facts[:_FACTS]))
    systems = tuple(dict.fromkeys(fact.source for fact in subject.facts))
    if sop is None:
        return Advice(
            source=FROM_NOTHING,
            evidence=shown,
            next_steps=_GENERIC_STEPS,
            sources=systems,
            failure=failure,
        )
    look_at = _of_sop(sop)
    steps = sop.fix_actions or ("Follow the runbook.",) * bool(sop.runbook) or _GENERIC_STEPS[:3]
    return Advice(
        source=FROM_SOP,
        evidence=shown,
        next_steps=steps,
        look_at=look_at,
        sources=(sop_source(sop.sop_id, sop.title), *systems),
        failure=failure,
    )


def _shown(fact: Fact) -> str:
    """Return the first line of a fact, with its id and its system."""
    first = next(iter(fact.text.strip().splitlines()), "")
    text = f"{fact.source}: {' '.join(first.split())}"
    text = text if len(text) <= _FACT_CHARS else text[: _FACT_CHARS - 1] + "…"
    return f"[{fact.id}] {text}" if fact.id else text


def places_to_check(subject: Subject) -> tuple[str, ...]:
    """Return where people can look for the cause: the SOP's places, else those of any alert."""
    return (_of_sop(subject.guidance) if subject.guidance else ()) or _GENERIC_STEPS[:3]


def _of_sop(sop: Guidance) -> tuple[str, ...]:
    return (
        *(f"command: {line}" for line in sop.commands),
        *(f"metric: {line}" for line in sop.metrics),
        *(f"log: {line}" for line in sop.logs),
        *(f"parameter: {line}" for line in sop.parameters),
        *((f"runbook: {sop.runbook}",) if sop.runbook else ()),
    )


def sop_source(sop_id: str, title: str) -> str:
    """Return the SOP's name in the list of sources."""
    return f"SOP {sop_id}" + (f": {title}" if title else "")
