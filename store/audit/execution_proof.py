"""Proves that the executions of the store are exactly those of the audit trail.

The limits of the policy are counted over executions. If somebody deletes one or edits its state,
the bot would do more than the policy allows.
"""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Iterable
from typing import Any

from store.audit.proof.course import APPROVAL_KINDS, course_of_execution
from store.audit.proof.rows import Fault, Row, sha256_of

_COMPARED = ("state", "started_at", "concluded_at")


class Courses:
    """The rows of each approval; its execution must follow from them."""

    def __init__(self) -> None:
        self._rows: defaultdict[str, list[Row]] = defaultdict(list)

    def add(self, row: Row) -> None:
        """Add the next proved row of the trail."""
        if row.kind in APPROVAL_KINDS:
            self._rows[row.subject].append(row)

    def compare(self, executions: Iterable[dict[str, Any]], forgotten: str) -> None:
        """Raise Fault for the first execution that is missing, not on record, or different from the
        record. `forgotten` is the time up to which the trail was pruned, '' for never.
        """
        known = {execution["approval_id"]: execution for execution in executions}
        for approval_id, rows in self._rows.items():
            if rows[0].kind == "proposed":  # otherwise its first rows were pruned
                _compare(approval_id, rows, known.get(approval_id))
        for approval_id, execution in known.items():
            self._is_on_record(approval_id, execution, forgotten)

    def _is_on_record(self, approval_id: str, execution: dict[str, Any], forgotten: str) -> None:
        rows = self._rows.get(approval_id, [])
        if execution["answer"] is None or any(row.kind == "request" for row in rows):
            return
        if execution["started_at"] > forgotten:
            raise Fault(
                rows[-1].seq if rows else 0,
                f"approval {approval_id}: it was answered, and its request is not on record",
            )


def _compare(approval_id: str, rows: list[Row], execution: dict[str, Any] | None) -> None:
    ran = course_of_execution(rows)
    if not ran:
        return
    last = rows[-1].seq
    if execution is None:
        raise Fault(last, f"approval {approval_id}: its execution is on record, and missing")
    for name in _COMPARED:
        if name in ran and execution[name] != ran[name]:
            raise Fault(
                last, f"approval {approval_id}: another {name} of its execution is on record"
            )
    answer = execution["answer"]
    if sha256_of(json.loads(answer) if answer is not None else None) != ran["answer"]:
        raise Fault(last, f"approval {approval_id}: another answer is on record")
