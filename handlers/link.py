"""The Socket Mode link, and what is being handled on it: at the end that is finished."""

from __future__ import annotations

import asyncio
import logging
from typing import Any

from slack_bolt.adapter.socket_mode.aiohttp import AsyncSocketModeHandler
from slack_bolt.async_app import AsyncApp
from slack_sdk.socket_mode.request import SocketModeRequest
from slack_sdk.socket_mode.response import SocketModeResponse

from bot.errors import SopbotError
from bot.observability.trouble import Trouble
from handlers.alerts import AlertDoor

log = logging.getLogger(__name__)


class InFlight:
    """Counts what Slack handed over and is not answered yet."""

    def __init__(self) -> None:
        self._count = 0
        self._closing = False
        self._idle = asyncio.Event()
        self._idle.set()

    @property
    def closing(self) -> bool:
        """Whether it is time to take on nothing more."""
        return self._closing

    def __enter__(self) -> None:
        self._count += 1
        self._idle.clear()

    def __exit__(self, *_reason: object) -> None:
        self._count -= 1
        if not self._count:
            self._idle.set()

    async def drain(self, timeout: float) -> None:
        """Take on nothing more, and wait for the rest, for at most `timeout` seconds."""
        self._closing = True
        try:
            await asyncio.wait_for(self._idle.wait(), timeout)
        except TimeoutError:
            return


class Link(AsyncSocketModeHandler):
    """Bolt's Socket Mode: alerts go to their own door, the rest to Bolt, and each is counted.

    Not as middlewares: Bolt's come one after the other, none is around the listener.
    """

    def __init__(self, app: AsyncApp, app_token: str, alerts: AlertDoor) -> None:
        super().__init__(app, app_token)
        self._alerts = alerts
        self._in_flight = InFlight()
        self._trouble = Trouble(
            log, logging.ERROR, "an alert is not written, so it is not acknowledged: %s"
        )

    async def handle(self, client: Any, req: SocketModeRequest) -> None:
        """Handle it. Not acknowledged, and so delivered again: an alert that could not be written,
        and whatever comes at the end.
        """
        if self._in_flight.closing:
            return
        with self._in_flight:
            try:
                is_alert = req.type == "events_api" and await self._alerts.take(req.payload)
            except SopbotError as error:
                self._trouble.came(error)
                return
            if is_alert:
                done = SocketModeResponse(envelope_id=req.envelope_id)
                await client.send_socket_mode_response(done)
            else:
                await super().handle(client, req)

    async def drain(self, timeout: float) -> None:
        """Take on nothing more, and let what is being handled finish."""
        await self._in_flight.drain(timeout)
