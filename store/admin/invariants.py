"""The invariants of a store after every commit: each as a sentence and as SQL that finds faults.

A backup, a copy, a restore and `store status` check them all. A new invariant must hold after each
transaction of the bot, also while other replicas write.
"""

from __future__ import annotations

from dataclasses import dataclass

from bot.incidents.correlation import Reason
from store.admin.trail_invariants import TRAIL_INVARIANTS, Invariant
from store.statements import Operation, query

SHOWN = 5  # rows that break an invariant; one more shows that there are more


@dataclass(frozen=True, slots=True)
class Broken:
    """An invariant that does not hold, with examples of rows that break it."""

    name: str
    examples: tuple[str, ...]

    def __str__(self) -> str:
        more = ", …" if len(self.examples) > SHOWN else ""
        return f"{self.name}: not so for {', '.join(self.examples[:SHOWN])}{more}"


def broken() -> Operation[list[Broken]]:
    """Return every invariant that does not hold."""
    problems: list[Broken] = []
    for invariant in INVARIANTS:
        rows = yield query(
            f"SELECT what FROM ({invariant.sql}) AS offending LIMIT {SHOWN + 1}"  # noqa: S608 - constants
        )
        if rows:
            problems.append(Broken(invariant.name, tuple(str(row["what"]) for row in rows)))
    return problems


_ONE_OPEN = """
SELECT 'INC-' || MIN(id) || ' and INC-' || MAX(id) AS what FROM incidents
WHERE status IN ('open', 'acknowledged')
GROUP BY sop_id, scope_env, scope_region, scope_service, scope_place, scope_category
HAVING COUNT(*) > 1
"""

_TIMES = """
SELECT 'INC-' || id AS what FROM incidents
WHERE (status = 'resolved') != (resolved_at IS NOT NULL)
    OR (status = 'acknowledged' AND acknowledged_at IS NULL)
"""

# `turns` may name an incident that is not stored.
_PARENTS = " UNION ALL ".join(
    f"SELECT '{word} ' || t.{key} AS what FROM {table} t LEFT JOIN incidents i"  # noqa: S608 - constants
    " ON i.id = t.incident_id WHERE t.incident_id IS NOT NULL AND i.id IS NULL"
    for word, table, key in (
        ("alert", "alerts", "id"),
        ("activity", "activities", "id"),
        ("firing", "firing", "fingerprint"),
        ("advice", "advice", "id"),
        ("proposal", "proposing", "origin"),
        ("approval", "approvals", "id"),
        ("execution", "executions", "id"),
        ("message", "outbox", "key"),
        ("news", "news", "id"),
        ("timeline", "timeline", "id"),
    )
)

_FIRING = """
SELECT 'INC-' || i.id AS what FROM incidents i
WHERE i.firing != (SELECT COUNT(*) FROM firing f WHERE f.incident_id = i.id)
"""

_RESOLVED_IS_QUIET = """
SELECT 'INC-' || i.id AS what FROM incidents i
WHERE i.status = 'resolved' AND (
    i.firing != 0
    OR EXISTS (SELECT 1 FROM firing f WHERE f.incident_id = i.id)
    OR EXISTS (SELECT 1 FROM approvals a
        WHERE a.incident_id = i.id AND a.state = 'awaiting approval'))
"""

# Open incidents only: retention prunes the alerts of incidents that were resolved long ago.
_ALERT_COUNT = """
SELECT 'INC-' || i.id AS what FROM incidents i
WHERE i.status IN ('open', 'acknowledged') AND i.pruned_at = '' AND i.alert_count != (
    SELECT COUNT(*) FROM alerts a WHERE a.incident_id = i.id AND a.status = 'firing')
"""

# Firing incidents only: the alert that a reopened incident shows may have been pruned.
_SHOWN_ALERT = """
SELECT 'INC-' || i.id AS what FROM incidents i
WHERE i.firing > 0 AND i.shown_alert IS NOT NULL AND NOT EXISTS (
    SELECT 1 FROM alerts a WHERE a.id = i.shown_alert AND a.incident_id = i.id)
"""

