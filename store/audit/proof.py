"""Proves the audit trail, a keyed hash chain, with the standard library and the key alone.

This file is whole by itself, so that it can be carried to wherever a proof is looked at:

    AUDIT_KEY=… python3 proof.py INC-142.json [the head that was posted]

Every row of the trail has a number without gaps and three things made with HMAC-SHA256 and the key:

    body = HMAC("body" ‖ at, kind, incident, subject, actor, detail)
    mac  = HMAC("link" ‖ seq, mac of the row before, body)
    seal = HMAC("anchor" ‖ name, seq, mac, at, note)            of an anchor, see below

A row that was edited has another body; a row that is missing, moved or put in breaks the link of
the next. What is cut off at the end is missed by the anchor `head`, which says where the chain
ends. Who puts back an older copy of all of it is found by the head that was posted elsewhere: it is
not in that copy. Body and link are two, so that rows can be proved to lie in between without being
shown.
"""

from __future__ import annotations

import hashlib
import hmac
import json
import os
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

FIRST = ""  # what the first row follows
HEAD, CHECKPOINT, DAY = "head", "checkpoint", "day/"
"""Anchors: the last row; the last row that retention forgot; where the chain stood on a day."""


class Fault(Exception):
    """A fault of a chain, in words. `seq`: the first row at fault; 0 is none of them."""

    def __init__(self, seq: int, what: str) -> None:
        self.seq = seq
        super().__init__(what)


@dataclass(frozen=True, slots=True)
class Row:
    """One row of the trail, as it stands in the store. `detail` is canonical JSON."""

    seq: int
    at: str
    kind: str
    incident_id: int | None
    subject: str
    actor: str
    detail: str
    prev: str
    mac: str


@dataclass(frozen=True, slots=True)
class Anchor:
    """That the chain stood at row `seq`, whose mac is `mac`, at a time. `note` is for people."""

    name: str
    seq: int
    mac: str
    at: str
    note: str
    seal: str


def mac_of(key: bytes, text: str) -> str:
    """HMAC-SHA256 in hex."""
    return hmac.digest(key, text.encode("utf-8", "surrogatepass"), "sha256").hex()


def same(text: str, other: str) -> bool:
    """Return whether two macs are equal, in a time that does not depend on where they differ."""
    return hmac.compare_digest(text.encode(), other.encode("utf-8", "surrogatepass"))


def canonical(value: object) -> str:
    """The one way to write a value as JSON: ASCII, sorted, compact."""
    return _CANONICAL.encode(value)


_CANONICAL = json.JSONEncoder(sort_keys=True, separators=(",", ":"), default=str)


def sha256_of(value: object) -> str:
    """SHA-256 of its canonical JSON."""
    return hashlib.sha256(canonical(value).encode()).hexdigest()


def body_text(row: Row) -> str:
    """The content of a row, as the mac covers it."""
    return "body" + _CANONICAL.encode(
        [row.at, row.kind, row.incident_id, row.subject, row.actor, row.detail]
    )


def link_text(seq: int, prev: str, body: str) -> str:
    """The place of a row in the chain. `body` is the mac of `body_text`."""
    return f"link\n{seq}\n{prev}\n{body}"


def is_genuine(key: bytes, row: Row) -> bool:
    """Return whether the key made this row, for its place in the chain."""
    body = mac_of(key, body_text(row))
    return same(mac_of(key, link_text(row.seq, row.prev, body)), row.mac)


def anchor_text(anchor: Anchor) -> str:
    """The content of an anchor, as its seal covers it."""
    return "anchor" + _CANONICAL.encode(
        [anchor.name, anchor.seq, anchor.mac, anchor.at, anchor.note]
    )


# A bundle: one incident with everything about it, in one JSON file.

FORMAT, VERSION = "sopbot incident bundle", 1


def manifest(key: bytes, export: dict[str, Any]) -> dict[str, Any]:
    """The SHA-256 of each part of a bundle, and the mac over them and all that stands beside."""
    digests = {name: sha256_of(part) for name, part in export["parts"].items()}
    beside = {name: export[name] for name in export if name not in ("parts", "manifest")}
    return {"sha256": digests, "mac": mac_of(key, "bundle" + canonical([beside, digests]))}


def read_export(text: str) -> dict[str, Any]:
    """The bundle that this text is. Fault when it is none."""
    try:
        export = json.loads(text, object_pairs_hook=_without_doubles)
    except (ValueError, RecursionError) as error:
        raise Fault(0, f"this is not a bundle: {error}") from None
    if not isinstance(export, dict) or (export.get("format"), export.get("version")) != (
        FORMAT,
        VERSION,
    ):
        raise Fault(0, f"this is not a bundle of version {VERSION}")
    return export


