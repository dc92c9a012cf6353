"""Reads the records: the stages of an alert, and the numbers of a window."""

from __future__ import annotations

from bot.errors import NotFound
from bot.incidents.windows import parse_window
from bot.language import deferred
from bot.response.readers import check_member
from handlers.listeners.commands.call import INCIDENT_NUMBER, Call
from handlers.views import stats as stats_view
from handlers.views import trace as trace_view
from handlers.views.text import typed


async def trace(call: Call, rest: str) -> str:
    """By an incident's number, or by the tracking id of any alert."""
    tracking_id = rest.strip("` ")
    if not tracking_id or INCIDENT_NUMBER.fullmatch(tracking_id):
        incident, _rest = await call.subject(rest)
        tracking_id, incident_id = incident.tracking_id, incident.id
    else:
        alerts = await call.store.trace(tracking_id)
        if not alerts:
            raise NotFound(
                deferred(
                    "No alert has the tracking id {tracking_id}.", tracking_id=typed(tracking_id)
                ),
                remedy=deferred(
                    "It stands on the card, or name the incident: `/incident trace INC-1`."
                ),
            )
        tracking_id = alerts[0].tracking_id
        check_member(call.channels)  # an alert may belong to no channel
        incident_id = next((alert.incident_id for alert in alerts if alert.incident_id), 0)
    return trace_view.stages(
        tracking_id,
        f"INC-{incident_id}" if incident_id else "",
        await call.store.stages(tracking_id, incident_id or None),
        await call.store.repeats_of(tracking_id),
    )


async def stats(call: Call, rest: str) -> str:
    """The numbers of a window of time."""
    window = parse_window(rest or "24h")
    since = window.since(call.now)
    types = await call.store.stats_by_type(since, stats_view.TYPES)
    return stats_view.overview(await call.store.stats(since), types, window)
