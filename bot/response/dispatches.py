"""The fifth and sixth step: sends an approved action once, and then verifies it."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable
from dataclasses import replace
from datetime import timedelta
from functools import partial
from typing import TypeVar

from bot.approvals.blockers import Blocker, evaluate
from bot.approvals.facts import Facts, LastCheck
from bot.approvals.mentions import is_group
from bot.approvals.model import Approval, ClaimedDispatch, Execution
from bot.approvals.policy import no_vote
from bot.approvals.reasons import LostVote
from bot.errors import GatewayUnavailable, InputError, Refused, SopbotError
from bot.incidents.model import Incident
from bot.incidents.remediation import RemediationStatus
from bot.language import deferred
from bot.remediation.client import NeverSeen
from bot.remediation.contract import SIGNATURE_WINDOW_SECONDS
from bot.remediation.gateways import NamedGateway
from bot.response import proposal_parts, verify
from bot.response.dependencies import Dependencies
from bot.response.gateway_results import Result, look_up, not_sent, send, written
from bot.response.parallel import Parallel
from bot.response.request_context import call_with_context

CLAIMING = timedelta(seconds=10)  # what we claimed so long ago and do not hold, nobody sends
UNKNOWN_LOOKUPS = timedelta(minutes=10)  # an unknown outcome is looked up automatically for so long
SIGNATURE_VALID = timedelta(seconds=SIGNATURE_WINDOW_SECONDS)
"""A gateway that bars no key may still accept a request this long after it was sent."""
PLAN_SECONDS = 10.0  # seconds for the gateway to plan once more

T = TypeVar("T")


class Dispatches:
    """Sends requests and verifies them.

    It looks up a request without an outcome after `dispatch_timeout`.
    """

    def __init__(self, dependencies: Dependencies) -> None:
        config = dependencies.config
        self._store, self._config = dependencies.store, config
        self._gateways = dependencies.gateways
        self._probe = dependencies.probe
        self._user_status = dependencies.user_status
        self._clock = dependencies.clock
        self._metrics = dependencies.metrics
        self._timeout = timedelta(seconds=dependencies.dispatch_timeout)
        self._in_hand: dict[str, ClaimedDispatch] = {}  # those that were claimed and are being sent

        def limit() -> int:
            return config.current.policy.remediate.dispatches_at_once

        self._recoveries = Parallel("recover", limit)
        self._lookups = Parallel("look_up_unknown", limit)
        self._verifications = Parallel("verify", limit)

    @property
    def in_hand(self) -> list[str]:
        """Return the executions that are being sent or wait for their answer."""
        return sorted(self._in_hand)

    @property
    def under_way(self) -> list[ClaimedDispatch]:
        """Return the same with what their claims read."""
        return list(self._in_hand.values())

    # Run: one request an approval, and what is not known is called unknown.

    async def claim(self) -> ClaimedDispatch | None:
        """Claim the oldest approved execution whose target is free."""
        claimed = await self._store.claim_dispatch(self._clock(), self._config.current.limits)
        if claimed is not None:
            self._in_hand[claimed.id] = claimed
        return claimed

    async def send(self, claimed: ClaimedDispatch) -> None:
        """Check everything once more, then send the claimed execution or revoke it."""
        try:
            await self._send(claimed)
        finally:
            self._in_hand.pop(claimed.id, None)

    async def recover(self) -> None:
        """Find the outcome of requests whose sender died.

        Only if the gateway says that it never saw the key, and the approval is still valid, the
        request is sent with that key.
        """
        now = self._clock()
        orphans = await self._store.orphaned_executions(now - CLAIMING, now)
        await self._recoveries.each(orphans, self._recover)

    async def _recover(self, orphan: Execution) -> None:
        now = self._clock()
        if orphan.id in self._in_hand or not await self._store.adopt_execution(orphan, now):
            return
        execution = replace(orphan, owner=self._store.owner, taken_over_at=now)
        result = await self._ask_about(execution, bar=False)
        if isinstance(result, Result) or execution.running_at:
            await self._settle(execution, result)
            return
        if await self._store.still_wanted(execution, self._clock(), self._config.current.limits):
            approval, incident = await self._approval_and_incident(execution)
            await self._send(ClaimedDispatch(execution, approval, incident))
        await self._bar_revoked(execution)

    async def recheck(self, execution: Execution) -> Execution:
        """Ask the gateway once more for an unknown outcome."""
        if execution.state is not RemediationStatus.OUTCOME_UNKNOWN:
            return execution
        return await self._look_up(execution)

    async def look_up_unknown(self) -> None:
        """Ask the gateway for every unknown outcome of the last minutes, and for unfinished
        executions."""
        now = self._clock()
        unknown = await self._store.unknown_outcomes(now - UNKNOWN_LOOKUPS, now - self._timeout)
        await self._lookups.each(unknown, self._look_up)

    async def mark_by_hand(self, execution: Execution, user: str) -> None:
        """Mark the execution as done by hand. Refused if the outcome is known."""
        now = self._clock()
        if not await self._store.mark_by_hand(execution, user, now, now + self._verify_period()):
            raise Refused(deferred("Not done: what became of it is known by now."))

    async def mark_not_run(self, execution: Execution, user: str) -> None:
        """Mark the execution as never run. Refused if the outcome is known."""
        if not await self._store.mark_not_run(execution, user, self._clock()):
            raise Refused(deferred("Not done: what became of it is known by now."))

    async def _ask_about(self, execution: Execution, *, bar: bool) -> Result | NeverSeen:
        """Ask the gateway that the request was sent to."""
        approval, incident = await self._approval_and_incident(execution)
        name, key = approval.preview.gateway, execution.key
        return await look_up(self._gateways, name, key, incident.tracking_id, bar=bar)

    async def _approval_and_incident(self, execution: Execution) -> tuple[Approval, Incident]:
        return await asyncio.gather(
            self._store.approval(execution.approval_id),
            self._store.incident(execution.incident_id),
        )

    async def _bar_revoked(self, execution: Execution) -> None:
        """Bar the keys of revoked requests: a dead sender's request may still be in transit."""
        if (await self._store.execution(execution.id)).state is not RemediationStatus.REVOKED:
            return
        result = await self._ask_about(execution, bar=True)
        if isinstance(result, Result) and result.answer is not None:
            await self._finish(execution, result)

    async def try_again(self, approval_id: str, user: str) -> None:
        """Send the request again for a person; Refused unless it provably did not run and may run
        now.

        The same approval counts; every check is repeated.
        """
        await self._store.try_again(approval_id, user, self._clock(), self._config.current.limits)

    async def _look_up(self, execution: Execution) -> Execution:
        return await self._settle(execution, await self._ask_about(execution, bar=True))

    async def _settle(self, execution: Execution, result: Result | NeverSeen) -> Execution:
        """Store the result of a look-up; wait for what still runs at the gateway.

        It waits as long as for its own request; then the outcome is unknown.
        """
        if isinstance(result, NeverSeen):
            result = self._never_seen(execution, result)
        if result.state is execution.state:
            return execution
        now, began = self._clock(), execution.taken_over_at or execution.started_at
        if result.still_running and began and now - began <= self._timeout:
            await self._store.still_running(execution, now)
            return execution
        return await self._finish(execution, result)

    def _never_seen(self, execution: Execution, answer: NeverSeen) -> Result:
        """Return the result "not run", only if a late request can no longer run either."""
        sent_at = execution.started_at or self._clock()
        why = ""
        if execution.running_at:
            # The gateway said that it ran, so `failed` would be a guess.
            why = deferred("The gateway said that it ran, and does not know it any more.")
        elif not answer.barred and self._clock() < sent_at + SIGNATURE_VALID:
            why = deferred("The gateway has not seen the request yet; it may still arrive.")
        if why:
            return Result(RemediationStatus.OUTCOME_UNKNOWN, error=why, gateway=answer.gateway)
        why = deferred("The gateway never saw the request: nothing ran.")
        return Result(RemediationStatus.FAILED, error=why, looked_up=True, gateway=answer.gateway)

    async def _send(self, claimed: ClaimedDispatch) -> None:
        execution, approval, incident = claimed.execution, claimed.approval, claimed.incident
        bare_call = proposal_parts.call_of(incident, approval.proposal)
        try:
            gateway = self._gateways.named(approval.preview.gateway)
            # The context is read from the store while Slack and the gateway are asked.
            blocker, call = await asyncio.gather(
                self._blocker_of(gateway, approval, incident),
                call_with_context(
                    self._store, bare_call, incident, approval.proposal, self._clock()
                ),
            )
        except (GatewayUnavailable, InputError) as error:
            failed = not_sent(error, approval.preview.gateway)
            await written(partial(self._finish, execution, failed))
            return
        if blocker:
            await self._store.end_blocked(approval, blocker, self._clock())
            return
        detail = gateway.client.request_of(
            call, key=execution.key, digest=approval.preview.digest or None
        )
        # All of this may have changed while Slack and the gateway were asked.
        limits = self._config.current.limits
        config = self._config.current.config_for(approval, incident)
        if not await self._store.record_request(
            execution, approval, self._clock(), limits, config, detail
        ):
            return
        if not self._store.replica.holds:
            return  # this process was stuck for so long that another replica has taken it over
        try:
            result = await send(gateway, call, execution.key, approval.preview.digest)
        except Exception as error:
            # A bug of ours after the claim: it is unknown whether the request was sent.
            why = deferred("The bot failed while sending ({kind}).", kind=type(error).__name__)
            unknown = Result(RemediationStatus.OUTCOME_UNKNOWN, error=why, gateway=gateway.shown)
            await written(partial(self._finish, execution, unknown))
            raise
        # Unlike a looked-up outcome, this one may be known to this process alone.
        result = replace(result, finished_at=self._clock())
        await written(partial(self._finish, execution, result))

    async def _blocker_of(
        self, gateway: NamedGateway, approval: Approval, incident: Incident
    ) -> Blocker | None:
        """The blocker, by the answers of Slack, the audit trail and the gateway now.

        GatewayUnavailable or InputError when the gateway does not say what it would do.
        """
        config = self._config.current.config_for(approval, incident)

        def evaluated(last_check: LastCheck | None) -> Blocker | None:
            # What the store knows was looked at by the claim, and is by `record_request`.
            return evaluate(
                approval,
                incident,
                Facts(),
                self._config.current.limits,
                self._clock(),
                config=config,
                last_check=last_check,
            )

        if blocker := evaluated(None):
            return blocker  # Slack and the gateway need not be asked
        # Slack, the trail and the gateway are asked at the same time; a plan changes nothing.
        call = proposal_parts.call_of(incident, approval.proposal)
        is_on_record, lost_vote, planned = await asyncio.gather(
            self._store.is_on_record(approval),
            self._lost_vote(approval),
            _or_error(proposal_parts.preview_of(gateway, call, PLAN_SECONDS)),
        )
        check = LastCheck(
            is_on_record=is_on_record, lost_vote=lost_vote, plan=approval.preview.digest
        )
        if blocker := evaluated(check):
            return blocker  # then the gateway's answer does not matter
        if isinstance(planned, SopbotError):
            raise planned
        preview, _ = planned
        if preview.digest == check.plan:
            return None  # that is what was looked at
        return evaluated(replace(check, plan=preview.digest))

    async def _lost_vote(self, approval: Approval) -> LostVote | None:
        """Return the reason why too few approvals still count; None while enough do."""
        groups = [who for who in approval.approvers if is_group(who)]
        left, uncounted = 0, LostVote()
        for user in approval.approved_by:
            user_status = await self._user_status(user, groups)
            if no := no_vote(approval, user, user_status):
                uncounted = no
            else:
                left += 1
        return None if left >= approval.needed else uncounted

    def _verify_period(self) -> timedelta:
        return timedelta(seconds=self._config.current.policy.remediate.verify_deadline_seconds)

    async def _finish(self, execution: Execution, result: Result) -> Execution:
        now = self._clock()
        succeeded = result.state is RemediationStatus.SUCCEEDED
        finished = await self._store.finish_execution(
            execution,
            result.state,
            answer=result.answer,
            error=result.error,
            now=now,
            finished_at=result.finished_at or now,
            verify_until=now + self._verify_period() if succeeded else None,
            looked_up=result.looked_up,
            not_run=result.not_run,
        )
        self._metrics.dispatched(finished.state, finished.seconds, result.gateway)
        return finished

    # Verify: a probe or the alert itself, never the exit code.

    async def verify_due(self) -> None:
        """Check every execution that ran and is not verified yet."""
        await self._verifications.each(await self._store.verifying(), self._verify)

    async def _verify(self, execution: Execution) -> None:
        approval = await self._store.approval(execution.approval_id)
        url = verify.probe_url(approval)
        good = 0
        if url:
            probed = await self._probe(url)
            good = await self._store.count_probe(execution.id, probed.good, probed.note)
            execution = await self._store.execution(execution.id)
        incident = await self._store.incident(execution.incident_id)
        verdict = verify.verdict(
            execution,
            incident,
            await self._store.verifying_alerts(execution.id),
            good_in_a_row=good,
            needed=self._config.current.policy.remediate.verify_good_probes,
            now=self._clock(),
        )
        if verdict and await self._store.conclude(execution.id, *verdict, self._clock()):
            self._metrics.concluded(verdict[0])
            if verdict[0] is RemediationStatus.VERIFIED and execution.started_at:
                taken = self._clock() - execution.started_at
                self._metrics.service_levels.observe("dispatch_to_verified", taken.total_seconds())


async def _or_error(asking: Awaitable[T]) -> T | SopbotError:
    """Return the answer, or the error, for a caller that must first check other answers."""
    try:
        return await asking
    except SopbotError as error:
        return error
