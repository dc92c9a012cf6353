"""Rows of incidents and of their timelines to models."""

from __future__ import annotations

import json

from bot.incidents.model import (
    Escalation,
    Incident,
    IncidentStatus,
    Mute,
    Resolution,
    Severity,
    Shown,
    TimelineEntry,
)
from bot.incidents.subject import Scope
from bot.language import unpacked
from store.rows import links_from
from store.statements import Row, from_db_time, from_db_time_or_none


def incident_from(row: Row) -> Incident:
    """An incidents row as an Incident."""
    return Incident(
        id=row["id"],
        incident_key=row["incident_key"],
        sop_id=row["sop_id"],
        status=IncidentStatus(row["status"]),
        severity=Severity(row["severity"]),
        title=row["title"],
        env=row["env"],
        region=row["region"],
        service=row["service"],
        category=row["category"],
        channel=row["channel"],
        source=row["source"],
        alert_count=row["alert_count"],
        firing=row["firing"],
        value=row["value"],
        threshold=row["threshold"],
        text=row["text"],
        labels=json.loads(row["labels"]),
        links=links_from(json.loads(row["links"])),
        tracking_id=row["tracking_id"],
        opened_at=from_db_time(row["opened_at"]),
        updated_at=from_db_time(row["updated_at"]),
        acknowledged_at=from_db_time_or_none(row["acknowledged_at"]),
        acknowledged_by=row["acknowledged_by"],
        resolved_at=from_db_time_or_none(row["resolved_at"]),
        resolved_by=row["resolved_by"],
        fixed_by=row["fixed_by"],
        posted=bool(row["posted"]),
        shown=_shown_from(row) if row["shown_alert"] is not None else None,
        last_active_at=from_db_time_or_none(row["last_active_at"] or None),
        mute=Mute(row["muted_by"], from_db_time_or_none(row["muted_until"] or None))
        if row["muted_by"]
        else None,
        parent_id=row["parent_id"],
        cause_id=row["cause_id"],
        resolution=_resolution_from(row),
        previous_id=row["previous_id"],
        flapping_changes=row["flapping_changes"],
        related_id=row["related_id"],
        severity_by=row["severity_by"],
        escalation=Escalation(
            row["escalated_to"], row["escalated_by"], from_db_time(row["escalated_at"])
        )
        if row["escalated_to"]
        else None,
    )


SCOPE_COLUMNS = "i.scope_env, i.scope_region, i.scope_service, i.scope_category, i.scope_place"
"""The columns that `scope_from` reads of incidents i."""


def scope_from(row: Row) -> Scope:
    """Return the scope of an incident's row."""
    return Scope(
        row["scope_env"],
        row["scope_region"],
        row["scope_service"],
        row["scope_category"],
        row["scope_place"],
    )


def _resolution_from(row: Row) -> Resolution | None:
    if row["status"] != IncidentStatus.RESOLVED:
        return None
    # A bot of before that runs beside this one stores no reason.
    former = Resolution.PERSON if row["resolved_by"] else Resolution.CLEARED
    return Resolution(row["resolution"]) if row["resolution"] else former


def _shown_from(row: Row) -> Shown:
    return Shown(
        row["shown_env"],
        row["shown_region"],
        row["shown_service"],
        from_db_time(row["shown_since"]),
    )


def timeline_from(row: Row) -> TimelineEntry:
    """A timeline row."""
    return TimelineEntry(
        row["incident_id"], from_db_time(row["at"]), row["kind"], text_of_event(row), row["actor"]
    )


def text_of_event(row: Row) -> str:
    """The text of a timeline row; it can be translated unless a person or an old bot wrote it."""
    return unpacked(row["message"], row["text"]) if row["message"] else str(row["text"])
