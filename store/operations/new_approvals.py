"""Stores proposals that wait for approval: each once, or one in the place of another."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict
from functools import partial

from bot.approvals import reason_text
from bot.approvals.blockers import Blocker, signature
from bot.approvals.limits import DEFAULT_LIMITS, Limits
from bot.approvals.model import Approval
from bot.approvals.reasons import EndKind, Reason
from bot.approvals.transitions import ApprovalEvent, target
from bot.errors import AlreadyProposed, Refused
from bot.incidents.model import IncidentStatus
from bot.language import N_, deferred
from store.audit.proof.agreement import ALERT_FIELDS, sha256_of_alert
from store.operations import approvals, audit, guards, incidents
from store.operations.audit_kinds import Kind
from store.operations.part import Part
from store.operations.transitions import Change, announce, transition
from store.rows import dump, proposal_to_json, terms_to_json
from store.statements import Operation, Statement, at_end, query, run, to_db_time


def ask(approval: Approval, origin: str, limits: Limits) -> Operation[Approval]:
    """Propose an action for approval; the same `origin` proposes only once.

    An action that needs no approval is queued for dispatch. Refused if the incident is not open any
    more, or a blocker would keep the action from running (see `guards`).
    """
    yield from incidents.lock_incident(approval.incident_id)
    incident = yield from incidents.get(approval.incident_id)
    known = yield query("SELECT id FROM approvals WHERE origin = ?", origin)
    if known:
        before: Approval = yield from approvals.get(known[0]["id"])
        return before
    if incident.status not in (IncidentStatus.OPEN, IncidentStatus.ACKNOWLEDGED):
        raise Refused(
            deferred(
                "{number} is {status}: nothing is proposed any more.",
                number=incident.number,
                status=incident.status,
            )
        )
    alone = approval.needed == 0
    yield from _refuse_a_second(approval)
    blocker: Blocker | None = yield from guards.blocker(
        approval, incident, limits, approval.requested_at
    )
    if blocker and (alone or blocker.makes_it_useless):
        raise reason_text.refused(blocker, N_("Not proposed"))
    yield _insert(approval, origin, blocker)
    proposed = Change(
        event=ApprovalEvent.PROPOSE,
        now=approval.requested_at,
        actor=approval.requested_by,
        detail={**_as_proposed(approval), "alerts": (yield from _alerts(incident.id))},
    )
    yield from announce(approval, proposed, incident)
    if not alone:
        return approval
    change = Change(
        event=ApprovalEvent.APPROVE_BY_POLICY, now=approval.requested_at, reason=approval.reason
    )
    approved: Approval | None = yield from transition(approval, change, incident)
    yield from approvals.queue(approval, approval.requested_at)
    return approved or approval


def _insert(approval: Approval, origin: str, blocker: Blocker | None) -> Statement:
    return run(
        "INSERT INTO approvals (id, incident_id, origin, state, proposal, preview, requested_by,"
        " requested_at, expires_at, needed, approvers, digest, terms, undoes, action_id, target,"
        " drawn) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
        approval.id,
        approval.incident_id,
        origin,
        target(ApprovalEvent.PROPOSE),
        proposal_to_json(approval.proposal),
        json.dumps(approval.preview.values),
        approval.requested_by,
        to_db_time(approval.requested_at),
        to_db_time(approval.expires_at),
        approval.needed,
        dump(approval.approvers),
        approval.digest,
        terms_to_json(approval.terms),
        approval.undoes,
        approval.proposal.action_id,
        approval.proposal.target,
        signature(blocker),
    )


def _refuse_a_second(approval: Approval) -> Operation[None]:
    """Raise AlreadyProposed if the same action waits for approval, or is approved and not sent."""
    rows = yield query(
        "SELECT a.id FROM approvals a LEFT JOIN executions e ON e.approval_id = a.id"
        " WHERE a.incident_id = ? AND a.action_id = ? AND a.target = ? AND a.undoes = ?"
        " AND (a.state = 'awaiting approval' OR e.state = 'approved') ORDER BY a.requested_at",
        approval.incident_id,
        approval.proposal.action_id,
        approval.proposal.target,
        approval.undoes,
    )
    for row in rows:
        other: Approval = yield from approvals.get(row["id"])
        if _values_of(other) == _values_of(approval):
            raise AlreadyProposed(other.proposal.title, str(other.state))


def _values_of(approval: Approval) -> dict[str, object]:
    return {p.name: p.value for p in approval.proposal.parameters}


def _as_proposed(approval: Approval) -> dict[str, object]:
    """Return the part of the proposal that an approval approves, for the audit trail."""
    proposal = approval.proposal
    return {
        "action": proposal.action_id,
        "target": proposal.target,
        "parameters": [(p.name, p.shown, p.origin) for p in proposal.parameters],
        "plan": approval.preview.digest,
        "digest": approval.digest,
        "needed": approval.needed,
        "approvers": approval.approvers,
        "expires_at": to_db_time(approval.expires_at),
        "terms": asdict(approval.terms),
        "undoes": approval.undoes,
    }


_ALERTS = 50  # whose SHA-256 go on record; a storm has thousands


def _alerts(incident_id: int) -> Operation[dict[str, str]]:
    """Return the SHA-256 of the alerts that people knew, by their ids: the first and the latest."""
    columns = ", ".join(("id", *ALERT_FIELDS))
    rows = yield query(
        f"SELECT {columns} FROM alerts WHERE incident_id = ? AND (id IN"  # noqa: S608 - constants
        " (SELECT id FROM alerts WHERE incident_id = ? ORDER BY id DESC LIMIT ?)"
        " OR id = (SELECT MIN(id) FROM alerts WHERE incident_id = ?)) ORDER BY id",
        incident_id,
        incident_id,
        _ALERTS - 1,
        incident_id,
    )
    return {
        str(row["id"]): sha256_of_alert(
            {name: row[name] for name in ALERT_FIELDS} | {"body": json.loads(row["body"])}
        )
        for row in rows
    }


def edit(
    old_id: str,
    fresh: Approval,
    origin: str,
    editor: str,
    values: Mapping[str, str],
    limits: Limits,
) -> Operation[Approval]:
    """Replace a waiting approval by `fresh`: one of the two can be approved, never both.

    The same `origin` edits once. Refused if the old one waits no more: of two people who edit at
    the same time, the second does not see the first one's values.
    """
    yield from incidents.lock_incident(fresh.incident_id)
    if (yield query("SELECT 1 FROM approvals WHERE origin = ?", origin)):
        before: Approval = yield from ask(fresh, origin, limits)
        return before
    now, reason = fresh.requested_at, Reason(kind=EndKind.EDITED, user=editor)
    old: Approval = yield from approvals.get(old_id)
    if not (yield from approvals.cancel(old, reason, now)):
        old = yield from approvals.get(old_id)
        raise Refused(
            deferred("Not done: this remediation is {state}.", state=old.state),
            remedy=deferred("Somebody was faster; see the newest card in this thread."),
        )
    added: Approval = yield from ask(fresh, origin, limits)
    yield at_end(
        partial(
            audit.record,
            Kind.EDITED,
            now=now,
            incident_id=old.incident_id,
            subject=old_id,
            actor=editor,
            detail={"became": added.id, "values": dict(values)},
        )
    )
    return added


class NewApprovalsPart(Part):
    """The methods of `Store` that propose actions for approval."""

    async def ask(
        self, approval: Approval, origin: str, limits: Limits = DEFAULT_LIMITS
    ) -> Approval:
        """Propose an action for approval.

        The same `origin` proposes once. Refused if the incident is resolved or the action has a
        blocker. AlreadyProposed if the same action waits for approval in that incident. An action
        that needs no approval is approved at once, or Refused.
        """
        return await self._write(ask, approval, origin, limits)

    async def edit(
        self,
        old_id: str,
        fresh: Approval,
        origin: str,
        editor: str,
        values: Mapping[str, str],
        limits: Limits = DEFAULT_LIMITS,
    ) -> Approval:
        """Replace the old approval by `fresh`; the old one is revoked.

        The same `origin` edits once. Refused if the old one waits no more, and as `ask` refuses.
        """
        return await self._write(edit, old_id, fresh, origin, editor, values, limits)
