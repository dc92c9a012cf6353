"""The parts of a proposal: its values with their origins, its plan, its approval."""

from __future__ import annotations

import asyncio
import secrets
from dataclasses import replace
from datetime import datetime
from typing import Any

from bot.approvals.binding import digest_of
from bot.approvals.model import Approval, ApprovalConditions
from bot.approvals.reasons import EndKind, Reason
from bot.approvals.rules import ApprovalRequirements
from bot.errors import GatewayRejected, GatewayUnavailable, InputError
from bot.incidents.environments import Environments
from bot.incidents.model import Alert, Incident
from bot.incidents.remediation import Preview, Proposal, RemediationStatus
from bot.incidents.services import Catalogue
from bot.incidents.sop_keys import read_key, spelled
from bot.incidents.sops import ProposedAction, Sop, fill, template_values
from bot.intake.guesses import SERVICE_LABELS
from bot.language import N_, deferred
from bot.remediation.answers import short_line
from bot.remediation.catalogue import CATALOGUE
from bot.remediation.client import ActionCall
from bot.remediation.contract import Plan
from bot.remediation.gateways import NamedGateway
from bot.response.request_context import PRIORITY

LISTING_SECONDS = 0.5  # seconds for the gateway to list its targets, after a refusal
MOST_TARGETS = 10  # targets that an answer names
PATIENCE = 2.0  # seconds for the gateway while a person waits; Slack allows three for a press


def offered(
    sop: Sop, alert: Alert, environments: Environments, services: Catalogue
) -> list[tuple[int, ProposedAction]]:
    """Return the SOP's actions whose `when` matches this alert, each with its place in the SOP."""
    fields = spelled(alert, environments, services)
    return [
        (place, action)
        for place, action in enumerate(sop.actions)
        if not action.when or read_key(action.when).fits(fields)
    ]


def values_from(
    sop: Sop, action: ProposedAction, alert: Alert, now: datetime
) -> dict[str, tuple[Any, str]]:
    """Return the action's parameters with origins; a template's value is from the alert."""
    values = template_values(alert, now)
    fields: dict[str, tuple[Any, str]] = {}
    for name, value in action.parameters.items():
        if isinstance(value, str) and "{{" in value:
            fields[name] = (fill(value, values), _origin(sop, value))
        else:
            fields[name] = (value, f"SOP {sop.sop_id}")
    return fields


_FROM_ALERT = {
    "service_name": "service",
    "alert_path": "path",
    "expression": "expression",
    "alert_start_time": "start",
    "alert_end_time": "end",
    "alert_time": "start",
}


def _origin(sop: Sop, template: str) -> str:
    """Return the origin: `alert: service` for a bare template, also the SOP for text around it."""
    name = template.strip().removeprefix("{{").removesuffix("}}").strip()
    if name in _FROM_ALERT:
        return f"alert: {_FROM_ALERT[name]}"
    return f"alert, in the words of SOP {sop.sop_id}"


def call_of(incident: Incident, proposal: Proposal) -> ActionCall:
    """Return the request for the gateway: exactly the proposal, and a label for people."""
    parameters = {
        p.name: p.value for p in proposal.parameters if p.name not in ("target", "probe_url")
    }
    return ActionCall(
        action_id=proposal.action_id,
        target=proposal.target,
        parameters=parameters,
        intent=proposal.intent,
        context=f"Incident {incident.number}, SOP {incident.sop_id}",
        priority=PRIORITY[incident.severity],
        tracking_id=incident.tracking_id,
    )


