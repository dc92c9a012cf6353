"""Blockers of a remediation: `evaluate` decides which one holds.

It is called when the card is drawn, at a press, when the dispatch is claimed, and before it is
sent. The answer is data; `reason_text` has the sentences. Expiry is also a condition of the vote
itself (`policy.check_vote`, `store.operations.votes`), because a vote changes the state.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from bot.approvals import freeze_scopes
from bot.approvals.binding import digest_of
from bot.approvals.facts import Config, Facts, LastCheck, PastRun
from bot.approvals.limits import Limits
from bot.approvals.model import Approval, Freeze
from bot.approvals.policy import SKEW, who_can_still_approve
from bot.approvals.reasons import BlockerKind, Reason
from bot.approvals.rules import ApprovalRequirements
from bot.incidents.model import Incident, IncidentStatus
from bot.incidents.remediation import RemediationStatus
from bot.incidents.time_windows import in_window, next_opening

HOUR = timedelta(hours=1)


_FINAL = frozenset(
    {
        BlockerKind.INCIDENT_CLOSED,
        BlockerKind.EXPIRED,
        BlockerKind.APPROVED_TOO_LONG_AGO,
        BlockerKind.CLOCK_MOVED_BACK,
        BlockerKind.SCOPE_CHANGED,
        BlockerKind.SOP_EDITED,
        BlockerKind.REQUIREMENT_CHANGED,
        BlockerKind.NOT_AS_SHOWN,
        BlockerKind.NOT_ON_RECORD,
        BlockerKind.VOTE_LOST,
        BlockerKind.PLAN_CHANGED,
    }
)
PROPOSE_AGAIN = frozenset(
    {BlockerKind.SCOPE_CHANGED, BlockerKind.SOP_EDITED, BlockerKind.REQUIREMENT_CHANGED}
)
"""Blockers that end an approval although its incident still needs the remediation."""

_USELESS = frozenset({BlockerKind.DID_NOT_HELP, BlockerKind.BREAKER_OPEN})


@dataclass(frozen=True, slots=True, kw_only=True)
class Blocker(Reason):
    """The reason why a remediation may not run now."""

    kind: BlockerKind

    @property
    def is_final(self) -> bool:
        """Return whether neither time nor a person can remove it."""
        return self.kind in _FINAL

    @property
    def makes_it_useless(self) -> bool:
        """Return whether proposing it is useless, too."""
        return self.is_final or self.kind in _USELESS


def signature(blocker: Blocker | None) -> str:
    """Return a text that is equal for equal blockers, '' for none: the card is drawn again when it
    changes."""
    return repr(blocker) if blocker else ""


def since_of(limits: Limits, now: datetime) -> datetime:
    """Return the time before which a request can no longer block anything."""
    longest = max((limits.other_cooldown, *limits.cooldowns.values()))
    return now - max(HOUR, limits.breaker_span, longest)


def evaluate(
    approval: Approval,
    incident: Incident,
    facts: Facts,
    limits: Limits,
    now: datetime,
    *,
    config: Config | None = None,
    last_check: LastCheck | None = None,
) -> Blocker | None:
    """Return the first blocker that keeps the remediation from running now, or None.

    Without `config` the operator's files are not checked, and without `last_check` not its results.
    Of the earlier executions only a running one on the same target blocks an undo.
    """
    others = [run for run in facts.runs if run.approval_id != approval.id]
    checks = (
        _ended(approval, incident, now),
        _context_changed(approval, incident, config),
        _fails_last_check(approval, last_check),
        _too_few_approvers(approval),
        _trail_disputed(facts.dispute),
        _frozen(facts.freeze),
        _scope_frozen(approval, incident, facts.scopes),
        _request_missing(facts.missing),
        _outside_window(approval, limits, now),
        _did_not_help(approval, others),
        _target_busy(approval, others),
        _target_cooling(approval, others, limits, now),
        _breaker_open(approval, incident.sop_id, others, limits, now),
        _budget_spent(approval, incident.sop_id, others, limits, now),
    )
    return next((blocker for blocker in checks if blocker), None)


def _ended(approval: Approval, incident: Incident, now: datetime) -> Blocker | None:
    """The incident is not open any more, or the approval's time is over."""
    if incident.status not in (IncidentStatus.OPEN, IncidentStatus.ACKNOWLEDGED):
        return Blocker(kind=BlockerKind.INCIDENT_CLOSED, subject=incident.status)
    if not approval.decided:
        expired = now >= approval.expires_at
        return Blocker(kind=BlockerKind.EXPIRED) if expired else None
    if approval.valid_until is None or now >= approval.valid_until:
        return Blocker(kind=BlockerKind.APPROVED_TOO_LONG_AGO)
    if approval.decided_at and approval.decided_at > now + SKEW:
        return Blocker(kind=BlockerKind.CLOCK_MOVED_BACK)
    return None


