"""One HTTP connection with deadlines, and the gate that counts all of them.

aiohttp bounds the size of a line and of a body, and the time between two requests. It has no limit
on the number of connections, no deadline for a body, and none for a caller that does not read its
answer: a stranger without any token could hold every descriptor of the process.
"""

from __future__ import annotations

import asyncio
import enum
import ipaddress
import json
import logging
import time
from collections import OrderedDict
from collections.abc import Awaitable, Callable
from typing import Any

from aiohttp import web
from aiohttp.web_protocol import RequestHandler

from bot.serving.limits import ConnectionLimits

log = logging.getLogger(__name__)

LOG_EVERY = 60.0  # seconds between two log lines about refused connections


class Phase(enum.Enum):
    """What a connection waits for."""

    IDLE = "the first byte of the next request"
    HEAD = "the rest of a request's headers"
    BODY = "the rest of a request's body"
    HANDLING = "our own answer"
    WRITING = "the caller to read its answer"


class Gate:
    """All connections of one server: how many there are, and which one goes when it is full.

    Full means that the connection which has waited longest for its caller is closed for the newest.
    So unfinished requests, however many, never keep a new caller out. If every connection
    is being answered, the newest gets 503.
    """

    def __init__(self, limits: ConnectionLimits, address_of: Callable[[Any], str]) -> None:
        self.limits = limits
        self.address_of = address_of
        self.closing = False
        self.open = 0
        self.evicted = 0
        self.refused = 0
        self._body_bytes = 0
        self._per_address: dict[str, int] = {}
        # In the order in which they began to wait for their callers.
        self._waiting: OrderedDict[Connection, None] = OrderedDict()
        self._logged_at = -LOG_EVERY

    def admit(self, connection: Connection) -> bool:
        """Count the connection in; False when there is no place for it."""
        address = connection.address
        if address and self._per_address.get(address, 0) >= self.limits.per_address:
            if not self._evict(address):
                return self._refuse(address)
        elif self.open >= self.limits.total and not self._evict(""):
            return self._refuse(address)
        self.open += 1
        if address:
            self._per_address[address] = self._per_address.get(address, 0) + 1
        return True

    def leave(self, connection: Connection) -> None:
        """The connection has ended."""
        self.open -= 1
        self._waiting.pop(connection, None)
        if not connection.address:
            return
        left = self._per_address[connection.address] - 1
        if left:
            self._per_address[connection.address] = left
        else:
            del self._per_address[connection.address]

    def waits(self, connection: Connection) -> None:
        """The connection waits for its caller from now on."""
        self._waiting[connection] = None
        self._waiting.move_to_end(connection)

    def works(self, connection: Connection) -> None:
        """The connection is being answered."""
        self._waiting.pop(connection, None)

    def body_grew(self, size: int) -> None:
        """Bytes of an unfinished body came in; a negative size when that body is gone."""
        self._body_bytes += size
        while self._body_bytes > self.limits.body_bytes:
            # The longest unfinished first: an honest body of 1 MiB is here within a second.
            oldest = next((c for c in self._waiting if c.phase is Phase.BODY), None)
            if oldest is None:
                return
            self._close(oldest)

    def _evict(self, address: str) -> bool:
        for connection in self._waiting:
            if not address or connection.address == address:
                self._close(connection)
                return True
        return False

    def _close(self, connection: Connection) -> None:
        self.evicted += 1
        self._log("closed", connection.address)
        connection.drop()

    def _refuse(self, address: str) -> bool:
        self.refused += 1
        self._log("refused", address)
        return False

    def _log(self, what: str, address: str) -> None:
        now = time.monotonic()
        if now - self._logged_at < LOG_EVERY:
            return
        self._logged_at = now
        log.warning(
            "too many connections (%d open): one of %s was %s; since the start %d were closed"
            " and %d refused",
            self.open,
            address or "this machine",
            what,
            self.evicted,
            self.refused,
        )


