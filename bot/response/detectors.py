"""Asks Prometheus for the values of each detector, and hands unusual ones over as alerts."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Sequence
from datetime import datetime, timedelta

import aiohttp

from bot.configuration import LiveConfiguration
from bot.detection.anomalies import MOST_SERIES, Series, alerts_of
from bot.detection.segment import Detector
from bot.enrichment.http import SourceError
from bot.enrichment.sources import query_range
from bot.incidents.model import Alert
from bot.response.receive import Delivery
from bot.response.service import IncidentService

log = logging.getLogger(__name__)

TIMEOUT = 10.0  # seconds that one answer may take
AT_ONCE = 4  # detectors that are asked at the same time


class Detectors:
    """Runs every detector of `detect.detectors` when it is due.

    Nothing is remembered but when each is due: the store knows which of its alerts fire.
    `channel` gets the card of a new incident that no route of the policy matches.
    """

    def __init__(
        self,
        session: aiohttp.ClientSession,
        service: IncidentService,
        config: LiveConfiguration,
        clock: Callable[[], datetime],
        channel: str,
    ) -> None:
        self._session = session
        self._service = service
        self._config = config
        self._clock = clock
        self._channel = channel
        self._due: dict[str, datetime] = {}
        self._problems: dict[str, str] = {}

    async def run(self) -> None:
        """Run each detector that is due. One that fails holds up none of the others."""
        now = self._clock()
        detectors = self._config.current.policy.detect.detectors
        due = [item for item in detectors if self._due.get(item.name, now) <= now]
        at_once = asyncio.Semaphore(AT_ONCE)

        async def run_one(detector: Detector) -> None:
            async with at_once:
                await self._run(detector, now)

        await asyncio.gather(*map(run_one, due))

    async def _run(self, detector: Detector, now: datetime) -> None:
        self._due[detector.name] = now + timedelta(seconds=detector.every_seconds)
        sender = f"detector:{detector.name}"
        firing = await self._service.store.firing_from(sender)
        try:
            async with asyncio.timeout(TIMEOUT):
                series = await self._series(detector, firing, now)
        except TimeoutError:
            self._report(detector, f"no answer within {TIMEOUT:g} s")
            return
        except (aiohttp.ClientError, SourceError, ValueError, LookupError, TypeError) as error:
            self._report(detector, f"{type(error).__name__}: {error}"[:300])
            return
        more = len(series) - MOST_SERIES
        self._report(detector, f"{more} series are over the limit of {MOST_SERIES}" * (more > 0))
        known = {alert.fingerprint: alert for alert in firing}
        alerts = list(alerts_of(detector, series, known, now))
        if alerts:
            await self._service.receive(
                Delivery(
                    key=f"{sender}/{now.isoformat()}",
                    channel=self._channel,
                    alerts=alerts,
                    repeats=True,
                    sent_at=now,
                    sender=sender,
                )
            )

    async def _series(
        self, detector: Detector, firing: Sequence[Alert], now: datetime
    ) -> list[Series]:
        """Ask for the window before now, and before the oldest anomaly that goes on."""
        oldest = now - timedelta(seconds=detector.adapt_after_seconds)
        starts = [max(alert.starts_at, oldest) for alert in firing if alert.starts_at]
        margin = (detector.samples + 1) * detector.step_seconds
        result = await query_range(
            self._session,
            detector.url,
            detector.query,
            start=min([now, *starts]).timestamp() - detector.window - 2 * margin,
            end=now.timestamp(),
            step=detector.step_seconds,
            access=detector.access,
        )
        return [Series(labels, points) for labels, points in result]

    def _report(self, detector: Detector, problem: str) -> None:
        if problem != self._problems.get(detector.name, ""):
            self._problems[detector.name] = problem
            log.warning("detector %s: %s", detector.name, problem or "works again")
