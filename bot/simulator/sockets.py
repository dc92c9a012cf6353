"""Socket Mode: tickets, links, and each envelope to any one of them until acknowledged."""

import asyncio
import contextlib
import itertools
import json
import secrets
from collections import deque
from collections.abc import Callable
from random import Random
from typing import Any

from aiohttp import web

from .clock import Clock, Timer
from .deliveries import ACK_SECONDS, RETRY_AFTER, Ack, Delivery, attempt_by_age
from .faults import Faults
from .link import SlackConnection, goodbye, hello

JSON = dict[str, Any]

MAX_LINKS = 10
TICKET_SECONDS = 30.0


class Links:
    """All links of our app. A random one, by `seed`, gets each envelope.

    `deliveries`, when it is a list, keeps every envelope.
    """

    def __init__(self, clock: Clock, app_id: str, faults: Faults, seed: int) -> None:
        self.faults = faults
        self.deliveries: list[Delivery] | None = None
        self.links: list[SlackConnection] = []
        self.waiting: deque[Delivery] = deque()
        self.undelivered: list[Delivery] = []
        self._clock = clock
        self._app_id = app_id
        self._tickets: dict[str, float] = {}
        self._lot = Random(seed)  # noqa: S311 - a choice, no secret
        self._numbers = itertools.count(1)
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
        half_open = await self.faults.half_open()
        socket = web.WebSocketResponse(
            timeout=1.0, autoping=False, compress=False, max_msg_size=4 * 1024 * 1024
        )
        await socket.prepare(request)
        if len(self.links) >= MAX_LINKS:
            await socket.send_json(goodbye("too_many_websockets", MAX_LINKS + 1))
            await socket.close()
            return socket
        link = SlackConnection(next(self._numbers), socket, request.transport, self.faults)
        link.half_open = half_open
        self.links.append(link)
        link.send(hello(self._app_id, len(self.links)))
        self._deliver_waiting()
        self.on_change()
        writer = asyncio.create_task(link.write())
        try:
            async for text in link.texts():
                self._on_text(link, text)
        finally:
            self.links.remove(link)
            link.over()
            writer.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await writer
            self._died(link)
            self.on_change()
        return socket

    def disconnect(self, reason: str = "refresh_requested", *, number: int | None = None) -> None:
        """Tell every link, or one, to come back on a new one; reason as in Slack's disconnect."""
        for link in self._chosen(number):
            link.ask_to_leave(goodbye(reason), self._clock)

    async def close(self) -> None:
        """Close every link and stop all timers."""
        self._closing = True
        if self._deadline_timer is not None:
            self._deadline_timer.cancel()
        for timer in self._retries.values():
            timer.cancel()
        for delivery in [*self._open.values(), *self.waiting]:
            delivery.settle(None, "closed")
        await asyncio.gather(*(link.close() for link in list(self.links)))

    def drop(self, *, number: int | None = None) -> None:
        """Cut every link, or one, without a goodbye, as a broken network does."""
        for link in self._chosen(number):
            link.drop()

    def half_open(self, *, number: int | None = None) -> None:
        """Leave every link, or one, open and dead: nothing is sent on it, nothing heard."""
        for link in self._chosen(number):
            link.half_open = True

    def _chosen(self, number: int | None) -> list[SlackConnection]:
        return [link for link in self.links if number in (None, link.number)]

    # Deliveries

    def deliver(self, kind: str, payload: JSON, *, accepts_response_payload: bool) -> Delivery:
        """Send one envelope to any link. Events wait for one; anything else fails at once."""
        delivery = Delivery(
            kind,
            payload,
            self._clock.now(),
            accepts_response_payload=accepts_response_payload,
        )
        if self.deliveries is not None:
            self.deliveries.append(delivery)
        if self.links:
            self._send(delivery)
        elif kind == "events_api":
            self.waiting.append(delivery)
        else:
            delivery.settle(None, "dispatch_failed")
        return delivery

    def unacknowledged(self) -> int:
        """The number of envelopes that wait for an answer, a retry or a link."""
        return len(self._open) + len(self.waiting) + len(self._retries)

    def _send(self, delivery: Delivery) -> None:
        before = delivery.sent_on[-1] if delivery.sent_on else None
        # Not again on the link that did not answer, where there is another.
        others = [link for link in self.links if link.number != before] or self.links
        link = self._lot.choice(others)
        delivery.sends += 1
        delivery.sent_on.append(link.number)
        self._open[delivery.envelope_id] = delivery
        deadline = self._clock.now() + ACK_SECONDS
        self._deadlines.append((deadline, delivery, delivery.attempt))
        if self._deadline_timer is None:
            self._deadline_timer = self._clock.call_later(ACK_SECONDS, self._look_at_deadlines)
        link.send(delivery.envelope())

    def _on_text(self, link: SlackConnection, data: str) -> None:
        try:
            result = json.loads(data)
        except ValueError:
            return
        envelope_id = result.get("envelope_id") if isinstance(result, dict) else None
        delivery = self._open.pop(envelope_id, None) if isinstance(envelope_id, str) else None
        if delivery is None:
            return
        payload = result.get("payload")
        if not delivery.accepts_response_payload or not isinstance(payload, dict):
            payload = None
        delivery.acked_on = link.number
        delivery.settle(Ack(self._clock.now() - delivery.born, payload))
        self.on_change()

    def _look_at_deadlines(self) -> None:
        now = self._clock.now()
        self._deadline_timer = None
        late: list[Delivery] = []
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
                late.append(delivery)
        for delivery in late:
            self._failed(delivery)
        if late:
            self.on_change()

    def _died(self, link: SlackConnection) -> None:
        """Treat the envelopes that this link did not acknowledge as if they had timed out.

        Not commands and interactions: their answer may still come on another link in time.
        """
        if self._closing:
            return
        for delivery in list(self._open.values()):
            if delivery.sent_on[-1] == link.number and delivery.type == "events_api":
                self._failed(delivery)

    def _failed(self, delivery: Delivery) -> None:
        del self._open[delivery.envelope_id]
        if delivery.type != "events_api":
            delivery.settle(None, "operation_timeout")
        elif delivery.attempt >= len(RETRY_AFTER):
            self.undelivered.append(delivery)
            delivery.settle(None, "given_up")
        elif wait := RETRY_AFTER[delivery.attempt]:
            self._retries[delivery.envelope_id] = self._clock.call_later(
                wait, lambda: self._retry(delivery)
            )
        else:
            self._retry(delivery)

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
                self.undelivered.append(delivery)
                delivery.settle(None, "given_up")
                continue
            delivery.attempt = max(attempt, delivery.attempt + 1)
            self._send(delivery)
