"""The second step: ask the advisor, once the card is up; it never delays the card."""

from __future__ import annotations

from datetime import datetime

from bot.advice.model import Guidance, Subject, Turn
from bot.incidents.model import Alert, Incident
from bot.incidents.sops import Sop, SopLibrary, rendered, template_values
from store import Store


def guidance_of(sop: Sop, alert: Alert | None, now: datetime) -> Guidance:
    """What the SOP says about this alert, templates filled; without one they say so."""
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


async def subject_of(
    store: Store,
    sops: SopLibrary,
    incident: Incident,
    alert: Alert | None,
    question: str,
    now: datetime,
) -> Subject:
    """Everything the advisor may know about an incident."""
    sop = sops.get(incident.sop_id)
    return Subject(
        incident_key=incident.incident_key,
        sop_id=incident.sop_id,
        about=alert or incident,
        question=question,
        guidance=guidance_of(sop, alert, now) if sop and alert else None,
        history=await history(store, incident.sop_id),
        now=now,
    )


async def history(store: Store, sop_id: str) -> tuple[Turn, ...]:
    """The last turns of a SOP ID, across incidents."""
    return tuple(Turn(turn.role, turn.at, turn.text) for turn in await store.turns(sop_id))