async def preview_of(
    gateway: NamedGateway, call: ActionCall, within: float | None = None
) -> tuple[Preview, int | None]:
    """Return the gateway's plan and the number of things that it touches, `within` seconds.

    '' and None if it cannot plan. After GatewayUnavailable or InputError (the gateway refuses the
    action) nothing is proposed.
    """
    try:
        async with asyncio.timeout(within):
            plan = await gateway.client.plan(call)
    except TimeoutError as error:
        raise GatewayUnavailable(
            deferred(
                "The gateway did not say in {seconds:g} s what it would do. Nothing is proposed.",
                seconds=within,
            ),
            remedy=deferred("Try again in a moment."),
        ) from error
    except GatewayRejected as error:
        if targets := await _targets_without(gateway, call):
            raise no_target(call.target, targets) from error
        raise InputError(str(error), field="action") from error
    if plan is None:
        return Preview(gateway=gateway.name), None
    place = [f"by the gateway {gateway.name}"] if gateway.name else []
    shown = "\n".join((plan.display, *plan.steps, *_afterwards(plan), *place))
    preview = Preview(
        command=shown,
        digest=plan.digest,
        touches="; ".join(plan.touches),
        environment=plan.environment,
        gateway=gateway.name,
    )
    return preview, len(plan.touches) or None


def _afterwards(plan: Plan) -> list[str]:
    """Return how an action that only the gateway knows is checked, and what takes it back."""
    if plan.action in CATALOGUE:
        return []
    inverse = plan.inverse
    values = " ".join(f"{n}={v}" for n, v in inverse.parameters.items()) if inverse else ""
    undo = f"taken back by {inverse.id} {values}".strip() if inverse else "cannot be undone"
    return [*([f"checked: {plan.verified_by}"] if plan.verified_by else []), undo]


async def _targets_without(gateway: NamedGateway, call: ActionCall) -> tuple[str, ...]:
    """Return the action's targets, if the gateway lists them and the call's is not among them."""
    try:
        async with asyncio.timeout(LISTING_SECONDS):
            listed = await gateway.client.offers()
    except (GatewayUnavailable, GatewayRejected, TimeoutError):
        return ()
    for action in listed.actions if listed else ():
        if action.id == call.action_id and call.target not in action.targets:
            return action.targets
    return ()


def no_target(name: str, targets: tuple[str, ...]) -> InputError:
    """Return the message for a name that is no target; it names a few that are."""
    known = ", ".join(short_line(target)[:60] for target in sorted(targets)[:MOST_TARGETS])
    more = len(targets) - MOST_TARGETS
    text = (
        N_("The gateway has no target {name}. Known targets: {known} and {count} more.")
        if more > 0
        else N_("The gateway has no target {name}. Known targets: {known}.")
    )
    return InputError(deferred(text, name=name[:60], known=known, count=more), field="target")


_LABELS_OF_TARGETS = (*SERVICE_LABELS, "pod", "node", "target", "server", "database", "cluster")


def is_seen(target: str, incident: Incident, alert: Alert | None) -> bool:
    """Return whether the incident's alerts name the target."""
    return target in named_targets(incident, alert)


def named_targets(incident: Incident, alert: Alert | None) -> dict[str, str]:
    """Return the targets that the incident's alerts name, as service or in a label for targets.

    Each has its origin. Other labels do not count: a note that mentions a target is not about it.
    """
    named: dict[str, str] = {}
    sources: list[Incident | Alert] = [alert, incident] if alert else [incident]
    for about in sources:
        named.setdefault(about.service, "alert: service")
        for label in _LABELS_OF_TARGETS:
            named.setdefault(about.labels.get(label, ""), f"alert: {label}")
    named.pop("", None)
    return named


def approval_for(
    incident: Incident,
    proposal: Proposal,
    preview: Preview,
    demand: ApprovalRequirements,
    terms: ApprovalConditions,
    *,
    requested_by: str,
    undoes: str,
    now: datetime,
) -> Approval:
    """Return a new approval: its id has 128 random bits, and it is bound to the shown values and
    this time."""
    alone = demand.needed == 0
    approval = Approval(
        id=secrets.token_hex(16),
        incident_id=incident.id,
        proposal=proposal,
        preview=preview,
        state=RemediationStatus.APPROVED if alone else RemediationStatus.AWAITING_APPROVAL,
        requested_by=requested_by,
        requested_at=now,
        expires_at=now + demand.ttl,
        needed=demand.needed,
        approvers=demand.approvers,
        digest="",
        decided_by="",
        decided_at=now if alone else None,
        reason=Reason(kind=EndKind.BY_POLICY) if alone else None,
        votes=(),
        terms=terms,
        undoes=undoes,
    )
    return replace(approval, digest=digest_of(approval))
