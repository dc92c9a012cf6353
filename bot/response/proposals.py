"""The third step: proposes a typed action, the SOP's or a person's, for approval."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, replace
from typing import Any

from bot.approvals.binding import bound_to, digest_of_text
from bot.approvals.model import Approval, ApprovalConditions
from bot.approvals.rules import PolicyInput, demand, environments_of
from bot.approvals.segment import GuestAction, Remediate
from bot.errors import InputError, Refused
from bot.incidents.model import Alert, Incident
from bot.incidents.remediation import Preview, Proposal, RemediationStatus
from bot.incidents.sops import ProposedAction, Sop
from bot.language import deferred
from bot.remediation import catalogue, intents
from bot.response import proposal_parts
from bot.response.decisions import check_undecided
from bot.response.dependencies import Dependencies

PLAN_SECONDS = 15.0  # seconds for the gateway's plan while no person waits


@dataclass(frozen=True, slots=True, kw_only=True)
class Request:
    """The origin of a proposal.

    `user` is the person who waits for it, '' for an SOP. `action` is the SOP's, None if a person
    chose the action. `requested_by` is the person who asked first; `editors` changed values since.
    """

    user: str = ""
    action: ProposedAction | None = None
    requested_by: str = ""
    editors: tuple[str, ...] = ()
    undoes: str = ""


class Proposals:
    """Proposes actions to people: those of an SOP, of a person's command, of an edit, of an undo.

    `check_person` raises Refused for a person who may not propose anything.
    """

    def __init__(
        self,
        dependencies: Dependencies,
        check_person: Callable[[str, GuestAction | None], Awaitable[None]],
    ) -> None:
        self._store = dependencies.store
        self._config = dependencies.config
        self._gateways = dependencies.gateways
        self._check_person = check_person
        self._clock = dependencies.clock

    async def from_sop(
        self, incident: Incident, sop: Sop, action: ProposedAction, alert: Alert
    ) -> Approval:
        """Return the approval for an action that the SOP offers for this alert, not stored yet.

        A person who reported the alert, or chose the SOP, has asked for it.
        """
        who, *others = await self._store.askers(incident.id) or ("",)
        values = proposal_parts.values_from(sop, action, alert, self._clock())
        proposal = self._propose(action.action, values)
        request = Request(action=action, requested_by=who, editors=tuple(others))
        return await self._prepared(incident, proposal, request)

    async def propose_again(self, incident: Incident, old: Approval) -> Approval:
        """Return an approval of the same values under the current policy, without votes, not stored
        yet."""
        fields = {p.name: (p.value, p.origin) for p in old.proposal.parameters}
        proposal = self._propose(old.proposal.action_id, fields)
        return await self._prepared(
            incident,
            replace(proposal, title=old.proposal.title),
            Request(requested_by=old.requested_by, editors=old.terms.editors, undoes=old.undoes),
        )

    async def fix(
        self, incident: Incident, text: str, user: str, cause: str
    ) -> tuple[Approval, bool]:
        """Propose an action for a person; somebody else must approve it.

        One `cause` proposes once. Returns the waiting approval, and whether it is new.
        """
        action_id, values = intents.read_fix(
            text, user=user, default_target=incident.service, actions=self._config.actions
        )
        return await self.by_person(incident, action_id, values, user, cause)

    async def by_person(
        self,
        incident: Incident,
        action_id: str,
        values: Mapping[str, tuple[Any, str]],
        user: str,
        cause: str,
    ) -> tuple[Approval, bool]:
        """Propose an action with these values and origins for a person, as `fix` does."""
        proposal = self._propose(action_id, values)
        result = await self._prepared(incident, proposal, Request(user=user, requested_by=user))
        stands = await self._store.ask(result, cause, self._config.current.limits)
        return stands, stands.id == result.id

    async def edit(self, approval_id: str, values: Mapping[str, str], user: str) -> Approval:
        """Replace a proposal by one with a person's values, whose own vote does not count.

        It has no votes, because all earlier votes were for other values.
        """
        old = await self._store.approval(approval_id)
        check_undecided(old)
        fields = {p.name: (p.value, p.origin) for p in old.proposal.parameters}
        changed = False
        for name, value in values.items():
            if name not in catalogue.editable(old.proposal):
                raise InputError(deferred("{name} cannot be edited", name=name), field=name)
            if name in fields and str(fields[name][0]) != value.strip():
                fields[name] = (value.strip(), f"edited by @{user}")
                changed = True
        if not changed:
            raise InputError(
                deferred("Nothing was changed."),
                remedy=deferred("Close the box to leave it as it is."),
            )
        proposal = self._propose(old.proposal.action_id, fields)
        incident = await self._store.incident(old.incident_id)
        fresh = await self._prepared(
            incident,
            proposal,
            Request(
                user=user,
                requested_by=old.requested_by,
                editors=(*old.terms.editors, user),
                undoes=old.undoes,
            ),
        )
        # With the user: a person who sends the same values at the same time is an editor too.
        cause = f"edit/{old.id}/{user}/{digest_of_text(repr(sorted(values.items())))[:16]}"
        limits = self._config.current.limits
        return await self._store.edit(old.id, fresh, cause, user, values, limits)

    async def undo(self, approval_id: str, user: str) -> Approval:
        """Propose the undo of an action that ran and did not help, under the same policy."""
        done = await self._store.approval(approval_id)
        execution = await self._store.execution_of(approval_id)
        answer = execution.answer if execution else None
        entry = catalogue.inverse_of(done.proposal, answer or {})
        if execution is None or execution.state is not RemediationStatus.NOT_VERIFIED:
            raise Refused(
                deferred("Not proposed: only what ran and is not verified can be undone.")
            )
        if entry is None:
            raise Refused(deferred("Not proposed: nothing takes this action back."))
        earlier = [
            approval
            for approval in await self._store.approvals_of(done.incident_id)
            if approval.undoes == execution.id
        ]
        if any(not approval.decided for approval in earlier):
            raise Refused(deferred("It is proposed already: see its card in this thread."))
        proposal = self._propose(*entry)
        incident = await self._store.incident(done.incident_id)
        result = await self._prepared(
            incident,
            replace(proposal, title=f"Undo {done.proposal.title}: {proposal.title}"),
            Request(user=user, requested_by=user, undoes=execution.id),
        )
        cause = f"undo/{execution.id}/{len(earlier)}"
        return await self._store.ask(result, cause, self._config.current.limits)

    def _propose(self, action_id: str, values: Mapping[str, tuple[Any, str]]) -> Proposal:
        return catalogue.propose(action_id, values, self._remediate, self._config.actions)

    @property
    def _remediate(self) -> Remediate:
        return self._config.current.policy.remediate

    async def _prepared(self, incident: Incident, proposal: Proposal, request: Request) -> Approval:
        """Return the approval by the present plan and policy.

        Refused if the user may not propose it.
        """
        preview, targets = await self._planned(incident, proposal, request)
        alert = await self._store.latest_alert(incident.id)
        # The present state: the advice that led here may have taken minutes.
        incident = await self._store.incident(incident.id)
        sop = self._config.current.sops.get(incident.sop_id)
        fits = (
            request.action is not None
            and sop is not None
            and alert is not None
            and self._config.current.sops.is_for(sop, request.action, alert, preview.environment)
        )
        case = PolicyInput(
            action_id=proposal.action_id,
            risk=proposal.risk,
            environment=preview.environment,
            alert_environment=incident.env,
            targets=targets,
            seen=proposal_parts.is_seen(proposal.target, incident, alert),
            fits=fits,
            asked_by=request.requested_by or "".join(request.editors[-1:]),
        )
        return self._approval_of(incident, proposal, preview, case, request)

    async def _planned(
        self, incident: Incident, proposal: Proposal, request: Request
    ) -> tuple[Preview, int | None]:
        """Return the gateway's plan, and the number of targets that it would touch."""
        call = proposal_parts.call_of(incident, proposal)
        gateway = self._gateways.for_target(call.target)
        if not request.user:
            return await proposal_parts.preview_of(gateway, call, PLAN_SECONDS)
        # Both at the same time, because Slack waits three seconds at most.
        guest_action: GuestAction | None = None if request.editors or request.undoes else "fix"
        plan, _ = await asyncio.gather(
            proposal_parts.preview_of(gateway, call, proposal_parts.PATIENCE),
            self._check_person(request.user, guest_action),
        )
        return plan

    def _approval_of(
        self,
        incident: Incident,
        proposal: Proposal,
        preview: Preview,
        case: PolicyInput,
        request: Request,
    ) -> Approval:
        current = self._config.current
        remediate = current.policy.remediate
        requirements = demand(remediate, case)
        return proposal_parts.approval_for(
            incident,
            proposal,
            preview,
            requirements,
            ApprovalConditions(
                reason_required=requirements.reason_required,
                only_in_windows=requirements.only_in_windows,
                targets=case.targets,
                seen=case.seen,
                fits=case.fits,
                environments=environments_of(remediate, case),
                editors=request.editors,
                bound=bound_to(incident, current.written(incident.sop_id)),
            ),
            requested_by=request.requested_by,
            undoes=request.undoes,
            now=self._clock(),
        )
