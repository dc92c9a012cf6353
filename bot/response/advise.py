"""The second step: asks the advisor after the card, so that it never delays the card."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from bot.advice.model import Fact, Guidance, Subject, Turn
from bot.enrichment.model import Evidence
from bot.incidents.model import Alert
from bot.incidents.sops import Sop, SopLibrary, rendered, template_values
from store import Store
from store.operations.advice_context import AdviceContext
from store.rows import TurnRecord


def guidance_of(sop: Sop, alert: Alert | None, now: datetime) -> Guidance:
    """Return the SOP's guidance for this alert, with filled templates; without an SOP it says
    so."""
    lists = rendered(sop, template_values(alert, now) if alert else {})
    return Guidance(
        sop_id=sop.sop_id,
        title=sop.title,
        commands=lists["command"],
        metrics=lists["metric"],
        logs=lists["log"],
        parameters=lists["parameter"],
        fix_actions=lists["fix_action"],
        runbook=sop.runbook,
    )


def subject_of(
    sops: SopLibrary,
    context: AdviceContext,
    question: str,
    now: datetime,
    evidence: Evidence,
) -> Subject:
    """Return everything that the advisor may know about an incident."""
    incident, alert = context.incident, context.alert
    sop = sops.get(incident.sop_id)
    return Subject(
        incident_key=incident.incident_key,
        sop_id=incident.sop_id,
        incident=incident.number,
        about=alert or incident,
        question=question,
        guidance=guidance_of(sop, alert, now) if sop and alert else None,
        history=_as_history(context.turns),
        facts=tuple(
            Fact(f"{fact.source}: {fact.name}", fact.text, fact.id, fact.at)
            for fact in evidence.facts
        ),
        now=now,
    )


async def history(store: Store, sop_id: str) -> tuple[Turn, ...]:
    """Return the last turns of a SOP ID, across incidents."""
    return _as_history(await store.turns(sop_id))


def _as_history(turns: Sequence[TurnRecord]) -> tuple[Turn, ...]:
    return tuple(Turn(turn.role, turn.at, turn.text) for turn in turns)
