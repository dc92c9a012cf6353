"""Deletes rows that the policy does not keep, a few at a time, so that no step blocks the store.

Incidents, their timeline, approvals, votes and executions stay: they are the record. The details of
an incident (its alerts, messages, advice) go when it was resolved long ago. Every rule deletes at
most `STEP` rows in a transaction of its own, and finds them by an index.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

from store.operations.part import Part
from store.statements import Operation, execute, to_db_time

STEP = 200  # rows that one transaction deletes: a few milliseconds


@dataclass(frozen=True, slots=True)
class Limits:
    """The time before which each kind of row is deleted.

    `deliveries`: keys of deliveries and questions, and answers to be used again. `details`: what
    was resolved before then, and what belongs to no incident. `turns`: conversations. `stats`:
    summaries of hours. `silences`: those that ended. `corrections`: how people changed cascades.
    """

    deliveries: datetime
    details: datetime
    turns: datetime
    stats: datetime
    silences: datetime
    corrections: datetime


@dataclass(frozen=True, slots=True)
class Rule:
    """A statement that deletes or marks at most STEP rows of a table, and the limit it goes by."""

    table: str
    sql: str
    limit: Callable[[Limits], datetime]

    @property
    def times(self) -> int:
        """Return how often the statement names the time."""
        return self.sql.count("?")


# The words of the partial index. A reopened incident that is resolved again is due again.
_DUE = "i.status = 'resolved' AND i.pruned_at < i.resolved_at AND i.resolved_at < ?"


def _of_incident(table: str, key: str = "id", also: str = "") -> str:
    """SQL: delete rows of the table that belong to an incident whose details are due."""
    condition = f"{_DUE} AND {also}" if also else _DUE
    return (
        f"DELETE FROM {table} WHERE {key} IN (SELECT t.{key} FROM incidents i JOIN {table} t"  # noqa: S608 - constants
        f" ON t.incident_id = i.id WHERE {condition} ORDER BY i.resolved_at LIMIT {STEP})"
    )


def _older(table: str, key: str, at: str, also: str = "") -> str:
    """SQL: delete the oldest rows of the table."""
    condition = f"t.{at} < ? AND {also}" if also else f"t.{at} < ?"
    return (
        f"DELETE FROM {table} WHERE {key} IN (SELECT t.{key} FROM {table} t WHERE {condition}"  # noqa: S608 - constants
        f" ORDER BY t.{at} LIMIT {STEP})"
    )


_NOT_SUPPRESSED = "NOT EXISTS (SELECT 1 FROM suppressed u WHERE u.alert_id = t.id)"
# A reply needs its card, also a reply of a child in the thread of its root.
_NO_REPLIES = (
    "NOT EXISTS (SELECT 1 FROM outbox r WHERE r.incident_id = i.id AND r.in_thread = 1)"
    " AND NOT EXISTS (SELECT 1 FROM incidents c JOIN outbox r ON r.incident_id = c.id"
    " WHERE c.parent_id = i.id)"
)
_NOT_PUBLISHED = (
    "t.state = 'done' AND NOT EXISTS (SELECT 1 FROM published p WHERE p.source_id = t.id"
    " AND p.subject IN ('enrichment.request', 'enrichment.completed'))"
)
_PRUNED = f"""
UPDATE incidents SET pruned_at = resolved_at WHERE id IN (
    SELECT i.id FROM incidents i WHERE {_DUE}
    AND NOT EXISTS (SELECT 1 FROM alerts a WHERE a.incident_id = i.id)
    AND NOT EXISTS (SELECT 1 FROM outbox o WHERE o.incident_id = i.id)
    AND NOT EXISTS (SELECT 1 FROM advice v WHERE v.incident_id = i.id)
    ORDER BY i.resolved_at LIMIT {STEP})
"""  # noqa: S608 - constants
# Turns come in the order of their ids, so the oldest need no index.
_TURNS = f"DELETE FROM turns WHERE id IN (SELECT id FROM turns ORDER BY id LIMIT {STEP}) AND at < ?"  # noqa: S608 - constants
_OLD_REPEATS = f"""
DELETE FROM repeats WHERE (incident_id, alert, hour) IN (
    SELECT incident_id, alert, hour FROM repeats WHERE hour < ? ORDER BY hour LIMIT {STEP})
"""  # noqa: S608 - constants
_OLD_CORRECTIONS = f"""
DELETE FROM cascade_corrections WHERE id IN (
    SELECT id FROM cascade_corrections ORDER BY id LIMIT {STEP}) AND at < ?
"""  # noqa: S608 - constants
# A closed silence that neither an alert nor a suppression names any more.
_OF_NO_ALERT = (
    "s.closed_at IS NOT NULL AND NOT EXISTS (SELECT 1 FROM alerts a WHERE a.silence_id = s.id)"
    " AND NOT EXISTS (SELECT 1 FROM suppressed u WHERE u.silence_id = s.id)"
)
_OLD_SILENCE_MESSAGES = f"""
DELETE FROM outbox WHERE id IN (
    SELECT o.id FROM silences s JOIN outbox o
    ON o.key IN ('silence:' || s.id, 'silence_digest:' || s.id)
    WHERE s.ended_at < ? AND {_OF_NO_ALERT} ORDER BY s.ended_at LIMIT {STEP})
