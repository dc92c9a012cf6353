"""Names what a freeze holds for: one incident with its children, or one target."""

from __future__ import annotations

from bot.approvals.model import Approval
from bot.incidents.model import Incident

INCIDENT, TARGET = "incident:", "target:"


def of_incident(incident_id: int) -> str:
    """The scope of an incident and its children."""
    return f"{INCIDENT}{incident_id}"


def of_target(target: str) -> str:
    """The scope of a target, in every incident."""
    return f"{TARGET}{target}"


def incident_of(scope: str) -> int | None:
    """The incident of a scope; None for that of a target."""
    return int(scope.removeprefix(INCIDENT)) if scope.startswith(INCIDENT) else None


def target_of(scope: str) -> str | None:
    """The target of a scope; None for that of an incident."""
    return scope.removeprefix(TARGET) if scope.startswith(TARGET) else None


def name_of(scope: str) -> str:
    """The scope as people type it: `INC-7`, or `target checkout-api`."""
    number = incident_of(scope)
    return f"INC-{number}" if number is not None else f"target {scope.removeprefix(TARGET)}"


def scopes_of(approval: Approval, incident: Incident) -> tuple[str, ...]:
    """The scopes whose freeze blocks this approval."""
    root = [of_incident(incident.parent_id)] if incident.parent_id is not None else []
    return (of_incident(incident.id), *root, of_target(approval.proposal.target))
