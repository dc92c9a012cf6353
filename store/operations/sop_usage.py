"""SOPs in use: how often, what ran under them, and the incident that a person links to one."""

from __future__ import annotations

import json
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime

from bot.errors import Refused
from bot.incidents.model import Incident, IncidentChange
from bot.incidents.remediation import RemediationStatus
from bot.language import N_, deferred
from store.operations import audit, incidents, proposing, steering
from store.operations.audit_kinds import Kind
from store.operations.part import Part
from store.statements import (
    Operation,
    from_db_time,
    from_db_time_or_none,
    notify,
    query,
    run,
    to_db_time,
)
from store.topics import Topic

LISTED = 10  # runs of one SOP


@dataclass(frozen=True, slots=True)
class Place:
    """The incident that used an SOP last, and its thread; `ts` is '' if it has no card."""

    incident_id: int
    channel: str
    ts: str


@dataclass(frozen=True, slots=True)
class SopUsage:
    """The number of incidents of an SOP, and its last one."""

    incidents: int
    last: Place


@dataclass(frozen=True, slots=True, kw_only=True)
class SopRun:
    """An action that ran, or was to run, under an SOP."""

    incident_id: int
    title: str
    target: str
    state: RemediationStatus
    at: datetime
    started_at: datetime | None


def usage(sop_ids: Collection[str]) -> Operation[dict[str, SopUsage]]:
    """Return the usage of each of these SOPs that any incident had."""
    if not sop_ids:
        return {}
    places = ", ".join("?" * len(sop_ids))
    rows = yield query(
        "SELECT u.sop_id, u.count, u.last, COALESCE(o.channel, '') AS channel,"  # noqa: S608 - placeholders
        " COALESCE(o.ts, '') AS ts FROM (SELECT sop_id, COUNT(*) AS count, MAX(id) AS last"
        f" FROM incidents WHERE sop_id IN ({places}) GROUP BY sop_id) AS u"
        " LEFT JOIN outbox o ON o.key = 'card:' || u.last",
        *sop_ids,
    )
    return {
        row["sop_id"]: SopUsage(int(row["count"]), Place(row["last"], row["channel"], row["ts"]))
        for row in rows
    }


def runs(sop_id: str) -> Operation[tuple[list[SopRun], dict[RemediationStatus, int]]]:
    """Return the newest runs under an SOP, and how many ended in each state."""
    counts = yield query(
        "SELECT e.state, COUNT(*) AS n FROM executions e JOIN incidents i ON i.id = e.incident_id"
        " WHERE i.sop_id = ? GROUP BY e.state",
        sop_id,
    )
    rows = yield query(
        "SELECT e.incident_id, e.state, e.created_at, e.started_at, a.proposal, a.target"
        " FROM executions e JOIN approvals a ON a.id = e.approval_id"
        " JOIN incidents i ON i.id = e.incident_id WHERE i.sop_id = ?"
        " ORDER BY e.created_at DESC, e.id LIMIT ?",
        sop_id,
        LISTED,
    )
    newest = [
        SopRun(
            incident_id=row["incident_id"],
            title=str(json.loads(row["proposal"])["title"]),
            target=row["target"],
            state=RemediationStatus(row["state"]),
            at=from_db_time(row["created_at"]),
            started_at=from_db_time_or_none(row["started_at"]),
        )
        for row in rows
    ]
    return newest, {RemediationStatus(row["state"]): int(row["n"]) for row in counts}


def _open_already(incident: Incident, other: int) -> Refused:
    return Refused(
        deferred("Not linked: INC-{id} of this SOP is open for the same service.", id=other),
        remedy=deferred(
            "`/incident merge {number} INC-{id}` makes them one.", number=incident.number, id=other
        ),
    )


def link(incident_id: int, sop_id: str, user: str, now: datetime) -> Operation[IncidentChange]:
    """Let an open incident use this SOP. `changed` is False if it does already.

    1. Lock the incident, and read it. 2. Refused while another one of this SOP and place is open:
    there is one of them. 3. Update it. 4. Append the event, and enqueue the reply. 5. Enqueue the
    SOP's actions and the card. 6. Record it in the trail.
    """
    yield from incidents.lock_incident(incident_id)
    before = yield from incidents.get(incident_id)
    steering.check_open(before, N_("it needs no SOP"))
    if before.sop_id == sop_id:
        return IncidentChange(before, changed=False)
    other = yield query(
        "SELECT o.id FROM incidents o JOIN incidents i ON o.scope_env = i.scope_env"
        " AND o.scope_region = i.scope_region AND o.scope_service = i.scope_service"
        " AND o.scope_place = i.scope_place AND o.scope_category = i.scope_category"
        " WHERE i.id = ? AND o.id != i.id AND o.sop_id = ?"
        " AND o.status IN ('open', 'acknowledged')",
        incident_id,
        sop_id,
    )
    if other:
        raise _open_already(before, int(other[0]["id"]))
    yield run(
        "UPDATE incidents SET sop_id = ?, updated_at = ? WHERE id = ?",
        sop_id,
        to_db_time(now),
        incident_id,
    )
    text = deferred(
        "Linked to SOP {sop_id} by @{user}; it was {former}",
        sop_id=sop_id,
        user=user,
        former=before.sop_id,
    )
    yield from incidents.append_and_reply(before, now, "sop", text, user)
    origin = f"sop:{incident_id}:{sop_id}:{to_db_time(now)}"
    yield from proposing.enqueue(incident_id, before.severity, origin, now)
    yield notify(Topic.PROPOSE)
    yield from incidents.show_card(incident_id, before.channel, before.severity, now)
    yield from audit.record(
        Kind.SOP_LINKED,
        now=now,
        incident_id=incident_id,
        subject=sop_id,
        actor=user,
        detail={"former": before.sop_id},
    )
    return IncidentChange((yield from incidents.get(incident_id)), changed=True)


class SopUsagePart(Part):
    """The methods of `Store` for the SOPs in use."""

    async def sop_usage(self, sop_ids: Sequence[str]) -> dict[str, SopUsage]:
        """Return how often each of these SOPs was used, and where last; unused ones are missing."""
        return await self._engine.read(usage, sop_ids)

    async def sop_runs(self, sop_id: str) -> tuple[list[SopRun], dict[RemediationStatus, int]]:
        """Return the newest runs under an SOP, and how many ended in each state."""
        return await self._engine.read(runs, sop_id)

    async def link_sop(
        self, incident_id: int, sop_id: str, user: str, now: datetime
    ) -> IncidentChange:
        """Let an open incident use this SOP, on record. Refused while another one of it is open."""
        return await self._write(link, incident_id, sop_id, user, now)
