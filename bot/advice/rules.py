"""Advice without a model: the SOP's own text, or, without an SOP, steps that always apply."""

from __future__ import annotations

from bot.advice.model import FROM_NOTHING, FROM_SOP, Advice, Subject

_GENERIC_STEPS = (
    "Look at the graph and the logs behind the alert: since when, and who is affected?",
    "Look for what changed shortly before: a deployment, a setting, the load, a certificate.",
    "Compare with a healthy instance of the same service.",
    "Note what you find in this thread; no SOP matches this alert, so write one afterwards.",
)


def advice_from_rules(subject: Subject, *, failure: str = "") -> Advice:
    """Return advice for `subject` from its SOP alone.

    The cause is always "Undetermined": rules cannot determine causes. `failure` is the reason why
    no model answered, or ''.
    """
    sop = subject.guidance
    if sop is None:
        return Advice(source=FROM_NOTHING, next_steps=_GENERIC_STEPS, failure=failure)
    look_at = (
        *(f"command: {line}" for line in sop.commands),
        *(f"metric: {line}" for line in sop.metrics),
        *(f"log: {line}" for line in sop.logs),
        *(f"parameter: {line}" for line in sop.parameters),
        *((f"runbook: {sop.runbook}",) if sop.runbook else ()),
    )
    steps = sop.fix_actions or ("Follow the runbook.",) * bool(sop.runbook) or _GENERIC_STEPS[:3]
    return Advice(
        source=FROM_SOP,
        next_steps=steps,
        look_at=look_at,
        sources=(sop_source(sop.sop_id, sop.title),),
        failure=failure,
    )


def sop_source(sop_id: str, title: str) -> str:
    """Return the SOP's name in the list of sources."""
    return f"SOP {sop_id}" + (f": {title}" if title else "")
