"""The alerts of one incident: the one it shows, and the whole list."""

from __future__ import annotations

import json

from bot.incidents.model import GUESS, Alert, GroupedAlert, GroupedAlerts, Severity
from store.operations.part import Part
from store.rows import alert_from_json, dump
from store.statements import Operation, from_db_time, query, run

_RANK = " ".join(f"WHEN '{severity}' THEN {severity.rank}" for severity in Severity)
# The order of the index firing_by_severity, in its own words: the first one is found, not sorted.
_SINCE = "COALESCE(NULLIF(f.starts_at, ''), f.came_at)"
_BY_SEVERITY = (
    f"CASE f.severity {_RANK} ELSE {len(Severity)} END, {_SINCE},"
    " COALESCE(f.first_alert, 0), f.fingerprint"
)


def show_most_severe(incident_id: int) -> Operation[Severity | None]:
    """Let the incident show its most severe firing alert, of equal ones the longest firing.

    Everything that it shows is of that one stored alert. The start is the sender's, or when the
    alert first came to this incident: then a repeat moves nothing. Only the severity is not, once a
    person has set it. Returns the severity it shows now; None when nothing fires, and then it shows
    what it showed.

    1. Find that alert. 2. Unless it is shown already, read it and show it.
    """
    rows = yield query(
        f"SELECT f.severity, f.last_alert, {_SINCE} AS since, i.shown_alert,"  # noqa: S608 - constants
        " i.severity AS shown_severity, i.severity_by"
        " FROM firing f JOIN incidents i ON i.id = f.incident_id"
        f" WHERE f.incident_id = ? ORDER BY {_BY_SEVERITY} LIMIT 1",
        incident_id,
    )
    if not rows:
        return None
    severity = Severity(rows[0]["shown_severity" if rows[0]["severity_by"] else "severity"])
    if rows[0]["last_alert"] not in (None, rows[0]["shown_alert"]):
        yield from _show(incident_id, rows[0]["last_alert"], rows[0]["since"])
    if severity != rows[0]["shown_severity"]:
        yield run("UPDATE incidents SET severity = ? WHERE id = ?", severity, incident_id)
    return severity


def _show(incident_id: int, alert_id: int, since: str) -> Operation[None]:
    rows = yield query("SELECT body FROM alerts WHERE id = ?", alert_id)
    alert = alert_from_json(rows[0]["body"])
    yield run(
        "UPDATE incidents SET shown_alert = ?, title = ?, text = ?, threshold = ?,"
        # Sent again without a value, an alert keeps the one it had.
        " value = CASE WHEN ? = '' AND EXISTS (SELECT 1 FROM alerts a WHERE a.id = shown_alert"
        " AND a.source = ? AND a.fingerprint = ?) THEN value ELSE ? END,"
        " labels = ?, links = ?, source = ?, shown_env = ?, shown_region = ?, shown_service = ?,"
        " shown_since = ? WHERE id = ?",
        alert_id,
        alert.title,
        alert.text,
        alert.threshold,
        alert.value,
        alert.source,
        alert.fingerprint,
        alert.value,
        dump(dict(alert.labels)),
        dump([(link.label, link.url) for link in alert.links]),
        alert.source,
        alert.env,
        alert.region,
        alert.service,
        since,
        incident_id,
    )


def grouped(incident_id: int, limit: int, offset: int) -> Operation[GroupedAlerts]:
    """A page of the incident's alerts, each once: see `GroupedAlerts`.

    1. Count them. 2. Read a page: of each alert the telling that was stored last, the reason of
    the first, and whether it fires.
    """
    counts = yield query(
        "SELECT COUNT(*) AS total FROM (SELECT 1 FROM alerts WHERE incident_id = ?"
        " AND status = 'firing' GROUP BY sender, source, fingerprint) AS known",
        incident_id,
    )
    firing = yield query("SELECT COUNT(*) AS n FROM firing WHERE incident_id = ?", incident_id)
    rows = yield query(
        "SELECT a.body, a.received_at, b.reason, b.decision, g.count, f.fingerprint AS fires FROM"  # noqa: S608 - constants
        " (SELECT sender, source, fingerprint, MIN(id) AS first, MAX(id) AS last, COUNT(*) AS count"
        "   FROM alerts WHERE incident_id = ? AND status = 'firing'"
        "   GROUP BY sender, source, fingerprint) AS g"
        " LEFT JOIN firing f ON f.incident_id = ?"
        "   AND f.fingerprint = CASE WHEN g.sender = '' THEN '' ELSE g.sender || ' ' END"
        "   || g.source || '/' || g.fingerprint"
        " JOIN alerts a ON a.id = COALESCE(f.last_alert, g.last) JOIN alerts b ON b.id = g.first"
        " ORDER BY CASE WHEN f.fingerprint IS NULL THEN 1 ELSE 0 END,"
        f" CASE a.severity {_RANK} ELSE {len(Severity)} END, g.first DESC LIMIT ? OFFSET ?",
        incident_id,
        incident_id,
        limit,
        offset,
    )
    items = []
    for row in rows:
        alert = alert_from_json(row["body"])
        decision = json.loads(row["decision"] or "{}")
        items.append(
            GroupedAlert(
                name=alert.name,
                title=alert.title,
                value=alert.value,
                severity=alert.severity,
                is_firing=row["fires"] is not None,
                since=alert.starts_at or from_db_time(row["received_at"]),
                reason=row["reason"],
                source=alert.source,
                count=row["count"],
                labels=alert.labels,
                guessed=_guessed(alert),
                facts=decision.get("facts", {}),
                alternatives=decision.get("alternatives", ()),
            )
        )
    return GroupedAlerts(tuple(items), counts[0]["total"], firing[0]["n"])


def _guessed(alert: Alert) -> tuple[str, ...]:
    values = {"service": alert.service, "env": alert.env}
    return tuple(
        field for field, value in values.items() if value and alert.read_from.get(field) == GUESS
    )


class GroupingPart(Part):
    """The methods of `Store` for the alerts of an incident."""

    async def grouped_alerts(
        self, incident_id: int, *, limit: int, offset: int = 0
    ) -> GroupedAlerts:
        """A page of the incident's alerts, each once, with why it joined."""
        return await self._engine.read(grouped, incident_id, limit, offset)
