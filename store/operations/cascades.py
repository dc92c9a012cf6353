"""Cascades: incidents that belong together are a root and its children.

A child has its own row, SOP and alerts. The root's card shows it, and its messages stand in the
root's thread (`outbox.enqueue`). Children have no children. `bot.incidents.cascades` decides what
belongs together; this module reads what it needs, `cascade_growth` writes what it says.

Locks, always in this order, so that no two transactions wait for each other: the scopes of the
alerts (`candidates.lock_scopes`), then `near/…` of all that a new incident could be linked with,
then `cascade/…` of the roots that change.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from functools import partial

from bot.incidents.cascades import (
    LONGEST_WINDOW,
    WINDOW,
    Calls,
    Member,
    Relation,
    compatible,
    happened_at,
    links,
    neighbours,
    newcomer,
    service_of,
)
from bot.incidents.correlation import Decision, IdentifiedAlert
from bot.incidents.model import Severity
from bot.incidents.perhaps_related import perhaps_related
from bot.incidents.subject import Scope
from bot.incidents.suggested_names import suggested_name
from bot.incidents.troubles import Trouble
from store.incident_rows import scope_from
from store.operations import incidents
from store.operations.cascade_members import OPEN, member_from, related
from store.statements import (
    Operation,
    Row,
    Statement,
    lock,
    lock_all,
    query,
    run,
    to_db_time,
)


@dataclass(frozen=True, slots=True)
class Placement:
    """The place of a new incident: a root, or a child of `root_id` by the first of `links`.

    `links` has one for each cascade that it is linked with, the oldest cascade first. `channel` is
    the root's, and `sender` that of its first alert; '' without a root. `related_id` is a root that
    is perhaps related to a new root. `reopens`: the root has just ended, and is open again.
    """

    member: Member
    links: Sequence[Relation] = ()
    channel: str = ""
    sender: str = ""
    related_id: int | None = None
    reopens: bool = False

    @property
    def root_id(self) -> int | None:
        """Return the root of the cascade that it joins, None for none."""
        return self.links[0].member.root_id if self.links else None

    def seen_in(self, channel: str, identified_alert: IdentifiedAlert) -> Placement:
        """Return the place of an incident whose own card would be in `channel`.

        A critical one is no child of another sender's root whose card is in another channel: the
        people of its own channel would not see it, and any sender can open a root.
        """
        if (
            identified_alert.alert.severity is not Severity.CRITICAL
            or self.channel in ("", channel)
            or self.sender in identified_alert.senders
        ):
            return self
        return Placement(self.member, related_id=None if self.reopens else self.root_id)

    def decision(self, decision: Decision) -> Decision:
        """Return the decision to open it, with the rule that placed it there."""
        if not self.links:
            return decision
        first, *others = self.links
        facts = {"incident": f"INC-{first.member.id}", **first.facts}
        return replace(
            decision,
            reason=first.rule,
            facts=facts,
            alternatives=tuple((link.member.id, str(link.rule)) for link in others),
        )


def lock_near(named: Sequence[IdentifiedAlert], calls: Calls) -> Statement:
    """Hold all that these alerts could be linked with: of two at one instant one sees the other."""
    return lock_all(partial(_near, named, calls))


def _near(named: Sequence[IdentifiedAlert], calls: Calls) -> set[str]:
    names: set[str] = set()
    for service in {service_of(item.scope) for item in named} - {""}:
        names.update(f"near/service/{near}" for near in (service, *neighbours(calls, service)))
    names.update(f"near/service/{name}" for item in named if (name := suggested_name(item.scope)))
    for subject in (item.subject for item in named):
        if subject.runs_on:
            names.add(f"near/node/{subject.runs_on}")
        elif subject.zone and not subject.service:
            # Not all that runs there: its alerts would wait for each other.
            names.add(f"near/zone/{subject.zone}")
    return names


def place(
    identified_alert: IdentifiedAlert,
    calls: Calls,
    now: datetime,
    reopen_within: timedelta = WINDOW,
) -> Operation[Placement]:
    """Find where the incident that this alert opens belongs. The caller holds `lock_near`.

    1. Read the open incidents that a rule could link it with. 2. Lock the roots of those that a
    rule links, and look at them again, with the places of their members: somebody may have resolved
    or moved one, and then all is read again.
    """
    member = newcomer(identified_alert, now)
    if member.trouble is Trouble.SLOW:
        return Placement(member)
    while True:
        placement = yield from _find(member, calls, now, reopen_within)
        if not placement.links:
            return placement
        roots = [link.member.root_id for link in placement.links]
        yield lock(*map(lock_key, roots))
        members = yield from _read_roots(placement, roots)
        if len(members) == len(roots):
            return (yield from _under(placement, members, calls))


def read_unlocked(
    identified_alert: IdentifiedAlert, calls: Calls, now: datetime, reopen_within: timedelta
) -> Operation[Placement]:
    """Find it without any lock, for an answer that nothing follows from."""
    member = newcomer(identified_alert, now)
    if member.trouble is Trouble.SLOW:
        return Placement(member)
    placement = yield from _find(member, calls, now, reopen_within)
    if not placement.links:
        return Placement(member)
    roots = [link.member.root_id for link in placement.links]
    return (yield from _under(placement, (yield from _read_roots(placement, roots)), calls))


def _find(
    member: Member, calls: Calls, now: datetime, reopen_within: timedelta
) -> Operation[Placement]:
    """Return the links with open cascades; without one the link with what has just ended."""
    rows = yield from related(member, calls, now - min(WINDOW, reopen_within))
    members = [member_from(row) for row in rows if row["status"] != "resolved"]
    if result := links(member, members, calls):
        return Placement(member, result)
    ended = [member_from(row) for row in rows if row["status"] == "resolved"]
    if result := links(
        replace(member, at=now), [replace(item, grew_at=now) for item in ended], calls
    ):
        return Placement(member, result[-1:], reopens=True)
    near = perhaps_related(member, members)
    return Placement(member, related_id=near.root_id if near else None)


def _under(placement: Placement, roots: Mapping[int, Row], calls: Calls) -> Operation[Placement]:
    """Return the placement with the links that no member of a cascade contradicts, and with the
    channel and the sender of its root; without a root it is one.
    """
    scopes = yield from _read_scopes(placement, list(roots), calls)
    links = compatible(placement.member.scope, placement.links, scopes, calls)
    if not links or (root := roots.get(links[0].member.root_id)) is None:
        return Placement(placement.member)
    return replace(placement, links=links, channel=root["channel"], sender=root["sender"] or "")


def _read_roots(placement: Placement, roots: Sequence[int]) -> Operation[dict[int, Row]]:
    """Read the roots that are open, or that have ended if it reopens one, each with its sender."""
    rows = yield query(
        "SELECT m.id, m.status, m.channel, (SELECT a.sender FROM alerts a"  # noqa: S608 - placeholders
        " WHERE a.incident_id = m.id ORDER BY a.id LIMIT 1) AS sender"
        f" FROM incidents m WHERE m.parent_id IS NULL AND m.id IN ({', '.join('?' * len(roots))})",
        *roots,
    )
    return {row["id"]: row for row in rows if (row["status"] == "resolved") is placement.reopens}


def _read_scopes(
    placement: Placement, roots: Sequence[int], calls: Calls
) -> Operation[dict[int, list[Scope]]]:
    """Read where the members of these cascades are that have not ended, each place once.

    With their services only if some are declared to be apart: a cascade may have very many.
    """
    if not roots:
        return {}
    service = "scope_service" if calls.apart else "''"
    status = "" if placement.reopens else f" AND status IN {OPEN}"
    ids = ", ".join("?" * len(roots))
    rows = yield query(
        "SELECT DISTINCT COALESCE(parent_id, id) AS root_id, scope_env, scope_region, scope_place,"  # noqa: S608 - constants
        f" {service} AS scope_service, '' AS scope_category"
        f" FROM incidents WHERE (id IN ({ids}) OR parent_id IN ({ids})){status}",
        *roots,
        *roots,
    )
    scopes: dict[int, list[Scope]] = {}
    for row in rows:
        scopes.setdefault(row["root_id"], []).append(scope_from(row))
    return scopes


def columns(placement: Placement) -> dict[str, object]:
    """Return the columns of a new incident that say where it belongs."""
    member, at = placement.member, to_db_time(placement.member.at)
    return {
        "parent_id": placement.root_id,
        "trouble": member.trouble,
        "happened_at": at,
        "grew_at": at,
        "namespace": member.namespace,
        "related_id": placement.related_id,
    }


GREW = "grew_at = CASE WHEN ? > grew_at AND happened_at >= ? THEN ? ELSE grew_at END"


def grew(identified_alert: IdentifiedAlert, now: datetime, *, is_new: bool) -> tuple[str, str, str]:
    """Return the values of `GREW`: one more alert of a member moves its window on.

    For a quarter of an hour only: what flaps or churns for hours does not keep a cascade growing.
    """
    at = happened_at(identified_alert, now)
    moved = to_db_time(at) if is_new else ""
    return moved, to_db_time(at - LONGEST_WINDOW), moved


def lock_key(root_id: int) -> str:
    return f"cascade/{root_id}"


@dataclass(frozen=True, slots=True)
class Family:
    """The root of an incident, None for a root; and the children of it that are open."""

    root_id: int | None
    open_children: tuple[int, ...]


def lock_family(incident_id: int) -> Operation[Family]:
    """Hold the cascade of an incident, so that nobody adds to it, moves it or closes it.

    1. Read and lock its root. 2. Once more if it was moved meanwhile. 3. Read its open children.
    """
    rows = yield query("SELECT parent_id FROM incidents WHERE id = ?", incident_id)
    root_id = rows[0]["parent_id"] if rows else None
    while True:
        yield lock(lock_key(root_id or incident_id))
        rows = yield query(
            "SELECT i.parent_id, c.id AS child FROM incidents i"  # noqa: S608 - a constant
            f" LEFT JOIN incidents c ON c.parent_id = i.id AND c.status IN {OPEN}"
            " WHERE i.id = ? ORDER BY c.id",
            incident_id,
        )
        if not rows or rows[0]["parent_id"] == root_id:
            children = tuple(row["child"] for row in rows if row["child"] is not None)
            return Family(root_id, children)
        root_id = rows[0]["parent_id"]


def lock_with_children(incident_id: int) -> Operation[None]:
    """Hold the scopes of an incident and of its open children, all at once."""
    rows = yield query(
        "SELECT scope_service FROM incidents"  # noqa: S608 - a constant
        f" WHERE id = ? OR (parent_id = ? AND status IN {OPEN})",
        incident_id,
        incident_id,
    )
    yield lock(*{incidents.lock_key(row["scope_service"]) for row in rows})


def wait_for_children(incident_id: int, now: datetime) -> Operation[None]:
    """Nothing of a root fires any more: it stays open until its last child is resolved."""
    yield run("DELETE FROM firing WHERE incident_id = ?", incident_id)
    yield run(
        "UPDATE incidents SET firing = 0, updated_at = ? WHERE id = ?", to_db_time(now), incident_id
    )
    incident = yield from incidents.get(incident_id)
    yield from incidents.show_card(incident_id, incident.channel, incident.severity, now)


def is_over(root_id: int) -> Operation[bool]:
    """Return whether a root is open, and neither it nor one of its children fires any more."""
    rows = yield query(
        f"SELECT 1 FROM incidents i WHERE i.id = ? AND i.status IN {OPEN} AND i.firing = 0"  # noqa: S608 - constants
        " AND i.flapping_changes = 0"
        f" AND NOT EXISTS (SELECT 1 FROM incidents c WHERE c.parent_id = i.id"
        f" AND c.status IN {OPEN})",
        root_id,
    )
    return bool(rows)
