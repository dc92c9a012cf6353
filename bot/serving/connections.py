"""One HTTP connection with a deadline for each wait.

aiohttp limits the size of a line and of a body, and the time between two requests. It limits
neither the number of connections, nor the time of a body, nor the time of a caller that does not
read its answer: without these limits a stranger without a token could hold every descriptor of the
process.
"""

from __future__ import annotations

import asyncio
import json
import math
from collections.abc import Awaitable, Callable
from typing import Any

from aiohttp import web
from aiohttp.web_protocol import RequestHandler

from bot.serving.gate import BUSY, Gate, Phase


class Connection(RequestHandler):
    """aiohttp's connection, with a deadline for each wait.

    `first` are the bytes that were read before: a complete request, or the beginning of a long one.
    """

    def __init__(
        self, gate: Gate, server: web.Server, *, address: str, first: bytes, **options: Any
    ) -> None:
        super().__init__(server, **options)
        self.address = address
        self._first = first
        self._gate = gate
        self._limits = gate.limits
        self._raw: asyncio.Transport | None = None
        self._admitted = False
        self._timer: asyncio.TimerHandle | None = None
        self._deadline = math.inf  # the timer may fire before it, and then waits for the rest
        self._head_bytes = 0
        self._body_bytes = 0
        self._begun = 0  # requests
        self._answering = False
        self.phase = Phase.IDLE

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Serve the connection, or answer 503 and close it."""
        assert isinstance(transport, asyncio.Transport)  # noqa: S101 - TCP is all we listen on
        self._raw = transport
        if not self._gate.admit(self):
            transport.write(answer_bytes(503, BUSY, "There are too many connections."))
            transport.close()
            return
        self._admitted = True
        super().connection_made(transport)
        self._wait(Phase.IDLE, self._limits.head)
        first, self._first = self._first, b""
        if first:
            self.data_received(first)

    def connection_lost(self, exc: BaseException | None) -> None:
        """Free the slot."""
        if self._timer is not None:
            self._timer.cancel()
        if self._admitted:
            self._admitted = False
            self._body_ended()
            self._gate.leave(self)
            super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        """Start the deadline of a head at its first byte; further bytes do not extend it."""
        if not self._admitted or self._raw is None or self._raw.is_closing():
            return
        super().data_received(data)
        if not data:
            return
        if self.phase is Phase.BODY or self._request_count > self._begun:
            self._head_bytes = 0  # a head is complete; its request may begin soon
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
        """Start the deadline for a caller that does not read its answer."""
        super().pause_writing()
        self._wait(Phase.WRITING, self._limits.write)

    def resume_writing(self) -> None:
        """Continue to send the answer."""
        super().resume_writing()
        if self._answering:
            self._work()

    async def _handle_request(
        self,
        request: web.BaseRequest,
        start_time: float | None,
        request_handler: Callable[[web.BaseRequest], Awaitable[web.StreamResponse]],
    ) -> tuple[web.StreamResponse, bool]:
        # Every request passes here, with the writing of its answer.
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
        """Answer JSON to malformed HTTP; log no traceback if the caller disconnected."""
        if status >= 500:
            if isinstance(exc, ConnectionError) and caller_is_gone(request):
                raise exc
            return super().handle_error(request, status, exc, message)
        # The parser's message quotes a stranger's text, of any length.
        text = f"This is not an HTTP request: {(message or 'it cannot be read')[:200]}"
        response = _problem(status, "bad_request", text)
        response.force_close()
        return response

    def log_exception(self, *args: Any, **options: Any) -> None:
        """Log nothing about a caller that disconnected, or whose body contradicts its headers."""
        if not isinstance(options.get("exc_info"), ConnectionError | web.RequestPayloadError):
            super().log_exception(*args, **options)

    def drop(self) -> None:
        """Close for another caller, without an answer."""
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
        self._deadline = math.inf

    def _wait(self, phase: Phase, seconds: float) -> None:
        if not self._admitted:
            return
        self.phase = phase
        self._gate.waits(self)
        # A burst would make and cancel a timer for each request: one that fires earlier serves too.
        self._deadline = self._loop.time() + seconds
        if self._timer is None or self._timer.when() > self._deadline:
            self._set_timer()

    def _set_timer(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
        self._timer = self._loop.call_at(self._deadline, self._timer_fired)

    def _timer_fired(self) -> None:
        self._timer = None
        if self._loop.time() >= self._deadline:
            self._too_late()
        elif self._deadline < math.inf:
            self._set_timer()

    def _too_late(self) -> None:
        self._deadline = math.inf
        if self.phase in (Phase.HEAD, Phase.BODY):
            self._say_and_close(408, "too_slow", f"This took too long: {self.phase.value}.")
        elif self._raw is None:
            return
        elif self.phase is Phase.WRITING and not (
            self._answering or self._raw.get_write_buffer_size()
        ):
            self._wait(Phase.IDLE, self._limits.idle)  # the caller has read it meanwhile
        else:
            self._raw.abort()

    def _say_and_close(self, status: int, code: str, message: str) -> None:
        if self._raw is None:
            return
        if not self._raw.get_write_buffer_size():
            self._raw.write(answer_bytes(status, code, message))
            self._raw.close()
        if self._raw.get_write_buffer_size():  # the caller does not read even that
            self._raw.abort()


def _problem(status: int, code: str, message: str) -> web.Response:
    return web.json_response({"error": {"code": code, "message": message}}, status=status)


def _is_encoded(request: web.BaseRequest) -> bool:
    encoding = request.headers.get("Content-Encoding", "")
    return encoding.strip().lower() not in ("", "identity")


def caller_is_gone(request: web.BaseRequest) -> bool:
    """Return True if the caller has disconnected: an error is then not our fault."""
    return request.transport is None or request.transport.is_closing()


_REASONS = {
    408: "Request Timeout",
    413: "Content Too Large",
    431: "Request Header Fields Too Large",
    503: "Service Unavailable",
}


def answer_bytes(status: int, code: str, message: str) -> bytes:
    """Return our answer to a connection without a request."""
    body = json.dumps({"error": {"code": code, "message": message}}).encode()
    head = (
        f"HTTP/1.1 {status} {_REASONS[status]}\r\nContent-Type: application/json\r\n"
        f"Content-Length: {len(body)}\r\nConnection: close\r\n"
    )
    if status == 503:
        head += "Retry-After: 5\r\n"
    return head.encode() + b"\r\n" + body
