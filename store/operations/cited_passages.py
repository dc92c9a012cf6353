"""Reads the passages that were cited for incidents, and whether they helped there."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime

from bot.enrichment.model import RUNBOOK, Evidence
from bot.incidents.model import Alert
from store.operations.part import Part
from store.rows import alert_from_json
from store.statements import Operation, Row, from_db_time, query, together


@dataclass(frozen=True, slots=True)
class CitedPassage:
    """A passage with the first alert of its incident."""

    incident: str
    alert: Alert
    passage: str
    text: str
    at: datetime
    helped: bool


def judged(limit: int) -> Operation[list[CitedPassage]]:
    """Read the passages of the newest incidents about which people, or a result, said something.

    A passage that somebody reported as wrong did not help. Else the incident decides: more people
    found its advice helpful than not, with a verified remediation as one voice, and one that was
    not verified as a voice against.
    """
    rows, reports = yield from together(
        query(
            "SELECT e.incident_id, e.body, e.at,"
            " (SELECT a.body FROM alerts a WHERE a.incident_id = e.incident_id"
            "  ORDER BY a.id LIMIT 1) AS alert,"
            " (SELECT COALESCE(SUM(CASE WHEN f.helped = 1 THEN 1 ELSE -1 END), 0)"
            "  FROM advice_feedback f WHERE f.incident_id = e.incident_id) AS voices,"
            " (SELECT COALESCE(SUM(CASE x.state WHEN 'verified' THEN 1 WHEN 'not verified' THEN -1"
            "  ELSE 0 END), 0) FROM executions x WHERE x.incident_id = e.incident_id) AS results"
            " FROM evidence e ORDER BY e.at DESC LIMIT ?",
            limit,
        ),
        query("SELECT incident_id, passage FROM wrong_runbooks"),
    )
    wrong = {(row["incident_id"], row["passage"]) for row in reports}
    return [item for row in rows if row["alert"] for item in _passages(row, wrong)]


def _passages(row: Row, wrong: set[tuple[int, str]]) -> Iterator[CitedPassage]:
    alert = alert_from_json(row["alert"])
    opinion = row["voices"] + row["results"]
    for fact in Evidence.from_json(json.loads(row["body"])).facts:
        is_wrong = (row["incident_id"], fact.name) in wrong
        if fact.source == RUNBOOK and (is_wrong or opinion):
            yield CitedPassage(
                incident=f"INC-{row['incident_id']}",
                alert=alert,
                passage=fact.name,
                text=fact.text,
                at=from_db_time(row["at"]),
                helped=opinion > 0 and not is_wrong,
            )


class CitedPassagesPart(Part):
    """The method of `Store` for what is learned from cited passages."""

    async def judged_passages(self, limit: int) -> list[CitedPassage]:
        """Return the passages of the newest `limit` incidents, of which it is known whether they
        helped.
        """
        return await self._engine.read(judged, limit)
