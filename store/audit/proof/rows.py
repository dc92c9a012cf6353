"""The rows and anchors of the trail, and the macs that the key makes of them."""

from __future__ import annotations

import hashlib
import hmac
import json
from dataclasses import dataclass

FIRST = ""  # the mac before the first row
HEAD, CHECKPOINT, DAY = "head", "checkpoint", "day/"
"""Anchors: the last row; the last row that retention pruned; the last row of a day."""


class Fault(Exception):
    """A fault of a chain, in words. `seq` is the first wrong row; 0 if no row is wrong."""

    def __init__(self, seq: int, what: str) -> None:
        self.seq = seq
        super().__init__(what)


@dataclass(frozen=True, slots=True)
class Row:
    """One row of the trail, as the store has it. `detail` is canonical JSON."""

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
    """Proof that the chain had row `seq`, with the mac `mac`, at a time. `note` is for people."""

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
