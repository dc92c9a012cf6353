"""Reads the incidents that a new one could be linked with, as the members that the rules read."""

from __future__ import annotations

from datetime import datetime

from bot.incidents.cascades import (
    LONGEST_CASCADE,
    LONGEST_WINDOW,
    Calls,
    Member,
    neighbours,
    service_of,
)
from bot.incidents.model import Resolution
from bot.incidents.perhaps_related import RELATED_WITHIN
from bot.incidents.suggested_names import suggested_name, suggesting
from bot.incidents.troubles import Trouble
from store.incident_rows import scope_from
from store.statements import Operation, Row, from_db_time, query, starting_with, to_db_time

MOST_RELATED = 5
OPEN = "('open', 'acknowledged')"
MEMBER = (
    "m.id, COALESCE(m.parent_id, m.id) AS root_id, m.scope_env, m.scope_region, m.scope_service,"
    " m.scope_category, m.scope_place, m.runs_on, m.zone, m.namespace, m.trouble,"
    " m.happened_at, m.opened_at, m.created_at, m.grew_at AS member_grew_at"
)
# Most incidents have no root but themselves: these are not looked up a second time.
_WITH_ROOT = (
    f"SELECT {MEMBER}, COALESCE(r.grew_at, m.grew_at) AS grew_at, m.status"  # noqa: S608 - constants
    f" FROM incidents m LEFT JOIN incidents r ON r.id = m.parent_id WHERE m.status IN {OPEN}"
    f" AND (r.status IS NULL OR r.status IN {OPEN}) AND COALESCE(r.grew_at, m.grew_at) >= ?"
    " AND COALESCE(r.happened_at, m.happened_at) >= ?"
)


# The roots of a service that ended just now: a cascade of that service alone, or no cascade.
_JUST_ENDED = (
    f"SELECT {MEMBER}, m.grew_at, m.status FROM incidents m"  # noqa: S608 - constants
    " WHERE m.scope_service = ? AND m.scope_category != ? AND m.resolved_at > ?"
    " AND m.status = 'resolved'"
    f" AND m.resolution = '{Resolution.CLEARED}' AND m.parent_id IS NULL"
    f" AND m.trouble = '{Trouble.ACUTE}' AND m.happened_at >= ?"
    " AND NOT EXISTS (SELECT 1 FROM incidents c WHERE c.parent_id = m.id"
    " AND c.scope_service != m.scope_service)"
    " AND NOT EXISTS (SELECT 1 FROM incidents o WHERE o.scope_service = m.scope_service"
    f" AND o.scope_category = m.scope_category AND o.status IN {OPEN})"
    " ORDER BY m.resolved_at DESC"
)
_IN_NAMESPACE = (
    f"SELECT * FROM ({_WITH_ROOT} AND m.namespace = ? AND m.happened_at >= ?"  # noqa: S608 - constants
    f" AND m.happened_at <= ? AND m.namespace != ''"
    f" ORDER BY m.happened_at LIMIT {MOST_RELATED}) AS in_namespace"
)
MOST_MEMBERS = 300
"""Open incidents of a node, or of a service and its neighbours, that are compared with it."""


def related(member: Member, calls: Calls, ended_after: datetime) -> Operation[list[Row]]:
    """Read the members of open cascades with the same service, node or zone, or a neighbour's.

    With a few of the same namespace, which are perhaps related, and the service's that just ended.
    """
    since = (to_db_time(member.at - LONGEST_WINDOW), to_db_time(member.at - LONGEST_CASCADE))
    parts, parameters = _of_services(member, calls, since)
    if member.service and member.trouble is Trouble.ACUTE:
        parts.append(f"SELECT * FROM ({_JUST_ENDED} LIMIT 1) AS just_ended")  # noqa: S608 - a constant
        scope = member.scope
        parameters += [scope.service, scope.category, to_db_time(ended_after), since[1]]
    if member.runs_on:
        # Of all that runs there only a failure of the node itself links others with it.
        only = (
            "" if member.trouble is Trouble.NODE_DOWN else f" AND m.trouble = '{Trouble.NODE_DOWN}'"
        )
        parts.append(
            f"SELECT * FROM ({_WITH_ROOT} AND m.runs_on = ? AND m.runs_on != ''"  # noqa: S608 - constants
            f"{only} LIMIT {MOST_MEMBERS}) AS on_node"
        )
        parameters += [*since, member.runs_on]
    if member.zone:
        only = (
            ""
            if member.is_zone_down
            else f" AND m.trouble = '{Trouble.NODE_DOWN}' AND m.runs_on = ''"
        )
        parts.append(
            f"SELECT * FROM ({_WITH_ROOT} AND m.zone = ? AND m.zone != ''"  # noqa: S608 - constants
            f"{only} LIMIT {MOST_MEMBERS}) AS in_zone"
        )
        parameters += [*since, member.zone]
    if member.namespace:
        parts.append(_IN_NAMESPACE)
        window = (member.at - RELATED_WITHIN, member.at + RELATED_WITHIN)
        parameters += [*since, member.namespace, *map(to_db_time, window)]
    if not parts:
        return []
    rows: list[Row] = yield query(" UNION ALL ".join(parts), *parameters)
    return rows


def _of_services(
    member: Member, calls: Calls, since: tuple[str, str]
) -> tuple[list[str], list[object]]:
    """Return the queries, with their values, of the incidents of its service and of those that it
    calls or is called by; and of the service that it suggests, or that suggest its service.
    """
    services = [member.service, *neighbours(calls, member.service)] if member.service else []
    services += [member.suggested] if member.suggested else []
    suggestions = suggesting(member.scope)
    services += [suggestions.host] if suggestions else []
    parts, parameters = list[str](), list[object]()
    if services:
        parts.append(
            f"SELECT * FROM ({_WITH_ROOT} AND m.scope_service"  # noqa: S608 - constants
            f" IN ({', '.join('?' * len(services))}) LIMIT {MOST_MEMBERS}) AS of_services"
        )
        parameters += [*since, *services]
    if suggestions:
        parts.append(
            f"SELECT * FROM ({_WITH_ROOT} AND m.scope_service >= ? AND m.scope_service < ?"  # noqa: S608 - constants
            f" LIMIT {MOST_MEMBERS}) AS of_guesses"
        )
        parameters += [*since, *starting_with(suggestions.guess)]
    return parts, parameters


def member_from(row: Row) -> Member:
    at = from_db_time(row["happened_at"] or row["opened_at"])
    scope = scope_from(row)
    grew_at = max(row["grew_at"], row["member_grew_at"])
    return Member(
        id=row["id"],
        root_id=row["root_id"],
        scope=scope,
        service=service_of(scope),
        suggested=suggested_name(scope),
        runs_on=row["runs_on"],
        zone=row["zone"],
        namespace=row["namespace"],
        trouble=Trouble(row["trouble"]),
        at=at,
        grew_at=max(from_db_time(grew_at) if grew_at else at, at),
        came_at=from_db_time(row["created_at"] or row["opened_at"]),
    )
