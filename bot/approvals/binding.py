"""Ties an approval to its incident, the operator's files, and what was shown."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass, fields
from datetime import UTC, datetime
from typing import Any

from bot.approvals.model import Approval, ApprovalConditions, Binding
from bot.incidents.model import Incident
from bot.incidents.remediation import Proposal


@dataclass(frozen=True, slots=True)
class ConfigDigests:
    """Digests of the operator's text that an approval depends on; `sop` is '' where none is."""

    sop: str
    policy: str


def bound_to(incident: Incident, written: ConfigDigests) -> Binding:
    """Return the facts of the incident and the digests of the operator's files at this moment."""
    return Binding(
        severity=incident.severity,
        env=incident.env,
        service=incident.service,
        sop=written.sop,
        policy=written.policy,
    )


def digest_of(approval: Approval) -> str:
    """Return the SHA-256 over everything that was shown and that the approval depends on.

    This is the whole proposal, the gateway's whole plan, the requester, the requirement, the
    context and the times. If the digest differs at dispatch, the action does not run.
    `store.audit.proof` makes the same text of an exported incident without this module: a change
    here needs the same change there.
    """
    proposal = approval.proposal
    shown: Mapping[str, Any] = {
        "id": approval.id,
        "incident": approval.incident_id,
        # The values as the store has them; every field, so that a new one is not forgotten.
        "proposal": {
            **_values(proposal),
            "parameters": [(p.name, p.shown, p.origin) for p in proposal.parameters],
        },
        "preview": approval.preview.values,
        "needed": approval.needed,
        "approvers": approval.approvers,
        "requested_by": approval.requested_by,
        "requested_at": _time_text(approval.requested_at),
        "expires_at": _time_text(approval.expires_at),
        "terms": {**_values(approval.terms), "bound": _values(approval.terms.bound)},
        "undoes": approval.undoes,
    }
    return digest_of_text(_ENCODER.encode(shown))


# dataclasses.asdict and json.dumps take four times as long: they build new objects for each call.
_ENCODER = json.JSONEncoder(sort_keys=True, separators=(",", ":"))
_NAMES = {
    kind: tuple(field.name for field in fields(kind))
    for kind in (Proposal, ApprovalConditions, Binding)
}


def _values(proposal: Proposal | ApprovalConditions | Binding) -> dict[str, Any]:
    """Return every field by its name."""
    return {name: getattr(proposal, name) for name in _NAMES[type(proposal)]}


def _time_text(at: datetime) -> str:
    """Return the time as the store writes it."""
    utc = at.astimezone(UTC).isoformat(timespec="microseconds")
    return utc.removesuffix("+00:00") + "Z"


def digest_of_text(text: str) -> str:
    """Return the SHA-256 of a text in hex."""
    return hashlib.sha256(text.encode(errors="surrogatepass")).hexdigest()
