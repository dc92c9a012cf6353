"""Keeps a connection to NATS: connects, consumes and publishes, and begins again when it ends."""

from __future__ import annotations

import asyncio
import logging
import random
from collections.abc import Awaitable, Callable, Coroutine
from contextlib import suppress
from datetime import datetime
from typing import Any

import nats
from nats.aio.client import Client, RawCredentials
from nats.js import JetStreamContext

from bot.errors import OutsideError
from bot.nats.consumer import Consumer
from bot.nats.options import NatsOptions
from bot.nats.publisher import Publisher
from bot.nats.streams import Source, prepare
from bot.observability.metrics import Metrics
from bot.observability.throttled_logger import ThrottledLogger
from bot.response import IncidentService
from bot.tasks import cancel_all

log = logging.getLogger(__name__)

OnError = Callable[[Exception], Awaitable[None]]

CONNECT_SECONDS = 5
API_SECONDS = 5.0
CLOSE_SECONDS = 2.0
FIRST_PAUSE = 0.5  # seconds before the first new attempt; doubles, with jitter
LONGEST_PAUSE = 30.0


class NatsSession:
    """One connection at a time. While there is none, the bot goes on without NATS."""

    def __init__(
        self, options: NatsOptions, consumer: Consumer, publisher: Publisher, metrics: Metrics
    ) -> None:
        self._options = options
        self._consumer = consumer
        self._publisher = publisher
        self._metrics = metrics
        self._throttled = ThrottledLogger(log, logging.WARNING, "no connection to NATS: %s")
        self._failure = "not connected yet"
        self._js: JetStreamContext | None = None
        self._sources: tuple[Source, ...] = ()

    async def run(self) -> None:
        """Connect, and connect again, until cancelled."""
        pause = FIRST_PAUSE
        while True:
            try:
                await self._session()
            except (nats.errors.Error, OutsideError, OSError) as error:
                self._failure = text_of(error)
                self._throttled.log(OutsideError(self._failure))
            except Exception as error:  # nothing else connects, so it goes on after any error
                self._failure = text_of(error)
                log.exception("the work on NATS failed; it begins again")
            finally:
                if self._js is not None:  # the connection worked, so the next attempt is soon
                    pause = FIRST_PAUSE
                self._js = None
                self._metrics.nats_connected.set(0)
            await asyncio.sleep(pause * random.uniform(0.5, 1.0))  # noqa: S311 - only jitter
            pause = min(LONGEST_PAUSE, 2 * pause)

    async def check(self) -> None:
        """The health check: OutsideError unless connected, consuming and publishing."""
        js, waiting = self._js, 0
        if js is None:
            raise OutsideError(self._failure)
        try:
            for source in self._sources:
                info = await js.consumer_info(source.stream, source.durable)
                waiting += (info.num_pending or 0) + (info.num_ack_pending or 0)
        except nats.errors.Error as error:
            raise OutsideError(text_of(error)) from error
        self._metrics.nats_waiting.set(waiting)
        if self._publisher.failure:
            raise OutsideError(f"nothing is published: {self._publisher.failure}")

    async def _session(self) -> None:
        """Work on one connection until it ends; then raises."""
        ended = asyncio.Event()
        client = await connect(self._options, ended, self._note)
        try:
            js = client.jetstream(timeout=API_SECONDS)
            self._sources = await prepare(js, self._options.stream, self._options.consumer)
            self._js, self._failure = js, ""
            self._metrics.nats_connected.set(1)
            log.info("connected to NATS; anomalies from %s", _names(self._sources))
            await _first_failure(
                _ended(ended, client),
                self._publisher.run(js),
                *(self._consumer.run(js, source) for source in self._sources),
            )
        finally:
            await close(client)

    async def _note(self, error: Exception) -> None:
        """An error that the library reports and no call raises, such as a missing right."""
        self._throttled.log(error)


async def nats_session(
    options: NatsOptions,
    service: IncidentService,
    channel: str,
    clock: Callable[[], datetime],
    metrics: Metrics,
) -> NatsSession:
    """Build the session; `channel` receives the cards. From now on new incidents are published."""
    publisher = Publisher(service, clock, metrics)
    await publisher.start()
    return NatsSession(options, Consumer(service, channel, metrics), publisher, metrics)


async def connect(options: NatsOptions, ended: asyncio.Event, on_error: OnError) -> Client:
    """Connect once; `ended` is set when the connection is closed.

    Raises OutsideError with the last reason. The library is not asked to connect again:
    `NatsSession.run` is the one loop, for a first connection and a later one.
    """
    reasons: list[str] = []

    async def closed() -> None:
        ended.set()

    async def failed(error: Exception) -> None:
        reasons[:] = [text_of(error)]
        await on_error(error)

    credentials: dict[str, Any] = {}
    if options.credentials:
        credentials["user_credentials"] = RawCredentials(options.credentials)
    elif options.user:
        credentials |= {"user": options.user, "password": options.password}
    client = Client()
    try:
        async with asyncio.timeout(CONNECT_SECONDS * (1 + len(options.servers))):
            await client.connect(
                list(options.servers),
                name="sopbot",
                allow_reconnect=False,
                max_reconnect_attempts=1,
                reconnect_time_wait=0,
                connect_timeout=CONNECT_SECONDS,
                ping_interval=10,
                max_outstanding_pings=2,
                closed_cb=closed,
                error_cb=failed,
                **credentials,
            )
    except Exception as error:  # of the library, the socket, or a key that is not valid
        await close(client)
        raise OutsideError(reasons[0] if reasons else text_of(error)) from error
    except BaseException:
        await close(client)
        raise
    return client


async def close(client: Client) -> None:
    """Close it; a server that does not answer gets two seconds."""
    with suppress(TimeoutError, nats.errors.Error, OSError):
        async with asyncio.timeout(CLOSE_SECONDS):
            await client.close()


async def _ended(ended: asyncio.Event, client: Client) -> None:
    await ended.wait()
    raise OutsideError(text_of(client.last_error) if client.last_error else "the connection ended")


async def _first_failure(*work: Coroutine[Any, Any, None]) -> None:
    """Run all of it until one raises; raise that, and cancel the rest."""
    tasks = [asyncio.create_task(part, name="nats work") for part in work]
    try:
        done, _ = await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
        for task in done:
            task.result()
    finally:
        await cancel_all(tasks)


def _names(sources: tuple[Source, ...]) -> str:
    return ", ".join(f"{source.stream} ({source.subject})" for source in sources)


def text_of(error: BaseException) -> str:
    """Return the error in one line; its class, where it has no text."""
    return " ".join(str(error).split()) or type(error).__name__
