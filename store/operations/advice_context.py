"""Everything about an incident that the advisor gets, read at one moment."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from bot.incidents.model import Alert, Incident
from bot.incidents.subject import Scope
from store.incident_rows import incident_from, scope_from
from store.operations import advice, alerts, incidents
from store.operations.part import Part
from store.rows import TurnRecord
from store.statements import Operation, query, together

TURNS = 10


@dataclass(frozen=True, slots=True)
class AdviceContext:
    """An incident with its scope, its newest firing alert, and the last turns of its SOP ID, oldest
    first.
    """

    incident: Incident
    alert: Alert | None
    turns: Sequence[TurnRecord]
    scope: Scope


def read(incident_id: int) -> Operation[AdviceContext]:
    """Read it, or NotFound."""
    rows, latest, turns = yield from together(
        query("SELECT * FROM incidents WHERE id = ?", incident_id),
        alerts.reading_latest(incident_id),
        query(
            "SELECT role, text, at FROM turns"
            " WHERE sop_id = (SELECT sop_id FROM incidents WHERE id = ?) ORDER BY id DESC LIMIT ?",
            incident_id,
            TURNS,
        ),
    )
    if not rows:
        raise incidents.unknown(incident_id)
    return AdviceContext(
        incident_from(rows[0]),
        alerts.latest_from(latest),
        advice.turns_from(turns),
        scope_from(rows[0]),
    )


class AdviceContextPart(Part):
    """The methods of `Store` that read what the advisor gets."""

    async def advice_context(self, incident_id: int) -> AdviceContext:
        """Return everything about an incident that the advisor gets, or raise NotFound."""
        return await self._engine.read(read, incident_id)
