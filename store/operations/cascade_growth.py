"""A cascade grows: a new child, another root that becomes a child, another most probable cause."""

from __future__ import annotations

from datetime import datetime

from bot.approvals.reasons import EndKind, Reason
from bot.incidents.cascades import Calls
from bot.incidents.correlation import Reason as Rule
from bot.incidents.keys import sop_id_of
from bot.incidents.model import Incident, Severity
from bot.incidents.root_cause import cause
from bot.language import deferred
from bot.observability.events import Event
from store.log_events import log_event
from store.operations import advice, approvals, incidents, news, proposing, reopening_news
from store.operations.cascade_members import MEMBER, OPEN, member_from
from store.operations.cascades import Placement
from store.statements import Operation, notify, query, run, to_db_time
from store.topics import Topic

JOINED = "joined"  # the kind of the event on a child's timeline
MOST_FOLDED = 20
"""Roots that one alert folds: a forged failure of a node must not hide everything on it."""


def grow(
    incident_id: int, placement: Placement, calls: Calls, now: datetime, delay: float
) -> Operation[None]:
    """Add the incident, which has just opened, to its cascade. The caller holds `place`'s locks.

    1. Open the root again if it has just ended. Fold the other roots that it is linked with into
    the oldest one. 2. Move the cascade's
    window on, and note the child. 3. Find the most probable cause. 4. Enqueue the root's card.
    """
    if placement.root_id is not None and placement.reopens:
        yield from _open_again(placement.root_id, incident_id, now)
    root = yield from incidents.get(placement.links[0].member.root_id)
    for link in placement.links[1 : MOST_FOLDED + 1]:
        if (yield from _may_fold(link.member.root_id, root.id)):
            why = deferred("INC-{incident_id} is linked with both", incident_id=incident_id)
            yield from fold_root(link.member.root_id, root, now, why)
    at = to_db_time(placement.member.at)
    yield run(
        "UPDATE incidents SET grew_at = CASE WHEN grew_at < ? THEN ? ELSE grew_at END,"
        " updated_at = ? WHERE id = ?",
        at,
        at,
        to_db_time(now),
        root.id,
    )
    child = yield from incidents.get(incident_id)
    yield from _note_child(root, child, now)
    before = yield from _severity(root.id, without=child.id)
    yield from news.got_worse(root.id, before, child.severity, now)
    if child.severity is before is Severity.CRITICAL and (root.acknowledged_at or root.mute):
        yield from news.critical_part(root, child, now)
    yield from find_cause(root.id, calls, now)
    yield from incidents.show_card(root.id, root.channel, child.severity, now, delay=delay)


def _open_again(root_id: int, child_id: int, now: datetime) -> Operation[None]:
    """Open a root that has just ended, for another symptom of its service: the child's.

    1. Read what had ended it. 2. Open it, and append the event. 3. Report it, as news.
    """
    rows = yield query(
        "SELECT id, resolved_at, resolution, resolved_by, acknowledged_by, fixed_by"
        " FROM incidents WHERE id = ?",
        root_id,
    )
    fix = yield from reopening_news.title_of_fix(rows[0]["fixed_by"])
    yield from incidents.set_open(root_id, now)
    child = f"INC-{child_id}"
    text = deferred("Reopened: {child} is another symptom of its service", child=child)
    yield from incidents.append_event(root_id, now, "reopened", text)
    yield log_event(Event.INCIDENT_REOPENED, root_id, why=Rule.SYMPTOM)
    yield from reopening_news.report(rows[0], fix, now, symptom=child)


def _may_fold(root_id: int, into_id: int) -> Operation[bool]:
    """Return whether an alert may fold that root: nobody works on it, and nobody split the two."""
    rows = yield query(
        "SELECT 1 FROM incidents i WHERE i.id = ? AND i.status = 'open'"
        " AND NOT EXISTS (SELECT 1 FROM executions e WHERE e.incident_id = i.id)"
        " AND NOT EXISTS (SELECT 1 FROM approvals a JOIN votes v ON v.approval_id = a.id"
        " WHERE a.incident_id = i.id)",
        root_id,
    )
    return bool(rows) and not (yield from _was_split(root_id, into_id))


def _was_split(root_id: int, other_id: int) -> Operation[bool]:
    """Return whether a person split one of the two cascades from the other."""
    rows = yield query(
        "SELECT 1 FROM cascade_corrections c JOIN incidents m ON m.id = c.incident_id"
        " JOIN incidents r ON r.id = c.root_id WHERE c.kind = 'split' AND c.incident_id IN"
        " (SELECT id FROM incidents WHERE id IN (?, ?) OR parent_id IN (?, ?))"
        " AND COALESCE(r.parent_id, r.id) IN (?, ?) LIMIT 1",
        *(root_id, other_id) * 3,
    )
    return bool(rows)


