"""Words about the episodes of an incident: how it ended, and how the last one ended."""

from __future__ import annotations

from bot.incidents.episodes import LastEpisode
from bot.incidents.model import Incident, Resolution
from handlers.views.text import ago, untrusted_line


def last_time(last: LastEpisode, incident: Incident) -> str:
    """One line for the card: the incident of the same scope before this one."""
    ended = "closed as stale" if last.resolution is Resolution.STALE else "resolved"
    parts = [f"{ended} {ago(last.resolved_at, incident.opened_at)} before"]
    if last.fix:
        parts.append(f"fixed by: {untrusted_line(last.fix, 120)}")
    elif last.resolution is Resolution.PERSON and last.resolved_by:
        parts.append(f"by <@{last.resolved_by}>")
    return f"🕘 last time: `INC-{last.incident_id}`, {', '.join(parts)}"
