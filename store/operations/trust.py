"""Checks stored approvals against the audit trail before an action runs.

Votes, states and digests are plain rows, which anybody with write access to the database can forge.
Rows of the trail need the key. Only the rows of one approval are checked, because a click waits for
this.
"""

from __future__ import annotations

import json
import logging
from collections.abc import Mapping
from dataclasses import fields
from datetime import datetime, timedelta
from functools import lru_cache
from typing import Any

from bot.approvals.model import Approval
from store.audit.known_head import CheckedRequest, TrailView
from store.audit.proof.rows import CHECKPOINT, Anchor, Row, sha256_of
from store.operations import audit, trail_end
from store.operations.audit_kinds import Kind
from store.operations.part import Part
from store.operations.trail_end import End
from store.operations.transitions import STATES_ON_RECORD
from store.statements import (
    Operation,
    Statement,
    from_db_time,
    query,
    recall,
    to_db_time,
    to_db_time_or_none,
)

log = logging.getLogger(__name__)

REMEMBERED = timedelta(days=1)
"""The longest that a limit of the policy looks back: cool-downs, breakers, budgets."""

_OVER = (
    Kind.REJECTED,
    Kind.EXPIRED,
    Kind.REVOKED,
    Kind.ANSWER,
    Kind.OUTCOME_UNKNOWN,
    Kind.LOOKED_UP,
    Kind.MARKED_BY_HAND,
)
"""After one of these nothing is sent any more, whatever its state says."""

_KINDS = (Kind.PROPOSED, Kind.VOTED, Kind.APPROVED, Kind.TRIED_AGAIN, *_OVER)


_COLUMNS = ", ".join(f"t.{field.name}" for field in fields(Row))
_WIDTH = len(fields(Row))


def missing(approval: Approval) -> Operation[str]:
    """Describe the part of this approval that is missing on the trail; '' if nothing is.

    The trail must have the proposal as it is, each approval by a person of exactly that, and its
    approval by them or by the policy alone. Rows that the key did not make do not count.
    """
    result = yield query(
        "SELECT * FROM audit WHERE incident_id = ? AND subject = ?"  # noqa: S608 - placeholders
        f" AND kind IN ({', '.join('?' * len(_KINDS))}) ORDER BY seq",
        approval.incident_id,
        approval.id,
        *_KINDS,
    )
    rows: list[Row] = []
    for row in map(trail_end.row_from, result):
        if not (yield from trail_end.is_forged(row)):
            rows.append(row)
    if [_digest(row) for row in rows if row.kind == Kind.PROPOSED] != [approval.digest]:
        return "that this was proposed"
    approvers = {row.actor for row in rows if _is_approval(row) and _digest(row) == approval.digest}
    for user in approval.approved_by:
        if user not in approvers:
            return f"the approval by {user}"
    approved = [(row.at, _digest(row)) for row in rows if row.kind == Kind.APPROVED]
    if approved != [(to_db_time_or_none(approval.decided_at), approval.digest)]:
        return "that it was approved then"
    if over := _over(rows):
        return f"that it may run after {over!r}"
    return ""


def _over(rows: list[Row]) -> str:
    """Return why the request may not be sent any more; '' if it may.

    By the recorded answer an execution that did not run may be sent again for a person.
    """
    over, may_again = "", False
    for row in rows:
        if row.kind in _OVER:
            may_again = not over and json.loads(row.detail).get("not_run") == "yes"
            over = over or row.kind
        elif row.kind == Kind.TRIED_AGAIN and may_again:
            over, may_again = "", False
    return over


def lost_requests(now: datetime, end: End) -> Operation[list[str]]:
    """Return the approvals whose recent request is on record and whose rows contradict the record,
    and the edited row of the record that was a request, if there is one. `end` is that of
    the trail.

    Cool-down, breaker, budget and the busy target are counted over executions, with their approval
    and incident. Deleting one of these, setting its start back, or editing its state, target or
    action would loosen the limits.

    Every call reads all of these rows again, those of the record and those of the store in one
    statement: an answer that another replica commits between two statements would stand in one of
    them only. A request is not proved a second time while its rows hold the same values as when
    this process last proved them.
    """
    rows = yield _recent_rows(now)
    sent_of: dict[str, tuple[Any, ...]] = {}
    turns_of: dict[str, list[tuple[Any, ...]]] = {}
    for row in rows:
        values = tuple(row)
        turn, stored, parts = values[:_WIDTH], values[_WIDTH:-2], values[-2:]
        turns_of.setdefault(row["subject"], []).append(turn)
        if stored[0] is not None and None not in parts:
            sent_of[row["subject"]] = stored
    view: TrailView = yield recall()
    checked: dict[str, CheckedRequest] = {}
    for subject, turns in turns_of.items():
        known, sent = view.requests.checked.get(subject), sent_of.get(subject)
        if known is None or (known.turns, known.stored) != (turns, sent):
            known = yield from _check_request(turns, sent)
        checked[subject] = known
    view.requests.checked = checked
    previous: dict[int, int] = {}
    for request in checked.values():
        previous |= request.previous
    broken: list[str] = yield from _broken_requests(now, end, previous)
    return [subject for subject, request in checked.items() if request.contradicts] + broken


