"""The fourth step: counts votes, and refuses those on approvals that are over or out of date."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import replace

from bot.approvals import reason_text
from bot.approvals.blockers import Blocker, evaluate, signature
from bot.approvals.facts import Facts
from bot.approvals.mentions import is_group, mentions
from bot.approvals.model import (
    Approval,
    Choice,
    Freeze,
    UserStatus,
)
from bot.approvals.policy import Voter, check_vote, no_vote
from bot.approvals.reasons import BlockerKind, LostVote, VoteProblem
from bot.approvals.segment import GuestAction
from bot.errors import NotFound, Refused, SopbotError, StoreError
from bot.incidents.model import Incident
from bot.language import N_, deferred
from bot.response import proposal_parts
from bot.response.dependencies import Dependencies
from store.operations.audit import LONGEST_ID
from store.operations.audit_kinds import Kind

log = logging.getLogger(__name__)

AGAIN = N_("It is revoked; propose it again.")
IN_A_MINUTE = N_("Try again in a minute.")
_EASY_TO_TAKE_BACK = ("acknowledge", "assign", "ask")


class Decisions:
    """Counts votes on waiting approvals."""

    def __init__(self, dependencies: Dependencies) -> None:
        self._store = dependencies.store
        self._config = dependencies.config
        self._gateways = dependencies.gateways
        self._user_status = dependencies.user_status
        self._clock = dependencies.clock
        self._metrics = dependencies.metrics
        self._home_team = dependencies.home_team

    # Voting: one conditional UPDATE decides.

    async def vote(
        self,
        approval: Approval,
        voter: Voter,
        choice: Choice,
        press: Mapping[str, str] | None = None,
        *,
        reason: str = "",
        incident: Incident | None = None,
    ) -> Approval:
        """Count a press; `press` is Slack's id of it.

        Refused tells the person why it does not count.

        `incident` is that of the approval, if the caller has read it too.
        """
        # The store checks its own facts in the transaction that counts the vote.
        voter = await self._may_vote(approval, voter, choice, Facts(), incident)
        approval = await self._store.vote(
            approval.id,
            voter,
            choice,
            self._home_team,
            self._clock(),
            press,
            reason=reason,
            limits=self._config.current.limits,
        )
        self._metrics.voted(choice)
        return approval

    async def check(self, approval: Approval, voter: Voter) -> None:
        """Raise Refused unless this person's approval would count now. It counts nothing."""
        voter = await self._may_vote(approval, voter, Choice.APPROVE)
        check_vote(approval, voter, home_team=self._home_team, now=self._clock())

    async def waiting_for(self, user: str) -> tuple[list[Approval], str]:
        """The waiting approvals on which this person's approval would count, the first to expire
        first; and the reason why there may be more, '' if all are known.
        """
        waiting = await self._store.approvals_waiting()
        groups = {name for approval in waiting for name in approval.approvers if is_group(name)}
        user_status = await self._user_status(user, sorted(groups))
        theirs, caveat = [], ""
        for approval in waiting:
            uncounted = no_vote(approval, user, user_status)
            if uncounted is None and user not in approval.approved_by:
                theirs.append(approval)
            elif uncounted and uncounted.problem and uncounted.problem.is_unread:
                caveat = deferred(
                    "There may be more: {why}.", why=reason_text.to_presser(uncounted)
                )
        return theirs, caveat

    async def refuse(
        self, error: SopbotError, approval_id: str, user: str, facts: Mapping[str, str]
    ) -> int | None:
        """Record a refusal; `approval_id` is untrusted and may name nothing.

        It is a transaction of its own, because the refused one was rolled back. Returns
        the incident of the approval, if there is one.
        """
        if isinstance(error, Refused):
            self._metrics.refused(error.reason)
        incident_id = None
        try:
            with suppress(NotFound):
                incident_id = (await self._store.approval(approval_id)).incident_id
            await self._store.record(
                Kind.REFUSED,
                now=self._clock(),
                incident_id=incident_id,
                subject=approval_id[:LONGEST_ID],
                actor=user,
                detail={"why": error.message, **facts},
            )
        except StoreError as trouble:  # refused it is, on record or not
            log.warning("a refusal is not on record: %s", trouble)
        return incident_id

    async def _may_vote(
        self,
        approval: Approval,
        voter: Voter,
        choice: Choice,
        facts: Facts | None = None,
        incident: Incident | None = None,
    ) -> Voter:
        """Return the voter with their status in Slack; Refused if the context has changed.

        An expired approval is ended in the store at once, so a clock that is set back cannot revive
        it. `facts` and `incident` as for `blocker_of`.
        """
        if approval.decided or voter.team != self._home_team:
            return voter  # the vote itself says so
        now = self._clock()
        if now >= approval.expires_at:
            await self._store.expire_approvals(now)
            raise reason_text.refused(Blocker(kind=BlockerKind.EXPIRED), N_("Not counted"))
        blocker = await self.blocker_of(approval, facts, incident)
        if blocker and blocker.is_final and await self._end(approval, blocker):
            raise Refused(
                deferred("Not counted: {why}.", why=reason_text.why(blocker)),
                remedy=AGAIN,
                reason=str(blocker.kind),
            )
        if blocker and choice is Choice.APPROVE and blocker.kind is not BlockerKind.NO_APPROVER:
            raise reason_text.refused(blocker, N_("Not counted"))
        groups = [approver for approver in approval.approvers if approver.startswith("S")]
        return replace(voter, user_status=await self._user_status(voter.user, groups))

    async def blocker_of(
        self, approval: Approval, facts: Facts | None = None, incident: Incident | None = None
    ) -> Blocker | None:
        """Return the present blocker, for the card and for the person who presses.

        `facts` are those of this moment, and `incident` its incident, if the caller has them.
        """
        limits, now = self._config.current.limits, self._clock()
        known = facts or await self._store.blocker_facts(limits, now)
        incident = incident or await self._store.incident(approval.incident_id)
        config = self._config.current.config_for(approval, incident)
        return evaluate(approval, incident, known, limits, now, config=config)

    async def _end(self, approval: Approval, blocker: Blocker) -> bool:
        """Revoke an approval with a final blocker; False if it was ended meanwhile."""
        return await self._store.end_blocked(approval, blocker, self._clock())

    async def dry_run(self, approval_id: str) -> str:
        """Ask for the plan again, and say whether it equals the one on the card."""
        approval = await self._store.approval(approval_id)
        check_undecided(approval)
        incident = await self._store.incident(approval.incident_id)
        call = proposal_parts.call_of(incident, approval.proposal)
        gateway = self._gateways.named(approval.preview.gateway)
        preview, _ = await proposal_parts.preview_of(gateway, call, proposal_parts.PATIENCE)
        if not preview.digest and not approval.preview.digest:
            return deferred("This gateway shows no plans. Nothing was run.")
        if preview.digest == approval.preview.digest:
            same = deferred("Still the same plan. Nothing was run.")
            if not preview.touches:
                return same
            return deferred("{text} {touches}", text=same, touches=preview.touches)
        await self._end(approval, Blocker(kind=BlockerKind.PLAN_CHANGED))
        changed = deferred("The plan is another one by now. Nothing was run.")
        return deferred("{text} {remedy}", text=changed, remedy=deferred(AGAIN))

    async def expire_and_revoke(self) -> None:
        """End approvals with a final blocker, and redraw cards whose blocker began or ended."""
        now = self._clock()
        await self._store.expire_approvals(now)
        await self._store.end_retries(now)
        await self.redraw()

    async def redraw(self) -> None:
        """Do the same for a blocker that a commit may have begun or ended, without expiry."""
        waiting = await self._store.approvals_waiting()
        if not waiting:
            return
        now = self._clock()
        facts = await self._store.blocker_facts(self._config.current.limits, now)
        drawn = await self._store.drawn_blockers()
        for approval in waiting:
            blocker = await self.blocker_of(approval, facts)
            if blocker and blocker.is_final:
                await self._end(approval, blocker)
            elif drawn.get(approval.id) != signature(blocker):
                await self._store.redraw(approval.id, blocker, now)

    # Freezing: anybody may stop everything; only an approver may unfreeze it.

    async def freeze(self, user: str, reason: str, *, channel: str) -> tuple[Freeze, bool]:
        """Block all actions from now on; `channel` gets the notice.

        Returns the freeze in force, and whether it is this one. Refused for a guest, a bot or a
        stranger. While Slack does not return the user, they may freeze: stopping is safe and may be
        urgent.
        """
        await self._check_may_freeze(user)
        return await self._store.freeze(user, reason, self._clock(), channel=channel)

    async def freeze_scope(self, scope: str, user: str, reason: str) -> tuple[Freeze, bool]:
        """Block the actions of an incident or a target: by whom `freeze` may block all."""
        await self._check_may_freeze(user)
        return await self._store.freeze_scope(scope, user, reason, self._clock())

    async def _check_may_freeze(self, user: str) -> None:
        user_status = await self._user_status(user, ())
        if user_status.problem is None or not user_status.problem.is_unread:
            check_user_status(user_status, "Not frozen")

    async def unfreeze_scope(self, scope: str, user: str) -> Freeze | None:
        """End the freeze of an incident or a target: only an approver may. None without one."""
        if scope not in await self._store.frozen_scopes():
            return None
        await self.check_approver(user, "Still frozen")
        return await self._store.unfreeze_scope(scope, user, self._clock())

    async def unfreeze(self, user: str, *, channel: str) -> Freeze | None:
        """End the freeze and return it; `channel` gets the notice. None if there was no freeze.

        Refused for a person whom the policy names nowhere as an approver.
        """
        if await self._store.frozen() is None:
            return None
        await self.check_approver(user, N_("Still frozen"))
        return await self._store.unfreeze(user, self._clock(), channel=channel)

    async def check_decider(self, approval: Approval, user: str) -> None:
        """Raise Refused unless this person, an approver of the present policy, may set the outcome.

        The approval's own approvers do not matter: an automatic approval has none, and they may all
        have left. The requester and its editors may not set the outcome.
        """
        approvers = self._config.current.policy.remediate.everybody_who_may_approve
        user_status = await self._check_approver(user, approvers, N_("Not done"))
        if no := no_vote(replace(approval, approvers=approvers), user, user_status):
            why = reason_text.to_presser(no)
            raise Refused(deferred("Not done: {why}.", why=why), reason=str(no.problem))

    async def check_person(self, user: str, action: GuestAction | None = None) -> None:
        """Raise Refused for a bot or a stranger, and for a guest unless the policy allows the
        action.

        While Slack does not return the user, they may do only what anybody can reverse.
        """
        user_status = await self._user_status(user, ())
        if user_status.problem is VoteProblem.GUEST and action is not None:
            if action in self._config.current.policy.remediate.guests_may:
                return
            raise Refused(
                deferred("Not done: guests may not {action} here.", action=deferred(action)),
                remedy=deferred(
                    "Ask a member of this workspace; `remediate.guests_may` could allow it."
                ),
            )
        if user_status.problem and user_status.problem.is_unread and action in _EASY_TO_TAKE_BACK:
            return
        check_user_status(user_status, N_("Not done"))

    async def check_approver(self, user: str, what: str) -> None:
        """Raise Refused unless the policy names the person as an approver; `what` begins it."""
        approvers = self._config.current.policy.remediate.everybody_who_may_approve
        await self._check_approver(user, approvers, what)

    async def check_home(self, user: str) -> None:
        """Raise Refused unless Slack says that the user is a guest or member of this workspace."""
        user_status = await self._user_status(user, ())
        if user_status.problem is not VoteProblem.GUEST:
            check_user_status(user_status, N_("Not done"))

    async def _check_approver(self, user: str, approvers: tuple[str, ...], what: str) -> UserStatus:
        groups = [approver for approver in approvers if approver.startswith("S")]
        user_status = await self._user_status(user, groups)
        check_user_status(user_status, what)
        if not user_status.is_one_of(user, approvers):
            if user_status.unread:
                no = LostVote(VoteProblem.GROUP_UNREAD, tuple(sorted(user_status.unread)))
                raise Refused(
                    deferred("{what}: {why}.", what=deferred(what), why=reason_text.to_presser(no)),
                    remedy=IN_A_MINUTE,
                    reason=str(no.problem),
                )
            ask = deferred("Ask {people}.", people=mentions(approvers[:10])) if approvers else ""
            text = deferred("{what}: only an approver decides that.", what=deferred(what))
            raise Refused(text, remedy=ask)
        return user_status


def check_user_status(user_status: UserStatus, what: str) -> None:
    """Raise Refused; `what` names the action in its text."""
    if problem := user_status.problem:
        why, remedy = reason_text.to_presser(LostVote(problem)), reason_text.remedy_of(problem)
        text = deferred("{what}: {why}.", what=deferred(what), why=why)
        raise Refused(text, remedy=remedy, reason=str(problem))


def check_undecided(approval: Approval) -> None:
    """Raise Refused if the approval is decided."""
    if approval.decided:
        raise Refused(deferred("Not done: this remediation is {state}.", state=approval.state))
