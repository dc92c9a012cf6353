"""Publishes new incidents, requests for advice and advice, at least once, from the store."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable
from datetime import datetime, timedelta

from nats.errors import Error as NatsError
from nats.js import JetStreamContext

from bot.errors import StoreError
from bot.nats.messages import message_of
from bot.observability.metrics import Metrics
from bot.observability.throttled_logger import ThrottledLogger
from bot.response import IncidentService
from store.operations.publications import SUBJECTS

log = logging.getLogger(__name__)

BATCH = 50  # messages between two writes of what the server acknowledged
INTERVAL = 1.0  # seconds between two looks at the store
LONGEST_PAUSE = 60.0  # seconds between two attempts while the server or the store fails
OLDEST = timedelta(days=7)  # what is older when the server is back is not published any more
FORGET_EVERY = timedelta(minutes=1)  # else an idle bot would write every second
FORGET_AFTER = timedelta(hours=1)  # by then every transaction with a lower id has ended


class Publisher:
    """The publisher of one replica.

    Each connected replica publishes what is due: one without a connection must not hold the others
    back. What two publish at the same time has the same message id, so the stream drops one.
    """

    def __init__(
        self, service: IncidentService, clock: Callable[[], datetime], metrics: Metrics
    ) -> None:
        self._service = service
        self._store = service.store
        self._clock = clock
        self._metrics = metrics
        self._throttled = ThrottledLogger(log, logging.WARNING, "nothing is published to NATS: %s")
        self._forget_at = clock()
        self.failure = ""
        """The reason why nothing is published now; '' while all is well."""

    async def start(self) -> None:
        """Remember what exists already: it is not published. Only the first start changes that."""
        await self._store.start_publishing()

    async def run(self, js: JetStreamContext) -> None:
        """Publish until cancelled. A failure does not end it: anomalies are still consumed."""
        pause = INTERVAL
        while True:
            try:
                await self.publish_due(js)
                pause, self.failure = INTERVAL, ""
            except (NatsError, StoreError) as error:
                self.failure = str(error) or type(error).__name__
                self._throttled.log(error)
                pause = min(LONGEST_PAUSE, 2 * pause)
            except Exception as error:  # nothing else publishes, so it goes on after any error
                self.failure = type(error).__name__
                log.exception("nothing is published to NATS")
                pause = LONGEST_PAUSE
            await asyncio.sleep(pause)

    async def publish_due(self, js: JetStreamContext) -> None:
        """Publish all that is due, and record it after the server acknowledged it."""
        for subject in SUBJECTS:
            while await self._publish_batch(js, subject):
                pass
        now = self._clock()
        if now >= self._forget_at:
            await self._store.forget_published(now - FORGET_AFTER, now - OLDEST)
            self._forget_at = now + FORGET_EVERY

    async def _publish_batch(self, js: JetStreamContext, subject: str) -> bool:
        """Return whether there may be more."""
        now = self._clock()
        due = await self._store.unpublished(subject, now - OLDEST, BATCH)
        acknowledged: list[int] = []
        try:
            for publication in due:
                sop = self._service.sops.get(publication.incident.sop_id)
                message = message_of(publication, sop, now)
                headers = {"Nats-Msg-Id": message.message_id}
                await js.publish(message.subject, message.body, headers=headers)
                acknowledged.append(publication.source_id)
                self._metrics.nats_published(subject)
        finally:
            if acknowledged:
                await self._store.record_published(subject, acknowledged, now)
        return len(due) == BATCH
