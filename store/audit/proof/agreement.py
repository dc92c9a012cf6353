"""Compares the approvals of an export with the rows of the trail, field by field."""

from __future__ import annotations

import json
from typing import Any

from .course import APPROVAL_KINDS, course_of_approval, course_of_execution
from .rows import CHECKPOINT, Anchor, Fault, Row, anchor_text, mac_of, same, sha256_of

ALERT_FIELDS = (
    "source",
    "status",
    "name",
    "severity",
    "fingerprint",
    "tracking_id",
    "told_at",
    "received_at",
    "body",
)
"""The fields of an alert that its SHA-256 covers."""


def sha256_of_alert(alert: dict[str, Any]) -> str:
    """SHA-256 of an alert as an export has it: its body is JSON, not a string."""
    return sha256_of([alert[name] for name in ALERT_FIELDS])


def digest_of_shown(approval: dict[str, Any]) -> str:
    """The digest of everything that people were shown, of an approval as an export has it.

    `bot.approvals.binding.digest_of` makes the same digest of a live approval.
    """
    copied = (
        "id",
        "proposal",
        "preview",
        "needed",
        "approvers",
        "requested_by",
        "requested_at",
        "expires_at",
        "terms",
        "undoes",
    )
    shown = {name: approval[name] for name in copied}
    return sha256_of({**shown, "incident": approval["incident_id"]})


def compare_approvals(key: bytes, parts: dict[str, Any], rows: list[Row]) -> None:
    """Fault for the first approval that is missing, not on record, or other than on record."""
    approvals = {approval["id"]: approval for approval in parts["approvals"]}
    for row in rows:
        if row.kind in APPROVAL_KINDS and row.subject not in approvals:
            raise Fault(row.seq, f"approval {row.subject}: it is on record, and missing here")
    forgotten = _forgotten(key, parts["chain"])
    for approval in parts["approvals"]:
        own = [row for row in rows if row.subject == approval["id"] and row.kind in APPROVAL_KINDS]
        if own and own[0].kind == "proposed":
            _compare_request(parts, approval, own)
        elif approval["requested_at"] > forgotten:
            raise Fault(0, f"approval {approval['id']}: that it was proposed is not on record")
        _compare_course(approval, own)


def _forgotten(key: bytes, chain: dict[str, Any]) -> str:
    """The time until which retention pruned the trail; '' if it never did."""
    if "checkpoint" not in chain:
        return "9"  # later than any time: older exports have no checkpoint
    if chain["checkpoint"] is None:
        return ""
    checkpoint = Anchor(**chain["checkpoint"])
    if not same(mac_of(key, anchor_text(checkpoint)), checkpoint.seal):
        raise Fault(checkpoint.seq, f"the anchor {checkpoint.name!r} was edited")
    return checkpoint.note if checkpoint.name == CHECKPOINT else ""


def _compare_request(parts: dict[str, Any], approval: dict[str, Any], own: list[Row]) -> None:
    """Fault unless the action, the votes and the alerts are those on record."""
    value, shown = json.loads(own[0].detail), approval["proposal"]
    if value["digest"] != approval["digest"]:
        raise _differs("digest", approval, own[0])
    names = ("action", "target", "parameters")
    if [value[name] for name in names] != [
        shown[name] for name in ("action_id", "target", "parameters")
    ]:
        raise _differs("action", approval, own[0])
    voted = [
        [row.actor, result["choice"], row.at, _as_stored(result.get("reason", ""))]
        for row, result in ((row, json.loads(row.detail)) for row in own if row.kind == "voted")
    ]
    votes = [
        [vote[name] for name in ("voter", "choice", "at", "reason")] for vote in approval["votes"]
    ]
    if sorted(voted) != sorted(votes):
        raise Fault(own[0].seq, f"approval {approval['id']}: other votes are on record")
    if "alerts" not in value:
        return  # recorded before the digest covered everything
    if digest_of_shown(approval) != approval["digest"]:
        raise Fault(
            own[0].seq, f"approval {approval['id']}: it is not what was shown, by its digest"
        )
    alerts = {str(alert["id"]): alert for alert in parts["alerts"]}
    for number, digest in value["alerts"].items():
        if number in alerts:
            if sha256_of_alert(alerts[number]) != digest:
                raise Fault(own[0].seq, f"alert {number}: another one is on record")
        # Retention forgets alerts, but only of what is resolved, and the oldest first.
        elif parts["incident"]["status"] != "resolved" or any(
            int(other) < int(number) for other in alerts
        ):
            raise Fault(own[0].seq, f"alert {number}: it is on record, and missing here")


def _compare_course(approval: dict[str, Any], own: list[Row]) -> None:
    """Fault unless its state, actors and times are those on record."""
    result, ran = course_of_approval(own), course_of_execution(own)
    for name, value in result.items():
        if approval[name] != _as_stored(value):
            raise _differs(name, approval, own[-1])
    execution = approval["execution"]
    if ran and execution is None:
        raise Fault(own[-1].seq, f"approval {approval['id']}: its execution is missing")
    if execution is not None and result and not ran:
        raise Fault(own[-1].seq, f"approval {approval['id']}: no execution is on record")
    for name, value in ran.items():
        if name == "answer":
            if sha256_of(execution["answer"]) != value:
                raise _differs("answer", approval, own[-1])
        elif execution[name] != _as_stored(value):
            raise _differs(f"{name} of its execution", approval, own[-1])


def _differs(what: str, approval: dict[str, Any], row: Row) -> Fault:
    return Fault(row.seq, f"approval {approval['id']}: another {what} is on record")


def _as_stored(value: Any) -> Any:
    """A text as the databases store it; `store.statements.bindable` does the same."""
    if not isinstance(value, str):
        return value
    return value.encode("utf-8", "backslashreplace").decode().replace("\x00", "\\x00")
