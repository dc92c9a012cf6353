"""Dispatches envelopes: alerts to the alert receiver, all others to Bolt.

At most MAX_IN_FLIGHT envelopes are handled at once. The others wait in Slack's socket, so a burst
slows the acknowledgements and not the bot. Slack redelivers an event whose acknowledgement it has
waited for too long.
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Callable
from typing import Any

from slack_bolt.adapter.socket_mode.async_internals import (
    run_async_bolt_app,
    send_async_response,
)
from slack_bolt.async_app import AsyncApp
from slack_sdk.socket_mode.request import SocketModeRequest
from slack_sdk.socket_mode.response import SocketModeResponse

from bot.errors import SopbotError
from bot.language import ENGLISH, speaking
from bot.observability.throttled_logger import ThrottledLogger
from handlers.inbound.alert_receiver import AlertReceiver
from handlers.inbound.connection_pool import ConnectionPool
from handlers.inbound.socket_connection import Envelope, SocketConnection

log = logging.getLogger(__name__)

MAX_IN_FLIGHT = 512  # envelopes: two full commits of the store


class EnvelopeDispatcher:
    """Handles envelopes. Calls `request_backfill` when Slack may never deliver some events.

    Either Slack withholds events, or an alert could not be written and Slack may stop redelivering
    it.
    """

    def __init__(
        self,
        app: AsyncApp,
        alerts: AlertReceiver,
        request_backfill: Callable[[], None],
        *,
        language: str = ENGLISH,
    ) -> None:
        self._language = language
        self._app = app
        self._alerts = alerts
        self._request_backfill = request_backfill
        self._slots = asyncio.Semaphore(MAX_IN_FLIGHT)
        self._in_flight: set[asyncio.Task[None]] = set()
        self._closing = False
        self._failures = ThrottledLogger(
            log, logging.ERROR, "an alert is not written, so it is not acknowledged: %s"
        )
        self.connections: ConnectionPool

    async def dispatch(self, connection: SocketConnection, envelope: Envelope) -> None:
        """Start handling the envelope; returns once a slot is free. After `drain`, drop it."""
        await self._slots.acquire()
        request = SocketModeRequest.from_dict(envelope)
        if request is None or self._closing:
            self._slots.release()
            return
        task = asyncio.create_task(self._handle(_Responses(self.connections, connection), request))
        self._in_flight.add(task)
        task.add_done_callback(self._done)

    async def drain(self, timeout: float) -> None:
        """Accept no envelope any more; wait at most `timeout` seconds for those in flight."""
        self._closing = True
        if self._in_flight:
            await asyncio.wait(set(self._in_flight), timeout=timeout)

    def _done(self, task: asyncio.Task[None]) -> None:
        self._in_flight.discard(task)
        self._slots.release()
        if not task.cancelled() and (error := task.exception()):
            log.error("an envelope was not handled, so it is not acknowledged", exc_info=error)

    async def _handle(self, responses: _Responses, request: SocketModeRequest) -> None:
        """Handle the envelope and acknowledge it.

        An alert that could not be written is not acknowledged, so that Slack redelivers it.
        """
        if request.payload.get("type") == "app_rate_limited":
            self._request_backfill()
        else:
            try:
                is_alert = request.type == "events_api" and await self._alerts.receive(
                    request.payload
                )
            except SopbotError as error:
                self._failures.log(error)
                self._request_backfill()
                return
            if not is_alert:
                began = time.time()
                with speaking(self._language):  # the listeners answer people
                    response = await run_async_bolt_app(self._app, request)
                await send_async_response(responses, request, response, began)  # type: ignore[arg-type]  # it uses these members only
                return
        done = SocketModeResponse(envelope_id=request.envelope_id)
        await responses.send_socket_mode_response(done)


class _Responses:
    """Sends the response to one envelope, for Bolt's adapter in place of a Socket Mode client."""

    logger = log

    def __init__(self, connections: ConnectionPool, connection: SocketConnection) -> None:
        self._connections = connections
        self._connection = connection

    async def send_socket_mode_response(self, response: SocketModeResponse) -> None:
        """Respond on the envelope's connection, or on another; without any Slack redelivers it."""
        body: dict[str, Any] = response.to_dict()
        if not await self._connections.respond(self._connection, body):
            log.warning("no connection to respond to %s on", response.envelope_id)
