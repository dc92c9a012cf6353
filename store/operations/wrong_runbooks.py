"""Counts the people who said that a cited passage of a runbook is wrong."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime

from bot.language import deferred
from store.operations import incidents
from store.operations.part import Part
from store.statements import Operation, query, to_db_time


def report(
    incident_id: int, passage: str, alert_name: str, user: str, now: datetime
) -> Operation[bool]:
    """Count a passage as wrong, or raise NotFound; the same person counts once.

    1. Read the incident's SOP ID. 2. Insert the report. 3. If it is new, append the event.
    """
    incident = yield from incidents.get(incident_id)
    rows = yield query(
        "INSERT INTO wrong_runbooks (sop_id, alert_name, passage, user_id, incident_id, at)"
        " VALUES (?, ?, ?, ?, ?, ?) ON CONFLICT (sop_id, alert_name, passage, user_id) DO NOTHING"
        " RETURNING id",
        incident.sop_id,
        alert_name,
        passage,
        user,
        incident_id,
        to_db_time(now),
    )
    if not rows:
        return False
    text = deferred("Wrong runbook: {passage}", passage=passage)
    yield from incidents.append_event(incident_id, now, "wrong_runbook", text, user)
    return True


def counts(sop_id: str, alert_name: str) -> Operation[dict[str, int]]:
    """Return how many people said so, by passage, of this SOP ID or this alert name."""
    rows = yield query(
        "SELECT passage, COUNT(DISTINCT user_id) AS people FROM wrong_runbooks"
        " WHERE sop_id = ? OR (alert_name = ? AND alert_name != '') GROUP BY passage",
        sop_id,
        alert_name,
    )
    return {row["passage"]: int(row["people"]) for row in rows}


class WrongRunbooksPart(Part):
    """The methods of `Store` for passages that people said are wrong."""

    async def report_wrong_runbook(
        self, incident_id: int, passage: str, alert_name: str, user: str, now: datetime
    ) -> bool:
        """Count a passage as wrong for the incident's SOP ID and this alert name.

        False if the person said so before. NotFound for an unknown incident.
        """
        return await self._write(report, incident_id, passage, alert_name, user, now)

    async def wrong_runbooks(self, sop_id: str, alert_name: str) -> Mapping[str, int]:
        """Return the number of people who said so, by passage."""
        return await self._engine.read(counts, sop_id, alert_name)