_SHARED_PARTS = """
SELECT 'alert ' || a.id AS what FROM alerts a
WHERE a.shared != '' AND NOT EXISTS (SELECT 1 FROM shared_parts p WHERE p.digest = a.shared)
"""

_CARD = """
SELECT 'INC-' || i.id AS what FROM incidents i
WHERE i.status IN ('open', 'acknowledged') AND i.parent_id IS NULL AND NOT EXISTS (
    SELECT 1 FROM outbox o WHERE o.incident_id = i.id AND o.kind = 'card')
"""

_ADVICE = """
SELECT 'INC-' || i.id AS what FROM incidents i
WHERE i.status IN ('open', 'acknowledged') AND i.parent_id IS NULL AND i.pruned_at = ''
    AND NOT EXISTS (
    SELECT 1 FROM advice a WHERE a.incident_id = i.id AND a.question = '')
"""

_TWO_LEVELS = """
SELECT 'INC-' || c.id AS what FROM incidents c LEFT JOIN incidents r ON r.id = c.parent_id
WHERE c.parent_id IS NOT NULL AND (r.id IS NULL OR r.parent_id IS NOT NULL OR r.id = c.id)
"""

_RESOLVED_ROOT = """
SELECT 'INC-' || c.id AS what FROM incidents c JOIN incidents r ON r.id = c.parent_id
WHERE r.status = 'resolved' AND c.status IN ('open', 'acknowledged')
"""

_CAUSE = """
SELECT 'INC-' || r.id AS what FROM incidents r WHERE r.cause_id IS NOT NULL AND NOT EXISTS (
    SELECT 1 FROM incidents c WHERE c.id = r.cause_id AND c.parent_id = r.id)
"""

# A root has its advice from its opening on, so a child with a card and without advice was no root.
_CHILD_CARD = """
SELECT 'INC-' || c.id AS what FROM incidents c JOIN outbox o ON o.key = 'card:' || c.id
WHERE c.parent_id IS NOT NULL AND NOT EXISTS (
    SELECT 1 FROM advice a WHERE a.incident_id = c.id AND a.question = '')
"""

_SOP_MAP = """
SELECT 'INC-' || i.id AS what FROM incidents i
WHERE NOT EXISTS (SELECT 1 FROM sop_map m WHERE m.incident_key = i.incident_key)
"""

_TIMELINE_BEGINS = """
SELECT 'INC-' || i.id AS what FROM incidents i
WHERE COALESCE((SELECT t.kind FROM timeline t WHERE t.incident_id = i.id
    ORDER BY t.id LIMIT 1), '') != 'opened'
"""

_TIMELINE_ENDS = """
SELECT 'INC-' || i.id AS what FROM incidents i
WHERE i.status = 'resolved' AND NOT EXISTS (
    SELECT 1 FROM timeline t WHERE t.incident_id = i.id AND t.kind = 'resolved')
"""

_DECIDED = """
SELECT 'approval ' || id AS what FROM approvals
WHERE (state = 'awaiting approval') = (decided_at IS NOT NULL)
"""

_PENDING = """
SELECT 'approval ' || a.id AS what FROM approvals a
WHERE a.state = 'awaiting approval' AND (
    (SELECT COUNT(*) FROM votes v WHERE v.approval_id = a.id AND v.choice = 'approve') >= a.needed
    OR EXISTS (SELECT 1 FROM votes v WHERE v.approval_id = a.id AND v.choice = 'reject'))
"""

_OWN_VOTE = """
SELECT 'approval ' || a.id AS what FROM approvals a
JOIN votes v ON v.approval_id = a.id AND v.voter = a.requested_by
"""

_ONE_EXECUTION = """
SELECT 'approval ' || a.id AS what FROM approvals a
WHERE a.state = 'approved'
    AND (SELECT COUNT(*) FROM executions e WHERE e.approval_id = a.id) != 1
"""

