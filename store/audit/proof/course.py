"""The state of an approval and of its execution, as the rows of the trail tell it."""

from __future__ import annotations

import json
from typing import Any

from .rows import Row, sha256_of

_ENDS = ("answer", "looked up", "outcome unknown")
_VERDICTS = ("verified", "not verified", "verification unknown")
APPROVAL_STATES = {
    "proposed": "awaiting approval",
    "voted": "awaiting approval",
    "approved": "approved",
    "rejected": "rejected",
    "expired": "expired",
    "revoked": "revoked",
}
"""The state of an approval after a row of each kind."""
EXECUTION_STATES = {
    "approved": "approved",
    "revoked": "revoked",
    "dispatching": "dispatching",
    "taken over": "dispatching",
    "request": "dispatching",
    "outcome unknown": "outcome unknown",
    "tried again": "approved",
    "verified": "verified",
    "not verified": "not verified",
    "verification unknown": "succeeded",
    "undone": "undone",
}
"""The state of its execution after a row of each kind; other kinds name it in their detail."""
APPROVAL_KINDS = {*APPROVAL_STATES, *EXECUTION_STATES, *_ENDS, "marked by hand"}
"""The kinds of rows that only a proposed approval has. A refused press may name any approval."""


def course_of_approval(own: list[Row]) -> dict[str, Any]:
    """Return the fields that the approval must have after these rows; {} if they do not tell."""
    fields: dict[str, Any] = {}
    for row in own:
        detail = json.loads(row.detail)
        if row.kind == "proposed":
            fields = {
                "state": APPROVAL_STATES[row.kind],
                "requested_by": row.actor,
                "requested_at": row.at,
                "decided_by": "",
                "decided_at": None,
                "action_id": detail["action"],
                "target": detail["target"],
            }
        elif row.kind in ("approved", "rejected", "expired"):
            state = APPROVAL_STATES[row.kind]
            fields |= {"state": state, "decided_by": row.actor, "decided_at": row.at}
        elif row.kind == "revoked":
            fields["state"] = APPROVAL_STATES[row.kind]
            if fields.get("decided_at", "pruned") is None:
                fields["decided_at"] = row.at
        elif row.kind in _ENDS and fields.get("state") == "revoked":
            # The gateway answered, so the request was sent before the revocation.
            fields |= {"state": "approved", "reason": _sent_before(fields["reason"])}
        if row.kind in ("approved", "rejected", "expired", "revoked"):
            fields["reason"] = detail.get("why", "")
    return fields


def _sent_before(why: Any) -> Any:
    """The reason of a revocation that came after the request was sent; old rows have a sentence."""
    if isinstance(why, str):
        return f"sent before it was revoked: {why}"
    return {**why, "was_sent": True}


def course_of_execution(own: list[Row]) -> dict[str, Any]:
    """Return the fields that the execution must have after these rows; of its answer the SHA-256.

    {} if the rows start no execution.
    """
    ran: dict[str, Any] = {}
    for row in own:
        detail = json.loads(row.detail)
        if row.kind == "approved":
            ran = {"owner": "", "error": "", "by_hand": ""}
            ran |= {"started_at": None, "concluded_at": None, "answer": sha256_of(None)}
        elif row.kind == "revoked" and ran:
            # Older rows repeat the reason in the execution, as a sentence.
            ran["error"] = detail["why"] if isinstance(detail["why"], str) else ""
        elif row.kind in ("dispatching", "taken over"):
            # Older rows have no `began`: the takeover set the start.
            ran |= {"id": detail["execution"], "started_at": detail.get("began", row.at)}
            ran["owner"] = detail["owner"]
        elif row.kind == "request":
            ran["started_at"] = row.at
        elif row.kind in _ENDS:
            ran |= {"error": detail["error"], "answer": detail["answer_sha256"]}
        elif row.kind == "tried again":
            ran |= {"owner": "", "error": "", "answer": sha256_of(None)}
        elif row.kind == "marked by hand":
            ran |= {"error": "", "by_hand": row.actor}
        elif row.kind in _VERDICTS:
            ran |= {"concluded_at": row.at, "verify_note": detail["note"]}
        if state := _state_of_execution(row.kind, detail, ran):
            ran["state"] = state
    return ran


def _state_of_execution(kind: str, detail: dict[str, Any], ran: dict[str, Any]) -> Any:
    """Its state after this row; '' if the row does not change it."""
    if kind == "revoked" and not ran:
        return ""  # an approval without an execution
    if kind in (*_ENDS, "marked by hand"):
        return detail["state"]
    return EXECUTION_STATES.get(kind, "")
