"""Tells a dead man's switch that the bot is ready; the switch calls people when that stops."""

from __future__ import annotations

import logging
from collections.abc import Callable
from datetime import datetime, timedelta

import aiohttp

from bot.configuration import LiveConfiguration
from bot.notify.model import NotTaken
from bot.observability.health import Health
from bot.observability.throttled_logger import ThrottledLogger

log = logging.getLogger(__name__)

TIMEOUT = aiohttp.ClientTimeout(total=10)


class DeadManSwitch:
    """Asks the policy's address each interval, while every vital part of the bot works."""

    def __init__(
        self,
        session: aiohttp.ClientSession,
        config: LiveConfiguration,
        clock: Callable[[], datetime],
        health: Health,
    ) -> None:
        self._session = session
        self._config = config
        self._clock = clock
        self._health = health
        self._asked_at: datetime | None = None
        self._failures = ThrottledLogger(log, logging.WARNING, "no heartbeat was sent: %s")

    async def beat(self) -> None:
        """Ask once if it is time. Silence is the signal, so a failure changes nothing else."""
        policy = self._config.current.policy.notify.heartbeat
        now = self._clock()
        if policy is None or not self._health.ready or not self._is_time(now, policy.seconds):
            return
        self._asked_at = now
        try:
            async with self._session.get(
                policy.url, timeout=TIMEOUT, allow_redirects=False
            ) as answer:
                if answer.status >= 400:
                    self._failures.log(NotTaken(f"HTTP {answer.status}"))
        except (aiohttp.ClientError, TimeoutError) as error:
            self._failures.log(
                NotTaken(type(error).__name__)
            )  # its text may name the address, a secret

    def _is_time(self, now: datetime, seconds: float) -> bool:
        last = self._asked_at
        # A time in the future means that the clock was set back.
        return last is None or last > now or now - last >= timedelta(seconds=seconds)
