"""The table of steps: what wakes each, how often it runs, which replicas run it, what it does."""

from __future__ import annotations

from dataclasses import dataclass

from bot.observability.health import Health
from bot.response import IncidentService
from bot.response.reload_notice import ReloadNotice
from bot.response.watchdog import Watchdog
from bot.steps.step import Function, Pool, Replicas, Step
from store.topics import Topic

POLL = 1.0  # seconds; a commit wakes these steps, this is for what fell due by time
PLANS_AT_ONCE = 16  # incidents whose remediations the gateway is asked to plan at a time

EACH, ONE = Replicas.EACH, Replicas.ONE


@dataclass(frozen=True, slots=True, kw_only=True)
class OtherParts:
    """The parts besides the incident service that have a step."""

    health: Health
    watchdog: Watchdog
    reload_notice: ReloadNotice
    backfill: Function
    refresh_homes: Function
    send_digests: Function
    outside: tuple[Step, ...]
    """Those that ask other systems."""


def all_steps(
    service: IncidentService, parts: OtherParts, *, advisors: int, health_interval: float
) -> tuple[Step, ...]:
    """Every step. `advisors` run at once; every part's health is checked each `health_interval`."""
    by_time = _by_time(service, parts, health_interval)
    return (*_woken(service, parts, advisors), *by_time, *parts.outside)


def _woken(service: IncidentService, parts: OtherParts, advisors: int) -> tuple[Step, ...]:
    """The steps that a commit wakes."""
    decisions, dispatches = service.decisions, service.dispatches
    advise = Pool(service.advice_queue.claim, service.advice_queue.work, lambda: advisors)
    propose = Pool(service.proposal_queue.claim, service.proposal_queue.work, lambda: PLANS_AT_ONCE)
    dispatch = Pool(
        dispatches.claim, dispatches.send, lambda: service.policy.remediate.dispatches_at_once
    )

    async def check_store() -> None:
        await parts.health.check("store")

    return (
        Step("advise", advise, Topic.ADVICE, POLL),
        Step("propose", propose, Topic.PROPOSE, POLL),
        Step("dispatch", dispatch, Topic.DISPATCH, POLL),
        Step("approvals", decisions.redraw, Topic.APPROVALS),  # by time: expire_approvals
        Step("reload notice", parts.reload_notice.write, Topic.CONFIGURATION, POLL),
        Step("watch store", check_store, Topic.STORE),  # readiness need not wait for watch_health
    )


def _by_time(
    service: IncidentService, parts: OtherParts, health_interval: float
) -> tuple[Step, ...]:
    """The steps that run by time alone."""
    decisions, dispatches, upkeep = service.decisions, service.dispatches, service.upkeep
    return (
        Step("expire_approvals", decisions.expire_and_revoke, seconds=2, replicas=ONE),
        Step("report_unanswered", upkeep.report_unanswered, seconds=5, replicas=ONE),
        Step("end_flapping", upkeep.end_flapping, seconds=15, replicas=ONE),
        Step("end_stale", upkeep.end_stale, seconds=60, replicas=ONE),
        Step("end_silences", service.silences.settle, seconds=5, replicas=ONE),
        Step("remind_of_actions", service.postmortems.remind, seconds=60, replicas=ONE),
        Step("report_late_handovers", service.handovers.report_late, seconds=15, replicas=ONE),
        Step("export_postmortems", service.postmortems.export, seconds=5, replicas=ONE),
        Step("verify", dispatches.verify_due, seconds=1, replicas=ONE, overlaps=True),
        Step("look_up_unknown", dispatches.look_up_unknown, seconds=3, replicas=ONE, overlaps=True),
        Step("recover", dispatches.recover, seconds=1, replicas=EACH, overlaps=True),
        Step("follow", service.progress.follow, seconds=2, replicas=EACH),
        Step("retry_outbox", upkeep.retry_outbox, seconds=5, replicas=EACH),
        Step("refresh_actions", service.gateway_offers.refresh, seconds=60, replicas=EACH),
        Step("watch_health", parts.health.check, seconds=health_interval, replicas=EACH),
        Step("post_audit_head", upkeep.close_audit_day, seconds=60, replicas=ONE),
        Step("self_audit", parts.watchdog.run, seconds=60, replicas=EACH),
        Step("read_back", parts.backfill, seconds=300, replicas=ONE),
        Step("send_digests", parts.send_digests, seconds=15, replicas=ONE),
        Step("refresh_homes", parts.refresh_homes, seconds=5, replicas=ONE),
        Step("observe_service_levels", service.service_levels.observe, seconds=5, replicas=ONE),
        Step("summarise_hours", upkeep.summarise_hours, seconds=60, replicas=ONE),
        Step("prune", upkeep.prune, seconds=3600, replicas=ONE),
    )
