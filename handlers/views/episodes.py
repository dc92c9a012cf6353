"""Words about the episodes of an incident: how it ended, and how the last one ended."""

from __future__ import annotations

from bot.incidents.episodes import LastEpisode
from bot.incidents.model import Incident, Resolution
from bot.language import _
from handlers.views.places import thread_link
from handlers.views.text import ago, untrusted_line


def last_time(last: LastEpisode, incident: Incident) -> str:
    """One line for the card: the incident of the same scope before this one."""
    ended = (
        _("closed as stale {duration} before")
        if last.resolution is Resolution.STALE
        else _("resolved {duration} before")
    )
    parts = [ended.format(duration=ago(last.resolved_at, incident.opened_at))]
    if last.fix:
        parts.append(_("fixed by: {fix}").format(fix=untrusted_line(last.fix, 120)))
    elif last.resolution is Resolution.PERSON and last.resolved_by:
        parts.append(_("by <@{resolved_by}>").format(resolved_by=last.resolved_by))
    number = f"INC-{last.incident_id}"
    linked = f"<{thread_link(*last.place)}|{number}>" if last.place else f"`{number}`"
    return _("🕘 last time: {incident}, {items}").format(incident=linked, items=", ".join(parts))
