"""Runs the declared programs, whose lines are what is wrong now, and hands them over as alerts."""

from __future__ import annotations

import asyncio
import logging
import os
import platform
from collections.abc import Callable
from dataclasses import replace
from datetime import datetime, timedelta

from bot.advice.environment import child_environment
from bot.configuration import LiveConfiguration
from bot.incidents.model import AlertStatus
from bot.intake.log_lines import CommandPoller, alerts_of
from bot.response.receive import Delivery
from bot.response.service import IncidentService
from bot.serving.programs import run

log = logging.getLogger(__name__)

MOST_OUTPUT = 1_048_576  # bytes
AT_ONCE = 4


class CommandPollers:
    """Runs every program of `detect.commands` when it is due.

    `channel` gets the card of a new incident that no route of the policy matches.
    """

    def __init__(
        self,
        service: IncidentService,
        config: LiveConfiguration,
        clock: Callable[[], datetime],
        channel: str,
        host: str = "",
    ) -> None:
        self._service = service
        self._config = config
        self._clock = clock
        self._channel = channel
        self._host = host or platform.node()
        self._due: dict[str, datetime] = {}
        self._problems: dict[str, str] = {}
        self._slots = asyncio.Semaphore(AT_ONCE)

    async def poll(self) -> None:
        """Run each program that is due, at most four at a time."""
        now = self._clock()
        due = [
            poller
            for poller in self._config.current.policy.detect.commands
            if self._due.get(poller.name, now) <= now
        ]
        for poller in due:
            self._due[poller.name] = now + timedelta(seconds=poller.every_seconds)
        await asyncio.gather(*map(self._poll, due))

    async def _poll(self, poller: CommandPoller) -> None:
        async with self._slots:
            output, problem = await self._output(poller)
        self._report(poller, problem)
        if not problem:
            await self._receive(poller, output)

    async def _output(self, poller: CommandPoller) -> tuple[bytes, str]:
        """Return what the program prints, and the problem; what it printed until then is no state.

        Its exit code says nothing: a check that finds something wrong usually exits with 1 or 2.
        """
        env = child_environment(os.environ, poller.command[0])
        try:
            result = await run(
                poller.command,
                b"",
                env=env,
                timeout=poller.timeout_seconds,
                max_output=MOST_OUTPUT,
            )
        except OSError as error:
            return b"", f"cannot be run: {error.strerror or type(error).__name__}"
        if result.stopped is not None:
            return b"", f"was stopped: {result.stopped}"
        if result.exit_code is None or result.exit_code < 0:
            return b"", "was ended by a signal"
        return result.stdout, ""

    async def _receive(self, poller: CommandPoller, output: bytes) -> None:
        """Hand over what is wrong now, and resolve what this host reported and no longer does."""
        now = self._clock()
        lines = output.split(b"\n")
        alerts = await asyncio.to_thread(alerts_of, poller, lines, self._host)
        present = {alert.fingerprint for alert in alerts}
        firing = await self._service.store.firing_from(poller.sender)
        over = [
            replace(alert, status=AlertStatus.RESOLVED, ends_at=now)
            for alert in firing
            if alert.labels.get("host") == self._host and alert.fingerprint not in present
        ]
        if alerts or over:
            key = f"{poller.sender}/{self._host}/{now.isoformat()}"
            delivery = Delivery(
                key, self._channel, [*alerts, *over], repeats=True, sender=poller.sender
            )
            await self._service.receive(delivery)

    def _report(self, poller: CommandPoller, problem: str) -> None:
        if problem != self._problems.get(poller.name, ""):
            self._problems[poller.name] = problem
            log.warning(
                "command poller %s: %s %s",
                poller.name,
                poller.command[0],
                problem or "can be run again",
            )
