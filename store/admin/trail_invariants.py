"""The invariants of the audit trail, and of the rows that must agree with it."""

from __future__ import annotations

from dataclasses import dataclass

from store.operations.transitions import STATES_ON_RECORD


@dataclass(frozen=True, slots=True)
class Invariant:
    """`name` is the sentence; `sql` returns a text, `what`, for each row that breaks it."""

    name: str
    sql: str


# These need no key; `python -m bot audit verify` proves the rows with it.
_AUDIT_FOLLOWS = """
SELECT 'row ' || a.seq AS what FROM audit a
WHERE NOT (a.seq = 1 AND a.prev = '')
    AND NOT EXISTS (SELECT 1 FROM audit b WHERE b.seq = a.seq - 1 AND b.mac = a.prev)
    AND NOT EXISTS (SELECT 1 FROM audit_anchors c
        WHERE c.name = 'checkpoint' AND c.seq = a.seq - 1 AND c.mac = a.prev)
"""

_AUDIT_ENDS = """
SELECT 'row ' || last.seq AS what FROM (
    SELECT COALESCE(MAX(seq), 0) AS seq FROM audit) AS last
WHERE last.seq != COALESCE((SELECT h.seq FROM audit_anchors h WHERE h.name = 'head'), 0)
"""

# A vote has no row if it is older than the trail or its row is pruned.
_VOTES_ON_RECORD = """
SELECT 'vote of ' || v.voter || ' on ' || v.approval_id AS what FROM votes v
JOIN approvals a ON a.id = v.approval_id
WHERE v.at > COALESCE(
        (SELECT c.note FROM audit_anchors c WHERE c.name = 'checkpoint'),
        (SELECT f.at FROM audit f WHERE f.seq = 1), 'never')
    AND NOT EXISTS (SELECT 1 FROM audit t WHERE t.incident_id = a.incident_id
        AND t.kind = 'voted' AND t.subject = v.approval_id AND t.actor = v.voter)
"""

# Somebody who deletes a freeze lets actions run; a deleted execution loosens the limits.
_FREEZE_ON_RECORD = """
SELECT 'the freeze' AS what FROM (SELECT COUNT(*) AS stored FROM freezes WHERE name = 'all') AS f
WHERE f.stored != CASE WHEN
    EXISTS (SELECT 1 FROM audit_anchors h WHERE h.name = 'head'
        AND substr(h.note, length(h.note) - 6) = ' frozen')
    OR 'frozen' = (SELECT t.kind FROM audit t
        WHERE t.incident_id IS NULL AND t.kind IN ('frozen', 'unfrozen')
        ORDER BY t.seq DESC LIMIT 1)
    THEN 1 ELSE 0 END
"""

_SCOPES_FROZEN = """
SELECT 'the freeze of ' || t.subject AS what FROM audit t
WHERE t.incident_id IS NULL AND t.kind = 'scope frozen'
    AND NOT EXISTS (SELECT 1 FROM audit u WHERE u.incident_id IS NULL
        AND u.kind = 'scope unfrozen' AND u.subject = t.subject AND u.seq > t.seq)
    AND NOT EXISTS (SELECT 1 FROM freezes f WHERE f.name = t.subject)
"""

_REQUESTS_RAN = """
SELECT 'the request of approval ' || t.subject AS what FROM audit t
WHERE t.kind = 'request' AND NOT EXISTS (SELECT 1 FROM executions e
    JOIN approvals a ON a.id = e.approval_id JOIN incidents i ON i.id = e.incident_id
    WHERE e.approval_id = t.subject AND e.started_at IS NOT NULL)
"""

# Answered executions only: a claim that was never sent has a start, and no request.
_ANSWERS_REQUESTED = """
SELECT 'execution ' || e.id AS what FROM executions e
WHERE e.answer IS NOT NULL AND e.started_at > COALESCE(
        (SELECT c.note FROM audit_anchors c WHERE c.name = 'checkpoint'),
        (SELECT f.at FROM audit f WHERE f.seq = 1), 'never')
    AND NOT EXISTS (SELECT 1 FROM audit t WHERE t.incident_id = e.incident_id
        AND t.kind = 'request' AND t.subject = e.approval_id)
"""


def _states_on_record() -> str:
    """SQL for executions whose state differs from their last row, if its kind names a state."""
    kinds = ", ".join(f"'{kind}'" for kind in STATES_ON_RECORD)
    states = " ".join(
        f"WHEN t.kind = '{kind}' THEN '{next(iter(states))}'"
        for kind, states in STATES_ON_RECORD.items()
        if len(states) == 1
    )
    return f"""
SELECT 'execution ' || e.id AS what FROM executions e JOIN audit t ON t.seq = (
    SELECT MAX(u.seq) FROM audit u WHERE u.incident_id = e.incident_id
        AND u.subject = e.approval_id AND u.kind IN ({kinds}))
WHERE e.state != CASE {states} ELSE e.state END
"""  # noqa: S608 - constants


_UNDISPUTED = "SELECT 'row ' || seq AS what FROM audit WHERE kind = 'disputed'"

TRAIL_INVARIANTS = (
    Invariant("every row of the audit trail follows the one before it", _AUDIT_FOLLOWS),
    Invariant("the audit trail ends where its head says", _AUDIT_ENDS),
    Invariant("every vote is in the audit trail", _VOTES_ON_RECORD),
    Invariant("the store has a freeze exactly when the audit trail has one", _FREEZE_ON_RECORD),
    Invariant("each frozen incident or target of the audit trail is in the store", _SCOPES_FROZEN),
    Invariant("every answered execution has its request in the audit trail", _ANSWERS_REQUESTED),
    Invariant(
        "every execution has the state of its last row in the audit trail", _states_on_record()
    ),
    Invariant("no bot has found the audit trail cut back or replaced", _UNDISPUTED),
    Invariant("every request in the audit trail has its execution", _REQUESTS_RAN),
)
