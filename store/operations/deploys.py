"""Deploys of services: stored once, and found by the incidents that may come from them."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta

from bot.incidents.deploys import Deploy, Symptom, is_cause
from bot.incidents.troubles import Trouble
from store.incident_rows import incident_from
from store.operations import incidents
from store.operations.cascade_members import OPEN
from store.operations.part import Part
from store.statements import Operation, Row, execute, from_db_time, query, to_db_time

SHOWN_HOURS = 24
MOST = 5  # deploys of an incident
CARDS_AT_MOST = 20
ANY_OF_CASCADE = (
    "EXISTS (SELECT 1 FROM incidents m JOIN deploys d ON d.service = m.scope_service"
    " AND d.at <= m.happened_at WHERE m.id = i.id OR m.parent_id = i.id)"
)
"""SQL: whether a service of the incident `i`, or of its children, was deployed before."""


def record(deploys: Sequence[Deploy], now: datetime) -> Operation[int]:
    """Store them, and return how many are new.

    1. Insert each unless it is known. 2. Let the cards change of the open incidents whose probable
    cause it is: a webhook may come after the alert.
    """
    count = 0
    for deploy in deploys:
        inserted = yield execute(
            "INSERT INTO deploys (service, name, env, version, at, author, url, source,"
            " received_at) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)"
            " ON CONFLICT (service, env, version, at) DO NOTHING",
            deploy.service,
            deploy.name,
            deploy.env,
            deploy.version,
            to_db_time(deploy.at),
            deploy.by,
            deploy.url,
            deploy.source,
            to_db_time(now),
        )
        if inserted:
            count += 1
            yield from _change_cards(deploy, now)
    return count


def _change_cards(deploy: Deploy, now: datetime) -> Operation[None]:
    rows = yield query(
        "SELECT r.*, m.scope_env AS member_env,"  # noqa: S608 - constants
        " m.trouble AS member_trouble, m.happened_at AS began"
        " FROM incidents m JOIN incidents r ON r.id = COALESCE(m.parent_id, m.id)"
        f" WHERE m.scope_service = ? AND m.status IN {OPEN} AND m.happened_at >= ?"
        f" ORDER BY m.id LIMIT {CARDS_AT_MOST}",
        deploy.service,
        to_db_time(deploy.at),
    )
    for row in rows:
        symptom = Symptom(
            deploy.service,
            row["member_env"],
            Trouble(row["member_trouble"]),
            from_db_time(row["began"]),
        )
        if is_cause(deploy, symptom):
            root = incident_from(row)
            yield from incidents.show_card(root.id, root.channel, root.severity, now)


def of_incident(incident_id: int) -> Operation[tuple[list[Deploy], list[Symptom]]]:
    """Return the newest deploys of its and its children's services, of a day, and the symptoms."""
    members = yield query(
        "SELECT scope_service, scope_env, trouble, happened_at FROM incidents"
        " WHERE id = ? OR parent_id = ? ORDER BY id",
        incident_id,
        incident_id,
    )
    symptoms = [_symptom(row) for row in members if row["happened_at"]]
    if not symptoms:
        return [], []
    newest = max(symptom.at for symptom in symptoms)
    rows = yield query(
        "SELECT DISTINCT d.service, d.name, d.env, d.version, d.at, d.author, d.url, d.source"  # noqa: S608 - constants
        " FROM deploys d JOIN incidents m ON m.scope_service = d.service"
        " WHERE (m.id = ? OR m.parent_id = ?) AND d.at >= ? AND d.at <= ?"
        f" ORDER BY d.at DESC LIMIT {MOST}",
        incident_id,
        incident_id,
        to_db_time(newest - timedelta(hours=SHOWN_HOURS)),
        to_db_time(newest),
    )
    return [_deploy(row) for row in rows], symptoms


def _symptom(row: Row) -> Symptom:
    at = from_db_time(row["happened_at"])
    return Symptom(row["scope_service"], row["scope_env"], Trouble(row["trouble"]), at)


def _deploy(row: Row) -> Deploy:
    return Deploy(
        service=row["service"],
        name=row["name"],
        env=row["env"],
        version=row["version"],
        at=from_db_time(row["at"]),
        by=row["author"],
        url=row["url"],
        source=row["source"],
    )


class DeploysPart(Part):
    """The methods of `Store` for deploys."""

    async def record_deploys(self, deploys: Sequence[Deploy], now: datetime) -> int:
        """Store deploys, each once, and return how many are new.

        The cards of open incidents whose probable cause one is show it.
        """
        return await self._write(record, deploys, now)

    async def deploys_of(self, incident_id: int) -> tuple[list[Deploy], list[Symptom]]:
        """Return the newest deploys of a day before an incident, and what it has of symptoms."""
        return await self._engine.read(of_incident, incident_id)
