"""Exports an incident of a filled store, and verifies the export."""

from __future__ import annotations

import json
from typing import Any

from store.audit import whole_trail
from store.audit.proof.export import read_export, verify_export
from store.audit.proof.rows import Fault
from tests.helpers.builders import (
    AUDIT_KEY,
)
from tests.helpers.filled_stores import content

JSON = dict[str, Any]


def verified(url: str) -> int:
    """The id of an incident whose remediation was verified."""
    rows = content(url)["executions"]
    return next(int(row[2]) for row in rows if row[3] == "verified")


def exported(url: str, incident_id: int | None = None) -> JSON:
    """Its bundle, or that of another one, as it stands in a file."""
    made = whole_trail.export(url, AUDIT_KEY, incident_id or verified(url))
    return read_export(json.dumps(made, indent=1))


def wrong(export: JSON, *, key: bytes = AUDIT_KEY.raw, head: str = "") -> str:
    try:
        verify_export(key, export, head=head)
    except Fault as fault:
        return str(fault)
    return ""