def _note_child(root: Incident, child: Incident, now: datetime, why: str = "") -> Operation[None]:
    text = deferred("{number} became a child", number=child.number)
    yield from incidents.append_event(root.id, now, "child", text)
    text = deferred("Child of {number}", number=root.number)
    if why:  # without one the decision about its first alert says it
        text = deferred("Child of {number}: {why}", number=root.number, why=why)
    yield from incidents.append_event(child.id, now, JOINED, text)


def fold_root(root_id: int, into: Incident, now: datetime, why: str) -> Operation[None]:
    """Make a root, with its children, children of an older root. The caller holds both cascades.

    Its timeline says `why`: its first alert was decided before that, and says nothing of it.
    1. Enqueue its card, which says where it went. 2. Move it and its children. 3. Move the replies
    that are not posted yet. 4. Revoke what waits for approval there, and drop what is queued: the
    older root's SOP decides.
    """
    root = yield from incidents.get(root_id)
    yield from incidents.show_card(root.id, root.channel, root.severity, now)
    rows = yield query("SELECT id FROM incidents WHERE parent_id = ? OR id = ?", root_id, root_id)
    ids = [row["id"] for row in rows]
    placeholders = ", ".join("?" * len(ids))
    yield run(
        "UPDATE incidents SET parent_id = ?, cause_id = NULL, channel = ?, updated_at = ?"  # noqa: S608 - placeholders
        f" WHERE id IN ({placeholders})",
        into.id,
        into.channel,
        to_db_time(now),
        *ids,
    )
    yield run(
        "UPDATE outbox SET incident_id = ?, channel = ?"
        " WHERE incident_id = ? AND in_thread = 1 AND ts IS NULL",
        into.id,
        into.channel,
        root_id,
    )
    for incident_id in ids:
        yield from _end_response(incident_id, into, now)
    yield from _note_child(into, root, now, why)


def _end_response(incident_id: int, into: Incident, now: datetime) -> Operation[None]:
    """Revoke what waits for approval, and drop advice and proposals that nobody works on yet."""
    waiting = yield query(
        "SELECT id FROM approvals WHERE incident_id = ? AND state = 'awaiting approval'",
        incident_id,
    )
    for row in waiting:
        approval = yield from approvals.get(row["id"])
        reason = Reason(kind=EndKind.PART_OF_CASCADE, incident_id=into.id)
        yield from approvals.cancel(approval, reason, now)
    yield run(
        "UPDATE advice SET state = 'done' WHERE incident_id = ? AND question = ''"
        " AND state = 'wanted'",
        incident_id,
    )
    yield run("DELETE FROM proposing WHERE incident_id = ? AND state = 'wanted'", incident_id)


def _severity(root_id: int, *, without: int = 0) -> Operation[Severity]:
    """Return the most severe of the members of a cascade that are open."""
    rows = yield query(
        "SELECT severity FROM incidents WHERE (id = ? OR parent_id = ?) AND id != ?"  # noqa: S608 - a constant
        f" AND status IN {OPEN}",
        root_id,
        root_id,
        without,
    )
    return min((Severity(row["severity"]) for row in rows), key=lambda severity: severity.rank)


def find_cause(root_id: int, calls: Calls, now: datetime) -> Operation[None]:
    """Store the most probable cause; the card shows it. No message says that it changed.

    A cascade that grows changes its cause several times within seconds. So only a cause with a SOP
    that was chosen for it gets its own advice and proposals in the thread.
    """
    rows = yield query(
        f"SELECT {MEMBER}, r.grew_at, r.cause_id FROM incidents m JOIN incidents r"  # noqa: S608 - constants
        " ON r.id = ? WHERE m.id = ? OR m.parent_id = ?",
        root_id,
        root_id,
        root_id,
    )
    former = rows[0]["cause_id"] or root_id
    new = cause([member_from(row) for row in rows], calls).id
    if new == former:
        return
    yield run(
        "UPDATE incidents SET cause_id = ? WHERE id = ?", None if new == root_id else new, root_id
    )
    root, member = (yield from incidents.get(root_id)), (yield from incidents.get(new))
    text = deferred(
        "Most probable cause: {number}, no longer INC-{former}", number=member.number, former=former
    )
    yield from incidents.append_event(root.id, now, "cause", text)
    if member.sop_id != sop_id_of(member.incident_key):
        yield from respond(member, now)


def respond(incident: Incident, now: datetime) -> Operation[None]:
    """Enqueue the advice and the proposals of an incident's SOP, unless it has them.

    Its card is posted, so nothing else would wake the workers.
    """
    rows = yield query(
        "UPDATE advice SET state = CASE WHEN body IS NULL AND state = 'done' AND attempts = 0"
        " THEN 'wanted' ELSE state END WHERE incident_id = ? AND question = '' RETURNING id",
        incident.id,
    )
    if not rows:
        yield from advice.enqueue(incident.id, "", "", incident.severity, now)
    yield from proposing.enqueue(incident.id, incident.severity, f"sop:{incident.id}", now)
    yield notify(Topic.ADVICE)
    yield notify(Topic.PROPOSE)
