"""Finds incidents: the commands, the lists, one incident."""

from __future__ import annotations

from handlers.listeners.commands.call import Call
from handlers.listeners.incidents import incident_id
from handlers.views import lists, silences

PAGE = 10
SHOWN_ALERTS = 5


async def list_incidents(call: Call, rest: str) -> str:
    """The open incidents, or one of the other lists."""
    before = None
    if rest.lower() == "silences":
        return silences.silence_list(await call.store.silences(call.now))
    if rest.lower() == "suppressed":
        return silences.suppressed_list(await call.store.suppressed_alerts(PAGE), call.now)
    if rest.lower() == "unmatched":
        resolves = await call.store.unmatched_resolves(PAGE)
        return lists.unmatched(resolves, await call.store.unmatched_activities(PAGE), call.now)
    if rest:
        before = incident_id(rest.removeprefix("before").strip())
    incidents = await call.store.open_incidents(limit=PAGE + 1, before=before)
    counts = await call.store.open_severities()
    return lists.incident_list(incidents[:PAGE], call.now, counts, more=len(incidents) > PAGE)


async def show(call: Call, rest: str) -> str:
    """One incident with its timeline."""
    incident, _ = await call.subject(rest)
    card = await call.store.outbox_message(f"card:{incident.id}")
    permalink = (
        await call.outbox.direct.permalink(card.channel, card.ts) if card and card.ts else ""
    )
    return lists.incident_details(
        incident,
        await call.store.timeline(incident.id),
        await call.store.approvals_of(incident.id),
        permalink,
        (await call.store.grouped_alerts(incident.id, limit=SHOWN_ALERTS)).alerts,
    )
