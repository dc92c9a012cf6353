"""Reads the resolved incidents that a firing alert could continue.

Whether there is one is read with the open incidents, for every alert; which one, only then.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime

from bot.incidents.correlation import IdentifiedAlert, could_be_about
from bot.incidents.episodes import EndedIncident
from bot.incidents.model import Resolution
from store.incident_rows import scope_from
from store.operations import incidents, senders
from store.rows import alert_from_json
from store.statements import Operation, Row, Statement, from_db_time, lock, query, to_db_time

_NEVER_ENDED = ", ".join(f"'{end}'" for end in (Resolution.PERSON, Resolution.STALE))
# A SOP ID that is made of the incident key, which two troubles without a category share.
_IS_DERIVED = "length(i.sop_id) = 16 AND substr(i.sop_id, 1, 4) = 'sop_'"
# Nobody may reopen it while another of its SOP and place is open: there is one of them.
_ALONE = (
    "NOT EXISTS (SELECT 1 FROM incidents o WHERE o.sop_id = i.sop_id"  # noqa: S608 - constants
    " AND o.scope_env = i.scope_env AND o.scope_region = i.scope_region"
    " AND o.scope_service = i.scope_service AND o.scope_place = i.scope_place"
    f" AND (o.scope_category = i.scope_category OR NOT ({_IS_DERIVED}))"
    " AND o.status IN ('open', 'acknowledged'))"
)
# A cascade of several services is not: it takes in only what it grows by while it is open. A child
# is while its root is open.
_REOPENS = (
    "((i.parent_id IS NULL AND NOT EXISTS (SELECT 1 FROM incidents c WHERE c.parent_id = i.id"  # noqa: S608 - constants
    " AND c.scope_service != i.scope_service))"
    " OR EXISTS (SELECT 1 FROM incidents r WHERE r.id = i.parent_id"
    f" AND r.status IN ('open', 'acknowledged'))) AND {_ALONE}"
)
# A bot of before that runs beside this one stores no reason.
_RESOLUTION = (
    f"CASE WHEN i.resolution != '' THEN i.resolution WHEN i.resolved_by = ''"
    f" THEN '{Resolution.CLEARED}' ELSE '{Resolution.PERSON}' END"
)
_COLUMNS = (
    "i.id, i.sop_id, i.scope_env, i.scope_region, i.scope_service, i.scope_category,"  # noqa: S608 - constants
    " i.scope_place, i.env, i.service, i.channel,"
    f" i.resolved_at, i.resolved_by, i.acknowledged_by, i.fixed_by, {_RESOLUTION} AS resolution,"
    " EXISTS (SELECT 1 FROM executions e WHERE e.incident_id = i.id) AS was_acted_on"
)
_OF_THE_SCOPE = (
    "FROM incidents i WHERE i.scope_service = ? AND i.scope_category = ? AND i.resolved_at > ?"
    " AND i.status = 'resolved'"
)


def of_the_scope(identified_alert: IdentifiedAlert, after: datetime) -> tuple[str, list[object]]:
    """SQL from FROM on, and its values: incidents of its service and category that were resolved
    since then.
    """
    scope = identified_alert.scope
    return _OF_THE_SCOPE, [scope.service, scope.category, to_db_time(after)]


def of_the_alert(identified_alert: IdentifiedAlert, after: datetime) -> tuple[str, list[object]]:
    """The same, of the incident that the alert fired in last, as `a`.

    Resolved since then, or while the alert had not ended.
    """
    by_them, them = senders.by_them(identified_alert, "m.")
    sql = (
        "FROM alerts a JOIN incidents i ON i.id = a.incident_id"  # noqa: S608 - placeholders
        " WHERE a.id = (SELECT m.id FROM alerts m WHERE m.fingerprint = ? AND m.source = ?"
        f" AND m.status = 'firing' AND m.incident_id IS NOT NULL AND {by_them}"
        " ORDER BY m.id DESC LIMIT 1) AND i.status = 'resolved'"
        f" AND (i.resolved_at > ? OR i.resolution IN ({_NEVER_ENDED}))"
    )
    alert = identified_alert.alert
    return sql, [alert.fingerprint, alert.source, *them, to_db_time(after)]


def read(
    identified_alert: IdentifiedAlert, after: datetime
) -> Operation[tuple[list[EndedIncident], list[Row]]]:
    """Read them, and their rows. The caller holds the alert's scope."""
    rows: list[Row] = yield _reading(identified_alert, after)
    elsewhere = {
        incidents.lock_key(row["scope_service"])
        for row in rows
        if row["scope_service"] != identified_alert.scope.service
    }
    if elsewhere:  # as in `candidates`: it is to be held as well, and looked at again
        yield lock(*elsewhere)
        rows = yield _reading(identified_alert, after)
    rows = _about(identified_alert, rows)
    return [_ended(row) for row in rows], rows


def read_unlocked(
    identified_alert: IdentifiedAlert, after: datetime
) -> Operation[list[EndedIncident]]:
    """Read them without any lock, for an answer that nothing follows from."""
    rows = yield _reading(identified_alert, after)
    return [_ended(row) for row in _about(identified_alert, rows)]


def _about(identified_alert: IdentifiedAlert, rows: Iterable[Row]) -> list[Row]:
    return [
        row
        for row in rows
        if could_be_about(identified_alert, row["env"], row["service"], scope_from(row))
    ]


def of_resolve(identified_alert: IdentifiedAlert, after: datetime) -> Operation[Row | None]:
    """The incident that the alert of this resolve fired in last, if it ended otherwise: by a
    person, or as stale. Or if it was resolved since then: its sender repeats the resolve.
    """
    same, values = of_the_alert(identified_alert, after)
    rows = yield query(f"SELECT {_COLUMNS}, a.body AS body {same}", *values)
    row = rows[0] if rows else None
    if row is None or not could_be_about(
        identified_alert, row["env"], row["service"], scope_from(row)
    ):
        return None
    yield lock(incidents.lock_key(row["scope_service"]))
    return row


def _reading(identified_alert: IdentifiedAlert, after: datetime) -> Statement:
    scope, in_scope = of_the_scope(identified_alert, after)
    same, of_alert = of_the_alert(identified_alert, after)
    return query(
        f"SELECT {_COLUMNS}, a.body AS body {same} AND {_REOPENS}"
        f" UNION ALL SELECT {_COLUMNS}, '' {scope} AND {_REOPENS}",
        *of_alert,
        *in_scope,
    )


def _ended(row: Row) -> EndedIncident:
    return EndedIncident(
        id=row["id"],
        scope=scope_from(row),
        resolved_at=from_db_time(row["resolved_at"]),
        resolution=Resolution(row["resolution"]),
        last=alert_from_json(row["body"]) if row["body"] else None,
    )
