"""Clockwork. APScheduler is only the clock: what is due, and who does it, the store decides."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import datetime

from apscheduler.schedulers.asyncio import AsyncIOScheduler

from bot.jobs.expire_approvals import expire_approvals
from bot.jobs.look_up_unknown import look_up_unknown
from bot.jobs.prune import prune
from bot.jobs.retry_outbox import retry_outbox
from bot.jobs.verify import verify
from bot.jobs.watch_health import watch_health
from bot.observability.health import Health
from bot.response import Response


@dataclass(frozen=True, slots=True)
class Job:
    """A function and how often it runs, in seconds."""

    name: str
    seconds: float
    run: Callable[[], Awaitable[object]]


def all_jobs(response: Response, health: Health, clock: Callable[[], datetime]) -> tuple[Job, ...]:
    """Every job there is."""
    return (
        Job("expire_approvals", 5, expire_approvals(response)),
        Job("verify", 1, verify(response)),
        Job("look_up_unknown", 3, look_up_unknown(response)),
        Job("retry_outbox", 5, retry_outbox(response, clock)),
        Job("watch_health", 10, watch_health(health)),
        Job("prune", 3600, prune(response)),
    )


def scheduler_for(jobs: tuple[Job, ...]) -> AsyncIOScheduler:
    """A scheduler that runs each job by its interval, never twice at once, never in a backlog."""
    scheduler = AsyncIOScheduler(timezone="UTC")
    for job in jobs:
        scheduler.add_job(
            _quietly_cut_off(job.run),
            "interval",
            seconds=job.seconds,
            id=job.name,
            max_instances=1,
            coalesce=True,
            misfire_grace_time=None,
        )
    return scheduler


def _quietly_cut_off(run: Callable[[], Awaitable[object]]) -> Callable[[], Awaitable[None]]:
    """The job; what is under way at the end is left to the next process, and is no error."""

    async def job() -> None:
        with contextlib.suppress(asyncio.CancelledError):
            await run()

    return job