def _context_changed(
    approval: Approval, incident: Incident, config: Config | None
) -> Blocker | None:
    """The context of the proposal has changed.

    A changed severity of the incident blocks nothing: any sender can set one, and the policy does
    not depend on it.
    """
    if config is None:
        return None
    if digest_of(approval) != approval.digest:
        return Blocker(kind=BlockerKind.NOT_AS_SHOWN)
    then = approval.terms.bound
    if (then.env, then.service) != (incident.env, incident.service):
        return Blocker(kind=BlockerKind.SCOPE_CHANGED)
    if then.sop != config.sop:
        return Blocker(kind=BlockerKind.SOP_EDITED, subject=incident.sop_id)
    if config.requirement is None or _differs(config.requirement, requirement_of(approval)):
        return Blocker(kind=BlockerKind.REQUIREMENT_CHANGED)
    return None


def _differs(now: ApprovalRequirements, then: ApprovalRequirements) -> bool:
    """Return whether the requirements differ; how long the approval lives does not matter."""
    return replace(now, ttl=then.ttl) != then


def _fails_last_check(approval: Approval, last_check: LastCheck | None) -> Blocker | None:
    """Block an approval that is not on record, no longer counts, or is not what would run."""
    if last_check is None:
        return None
    if not last_check.is_on_record:
        return Blocker(kind=BlockerKind.NOT_ON_RECORD)
    if last_check.lost_vote:
        return Blocker(kind=BlockerKind.VOTE_LOST, lost_vote=last_check.lost_vote)
    if last_check.plan != approval.preview.digest:
        return Blocker(kind=BlockerKind.PLAN_CHANGED)
    return None


def requirement_of(approval: Approval) -> ApprovalRequirements:
    """Return the requirement at the time of the proposal."""
    return ApprovalRequirements(
        approvers=approval.approvers,
        needed=approval.needed,
        ttl=approval.expires_at - approval.requested_at,
        reason_required=approval.terms.reason_required,
        only_in_windows=approval.terms.only_in_windows,
    )


def _too_few_approvers(approval: Approval) -> Blocker | None:
    """Fewer people can still vote than votes are needed."""
    if approval.decided:
        return None
    users, groups = who_can_still_approve(approval)
    if groups or len(users) >= approval.needed - len(approval.approved_by):
        return None
    return Blocker(kind=BlockerKind.NO_APPROVER, count=len(users))


def _trail_disputed(why: str) -> Blocker | None:
    """It is unknown which freezes, votes and requests were on record."""
    return Blocker(kind=BlockerKind.TRAIL_DISPUTED, reason=why) if why else None


def _frozen(freeze: Freeze | None) -> Blocker | None:
    if freeze is None:
        return None
    if freeze.disputed:
        return Blocker(kind=BlockerKind.FREEZE_DISPUTED, since=freeze.at)
    return Blocker(kind=BlockerKind.FROZEN, user=freeze.by, reason=freeze.reason, since=freeze.at)


def _scope_frozen(
    approval: Approval, incident: Incident, frozen: Mapping[str, Freeze]
) -> Blocker | None:
    """The incident, its root or the target is frozen."""
    for scope in freeze_scopes.scopes_of(approval, incident):
        if freeze := frozen.get(scope):
            return Blocker(
                kind=BlockerKind.SCOPE_FROZEN,
                subject=freeze_scopes.name_of(scope),
                user=freeze.by,
                reason=freeze.reason,
                since=freeze.at,
            )
    return None


def _request_missing(approvals: Sequence[str]) -> Blocker | None:
    """A sent request is missing from the store, so the limits cannot be counted."""
    return Blocker(kind=BlockerKind.REQUEST_MISSING, count=len(approvals)) if approvals else None


