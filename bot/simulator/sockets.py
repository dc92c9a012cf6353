"""Socket Mode: tickets, links, and each envelope to any one of them until acknowledged."""

import asyncio
import contextlib
import json
import secrets
from collections import deque
from collections.abc import Callable
from typing import Any

from aiohttp import WSMsgType, web

from bot.simulator.clock import Clock, Timer
from bot.simulator.deliveries import ACK_SECONDS, RETRY_AFTER, Ack, Delivery, attempt_by_age
from bot.simulator.faults import Faults

JSON = dict[str, Any]

MAX_LINKS = 10
TICKET_SECONDS = 30.0


class Link:
    """One open WebSocket and what still has to go out on it."""

    def __init__(
        self, socket: web.WebSocketResponse, transport: asyncio.Transport | None, faults: Faults
    ) -> None:
        self.socket = socket
        self.transport = transport
        self._faults = faults
        self._out: deque[JSON] = deque()
        self._more = asyncio.Event()

    def send(self, envelope: JSON) -> None:
        """Queue an envelope; `write` sends it in order."""
        self._out.append(envelope)
        self._more.set()

    async def write(self) -> None:
        """Send what is queued until the socket closes."""
        while not self.socket.closed:
            await self._more.wait()
            self._more.clear()
            while self._out:
                envelope = self._out.popleft()
                if not await self._faults.before_send(envelope):
                    continue
                try:
                    await self.socket.send_str(json.dumps(envelope))
                except (ConnectionError, RuntimeError):
                    return  # the reader of this socket sees the same end and cleans up


