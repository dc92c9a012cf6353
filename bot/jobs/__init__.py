"""Clockwork. APScheduler is only the clock: what is due, and who does it, the store decides."""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import UTC, datetime

from apscheduler.schedulers.asyncio import AsyncIOScheduler

from bot.errors import StoreError
from bot.jobs.expire_approvals import expire_approvals
from bot.jobs.look_up_unknown import look_up_unknown
from bot.jobs.post_audit_head import post_audit_head
from bot.jobs.prune import prune
from bot.jobs.recover import recover
from bot.jobs.report_unanswered import report_unanswered
from bot.jobs.retry_outbox import retry_outbox
from bot.jobs.self_audit import SelfAudit
from bot.jobs.verify import verify
from bot.jobs.watch_health import watch_health
from bot.observability.health import Health
from bot.observability.throttled_logger import ThrottledLogger
from bot.response import IncidentService
from store.replica import Replica

log = logging.getLogger(__name__)

OVERLAPPING = 100  # runs of one job at the same time


@dataclass(frozen=True, slots=True)
class Job:
    """A function and how often it runs, in seconds; `shared`: by one replica at a time.

    `overlaps`: it begins again while an earlier run waits for a slow answer, and does what is new.
    """

    name: str
    seconds: float
    run: Callable[[], Awaitable[object]]
    shared: bool = True
    overlaps: bool = False


def all_jobs(
    service: IncidentService,
    health: Health,
    audit: SelfAudit,
    read_back: Callable[[], Awaitable[object]],
    clock: Callable[[], datetime],
    ops_channel: str,
    health_interval: float = 10,
) -> tuple[Job, ...]:
    """Every job there is."""
    return (
        Job("expire_approvals", 2, expire_approvals(service)),
        Job("report_unanswered", 5, report_unanswered(service)),
        Job("verify", 1, verify(service), overlaps=True),
        Job("look_up_unknown", 3, look_up_unknown(service), overlaps=True),
        Job("recover", 1, recover(service), shared=False, overlaps=True),
        Job("retry_outbox", 5, retry_outbox(service, clock), shared=False),
        Job("watch_health", health_interval, watch_health(health), shared=False),
        Job("post_audit_head", 60, post_audit_head(service, clock, ops_channel)),
        Job("self_audit", 60, audit.run, shared=False),
        Job("read_back", 300, read_back),
        Job("prune", 3600, prune(service)),
    )


def scheduler_for(
    jobs: tuple[Job, ...], replica: Replica, clock: Callable[[], datetime]
) -> AsyncIOScheduler:
    """A scheduler that runs each job by its interval, never in a backlog.

    A job never runs twice at once unless it `overlaps`.

    Of the replicas, the one that claims a shared job runs it until its lease lapses.
    """
    scheduler = AsyncIOScheduler(timezone="UTC")
    for job in jobs:
        scheduler.add_job(
            _tick(job, replica, clock),
            "interval",
            seconds=job.seconds,
            id=job.name,
            next_run_time=datetime.now(UTC),
            max_instances=OVERLAPPING if job.overlaps else 1,
            coalesce=True,
            misfire_grace_time=None,
        )
    return scheduler


def _tick(
    job: Job, replica: Replica, clock: Callable[[], datetime]
) -> Callable[[], Awaitable[None]]:
    """The job, where it is ours to do.

    What is under way at the end is left to the next process, and is no error.
    """

    throttled = ThrottledLogger(log, logging.WARNING, f"{job.name} waits for the store: %s")

    async def tick() -> None:
        with contextlib.suppress(asyncio.CancelledError):
            try:
                if not job.shared or await replica.leads(f"job/{job.name}", clock()):
                    await job.run()
            except StoreError as error:
                throttled.log(error)

    return tick
