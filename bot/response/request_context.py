"""The incident's context in a request, for people and for gateways with a model.

Our gateway never reads it: it runs the typed action. Every value is one line below its own name, so
that no alert can add a line, and without what looks like a secret.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from dataclasses import replace
from datetime import datetime, timedelta

from bot.advice.model import FROM_NOTHING, FROM_SOP, Advice, advice_from
from bot.incidents.model import Alert, Incident, Severity
from bot.incidents.remediation import Proposal
from bot.remediation.client import ActionCall
from bot.remediation.contract import Priority, printable, rfc3339
from bot.serving.redaction import redacted
from store import Store

CONTEXT_CHARS = 4_000
SIMILAR_WITHIN = timedelta(hours=24)
_SIMILAR_AT_MOST = 100

PRIORITY = {
    Severity.CRITICAL: Priority.URGENT,
    Severity.HIGH: Priority.HIGH,
    Severity.MEDIUM: Priority.NORMAL,
    Severity.LOW: Priority.LOW,
}


async def call_with_context(
    store: Store, call: ActionCall, incident: Incident, proposal: Proposal, now: datetime
) -> ActionCall:
    """The call as it is sent, with what is known of the incident now."""
    alert, record, earlier = await asyncio.gather(
        store.latest_alert(incident.id),
        store.first_advice(incident.id),
        store.incidents_of_sop(incident.sop_id, _SIMILAR_AT_MOST),
    )
    advice = advice_from(record.body) if record and record.body else None
    similar = sum(
        other.id != incident.id and other.opened_at >= now - SIMILAR_WITHIN for other in earlier
    )
    return replace(call, context=context_of(incident, alert, advice, proposal, similar, now))


def context_of(
    incident: Incident,
    alert: Alert | None,
    advice: Advice | None,
    proposal: Proposal,
    similar: int,
    now: datetime,
) -> str:
    """The lines of the context, `Name: value`, at most CONTEXT_CHARS characters."""
    lines = (
        f"{name}: {value}"
        for name, value in _facts(incident, alert, advice, proposal, similar, now)
        if value
    )
    return "\n".join(lines)[:CONTEXT_CHARS]


def _facts(
    incident: Incident,
    alert: Alert | None,
    advice: Advice | None,
    proposal: Proposal,
    similar: int,
    now: datetime,
) -> Iterator[tuple[str, str]]:
    """Our own facts first, so that a cut removes a stranger's text and not ours."""
    name, text = (alert.name, alert.text) if alert else (incident.title, incident.text)
    yield "Incident", f"{incident.number}, SOP {incident.sop_id}, {incident.tracking_id}"
    values = ", ".join(f"{p.name}={_line(str(p.shown), 200)}" for p in proposal.parameters)
    yield "Operation", f"{_line(proposal.title, 200)} ({proposal.action_id}: {values})"
    yield "Timestamp", rfc3339(now)
    yield "Service", _line(incident.service, 100)
    yield "Environment, as the alert says", _line(incident.env, 60)
    yield "Severity", str(incident.severity)
    minutes = max(0, int((now - incident.opened_at).total_seconds() // 60))
    yield "Duration", f"{minutes} min, since {rfc3339(incident.opened_at)}"
    yield "History", f"{similar} similar incidents in 24 h"
    yield "Metrics", _metrics(incident)
    yield "Alert", f"{_line(name, 200)} - {_line(text, 1_000)}".removesuffix(" - ")
    if advice and advice.source != FROM_NOTHING:
        by = "from the SOP" if advice.source == FROM_SOP else "a model's words, not verified"
        yield f"AI Analysis ({by})", _line(advice.answer, 1_500)


def _metrics(incident: Incident) -> str:
    parts = (("value", incident.value), ("threshold", incident.threshold))
    return ", ".join(f"{name} {_line(value, 100)}" for name, value in parts if value)


def _line(text: str, limit: int) -> str:
    """One line of a stranger's text, without secrets."""
    # Cut first, with room for a secret at the edge, so that no pattern runs over a megabyte.
    clean = printable(text[: 4 * limit + 1_000])
    line = " ".join(redacted(clean, ("secrets",)).split())
    return line if len(line) <= limit else line[: limit - 1] + "…"