def _outside_window(approval: Approval, limits: Limits, now: datetime) -> Blocker | None:
    if not approval.terms.only_in_windows or in_window(limits.windows, now):
        return None
    return Blocker(kind=BlockerKind.WINDOW_CLOSED, until=next_opening(limits.windows, now))


def _did_not_help(approval: Approval, others: Iterable[PastRun]) -> Blocker | None:
    """The same action did not help in this incident before."""
    failed = (RemediationStatus.NOT_VERIFIED, RemediationStatus.UNDONE)
    proposal = approval.proposal
    for run in others:
        if (
            not approval.undoes
            and run.state in failed
            and run.incident_id == approval.incident_id
            and (run.action_id, run.target) == (proposal.action_id, proposal.target)
        ):
            return Blocker(kind=BlockerKind.DID_NOT_HELP, subject=proposal.title)
    return None


_UNDER_WAY = {
    RemediationStatus.DISPATCHING: BlockerKind.TARGET_BUSY,
    RemediationStatus.OUTCOME_UNKNOWN: BlockerKind.TARGET_UNKNOWN,
}


def _target_busy(approval: Approval, others: Iterable[PastRun]) -> Blocker | None:
    """One action a target at a time; an action with an unknown outcome may still run."""
    for run in _on(approval.proposal.target, others):
        if run.state in _UNDER_WAY:
            return Blocker(
                kind=_UNDER_WAY[run.state],
                subject=run.target,
                incident_id=run.incident_id,
                since=run.started_at,
            )
    return None


def _target_cooling(
    approval: Approval, others: Iterable[PastRun], limits: Limits, now: datetime
) -> Blocker | None:
    """The pause after the last action on the target is not over."""
    pause = limits.cooldowns.get(approval.proposal.action_id, limits.other_cooldown)
    started = [run.started_at for run in _on(approval.proposal.target, others)]
    if approval.undoes or not pause or not started or max(started) + pause <= now:
        return None
    return Blocker(
        kind=BlockerKind.COOLDOWN,
        subject=approval.proposal.target,
        since=max(started),
        until=max(started) + pause,
    )


_FAILURES = frozenset(
    {
        RemediationStatus.FAILED,
        RemediationStatus.NOT_VERIFIED,
        RemediationStatus.UNDONE,
        RemediationStatus.OUTCOME_UNKNOWN,
    }
)


def _breaker_open(
    approval: Approval, sop_id: str, others: Iterable[PastRun], limits: Limits, now: datetime
) -> Blocker | None:
    """This SOP's remediations failed too often since one last helped."""
    runs = [run for run in others if run.sop_id == sop_id]
    helped = [run.started_at for run in runs if run.state is RemediationStatus.VERIFIED]
    failed = sorted(
        run.started_at
        for run in runs
        if run.state in _FAILURES
        and run.started_at > now - limits.breaker_span
        and not (helped and run.started_at <= max(helped))
    )
    if approval.undoes or len(failed) < limits.breaker_failures:
        return None
    return Blocker(
        kind=BlockerKind.BREAKER_OPEN,
        subject=sop_id,
        count=len(failed),
        until=failed[-limits.breaker_failures] + limits.breaker_span,
    )


def _budget_spent(
    approval: Approval, sop_id: str, others: Iterable[PastRun], limits: Limits, now: datetime
) -> Blocker | None:
    """An hourly budget is spent: of all remediations, of the SOP, or of the target."""
    if approval.undoes:
        return None
    target = approval.proposal.target
    ran = [run for run in others if run.started_at > now - HOUR]
    of_sop = [run for run in ran if run.sop_id == sop_id]
    for runs, budget, kind, subject in (
        (ran, limits.hourly_budget, BlockerKind.BUDGET_SPENT, ""),
        (of_sop, limits.hourly_budget_per_sop, BlockerKind.SOP_BUDGET_SPENT, sop_id),
        (
            list(_on(target, ran)),
            limits.hourly_budget_per_target,
            BlockerKind.TARGET_BUDGET_SPENT,
            target,
        ),
    ):
        if len(runs) >= budget:
            started = sorted(run.started_at for run in runs)
            until = started[-budget] + HOUR if budget else None
            return Blocker(kind=kind, subject=subject, count=len(runs), until=until)
    return None


def _on(target: str, runs: Iterable[PastRun]) -> Iterator[PastRun]:
    return (run for run in runs if run.target == target)