_ALLOWED = """
SELECT 'execution ' || e.id AS what FROM executions e LEFT JOIN approvals a ON a.id = e.approval_id
WHERE COALESCE(a.state, '') NOT IN ('approved', 'revoked')
    OR (SELECT COUNT(*) FROM votes v WHERE v.approval_id = e.approval_id AND v.choice = 'approve')
        < a.needed
"""

_REVOKED = """
SELECT 'execution ' || e.id AS what FROM executions e JOIN approvals a ON a.id = e.approval_id
WHERE (e.state = 'revoked') != (a.state = 'revoked')
"""

_EXECUTION_TIMES = """
SELECT 'execution ' || id AS what FROM executions
WHERE (started_at IS NULL AND state NOT IN ('approved', 'revoked'))
    OR (finished_at IS NULL) != (state IN ('approved', 'dispatching'))
"""

_ONE_AT_A_TIME = """
SELECT 'target ' || a.target AS what FROM executions e JOIN approvals a ON a.id = e.approval_id
WHERE e.state = 'dispatching' AND a.target != '' GROUP BY a.target HAVING COUNT(*) > 1
"""

_FIXED_BY = """
SELECT 'INC-' || i.id AS what FROM incidents i
WHERE i.fixed_by != '' AND NOT EXISTS (SELECT 1 FROM executions e
    WHERE e.id = i.fixed_by AND e.incident_id = i.id AND e.state IN ('verified', 'undone'))
"""

_REPLY = """
SELECT 'message ' || o.key AS what FROM outbox o
WHERE o.in_thread = 1 AND NOT EXISTS (
    SELECT 1 FROM outbox c WHERE c.incident_id = o.incident_id AND c.kind = 'card')
"""

_SHOWN = """
SELECT 'message ' || key AS what FROM outbox
    WHERE kind IN ('card', 'resolved', 'note', 'steered', 'advice', 'approval', 'result', 'storm',
        'stuck', 'frozen', 'audit_head', 'silence', 'silence_digest', 'evidence')
EXCEPT SELECT 'message card:' || id FROM incidents
EXCEPT SELECT 'message resolved:' || incident_id FROM timeline WHERE kind = 'resolved'
EXCEPT SELECT 'message resolved:' || t.incident_id || '/' || (SELECT COUNT(*) FROM timeline u
    WHERE u.incident_id = t.incident_id AND u.kind = 'resolved' AND u.id <= t.id)
    FROM timeline t WHERE t.kind = 'resolved'
EXCEPT SELECT 'message steered:' || id FROM timeline
EXCEPT SELECT 'message note:' || id FROM timeline
EXCEPT SELECT 'message advice:' || id FROM advice WHERE body IS NOT NULL
EXCEPT SELECT 'message approval:' || id FROM approvals
EXCEPT SELECT 'message news:' || id FROM news
EXCEPT SELECT 'message evidence:' || incident_id FROM evidence
EXCEPT SELECT 'message result:' || id FROM executions
    WHERE finished_at IS NOT NULL OR attempt > 1
EXCEPT SELECT 'message audit_head:' || substr(name, 5) FROM audit_anchors
    WHERE substr(name, 1, 4) = 'day/'
EXCEPT SELECT 'message silence:' || id FROM silences
EXCEPT SELECT 'message silence_digest:' || id FROM silences WHERE closed_at IS NOT NULL
EXCEPT SELECT 'message ' || kind || ':' || id FROM notices
"""

_SENT = (
    "SELECT 'message ' || key AS what FROM outbox"
    " WHERE sent_version < 0 OR sent_version > desired_version"
)

_POSTED = (
    "SELECT 'message ' || key AS what FROM outbox WHERE (sent_version > 0) != (ts IS NOT NULL)"
)

# `publishing` has the id up to which `published` needs no row.
_PUBLISHED = """
SELECT p.subject || ' ' || p.source_id AS what FROM published p
WHERE NOT EXISTS (SELECT 1 FROM publishing g
        WHERE g.subject = p.subject AND g.after_id < p.source_id)
    OR NOT EXISTS (
        SELECT 1 FROM incidents i WHERE p.subject = 'incidents.created' AND i.id = p.source_id
        UNION ALL SELECT 1 FROM advice a
        WHERE p.subject = 'enrichment.request' AND a.id = p.source_id
        UNION ALL SELECT 1 FROM advice a
        WHERE p.subject = 'enrichment.completed' AND a.id = p.source_id AND a.body IS NOT NULL)
"""

