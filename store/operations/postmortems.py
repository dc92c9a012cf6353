"""Post-mortems: the stored facts of an incident, the versions drafted from them, their export."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from bot.approvals.model import Approval, Execution
from bot.enrichment.model import Evidence
from bot.incidents.model import GroupedAlerts, Incident, TimelineEntry
from bot.incidents.records import ActionItem, Postmortem
from bot.language import deferred
from store.incident_rows import incident_from, timeline_from
from store.operations import action_items, approvals, evidence, grouping, incidents
from store.operations.part import Part
from store.rows import AdviceRecord, advice_from, execution_from
from store.statements import Operation, Row, from_db_time, query, run, to_db_time

MOST_ALERTS = 1000  # of an incident
MOST_ALERTS_OF_CHILD = 20


@dataclass(frozen=True, slots=True, kw_only=True)
class IncidentRecord:
    """Everything that is stored about an incident, for its post-mortem.

    `versions` counts the post-mortems that there are. `card_ts` is '' before the card is posted.
    """

    incident: Incident
    timeline: list[TimelineEntry]
    alerts: GroupedAlerts
    children: list[tuple[Incident, GroupedAlerts]]
    remedies: list[tuple[Approval, Execution | None]]
    evidence: Evidence | None
    advice: list[AdviceRecord]
    actions: list[ActionItem]
    versions: int
    card_ts: str


def read(incident_id: int) -> Operation[IncidentRecord]:
    """Read it in one transaction, or NotFound."""
    incident = yield from incidents.get(incident_id)
    timeline = yield query("SELECT * FROM timeline WHERE incident_id = ? ORDER BY id", incident_id)
    children = yield query("SELECT * FROM incidents WHERE parent_id = ? ORDER BY id", incident_id)
    members = []
    for row in children:
        alerts = yield from grouping.grouped(row["id"], MOST_ALERTS_OF_CHILD, 0)
        members.append((incident_from(row), alerts))
    remedies = []
    for approval in (yield from approvals.of_incident(incident_id)):
        executions = yield query("SELECT * FROM executions WHERE approval_id = ?", approval.id)
        remedies.append((approval, execution_from(executions[0]) if executions else None))
    advice = yield query(
        "SELECT * FROM advice WHERE incident_id = ? AND body IS NOT NULL ORDER BY id", incident_id
    )
    versions = yield query(
        "SELECT COUNT(*) AS n FROM postmortems WHERE incident_id = ?", incident_id
    )
    card = yield query(
        "SELECT ts FROM outbox WHERE key = ? AND ts IS NOT NULL",
        f"card:{incident.parent_id or incident_id}",
    )
    return IncidentRecord(
        incident=incident,
        timeline=[timeline_from(row) for row in timeline],
        alerts=(yield from grouping.grouped(incident_id, MOST_ALERTS, 0)),
        children=members,
        remedies=remedies,
        evidence=(yield from evidence.get(incident_id)),
        advice=[advice_from(row) for row in advice],
        actions=(yield from action_items.of_incident(incident_id)),
        versions=int(versions[0]["n"]),
        card_ts=card[0]["ts"] if card else "",
    )


def of_origin(origin: str) -> Operation[Postmortem | None]:
    """Return the post-mortem that this command or press made."""
    rows = yield query("SELECT * FROM postmortems WHERE origin = ?", origin)
    return postmortem_from(rows[0]) if rows else None


def add(
    incident_id: int,
    version: int,
    body: str,
    user: str,
    origin: str,
    now: datetime,
    *,
    exported: bool,
) -> Operation[Postmortem | None]:
    """Store a version and enqueue its file; None if another one has this version by now.

    1. Lock the incident. 2. Return what this origin made already. 3. Insert it; with `exported`
    the webhook gets it. 4. Append the event, and enqueue the reply.
    """
    yield from incidents.lock_incident(incident_id)
    known: Postmortem | None = yield from of_origin(origin)
    if known is not None:
        return known
    rows = yield query(
        "INSERT INTO postmortems (incident_id, version, body, made_by, made_at, origin, export_at)"
        " VALUES (?, ?, ?, ?, ?, ?, ?) ON CONFLICT DO NOTHING RETURNING *",
        incident_id,
        version,
        body,
        user,
        to_db_time(now),
        origin,
        to_db_time(now) if exported else None,
    )
    if not rows:
        return None
    postmortem = postmortem_from(rows[0])
    incident = yield from incidents.get(incident_id)
    text = deferred("Post-mortem drafted, version {version}", version=version)
    yield from incidents.append_event(incident_id, now, "postmortem", text, user)
    yield from incidents.reply(incident, "postmortem", postmortem.id, now, by_request=True)
    return postmortem


def get(postmortem_id: int) -> Operation[Postmortem | None]:
    """Return one version."""
    rows = yield query("SELECT * FROM postmortems WHERE id = ?", postmortem_id)
    return postmortem_from(rows[0]) if rows else None


def claim_export(now: datetime, pause: timedelta) -> Operation[tuple[Postmortem, int] | None]:
    """Claim the version whose export is due longest, and count the try.

    Until it has ended the version is due again later: `pause`, doubled after each try. 1. Find it.
    2. Claim it, unless another replica has.
    """
    rows = yield query(
        "SELECT id, export_at, export_tries FROM postmortems WHERE export_at IS NOT NULL"
        " AND export_at <= ? ORDER BY export_at LIMIT 1",
        to_db_time(now),
    )
    if not rows:
        return None
    tries = int(rows[0]["export_tries"]) + 1
    claimed = yield query(
        "UPDATE postmortems SET export_at = ?, export_tries = ? WHERE id = ? AND export_at = ?"
        " RETURNING *",
        to_db_time(now + pause * 2 ** (tries - 1)),
        tries,
        rows[0]["id"],
        rows[0]["export_at"],
    )
    return (postmortem_from(claimed[0]), tries) if claimed else None


def export_ended(postmortem: Postmortem, now: datetime, problem: str) -> Operation[None]:
    """Record that the webhook took it, or, with `problem`, that the bot gave up, in the thread."""
    yield run(
        "UPDATE postmortems SET export_at = NULL, exported_at = ? WHERE id = ?",
        None if problem else to_db_time(now),
        postmortem.id,
    )
    version = postmortem.version
    incident = yield from incidents.get(postmortem.incident_id)
    if problem:
        text = deferred(
            "Version {version} of the post-mortem was not exported: {problem}",
            version=version,
            problem=problem,
        )
        yield from incidents.append_and_reply(incident, now, "postmortem", text)
    else:
        text = deferred("Version {version} of the post-mortem was exported", version=version)
        yield from incidents.append_event(incident.id, now, "postmortem", text)


def postmortem_from(row: Row) -> Postmortem:
    """Return the post-mortem of a row of `postmortems`."""
    return Postmortem(
        id=row["id"],
        incident_id=row["incident_id"],
        version=row["version"],
        body=row["body"],
        made_by=row["made_by"],
        made_at=from_db_time(row["made_at"]),
    )


class PostmortemsPart(Part):
    """The methods of `Store` for post-mortems."""

    async def incident_record(self, incident_id: int) -> IncidentRecord:
        """Return everything that is stored about an incident, or raise NotFound."""
        return await self._engine.read(read, incident_id)

    async def postmortem_of_origin(self, origin: str) -> Postmortem | None:
        """Return the post-mortem that this command or press made already."""
        return await self._engine.read(of_origin, origin)

    async def add_postmortem(
        self,
        incident_id: int,
        version: int,
        body: str,
        user: str,
        origin: str,
        now: datetime,
        *,
        exported: bool,
    ) -> Postmortem | None:
        """Store a version, which its thread shows as a file; once for each `origin`.

        None if another one has this version by now: read the incident again.
        """
        return await self._write(
            add, incident_id, version, body, user, origin, now, exported=exported
        )

    async def postmortem(self, postmortem_id: int) -> Postmortem | None:
        """Return one version of a post-mortem."""
        return await self._engine.read(get, postmortem_id)

    async def claim_export(self, now: datetime, pause: timedelta) -> tuple[Postmortem, int] | None:
        """Claim a version whose export is due; returns it and the number of this try.

        Unless `end_export` follows, it is due again after `pause`, doubled after each try.
        """
        return await self._write(claim_export, now, pause)

    async def end_export(self, postmortem: Postmortem, now: datetime, problem: str = "") -> None:
        """Record that the webhook took a version; `problem` says why the bot gave up instead."""
        await self._write(export_ended, postmortem, now, problem)
