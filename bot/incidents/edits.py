"""Names the state that a modal showed, so that a change in between is not overwritten."""

from __future__ import annotations

from bot.incidents.model import Incident


def seen_severity(incident: Incident) -> str:
    """The severity, and who set it: `high.U0ANA`, or `high.` if its alerts did."""
    return f"{incident.severity}.{incident.severity_by}"


def seen_owner(incident: Incident) -> str:
    """The owner's id, or `nobody`."""
    return incident.acknowledged_by or "nobody"
