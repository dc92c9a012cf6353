"""Exports one incident with everything about it as one JSON document that proves itself."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import asdict
from datetime import datetime
from typing import Any

from bot.approvals.reasons import facts_of, from_text, to_text
from bot.errors import NotFound
from bot.incidents.remediation import Parameter
from store.admin.transfer import End
from store.audit.proof.export import FORMAT, VERSION, manifest
from store.audit.proof.rows import CHECKPOINT, DAY, HEAD, Anchor, Row, body_text, canonical
from store.audit.sealing import AuditKey
from store.operations.trail_end import anchor_from, row_from
from store.statements import to_db_time

JSON = dict[str, Any]


def export_incident(end: End, incident_id: int, key: AuditKey, trail: str, now: datetime) -> JSON:
    """Return the export of an incident.

    NotFound if there is none. `trail` describes a fault of the whole audit trail. docs/audit.md has
    the form. It holds data of the store only: no setting, no secret.
    """
    incidents = _all(end, "SELECT * FROM incidents WHERE id = ?", incident_id)
    if not incidents:
        raise NotFound(f"There is no INC-{incident_id}.")
    document: JSON = {
        "format": FORMAT,
        "version": VERSION,
        "incident": f"INC-{incident_id}",
        "exported_at": to_db_time(now),
        "trail": trail,
        "parts": {
            "incident": _read(incidents[0], "labels", "links"),
            "alerts": [_read(row, "body") for row in _of(end, "alerts", "id", incident_id)],
            "shared": _all(
                end,
                "SELECT p.digest, p.body FROM shared_parts p WHERE EXISTS (SELECT 1 FROM alerts a"
                " WHERE a.shared = p.digest AND a.incident_id = ?) ORDER BY p.digest",
                incident_id,
            ),
            "thread": _of(end, "timeline", "id", incident_id),
            "messages": _messages(end, incident_id),
            "advice": [_read(row, "body") for row in _of(end, "advice", "id", incident_id)],
            "approvals": _approvals(end, incident_id),
            "chain": _chain(end, incident_id, key),
        },
    }
    return {**document, "manifest": manifest(key.raw, document)}


def _all(end: End, sql: str, *parameters: Any) -> list[JSON]:
    return [dict(row) for row in end.ask(sql, parameters)]


def _of(end: End, table: str, order: str, incident_id: int) -> list[JSON]:
    sql = f"SELECT * FROM {table} WHERE incident_id = ? ORDER BY {order}"  # noqa: S608 - constants
    return _all(end, sql, incident_id)


def _read(row: JSON, *columns: str) -> JSON:
    """Return the row with the JSON of these columns parsed."""
    return {
        name: _spread(value) if name in columns and value is not None else value
        for name, value in row.items()
    }


def _messages(end: End, incident_id: int) -> list[JSON]:
    """Return the thread's messages in Slack."""
    return _all(
        end,
        "SELECT kind, subject, channel, in_thread, ts, created_at FROM outbox"
        " WHERE incident_id = ? ORDER BY id",
        incident_id,
    )


def _approvals(end: End, incident_id: int) -> list[JSON]:
    """Return each approval with its votes and its outcome."""
    executions = {
        row["approval_id"]: _read(row, "answer")
        for row in _of(end, "executions", "created_at, id", incident_id)
    }
    return [
        {
            **_read(row, "preview", "approvers", "terms"),
            "reason": _spread_reason(row["reason"]),
            "proposal": _shown(_spread(row["proposal"])),
            "votes": _all(
                end,
                "SELECT * FROM votes WHERE approval_id = ? ORDER BY at, voter",
                row["id"],
            ),
            "execution": executions.get(row["id"]),
        }
        for row in _of(end, "approvals", "requested_at, id", incident_id)
    ]


def _shown(proposal: Any) -> Any:
    """Return the proposal as card and record show it, without possible secrets in values."""
    try:
        parameters = [Parameter(*parts) for parts in proposal["parameters"]]
    except (TypeError, KeyError):
        return proposal  # somebody changed the row: the check of the export reports it
    return proposal | {"parameters": [[p.name, p.shown, p.origin] for p in parameters]}


def _chain(end: End, incident_id: int, key: AuditKey) -> JSON:
    """Return the incident's rows; of the rows in between and behind only what proves them."""
    own = [row_from(row) for row in _of(end, "audit", "seq", incident_id)]
    checkpoints = _all(end, "SELECT * FROM audit_anchors WHERE name = ?", CHECKPOINT)
    forgotten = asdict(anchor_from(checkpoints[0])) if checkpoints else None
    if not own:
        return {
            "rows": [],
            "links": [],
            "follows": None,
            "until": None,
            "checkpoint": forgotten,
        }
    until = _until(end, own[-1])
    others = (row for row in _between(end, own[0].seq, until.seq) if row.incident_id != incident_id)
    return {
        "follows": {"seq": own[0].seq - 1, "mac": own[0].prev},
        "rows": [{**asdict(row), "detail": _spread_if_same(row.detail)} for row in own],
        "links": [[row.seq, key.mac(body_text(row)), row.mac] for row in others],
        "until": asdict(until),
        "checkpoint": forgotten,
    }


def _spread(text: str) -> Any:
    """Return the parsed JSON for people; the text itself if it is no JSON."""
    try:
        return json.loads(text)
    except ValueError:
        return text


def _spread_reason(text: str) -> Any:
    """Return the code and facts of a reason; of an older version its sentence."""
    reason = from_text(text)
    return facts_of(reason) if reason and to_text(reason) == text else text


def _spread_if_same(detail: str) -> Any:
    spread = _spread(detail)
    return spread if canonical(spread) == detail else detail


def _until(end: End, last: Row) -> Anchor:
    """Return the first posted daily head behind the last row; before that, the chain's end."""
    anchors = [anchor_from(row) for row in _all(end, "SELECT * FROM audit_anchors ORDER BY seq")]
    posted = [
        anchor for anchor in anchors if anchor.name.startswith(DAY) and anchor.seq >= last.seq
    ]
    ends = posted or [anchor for anchor in anchors if anchor.name == HEAD]
    return ends[0] if ends else Anchor(HEAD, last.seq, last.mac, "", "", seal="")


def _between(end: End, first: int, last: int) -> Iterator[Row]:
    for row in _all(end, "SELECT * FROM audit WHERE seq BETWEEN ? AND ? ORDER BY seq", first, last):
        yield row_from(row)
