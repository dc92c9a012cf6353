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
from bot.incidents.remediation import Preview, Proposal


@dataclass(frozen=True, slots=True)
class ConfigDigests:
    """Digests of the operator's text that an approval depends on; `sop` is '' where none is."""

    sop: str
    policy: str


def bound_to(incident: Incident, written: ConfigDigests) -> Binding:
    """The facts of the incident and of the operator's files that an approval depends on, now."""
    return Binding(
        severity=incident.severity,
        env=incident.env,
        service=incident.service,
        sop=written.sop,
        policy=written.policy,
    )


def digest_of(approval: Approval) -> str:
    """SHA-256 over all that was shown and all that it is tied to.

    The whole proposal and the whole of the gateway's plan, who asked, who may decide how, what the
    world was like, until when. If it differs when it should run, it does not run.

    `store.audit.proof` makes the same text of a bundle, where nothing of ours is at hand: what
    changes here changes there.
    """
    proposal = approval.proposal
    shown: Mapping[str, Any] = {
        "id": approval.id,
        "incident": approval.incident_id,
        # As they stand in the store; every field, so that none that is added is forgotten.
        "proposal": {
            **_values(proposal),
            "parameters": [(p.name, p.shown, p.origin) for p in proposal.parameters],
        },
        "preview": list(_values(approval.preview).values()),
        "needed": approval.needed,
        "approvers": approval.approvers,
        "requested_by": approval.requested_by,
        "requested_at": _time_text(approval.requested_at),
        "expires_at": _time_text(approval.expires_at),
        "terms": {**_values(approval.terms), "bound": _values(approval.terms.bound)},
        "undoes": approval.undoes,
    }
    return digest_of_text(_ENCODER.encode(shown))


# What dataclasses.asdict and json.dumps make anew for each call takes them four times as long.
_ENCODER = json.JSONEncoder(sort_keys=True, separators=(",", ":"))
_NAMES = {
    kind: tuple(field.name for field in fields(kind))
    for kind in (Proposal, Preview, ApprovalConditions, Binding)
}


def _values(proposal: Proposal | Preview | ApprovalConditions | Binding) -> dict[str, Any]:
    """Every field by its name."""
    return {name: getattr(proposal, name) for name in _NAMES[type(proposal)]}


def _time_text(at: datetime) -> str:
    """As the store writes it."""
    utc = at.astimezone(UTC).isoformat(timespec="microseconds")
    return utc.removesuffix("+00:00") + "Z"


def digest_of_text(text: str) -> str:
    """SHA-256 in hex."""
    return hashlib.sha256(text.encode(errors="surrogatepass")).hexdigest()
