"""Reads the seconds that people waited, from the times that the store has anyway.

So the path of an alert measures nothing, and a span counts once, whichever replicas had a part
in it.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime

from store.operations.part import Part
from store.statements import Operation, from_db_time, query, to_db_time, together

# The first alert's bytes came before its incident was opened.
_ARRIVED = (
    "COALESCE((SELECT a.arrived_at FROM alerts a WHERE a.incident_id = {0}.incident_id"
    " ORDER BY a.id LIMIT 1), {0}.created_at)"
)
_OPENED = "(SELECT i.created_at FROM incidents i WHERE i.id = {0}.incident_id)"
_DECIDED = (
    "(SELECT MAX(v.at) FROM votes v WHERE v.approval_id = x.approval_id AND v.choice = 'approve')"
)
_SPANS = {
    "alert_to_card": (
        f"SELECT {_ARRIVED.format('o')} AS began, o.posted_at AS ended FROM outbox o"  # noqa: S608 - constants
        " WHERE o.kind = 'card' AND o.posted_at >= ? AND o.posted_at < ?"
    ),
    "incident_to_evidence": (
        f"SELECT {_OPENED.format('e')} AS began, e.at AS ended FROM evidence e"  # noqa: S608 - constants
        " WHERE e.at >= ? AND e.at < ?"
    ),
    "incident_to_advice": (
        f"SELECT {_OPENED.format('v')} AS began, v.given_at AS ended FROM advice v"  # noqa: S608 - constants
        " WHERE v.question = '' AND v.given_at >= ? AND v.given_at < ?"
    ),
    "press_to_dispatch": (
        f"SELECT {_DECIDED} AS began, x.started_at AS ended FROM executions x"  # noqa: S608 - constants
        " WHERE x.started_at >= ? AND x.started_at < ?"
    ),
}


def durations(since: datetime, until: datetime) -> Operation[dict[str, list[float]]]:
    """Read the spans that ended in this window, each in seconds."""
    window = (to_db_time(since), to_db_time(until))
    spans = yield from together(*(query(sql, *window) for sql in _SPANS.values()))
    return {
        name: [
            (from_db_time(row["ended"]) - from_db_time(row["began"])).total_seconds()
            for row in rows
            if row["began"]  # nobody pressed for an action that the policy approves
        ]
        for name, rows in zip(_SPANS, spans, strict=True)
    }


def live_replicas(now: datetime) -> Operation[int]:
    """The number of replicas with a valid lease."""
    rows = yield query("SELECT COUNT(*) AS n FROM replicas WHERE until > ?", to_db_time(now))
    return int(rows[0]["n"])


class ServiceLevelsPart(Part):
    """The methods of `Store` for the service levels."""

    async def durations(self, since: datetime, until: datetime) -> Mapping[str, list[float]]:
        """Return the spans that ended from `since` to before `until`, each in seconds."""
        return await self._engine.read(durations, since, until)

    async def live_replicas(self, now: datetime) -> int:
        """Return how many replicas have a valid lease."""
        return await self._engine.read(live_replicas, now)