class Connection(RequestHandler):
    """aiohttp's connection, with a deadline for each wait."""

    def __init__(self, gate: Gate, server: web.Server, **options: Any) -> None:
        super().__init__(server, **options)
        self._gate = gate
        self._limits = gate.limits
        self._raw: asyncio.Transport | None = None
        self._admitted = False
        self._timer: asyncio.TimerHandle | None = None
        self._head_bytes = 0
        self._body_bytes = 0
        self._begun = 0  # requests
        self._answering = False
        self.phase = Phase.IDLE
        self.address = ""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Take the connection, or answer 503 and close it."""
        assert isinstance(transport, asyncio.Transport)  # noqa: S101 - TCP is all we listen on
        self._raw = transport
        if self._gate.closing:  # accepted just before the end; nothing would close it later
            transport.abort()
            return
        self.address = self._gate.address_of(transport.get_extra_info("peername"))
        if not self._gate.admit(self):
            transport.write(_answer(503, "busy", "There are too many connections."))
            transport.close()
            return
        self._admitted = True
        super().connection_made(transport)
        self._wait(Phase.IDLE, self._limits.head)

    def connection_lost(self, exc: BaseException | None) -> None:
        """Give the place back."""
        if self._timer is not None:
            self._timer.cancel()
        if self._admitted:
            self._admitted = False
            self._body_ended()
            self._gate.leave(self)
            super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        """Start the deadline of a head at its first byte; a byte more does not move it."""
        if not self._admitted or self._raw is None or self._raw.is_closing():
            return
        super().data_received(data)
        if not data:
            return
        if self.phase is Phase.BODY or self._request_count > self._begun:
            self._head_bytes = 0  # a whole head is here; its request may begin in a moment
            self._body_bytes += len(data)
            self._gate.body_grew(len(data))
            if self._chunks_cost_too_much():
                self._say_and_close(413, "too_large", "The body has too many chunks.")
        elif self.phase in (Phase.IDLE, Phase.HEAD):
            self._head_bytes += len(data)
            if self.phase is Phase.IDLE:
                self._wait(Phase.HEAD, self._limits.head)
            if self._head_bytes > self._limits.head_bytes:
                self._say_and_close(431, "head_too_large", "The headers are too large.")

    def pause_writing(self) -> None:
        """Wait only so long for a caller that does not read its answer."""
        super().pause_writing()
        self._wait(Phase.WRITING, self._limits.write)

    def resume_writing(self) -> None:
        """Go on with the answer."""
        super().resume_writing()
        if self._answering:
            self._work()

    async def _handle_request(
        self,
        request: web.BaseRequest,
        start_time: float | None,
        request_handler: Callable[[web.BaseRequest], Awaitable[web.StreamResponse]],
    ) -> tuple[web.StreamResponse, bool]:
        # The one place that every request passes, with the writing of its answer.
        self._begun += 1
        self._answering = True
        if request.content.is_eof():
            self._body_ended()
            self._work()
        else:
            self._wait(Phase.BODY, self._limits.body)
            request.content.on_eof(self._body_is_here)

        async def handler(request: web.BaseRequest) -> web.StreamResponse:
            if _is_encoded(request):
                return _problem(415, "encoded", "A body is read only without Content-Encoding.")
            try:
                return await request_handler(request)
            except web.HTTPException as error:  # raised before any middleware: a wrong Expect
                if error.status < 400:
                    raise
                return _problem(error.status, error.reason.lower().replace(" ", "_"), error.reason)

        try:
            return await super()._handle_request(request, start_time, handler)
        finally:
            self._answering = False
            self._body_ended()
            if self._raw is not None and self._raw.get_write_buffer_size():
                self._wait(Phase.WRITING, self._limits.write)
            else:
                self._wait(Phase.IDLE, self._limits.idle)

    def handle_error(
        self,
        request: web.BaseRequest,
        status: int = 500,
        exc: BaseException | None = None,
        message: str | None = None,
    ) -> web.StreamResponse:
        """JSON for what is not HTTP; no traceback in the log because a caller hung up."""
        if status >= 500:
            if isinstance(exc, ConnectionError) and caller_is_gone(request):
                raise exc
            return super().handle_error(request, status, exc, message)
        # The parser's words quote what came: a stranger's text, of any length.
        text = f"This is not an HTTP request: {(message or 'it cannot be read')[:200]}"
        response = _problem(status, "bad_request", text)
        response.force_close()
        return response

    def log_exception(self, *args: Any, **options: Any) -> None:
        """Nothing of a caller that hung up, or whose body is not what its headers say."""
        if not isinstance(options.get("exc_info"), ConnectionError | web.RequestPayloadError):
            super().log_exception(*args, **options)

    def drop(self) -> None:
        """Close for another caller, without a word."""
        self._gate.works(self)
        self._body_ended()
        if self._raw is not None:
            self._raw.abort()

    def _chunks_cost_too_much(self) -> bool:
        if self.phase is not Phase.BODY or self._current_request is None:
            return False
        held = self._current_request.content.total_bytes
        return self._body_bytes - held > self._limits.chunk_bytes

    def _body_is_here(self) -> None:
        if self.phase is Phase.BODY:
            self._body_ended()
            self._work()

    def _body_ended(self) -> None:
        if self._body_bytes:
            size, self._body_bytes = self._body_bytes, 0
            self._gate.body_grew(-size)

    def _work(self) -> None:
        self.phase = Phase.HANDLING
        self._gate.works(self)
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def _wait(self, phase: Phase, seconds: float) -> None:
        if not self._admitted:
            return
        self.phase = phase
        self._gate.waits(self)
        if self._timer is not None:
            self._timer.cancel()
        self._timer = self._loop.call_later(seconds, self._too_late)

    def _too_late(self) -> None:
        self._timer = None
        if self.phase in (Phase.HEAD, Phase.BODY):
            self._say_and_close(408, "too_slow", f"This took too long: {self.phase.value}.")
        elif self._raw is None:
            return
        elif self.phase is Phase.WRITING and not (
            self._answering or self._raw.get_write_buffer_size()
        ):
            self._wait(Phase.IDLE, self._limits.idle)  # it was read meanwhile
        else:
            self._raw.abort()

    def _say_and_close(self, status: int, code: str, message: str) -> None:
        if self._raw is None:
            return
        if not self._raw.get_write_buffer_size():
            self._raw.write(_answer(status, code, message))
            self._raw.close()
        if self._raw.get_write_buffer_size():  # a caller that does not even read that
            self._raw.abort()


def _problem(status: int, code: str, message: str) -> web.Response:
    return web.json_response({"error": {"code": code, "message": message}}, status=status)


def _is_encoded(request: web.BaseRequest) -> bool:
    given = request.headers.get("Content-Encoding", "")
    return given.strip().lower() not in ("", "identity")


def caller_is_gone(request: web.BaseRequest) -> bool:
    """Whether the caller has hung up: an error then is not our fault."""
    return request.transport is None or request.transport.is_closing()


def caller_of(peer: Any) -> str:
    """The caller's IPv4 address or IPv6 network of 64 bits; '' is this machine."""
    try:
        address = ipaddress.ip_address(peer[0].partition("%")[0])
    except (TypeError, IndexError, ValueError, AttributeError):
        return ""
    if isinstance(address, ipaddress.IPv6Address):
        if address.ipv4_mapped is None:
            network = ipaddress.ip_network((address, 64), strict=False)
            return "" if address.is_loopback else str(network)
        address = address.ipv4_mapped
    return "" if address.is_loopback else str(address)


_REASONS = {
    408: "Request Timeout",
    413: "Content Too Large",
    431: "Request Header Fields Too Large",
    503: "Service Unavailable",
}


def _answer(status: int, code: str, message: str) -> bytes:
    body = json.dumps({"error": {"code": code, "message": message}}).encode()
    head = (
        f"HTTP/1.1 {status} {_REASONS[status]}\r\nContent-Type: application/json\r\n"
        f"Content-Length: {len(body)}\r\nConnection: close\r\n"
    )
    if status == 503:
        head += "Retry-After: 5\r\n"
    return head.encode() + b"\r\n" + body