def _without_doubles(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    result = dict(pairs)
    if len(result) != len(pairs):
        raise ValueError("a name stands in it twice")
    return result


def verify_export(key: bytes, export: dict[str, Any], *, head: str = "") -> tuple[int, str]:
    """Prove every part of it: (rows of the audit trail, the head that they lead to).

    Fault says which part is at fault. With `head` the rows must lead to, or come from, that one.
    """
    try:
        value, made = export["manifest"], manifest(key, export)
        if not same(made["mac"], str(value["mac"])):
            raise Fault(0, _altered(export, made))
        if value != made:
            raise Fault(0, "the manifest was edited")
        if export["trail"]:
            raise Fault(0, f"the audit trail it was exported from: {export['trail']}")
        parts = export["parts"]
        rows, until = _follow(key, parts["chain"], head)
        _agree(key, parts, rows)
    except (LookupError, TypeError, ValueError, AttributeError, RecursionError):
        raise Fault(0, "this bundle has not the form of one") from None
    return len(rows), until


def _altered(export: dict[str, Any], made: dict[str, Any]) -> str:
    sha256 = export["manifest"]["sha256"]
    parts = sorted({*sha256, *made["sha256"]})
    edited = [name for name in parts if sha256.get(name) != made["sha256"].get(name)]
    if edited:
        return f"the part {edited[0]!r} was edited"
    return "what stands beside the parts was edited, or this is not the key of this bundle"


def _follow(key: bytes, chain: dict[str, Any], head: str) -> tuple[list[Row], str]:
    """Walk from the incident's first row to the anchor that the bundle names."""
    rows = [row_of(item) for item in chain["rows"]]
    if not rows:
        return [], ""
    until = Anchor(**chain["until"])
    if not same(mac_of(key, anchor_text(until)), until.seal):
        raise Fault(until.seq, f"the anchor {until.name!r} was edited")
    bodies = {row.seq: (row.prev, mac_of(key, body_text(row)), row.mac) for row in rows}
    between = {seq: (None, body, mac) for seq, body, mac in chain["links"]}
    seq, mac = chain["follows"]["seq"], chain["follows"]["mac"]
    passed = {mac}
    while seq < until.seq:
        result = bodies.get(seq + 1) or between.get(seq + 1)
        if result is None:
            raise Fault(seq + 1, f"row {seq + 1} is missing")
        prev, body, value = result
        if prev not in (None, mac) or mac_of(key, link_text(seq + 1, mac, body)) != value:
            raise Fault(seq + 1, f"row {seq + 1} was edited, or does not follow the one before it")
        seq, mac = seq + 1, value
        passed.add(mac)
    if mac != until.mac:
        raise Fault(seq, f"the rows do not lead to the anchor {until.name!r}")
    if head and head not in passed:
        raise Fault(seq, f"the head {head} is not among the rows {rows[0].seq - 1} to {seq}")
    return rows, mac


def row_of(fields: dict[str, Any]) -> Row:
    """A row as it stands in a bundle, where `detail` is spread out."""
    detail = fields["detail"]
    return Row(**{**fields, "detail": detail if isinstance(detail, str) else canonical(detail)})


# What the store said of each approval must be what was on record when it happened.

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
"""What of an alert goes into its SHA-256."""


def sha256_of_alert(alert: dict[str, Any]) -> str:
    """SHA-256 of an alert as a bundle has it, its body spread out."""
    return sha256_of([alert[name] for name in ALERT_FIELDS])


def digest_of_shown(approval: dict[str, Any]) -> str:
    """The digest of all that was shown, of an approval as a bundle has it.

    `bot.approvals.binding.digest_of` makes it of a live one.
    """
    as_they_are = (
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
    shown = {name: approval[name] for name in as_they_are}
    return sha256_of({**shown, "incident": approval["incident_id"]})


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
"""The same of its execution; the kinds that are missing name the state in their detail."""
APPROVAL_KINDS = {*APPROVAL_STATES, *EXECUTION_STATES, *_ENDS, "marked by hand"}
"""Rows that only what was proposed can have. A stranger's refused press may name any approval."""


def _agree(key: bytes, parts: dict[str, Any], rows: list[Row]) -> None:
    """Nothing that is on record is missing, and what is there is as it is on record."""
    approvals = {approval["id"]: approval for approval in parts["approvals"]}
    for row in rows:
        if row.kind in APPROVAL_KINDS and row.subject not in approvals:
            raise Fault(row.seq, f"approval {row.subject}: it is on record, and missing here")
    forgotten = _forgotten(key, parts["chain"])
    for approval in parts["approvals"]:
        own = [row for row in rows if row.subject == approval["id"] and row.kind in APPROVAL_KINDS]
        if own and own[0].kind == "proposed":
            _agree_on_what_was_asked(parts, approval, own)
        elif approval["requested_at"] > forgotten:
            raise Fault(0, f"approval {approval['id']}: that it was proposed is not on record")
        _agree_on_its_course(approval, own)


def _forgotten(key: bytes, chain: dict[str, Any]) -> str:
    """Until when retention forgot the trail; '' is never."""
    if "checkpoint" not in chain:
        return "9"  # after any time: bundles of before did not say
    if chain["checkpoint"] is None:
        return ""
    checkpoint = Anchor(**chain["checkpoint"])
    if not same(mac_of(key, anchor_text(checkpoint)), checkpoint.seal):
        raise Fault(checkpoint.seq, f"the anchor {checkpoint.name!r} was edited")
    return checkpoint.note if checkpoint.name == CHECKPOINT else ""


def _agree_on_what_was_asked(
    parts: dict[str, Any], approval: dict[str, Any], own: list[Row]
) -> None:
    """What was put before people, what they knew, and what they said to it."""
    value, shown = json.loads(own[0].detail), approval["proposal"]
    if value["digest"] != approval["digest"]:
        raise _other("digest", approval, own[0])
    names = ("action", "target", "parameters")
    if [value[name] for name in names] != [
        shown[name] for name in ("action_id", "target", "parameters")
    ]:
        raise _other("action", approval, own[0])
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
        return  # on record before the digest was of everything
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


def _agree_on_its_course(approval: dict[str, Any], own: list[Row]) -> None:
    """How far it came, by whom and when."""
    result, ran = _course_of_approval(own), course_of_execution(own)
    for name, value in result.items():
        if approval[name] != _as_stored(value):
            raise _other(name, approval, own[-1])
    execution = approval["execution"]
    if ran and execution is None:
        raise Fault(own[-1].seq, f"approval {approval['id']}: its execution is missing")
    if execution is not None and result and not ran:
        raise Fault(own[-1].seq, f"approval {approval['id']}: no execution is on record")
    for name, value in ran.items():
        if name == "answer":
            if sha256_of(execution["answer"]) != value:
                raise _other("answer", approval, own[-1])
        elif execution[name] != _as_stored(value):
            raise _other(f"{name} of its execution", approval, own[-1])


def _course_of_approval(own: list[Row]) -> dict[str, Any]:
    """Return what the store must say of it after these rows; {} where nothing is known."""
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
            # The gateway's own answer: it was on its way already.
            fields |= {"state": "approved", "reason": _sent_before(fields["reason"])}
        if row.kind in ("approved", "rejected", "expired", "revoked"):
            fields["reason"] = detail.get("why", "")
    return fields


def _sent_before(why: Any) -> Any:
    """The reason of a revocation that came after the request was sent; a sentence in old rows."""
    if isinstance(why, str):
        return f"sent before it was revoked: {why}"
    return {**why, "was_sent": True}


def course_of_execution(own: list[Row]) -> dict[str, Any]:
    """Return what the store must say of its execution after these rows; of the answer its SHA-256.

    {} where there is none.
    """
    ran: dict[str, Any] = {}
    for row in own:
        detail = json.loads(row.detail)
        if row.kind == "approved":
            ran = {"owner": "", "error": "", "by_hand": ""}
            ran |= {"started_at": None, "concluded_at": None, "answer": sha256_of(None)}
        elif row.kind == "revoked" and ran:
            # Rows of before repeat the reason in the execution, as a sentence.
            ran["error"] = detail["why"] if isinstance(detail["why"], str) else ""
        elif row.kind in ("dispatching", "taken over"):
            # Rows of before have no `began`: then the takeover set the start.
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
    """Its state after this row; '' where the row says nothing of it."""
    if kind == "revoked" and not ran:
        return ""  # an approval without an execution
    if kind in (*_ENDS, "marked by hand"):
        return detail["state"]
    return EXECUTION_STATES.get(kind, "")


def _other(what: str, approval: dict[str, Any], row: Row) -> Fault:
    return Fault(row.seq, f"approval {approval['id']}: another {what} is on record")


def _as_stored(value: Any) -> Any:
    """A text as a database takes it: see `store.statements.bindable`."""
    if not isinstance(value, str):
        return value
    return value.encode("utf-8", "backslashreplace").decode().replace("\x00", "\\x00")


def main(argv: list[str]) -> int:
    """Verify one bundle; the key comes from AUDIT_KEY."""
    key = os.environ.get("AUDIT_KEY", "").encode()
    if not key or len(argv) not in (1, 2):
        print("usage: AUDIT_KEY=… python3 proof.py BUNDLE [HEAD]", file=sys.stderr)
        return 2
    try:
        export = read_export(Path(argv[0]).read_text(encoding="utf-8"))
        rows, until = verify_export(key, export, head="".join(argv[1:]))
    except (Fault, OSError, UnicodeDecodeError) as wrong:
        print(f"✗ {wrong}")
        return 1
    print(
        f"✓ {export['incident']}: every part is unchanged since the export;"
        f" {rows} rows to head {until}"
    )
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
