"""The spans of one incident's trace, and the ids that bind them together.

Each id follows from the incident's tracking id and the names of what the span is about. So the
bot's replicas, a bot after its restart and the gateway add to one trace without telling each
other, and a span that is sent twice is one span.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime

TRACEPARENT = "traceparent"  # the header of W3C Trace Context
_TRACEPARENT = re.compile(r"00-(?!0{32})([0-9a-f]{32})-(?!0{16})([0-9a-f]{16})-[0-9a-f]{2}")

Value = str | int | float | bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Span:
    """One step. `parent_id` is '' for the first one; `calls` tells whether it asked a server.

    `attributes` are ids, states, counts and names that operators gave: no text of an alert, no
    prompt, no secret.
    """

    name: str
    trace_id: str
    span_id: str
    parent_id: str
    began: datetime
    ended: datetime
    attributes: Mapping[str, Value] = field(default_factory=dict)
    calls: bool = False
    failed: bool = False


def trace_id_of(tracking_id: str) -> str:
    """Return the 16 bytes of the trace of the incident with this tracking id, as hex digits."""
    return _digest("trace", tracking_id)[:32]


def span_id_of(tracking_id: str, *names: str) -> str:
    """Return the 8 bytes of the span that these names describe, as hex digits."""
    return _digest("span", tracking_id, *names)[:16]


def traceparent_of(tracking_id: str, *names: str) -> str:
    """Return the header by which the called system makes its span a child of this one."""
    return f"00-{trace_id_of(tracking_id)}-{span_id_of(tracking_id, *names)}-01"


def parse_traceparent(header: str) -> tuple[str, str] | None:
    """Return the ids of trace and span; None unless the header is exactly one of version 00."""
    match = _TRACEPARENT.fullmatch(header)
    return (match[1], match[2]) if match else None


def _digest(*parts: str) -> str:
    joined = "\x1f".join(parts).encode("utf-8", "backslashreplace")
    return hashlib.sha256(joined).hexdigest()