def _recent_rows(now: datetime) -> Statement:
    """Return every row about recent requests, each with the stored execution of its approval."""
    since = to_db_time(now - REMEMBERED)
    return query(
        f"SELECT {_COLUMNS}, e.approval_id, a.action_id, a.target, e.state, e.started_at,"  # noqa: S608 - placeholders
        " CASE WHEN e.answer IS NULL THEN 0 ELSE 1 END, a.id, i.id FROM audit t"
        " JOIN (SELECT incident_id, subject, MAX(seq) AS seq FROM audit"
        " WHERE kind = 'request' AND at > ? GROUP BY incident_id, subject) r"
        " ON t.incident_id = r.incident_id AND t.subject = r.subject"
        " LEFT JOIN executions e ON e.approval_id = t.subject"
        " LEFT JOIN approvals a ON a.id = e.approval_id"
        " LEFT JOIN incidents i ON i.id = e.incident_id"
        f" WHERE t.kind IN ({', '.join('?' * len(_TURNS))})"
        " AND (t.kind IN (?, ?) OR t.seq >= r.seq) ORDER BY t.seq",
        since,
        *_TURNS,
        Kind.PROPOSED,
        Kind.REQUEST,
    )


def _check_request(
    turns: list[tuple[Any, ...]], stored: tuple[Any, ...] | None
) -> Operation[CheckedRequest]:
    genuine: list[Row] = []
    for values in turns:
        row = Row(*values)
        if not (yield from trail_end.is_forged(row)):
            genuine.append(row)
    previous = {row.seq: _previous(row) for row in genuine if row.kind == Kind.REQUEST}
    return CheckedRequest(turns, stored, _contradicts(genuine, stored), previous)


def _previous(request: Row) -> int:
    """Return the number of the request before this one; 0 if there is none."""
    return int(json.loads(request.detail).get("previous", 0))


def _broken_requests(now: datetime, end: End, previous: Mapping[int, int]) -> Operation[list[str]]:
    """Return the first recent row that was a request and is none any more, as `row 57`.

    An edit of its kind or its time would hide it from a query. But the end of the chain names the
    last request, and each request the one before it, with the key. `previous` has the genuine
    requests that were found, by number, with the number of the one before.
    """
    if end.head is None or not end.genuine:
        return []  # `freezes.current` disputes that
    since = to_db_time(now - REMEMBERED)
    seq = trail_end.last_request(end.head)
    while seq:
        if seq in previous:
            seq = previous[seq]
            continue
        stored = yield query("SELECT * FROM audit WHERE seq = ?", seq)
        if not stored:
            pruned: Anchor | None = yield from trail_end.sealed_anchor(CHECKPOINT)
            return [] if pruned and pruned.seq >= seq else [f"row {seq}"]
        row = trail_end.row_from(stored[0])
        if row.kind != Kind.REQUEST or (yield from trail_end.is_forged(row)):
            return [f"row {seq}"]
        if row.at <= since:
            return []
        seq = _previous(row)
    return []


_NO_ANSWER = sha256_of(None)
_TURNS = (Kind.PROPOSED, *(kind for kind in STATES_ON_RECORD if kind is not Kind.APPROVED))
"""The rows since the last request from which the state of an execution follows."""


def _state_after(row: Row) -> object:
    """Return the state of an execution after this row, by its kind or its detail."""
    states = STATES_ON_RECORD[Kind(row.kind)]
    return next(iter(states)) if len(states) == 1 else json.loads(row.detail).get("state")


def _contradicts(turns: list[Row], stored: tuple[Any, ...] | None) -> bool:
    """Return whether the stored execution or approval contradicts its genuine rows in the trail."""
    requests = [row for row in turns if row.kind == Kind.REQUEST]
    if not requests:
        return False
    if stored is None:
        return True
    _, action_id, target, state, started_at, answered = stored
    if started_at is None or from_db_time(started_at) < from_db_time(requests[-1].at) - audit.SKEW:
        return True
    proposed = [_action_of(row.detail) for row in turns if row.kind == Kind.PROPOSED]
    if proposed != [(action_id, target)]:
        return True
    last = turns[-1]
    if state != _state_after(last):
        return True
    # The limits do not count a failure without an answer.
    sha256 = json.loads(last.detail).get("answer_sha256", _NO_ANSWER)
    return sha256 != _NO_ANSWER and not answered


@lru_cache(1024)
def _action_of(detail: str) -> tuple[str, str]:
    """Return the action and target of a `proposed` row."""
    proposed = json.loads(detail)
    return proposed["action"], proposed["target"]


def _is_approval(row: Row) -> bool:
    return row.kind == Kind.VOTED and json.loads(row.detail)["choice"] == "approve"


def _digest(row: Row) -> object:
    return json.loads(row.detail).get("digest")


class TrustPart(Part):
    """The methods of `Store` that compare approvals with the audit trail."""

    async def is_on_record(self, approval: Approval) -> bool:
        """Return whether the audit trail has this approval and each of its votes.

        Anybody with write access to the database can write votes, but not the trail's rows.
        """
        not_on_record = await self._read_sealed(missing, approval)
        if not not_on_record:
            return True
        log.error(
            "approval %s of INC-%d: this is not on record: %s: was the store edited?",
            approval.id,
            approval.incident_id,
            not_on_record,
        )
        return False
