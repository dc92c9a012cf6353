"""An incident export: one incident with everything about it, in one JSON file."""

from __future__ import annotations

import json
from typing import Any

from .agreement import compare_approvals
from .rows import (
    Anchor,
    Fault,
    Row,
    anchor_text,
    body_text,
    canonical,
    link_text,
    mac_of,
    same,
    sha256_of,
)

FORMAT, VERSION = "sopbot incident bundle", 1


def manifest(key: bytes, export: dict[str, Any]) -> dict[str, Any]:
    """The SHA-256 of each part, and the mac over these and every field beside the parts."""
    digests = {name: sha256_of(part) for name, part in export["parts"].items()}
    beside = {name: export[name] for name in export if name not in ("parts", "manifest")}
    return {"sha256": digests, "mac": mac_of(key, "bundle" + canonical([beside, digests]))}


def read_export(text: str) -> dict[str, Any]:
    """Parse an export. Fault if the text is none."""
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
    """Prove every part: returns the number of rows of the trail, and the head that they lead to.

    Fault names the wrong part. If `head` is given, it must be the mac of one of the rows.
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
        compare_approvals(key, parts, rows)
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
    """Walk from the incident's first row to the anchor that the export names."""
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
    """A row of an export, whose `detail` may be JSON instead of a string."""
    detail = fields["detail"]
    return Row(**{**fields, "detail": detail if isinstance(detail, str) else canonical(detail)})