"""  # noqa: S608 - constants
_OLD_SILENCES = f"""
DELETE FROM silences WHERE id IN (
    SELECT s.id FROM silences s WHERE s.ended_at < ? AND {_OF_NO_ALERT}
    AND NOT EXISTS (SELECT 1 FROM outbox o
        WHERE o.key IN ('silence:' || s.id, 'silence_digest:' || s.id))
    ORDER BY s.ended_at LIMIT {STEP})
"""  # noqa: S608 - constants
# A delivery that shares the part may be about to commit, so only what was seen long ago goes.
_UNSHARED = "NOT EXISTS (SELECT 1 FROM alerts a WHERE a.shared != '' AND a.shared = t.digest)"
_OWN_MESSAGES = "t.incident_id IS NULL AND t.kind IN ('storm', 'stuck', 'audit_head')"
_NO_NOTICE_LASTS = (
    "NOT EXISTS (SELECT 1 FROM notices n WHERE n.ended_at IS NULL"
    " AND t.key = n.kind || ':' || n.id)"
)
_NOT_SHOWN = "NOT EXISTS (SELECT 1 FROM outbox o WHERE o.key = t.kind || ':' || t.id)"


def _deliveries(limits: Limits) -> datetime:
    return limits.deliveries


def _details(limits: Limits) -> datetime:
    return limits.details


RULES = (
    Rule("deliveries", _older("deliveries", "key", "seen_at"), _deliveries),
    Rule("idempotency_keys", _older("idempotency_keys", "key", "seen_at"), _deliveries),
    Rule("cached_answers", _older("cached_answers", "key", "at"), _deliveries),
    Rule("shared_questions", _older("shared_questions", "key", "claimed_at"), _deliveries),
    # The claims of a replica whose lease lapsed so long ago are free without its row too.
    Rule("replicas", _older("replicas", "owner", "until"), _deliveries),
    Rule("outbox", _of_incident("outbox", also="t.in_thread = 1"), _details),
    Rule("outbox", _of_incident("outbox", also=_NO_REPLIES), _details),
    Rule("news", _of_incident("news"), _details),
    Rule("advice_feedback", _of_incident("advice_feedback", key="incident_id"), _details),
    Rule("advice", _of_incident("advice", also=_NOT_PUBLISHED), _details),
    Rule("evidence", _of_incident("evidence", key="incident_id"), _details),
    Rule(
        "source_acknowledgements",
        _of_incident("source_acknowledgements", key="incident_id"),
        _details,
    ),
    Rule("outside_notices", _of_incident("outside_notices", key="incident_id"), _details),
    Rule("deploys", _older("deploys", "id", "received_at"), _details),
    Rule("proposing", _of_incident("proposing", also="t.state = 'done'"), _details),
    Rule("activities", _of_incident("activities"), _details),
    Rule(
        "activities", _older("activities", "id", "received_at", "t.incident_id IS NULL"), _details
    ),
    Rule("alerts", _of_incident("alerts", also=_NOT_SUPPRESSED), _details),
    Rule(
        "alerts",
        _older("alerts", "id", "received_at", f"t.incident_id IS NULL AND {_NOT_SUPPRESSED}"),
        _details,
    ),
    Rule("incidents", _PRUNED, _details),
    Rule(
        "repeats",
        _OLD_REPEATS,
        _details,
    ),
    Rule("shared_parts", _older("shared_parts", "digest", "seen_at", _UNSHARED), _details),
    Rule("advisor_runs", _older("advisor_runs", "id", "started_at"), _details),
    Rule("http_questions", _older("http_questions", "tracking_id", "asked_at"), _details),
    Rule(
        "outbox",
        _older("outbox", "id", "created_at", f"{_OWN_MESSAGES} AND {_NO_NOTICE_LASTS}"),
        _details,
    ),
    Rule("notices", _older("notices", "id", "ended_at", _NOT_SHOWN), _details),
    Rule("outbox", _OLD_SILENCE_MESSAGES, lambda limits: limits.silences),
    Rule("silences", _OLD_SILENCES, lambda limits: limits.silences),
    Rule("cascade_corrections", _OLD_CORRECTIONS, lambda limits: limits.corrections),
    Rule("turns", _TURNS, lambda limits: limits.turns),
    Rule("stats_hours", _older("stats_hours", "hour", "hour"), lambda limits: limits.stats),
)


def apply(rule: Rule, limits: Limits) -> Operation[int]:
    """Delete at most STEP rows by a rule. Returns how many."""
    at = to_db_time(rule.limit(limits))
    count: int = yield execute(rule.sql, *[at] * rule.times)
    return count


class RetentionPart(Part):
    """The methods of `Store` for what is not kept any longer."""

    async def prune(self, limits: Limits) -> dict[str, int]:
        """Delete what is older than its limit, a few rows in each transaction.

        Returns how many rows of each table were deleted; of incidents, how many have no details any
        more.
        """
        deleted = dict.fromkeys((rule.table for rule in RULES), 0)
        for rule in RULES:
            count = STEP
            while count == STEP:
                count = await self._write(apply, rule, limits)
                deleted[rule.table] += count
        return deleted