_SUPPRESSED = f"""
SELECT 'alert ' || a.id AS what FROM alerts a
WHERE a.reason = '{Reason.SUPPRESSED}' AND (a.silence_id IS NULL OR a.incident_id IS NOT NULL)
"""  # noqa: S608 - a constant

_FIRES_SUPPRESSED = f"""
SELECT 'suppressed ' || u.fingerprint AS what FROM suppressed u
LEFT JOIN alerts a ON a.id = u.alert_id LEFT JOIN silences s ON s.id = u.silence_id
WHERE a.id IS NULL OR s.id IS NULL OR a.reason != '{Reason.SUPPRESSED}'
    OR a.silence_id != u.silence_id OR a.status != 'firing'
"""  # noqa: S608 - a constant

_CLOSED = """
SELECT 'silence ' || id AS what FROM silences WHERE closed_at IS NOT NULL AND ended_at IS NULL
"""

_MUTED = """
SELECT 'INC-' || id AS what FROM incidents
WHERE (status = 'resolved' AND muted_by != '') OR (muted_by = '' AND muted_until != '')
"""

INVARIANTS = (
    Invariant("one open incident for each SOP ID and scope", _ONE_OPEN),
    Invariant("an incident's times fit its status", _TIMES),
    Invariant("every row that names an incident has that incident", _PARENTS),
    Invariant("every incident counts exactly its firing alerts", _FIRING),
    Invariant(
        "a resolved incident has no firing alert and no pending approval", _RESOLVED_IS_QUIET
    ),
    Invariant("an open incident counts every alert that joined it", _ALERT_COUNT),
    Invariant("every firing incident shows one of its own stored alerts", _SHOWN_ALERT),
    Invariant("every part that the alerts of a delivery share is stored", _SHARED_PARTS),
    Invariant("every open incident that is no child has its card", _CARD),
    Invariant("every open incident that is no child has its advice, complete or pending", _ADVICE),
    Invariant("a child's root exists, and is no child itself", _TWO_LEVELS),
    Invariant("a resolved root has no open child", _RESOLVED_ROOT),
    Invariant("the cause of a cascade is one of its members", _CAUSE),
    Invariant("a child that never was a root has no card", _CHILD_CARD),
    Invariant("every incident key maps to a SOP ID", _SOP_MAP),
    Invariant("every timeline begins with 'opened'", _TIMELINE_BEGINS),
    Invariant("the timeline of every resolved incident has 'resolved'", _TIMELINE_ENDS),
    Invariant("an approval has a decision time exactly when it is decided", _DECIDED),
    Invariant("no pending approval has the votes that decide it", _PENDING),
    Invariant("nobody voted on their own request", _OWN_VOTE),
    Invariant("every approved remediation has exactly one execution", _ONE_EXECUTION),
    Invariant("every execution has its approval, with enough votes", _ALLOWED),
    Invariant("an execution is revoked exactly when its approval is", _REVOKED),
    Invariant("every execution has the times that its state requires", _EXECUTION_TIMES),
    Invariant("no target has two running actions", _ONE_AT_A_TIME),
    Invariant("the action that fixed an incident was verified", _FIXED_BY),
    Invariant("every reply has its card", _REPLY),
    Invariant("every message shows a stored row", _SHOWN),
    Invariant("no message was sent in a version that was not enqueued", _SENT),
    Invariant("a message has a Slack timestamp exactly when it was sent", _POSTED),
    Invariant("what was published on NATS is in the store", _PUBLISHED),
    Invariant("a suppressed alert has its silence and no incident", _SUPPRESSED),
    Invariant("what fires suppressed is stored as suppressed by that silence", _FIRES_SUPPRESSED),
    Invariant("only a silence that has ended is closed", _CLOSED),
    Invariant("only an open incident is muted", _MUTED),
    *TRAIL_INVARIANTS,
)