class Links:
    """All links of our app."""

    def __init__(self, clock: Clock, app_id: str, faults: Faults) -> None:
        self.faults = faults
        self.links: list[Link] = []
        self.waiting: deque[Delivery] = deque()
        self.lost: list[Delivery] = []
        self._clock = clock
        self._app_id = app_id
        self._tickets: dict[str, float] = {}
        self._turn = 0
        self._open: dict[str, Delivery] = {}
        self._deadlines: deque[tuple[float, Delivery, int]] = deque()
        self._deadline_timer: Timer | None = None
        self._retries: dict[str, Timer] = {}
        self._closing = False
        self.on_change: Callable[[], None] = lambda: None

    # Tickets and links

    def ticket(self) -> str:
        """A fresh one-time ticket, good for half a minute."""
        made = secrets.token_urlsafe(24)
        self._tickets[made] = self._clock.now() + TICKET_SECONDS
        return made

    async def accept(self, request: web.Request) -> web.StreamResponse:
        """Answer a WebSocket handshake and serve the link until it ends."""
        expires = self._tickets.pop(request.query.get("ticket", ""), None)
        status = await self.faults.before_socket()
        if status is None and (expires is None or expires < self._clock.now() or self._closing):
            status = 408
        if status is not None:
            return web.Response(status=status, text="ticket refused")
        socket = web.WebSocketResponse(timeout=1.0, compress=False, max_msg_size=4 * 1024 * 1024)
        await socket.prepare(request)
        link = Link(socket, request.transport, self.faults)
        if len(self.links) >= MAX_LINKS:
            await socket.send_json(self._disconnect("too_many_websockets"))
            await socket.close()
            return socket
        self.links.append(link)
        await socket.send_json(self._hello())
        self._deliver_waiting()
        self.on_change()
        writer = asyncio.create_task(link.write())
        try:
            async for message in socket:
                if message.type is WSMsgType.TEXT:
                    self._heard(message.data)
        finally:
            self.links.remove(link)
            writer.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await writer
            self.on_change()
        return socket

    async def disconnect(self, reason: str = "refresh_requested") -> None:
        """Tell every link to come back on a new one; reason as in Slack's disconnect."""
        for link in list(self.links):
            await link.socket.send_json(self._disconnect(reason))

    async def close(self) -> None:
        """Close every link and stop all timers."""
        self._closing = True
        if self._deadline_timer is not None:
            self._deadline_timer.cancel()
        for timer in self._retries.values():
            timer.cancel()
        for delivery in [*self._open.values(), *self.waiting]:
            delivery.settle(None, "closed")
        await asyncio.gather(*(link.socket.close() for link in list(self.links)))

    def drop(self) -> None:
        """Cut every link without a goodbye, as a broken network does."""
        for link in list(self.links):
            if link.transport is not None:
                link.transport.abort()

    # Deliveries

    def deliver(self, kind: str, payload: JSON, *, accepts_response_payload: bool) -> Delivery:
        """Send one envelope to any link. Events wait for one; anything else fails at once."""
        delivery = Delivery(
            kind,
            payload,
            self._clock.now(),
            accepts_response_payload=accepts_response_payload,
        )
        if self.links:
            self._send(delivery)
        elif kind == "events_api":
            self.waiting.append(delivery)
        else:
            delivery.settle(None, "dispatch_failed")
        return delivery

    def unacknowledged(self) -> int:
        """How many envelopes still wait for an answer, a retry or a link."""
        return len(self._open) + len(self.waiting) + len(self._retries)

    def _send(self, delivery: Delivery) -> None:
        self._turn += 1
        link = self.links[self._turn % len(self.links)]
        delivery.sends += 1
        self._open[delivery.envelope_id] = delivery
        deadline = self._clock.now() + ACK_SECONDS
        self._deadlines.append((deadline, delivery, delivery.attempt))
        if self._deadline_timer is None:
            self._deadline_timer = self._clock.call_later(ACK_SECONDS, self._look_at_deadlines)
        link.send(delivery.envelope())

    def _heard(self, data: str) -> None:
        try:
            said = json.loads(data)
        except ValueError:
            return
        envelope_id = said.get("envelope_id") if isinstance(said, dict) else None
        delivery = self._open.pop(envelope_id, None) if isinstance(envelope_id, str) else None
        if delivery is None:
            return
        payload = said.get("payload")
        if not delivery.accepts_response_payload or not isinstance(payload, dict):
            payload = None
        delivery.settle(Ack(self._clock.now() - delivery.born, payload))
        self.on_change()

    def _look_at_deadlines(self) -> None:
        now = self._clock.now()
        self._deadline_timer = None
        while self._deadlines:
            deadline, delivery, attempt = self._deadlines[0]
            current = delivery.attempt == attempt and delivery.envelope_id in self._open
            if current and deadline > now + 1e-6:
                self._deadline_timer = self._clock.call_later(
                    deadline - now, self._look_at_deadlines
                )
                break
            self._deadlines.popleft()
            if current:
                self._timed_out(delivery)

    def _timed_out(self, delivery: Delivery) -> None:
        del self._open[delivery.envelope_id]
        if delivery.type != "events_api":
            delivery.settle(None, "operation_timeout")
        elif delivery.attempt < len(RETRY_AFTER):
            wait = RETRY_AFTER[delivery.attempt]
            self._retries[delivery.envelope_id] = self._clock.call_later(
                wait, lambda: self._retry(delivery)
            )
        else:
            self.lost.append(delivery)
            delivery.settle(None, "given_up")
        self.on_change()

    def _retry(self, delivery: Delivery) -> None:
        self._retries.pop(delivery.envelope_id, None)
        if not self.links:
            self.waiting.append(delivery)
            return
        delivery.attempt += 1
        self._send(delivery)

    def _deliver_waiting(self) -> None:
        while self.waiting and self.links:
            delivery = self.waiting.popleft()
            attempt = attempt_by_age(self._clock.now() - delivery.born)
            if attempt is None or delivery.attempt >= len(RETRY_AFTER):
                self.lost.append(delivery)
                delivery.settle(None, "given_up")
                continue
            delivery.attempt = max(attempt, delivery.attempt + 1)
            self._send(delivery)

    def _hello(self) -> JSON:
        return {
            "type": "hello",
            "num_connections": len(self.links),
            "connection_info": {"app_id": self._app_id},
            "debug_info": self._debug_info(),
        }

    def _disconnect(self, reason: str) -> JSON:
        said: JSON = {"type": "disconnect", "reason": reason, "debug_info": self._debug_info()}
        if reason == "too_many_websockets":
            said["num_connections"] = len(self.links) + 1
        return said

    def _debug_info(self) -> JSON:
        return {"host": "applink-local", "build_number": 1, "approximate_connection_time": 18060}
