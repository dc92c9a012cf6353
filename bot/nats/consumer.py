"""Consumes anomalies: each message is stored as alerts, and only then acknowledged."""

from __future__ import annotations

import hashlib
import logging

from nats.aio.msg import Msg
from nats.errors import TimeoutError as NatsTimeoutError
from nats.js import JetStreamContext

from bot.errors import StoreError
from bot.nats.anomalies import read_anomalies
from bot.nats.streams import Source
from bot.observability.metrics import Metrics
from bot.observability.throttled_logger import ThrottledLogger
from bot.response import Delivery, IncidentService

log = logging.getLogger(__name__)

BATCH = 16  # messages that one fetch takes
FETCH_SECONDS = 5.0  # how long a fetch waits for a message
BATCH_SECONDS = 1.0  # … and for those that another replica may have taken meanwhile
LONGEST_DELAY = 60.0  # seconds until a message is delivered again that could not be stored
KEY_LIMIT = 200  # characters of a sender's message id that are used


class Consumer:
    """Takes messages from one source at a time; `channel` receives the card of a new incident."""

    def __init__(self, service: IncidentService, channel: str, metrics: Metrics) -> None:
        self._service = service
        self._channel = channel
        self._metrics = metrics
        self._throttled = ThrottledLogger(
            log, logging.WARNING, "anomalies wait at NATS until they can be stored: %s"
        )

    async def run(self, js: JetStreamContext, source: Source) -> None:
        """Consume until the connection ends or the consumer is gone; then raises."""
        subscription = await js.pull_subscribe_bind(consumer=source.durable, stream=source.stream)
        waiting = 0
        while True:
            # One message, or those that wait there: for a batch that is not full the library waits
            # until the time is over.
            batch = max(1, min(waiting, BATCH))
            try:
                messages = await subscription.fetch(
                    batch, timeout=FETCH_SECONDS if batch == 1 else BATCH_SECONDS
                )
            except NatsTimeoutError:
                messages = []
            if not messages:  # the library says the same of a consumer that was deleted
                await js.consumer_info(source.stream, source.durable)
            waiting = 0
            for message in messages:
                waiting = message.metadata.num_pending
                await self._take(message)

    async def _take(self, message: Msg) -> None:
        """Store the message, then acknowledge it; else ask for it again, later each time."""
        try:
            receipt = await self._service.receive(delivery_of(message, self._channel))
        except StoreError as error:
            self._throttled.log(error)
        except Exception:  # the message is asked for again, whatever went wrong
            log.exception("an anomaly could not be stored; it is delivered again")
        else:
            await message.ack()
            self._metrics.nats_consumed("accepted" if receipt.accepted else "duplicate")
            return
        await message.nak(delay=min(LONGEST_DELAY, 2.0 ** min(message.metadata.num_delivered, 10)))
        self._metrics.nats_consumed("postponed")


def delivery_of(message: Msg, channel: str) -> Delivery:
    """Return the message as a delivery: a redelivery of it has the same key."""
    return Delivery(
        _key(message),
        channel,
        read_anomalies(message.data),
        repeats=True,
        sent_at=message.metadata.timestamp,
        sender=f"nats:{message.subject}",
    )


def _key(message: Msg) -> str:
    """Return the sender's message id with a hash of the body, else the place in the stream.

    The body is part of it, because another anomaly under a reused id must not be lost. The time is
    part of the place, because a stream that was deleted and created again counts from 1 again.
    """
    data = message.metadata
    message_id = (message.headers or {}).get("Nats-Msg-Id", "")
    if message_id:
        digest = hashlib.sha256(message_id.encode() + b"\0" + message.data).hexdigest()
        return f"nats/{data.stream}/{message_id[:KEY_LIMIT]}/{digest[:32]}"
    return f"nats/{data.stream}/{data.sequence.stream}/{data.timestamp.timestamp():.6f}"
