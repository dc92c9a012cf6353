"""What proves the audit trail: a keyed hash chain. It takes the standard library and the key alone.

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
    """What is wrong with a chain, in words. `seq`: the first row at fault; 0 is none of them."""

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


def same(one: str, other: str) -> bool:
    """Whether two macs are equal, in a time that does not depend on where they differ."""
    return hmac.compare_digest(one.encode(), other.encode("utf-8", "surrogatepass"))


def canonical(value: object) -> str:
    """The one way to write a value as JSON: ASCII, sorted, compact."""
    return _CANONICAL.encode(value)


_CANONICAL = json.JSONEncoder(sort_keys=True, separators=(",", ":"), default=str)


def sha256_of(value: object) -> str:
    """SHA-256 of its canonical JSON."""
    return hashlib.sha256(canonical(value).encode()).hexdigest()


def body_text(row: Row) -> str:
    """What a row says."""
    return "body" + _CANONICAL.encode(
        [row.at, row.kind, row.incident_id, row.subject, row.actor, row.detail]
    )


def link_text(seq: int, prev: str, body: str) -> str:
    """Where it says it. `body` is the mac of `body_text`."""
    return f"link\n{seq}\n{prev}\n{body}"


def anchor_text(anchor: Anchor) -> str:
    """What an anchor says."""
    return "anchor" + _CANONICAL.encode(
        [anchor.name, anchor.seq, anchor.mac, anchor.at, anchor.note]
    )


# A bundle: one incident with everything about it, in one JSON file.

FORMAT, VERSION = "sopbot incident bundle", 1


def manifest(key: bytes, bundle: dict[str, Any]) -> dict[str, Any]:
    """The SHA-256 of each part of a bundle, and the mac over them and all that stands beside."""
    digests = {name: sha256_of(part) for name, part in bundle["parts"].items()}
    beside = {name: bundle[name] for name in bundle if name not in ("parts", "manifest")}
    return {"sha256": digests, "mac": mac_of(key, "bundle" + canonical([beside, digests]))}


def read_bundle(text: str) -> dict[str, Any]:
    """The bundle that this text is. Fault when it is none."""
    try:
        bundle = json.loads(text, object_pairs_hook=_without_doubles)
    except (ValueError, RecursionError) as error:
        raise Fault(0, f"this is not a bundle: {error}") from None
    if not isinstance(bundle, dict) or (bundle.get("format"), bundle.get("version")) != (
        FORMAT,
        VERSION,
    ):
        raise Fault(0, f"this is not a bundle of version {VERSION}")
    return bundle


def _without_doubles(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) != len(pairs):
        raise ValueError("a name stands in it twice")
    return found


def verify_bundle(key: bytes, bundle: dict[str, Any], *, head: str = "") -> tuple[int, str]:
    """Prove every part of it: (rows of the audit trail, the head that they lead to).

    Fault says which part is at fault. With `head` the rows must lead to, or come from, that one.
    """
    try:
        told, made = bundle["manifest"], manifest(key, bundle)
        if not same(made["mac"], str(told["mac"])):
            raise Fault(0, _altered(bundle, made))
        if told != made:
            raise Fault(0, "the manifest was edited")
        if bundle["trail"]:
            raise Fault(0, f"the audit trail it was exported from: {bundle['trail']}")
        parts = bundle["parts"]
        rows, until = _follow(key, parts["chain"], head)
        _agree(parts["approvals"], rows)
    except (LookupError, TypeError, ValueError, AttributeError, RecursionError):
        raise Fault(0, "this bundle has not the form of one") from None
    return len(rows), until


def _altered(bundle: dict[str, Any], made: dict[str, Any]) -> str:
    told = bundle["manifest"]["sha256"]
    parts = sorted({*told, *made["sha256"]})
    edited = [name for name in parts if told.get(name) != made["sha256"].get(name)]
    if edited:
        return f"the part {edited[0]!r} was edited"
    return "what stands beside the parts was edited, or this is not the key of this bundle"


def _follow(key: bytes, chain: dict[str, Any], head: str) -> tuple[list[Row], str]:
    """Walk from the incident's first row to the anchor that the bundle names."""
    rows = [row_of(one) for one in chain["rows"]]
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
        found = bodies.get(seq + 1) or between.get(seq + 1)
        if found is None:
            raise Fault(seq + 1, f"row {seq + 1} is missing")
        prev, body, told = found
        if prev not in (None, mac) or mac_of(key, link_text(seq + 1, mac, body)) != told:
            raise Fault(seq + 1, f"row {seq + 1} was edited, or does not follow the one before it")
        seq, mac = seq + 1, told
        passed.add(mac)
    if mac != until.mac:
        raise Fault(seq, f"the rows do not lead to the anchor {until.name!r}")
    if head and head not in passed:
        raise Fault(seq, f"the head {head} is not among the rows {rows[0].seq - 1} to {seq}")
    return rows, mac


def row_of(one: dict[str, Any]) -> Row:
    """A row as it stands in a bundle, where `detail` is spread out."""
    detail = one["detail"]
    return Row(**{**one, "detail": detail if isinstance(detail, str) else canonical(detail)})


def _agree(approvals: list[dict[str, Any]], rows: list[Row]) -> None:
    """What the store said of each approval is what was on record when it happened."""
    for approval in approvals:
        own = [row for row in rows if row.subject == approval["id"]]
        details = {row.kind: json.loads(row.detail) for row in own}
        if "proposed" not in details:
            continue  # from before the trail, or pruned
        asked, shown = details["proposed"], approval["proposal"]
        if asked["digest"] != approval["digest"]:
            raise Fault(own[0].seq, f"approval {approval['id']}: another digest is on record")
        if [asked[name] for name in ("action", "target", "parameters")] != [
            shown[name] for name in ("action_id", "target", "parameters")
        ]:
            raise Fault(own[0].seq, f"approval {approval['id']}: another action is on record")
        voted = {
            (row.actor, json.loads(row.detail)["choice"]) for row in own if row.kind == "voted"
        }
        if voted != {(vote["voter"], vote["choice"]) for vote in approval["votes"]}:
            raise Fault(own[0].seq, f"approval {approval['id']}: other votes are on record")
        told = [json.loads(row.detail).get("answer_sha256") for row in own]
        answered = [digest for digest in told if digest]
        answer = (approval["execution"] or {}).get("answer")
        if answer is not None and answered and sha256_of(answer) != answered[-1]:
            raise Fault(own[0].seq, f"approval {approval['id']}: another answer is on record")


def main(argv: list[str]) -> int:
    """Verify one bundle; the key comes from AUDIT_KEY."""
    key = os.environ.get("AUDIT_KEY", "").encode()
    if not key or len(argv) not in (1, 2):
        print("usage: AUDIT_KEY=… python3 proof.py BUNDLE [HEAD]", file=sys.stderr)
        return 2
    try:
        bundle = read_bundle(Path(argv[0]).read_text(encoding="utf-8"))
        rows, until = verify_bundle(key, bundle, head="".join(argv[1:]))
    except (Fault, OSError, UnicodeDecodeError) as wrong:
        print(f"✗ {wrong}")
        return 1
    print(f"✓ {bundle['incident']}: every part is as it was exported; {rows} rows to head {until}")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
