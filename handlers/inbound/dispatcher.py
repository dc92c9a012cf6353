"""What comes over Socket Mode: alerts go to their own door, the rest to Bolt, each is counted.

No more is taken on at once than there is room for. What finds none waits in Slack's socket, so a
storm slows the acknowledgements and not the bot; Slack delivers again what it waited for too long.
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
from bot.observability.trouble import Trouble
from handlers.inbound.alert_receiver import AlertDoor
from handlers.inbound.connection_pool import Sockets
from handlers.inbound.socket_connection import Envelope, Socket

log = logging.getLogger(__name__)

ROOM = 512  # envelopes in hand at once: two full commits of the store


class Link:
    """Handles envelopes. `missed` is called when events may not come any more.

    Slack kept some back, or delivered what could not be written and may give it up.
    """

    def __init__(self, app: AsyncApp, alerts: AlertDoor, missed: Callable[[], None]) -> None:
        self._app = app
        self._alerts = alerts
        self._missed = missed
        self._room = asyncio.Semaphore(ROOM)
        self._in_hand: set[asyncio.Task[None]] = set()
        self._closing = False
        self._trouble = Trouble(
            log, logging.ERROR, "an alert is not written, so it is not acknowledged: %s"
        )
        self.sockets: Sockets

    async def take(self, socket: Socket, envelope: Envelope) -> None:
        """Take it on; returns once there was room for it. At the end nothing is taken on."""
        await self._room.acquire()
        request = SocketModeRequest.from_dict(envelope)
        if request is None or self._closing:
            self._room.release()
            return
        task = asyncio.create_task(self._handle(_Answers(self.sockets, socket), request))
        self._in_hand.add(task)
        task.add_done_callback(self._done)

    async def drain(self, timeout: float) -> None:
        """Take on nothing more, and let what is in hand finish, for at most `timeout` seconds."""
        self._closing = True
        if self._in_hand:
            await asyncio.wait(set(self._in_hand), timeout=timeout)

    def _done(self, task: asyncio.Task[None]) -> None:
        self._in_hand.discard(task)
        self._room.release()
        if not task.cancelled() and (error := task.exception()):
            log.error("an envelope was not handled, so it is not acknowledged", exc_info=error)

    async def _handle(self, answers: _Answers, request: SocketModeRequest) -> None:
        """Not acknowledged, and so delivered again: an alert that could not be written."""
        if request.payload.get("type") == "app_rate_limited":
            self._missed()
        else:
            try:
                is_alert = request.type == "events_api" and await self._alerts.take(request.payload)
            except SopbotError as error:
                self._trouble.came(error)
                self._missed()
                return
            if not is_alert:
                began = time.time()
                response = await run_async_bolt_app(self._app, request)
                await send_async_response(answers, request, response, began)  # type: ignore[arg-type]  # it asks for no more than this
                return
        done = SocketModeResponse(envelope_id=request.envelope_id)
        await answers.send_socket_mode_response(done)


class _Answers:
    """What Bolt's adapter needs of a Socket Mode client: the way back for one envelope."""

    logger = log

    def __init__(self, sockets: Sockets, socket: Socket) -> None:
        self._sockets = sockets
        self._socket = socket

    async def send_socket_mode_response(self, response: SocketModeResponse) -> None:
        """Answer on the link it came on, or on another; with none Slack delivers it again."""
        said: dict[str, Any] = response.to_dict()
        if not await self._sockets.answer(self._socket, said):
            log.warning("no link to answer %s on", response.envelope_id)
