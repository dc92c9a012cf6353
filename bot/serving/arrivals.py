"""Connections whose first request is incomplete: held as bare sockets, by the thousand.

A flood of unfinished requests is expensive because each would get a transport, a parser and a
handler. Closing one for the next does not help: the flood opens it again at once, the kernel's
accept queue stays full, and the kernel drops the SYN of an honest caller, who retries a second
later. So a connection is only a socket and its first bytes until the request is complete, and while
descriptors are free no connection is closed before its deadline.
"""

from __future__ import annotations

import asyncio
import contextlib
import re
import socket
from collections import OrderedDict
from collections.abc import Callable
from typing import Any

from bot.serving.accepting import TURN_SECONDS, Accepting
from bot.serving.connections import answer_bytes
from bot.serving.gate import Gate, Phase

# Of an unfinished request; a longer one becomes a connection before it is complete.
HELD_BYTES = 32_768

_BLANK_LINE = re.compile(rb"\n\r?\n")
_MAY_BE_HTTP = re.compile(rb"(?:\r?\n){0,4}\r?[A-Za-z]{0,32}(?: |\Z)")
_LENGTH = re.compile(rb"\ncontent-length[ \t]*:[ \t]*([0-9]{1,18})[ \t]*\r?\n", re.IGNORECASE)
_CHUNKED = re.compile(rb"\ntransfer-encoding[ \t]*:[ \t]*chunked[ \t]*\r?\n", re.IGNORECASE)
_MAY_BE_CHUNKS = re.compile(rb"[0-9a-fA-F]{0,16}(?:[ \t;\r]|\Z)")
_EXPECT = re.compile(rb"\nexpect([ \t]*:[ \t]*100-continue[ \t]*\r?\n)", re.IGNORECASE)
# The pattern never backtracks (`++`, `}+`): each arriving byte makes it search the last bytes
# again.
_LAST_CHUNK = re.compile(rb"\r\n0++[^\r\n]{0,200}+\r\n(?:[^\r\n]{1,200}+\r\n){0,4}\r\n")
_LAST_CHUNK_BYTES = 1_024  # a last chunk with more trailers than that is not recognised


class PendingConnection:
    """A socket and the bytes received so far."""

    __slots__ = ("address", "chunked_from", "data", "since", "sock", "whole_at")

    def __init__(self, sock: socket.socket, address: str, since: float) -> None:
        self.sock = sock
        self.address = address
        self.data = bytearray()
        self.since = since  # the event loop's time at which it began to wait for its head or body
        self.whole_at: int | None = None  # bytes of head and body, once the head is complete
        self.chunked_from: int | None = None  # the start of a body without a stated length

    @property
    def phase(self) -> Phase:
        """Return the awaited part of its request."""
        if not self.data:
            return Phase.IDLE
        return Phase.HEAD if self.whole_at is None else Phase.BODY

    def add(self, data: bytes) -> bool:
        """Append bytes; return True once the request is complete, as far as this check can tell.

        The HTTP parser decides what a request is: it gets bytes that we do not understand at once.
        """
        before = len(self.data)
        self.data += data
        if len(self.data) >= HELD_BYTES:
            return True
        if self.phase is Phase.HEAD:
            if not _MAY_BE_HTTP.match(self.data):
                return True
            end = _BLANK_LINE.search(self.data, max(0, before - 2))
            if end is None:
                return False
            self._read_head(end.end())
            self._answer_expect(end.end())
        if self.chunked_from is not None:
            if not _MAY_BE_CHUNKS.match(self.data, self.chunked_from):
                return True
            begin = max(self.chunked_from - 2, before - _LAST_CHUNK_BYTES)
            return _LAST_CHUNK.search(self.data, begin) is not None
        return self.whole_at is not None and len(self.data) >= self.whole_at

    def _read_head(self, end: int) -> None:
        self.whole_at = end
        if self.data.lstrip().startswith((b"GET ", b"HEAD ")):
            return  # no handler waits for a body of these
        length = _LENGTH.search(self.data, 0, end)
        if length:
            self.whole_at = end + int(length[1])
        elif _CHUNKED.search(self.data, 0, end):
            self.chunked_from = end

    def _answer_expect(self, end: int) -> None:
        """Tell a caller that holds its body back to send it; the parser would tell it a second
        time.
        """
        expect = _EXPECT.search(self.data, 0, end)
        if expect:
            self.data[expect.start() + 1 : expect.start(1)] = b"X-Sent"
            with contextlib.suppress(OSError):
                self.sock.send(b"HTTP/1.1 100 Continue\r\n\r\n")


class Arrivals(Accepting):
    """Accepts connections, reads first requests, and passes each complete one to `serve`.

    Beyond the limit it closes the oldest for the newest; for an address above its share, that
    address's own oldest. However many arrive or reach their deadline together, each of these two
    tasks takes at most TURN_SECONDS of one turn of the event loop.
    """

    def __init__(
        self,
        gate: Gate,
        address_of: Callable[[Any], str],
        serve: Callable[[socket.socket, str, bytes], None],
    ) -> None:
        super().__init__(address_of)
        self._gate = gate
        self._limits = gate.limits
        self._serve = serve
        # Each in order of age: without a complete head, without a complete body, and by address,
        # except this machine's.
        self._heads: OrderedDict[PendingConnection, None] = OrderedDict()
        self._bodies: OrderedDict[PendingConnection, None] = OrderedDict()
        self._of: dict[str, OrderedDict[PendingConnection, None]] = {}
        self._bytes = 0
        self._sweeper: asyncio.Handle | None = None
        self._sweep_every = min(1.0, gate.limits.head / 10, gate.limits.body / 10)

    def close(self) -> None:
        """Close every connection with an incomplete request."""
        self.stop_accepting()
        for arrival in [*self._heads, *self._bodies]:
            self._end(arrival)
        if self._sweeper is not None:
            self._sweeper.cancel()

    def free_a_descriptor(self) -> bool:
        """Close the oldest connection that waits, or else one that is idle."""
        return self._evict() or self._gate.evict()

    def begin(self, sock: socket.socket, address: str) -> None:
        """Wait for its first request; at the limit, close another for it."""
        if self._gate.unfinished >= self._limits.arrivals:
            has_its_share = len(self._of.get(address, ())) >= self._limits.per_address
            self._evict(address if has_its_share else "")
        arrival = PendingConnection(sock, address, self._loop.time())
        self._gate.unfinished += 1
        self._heads[arrival] = None
        if address:
            self._of.setdefault(address, OrderedDict())[arrival] = None
        if self._sweeper is None:
            self._sweeper = self._loop.call_later(self._sweep_every, self._sweep)
        self._loop.add_reader(sock, self._read, arrival)
        self._read(arrival)  # usually the request has arrived already

    def _read(self, arrival: PendingConnection) -> None:
        try:
            data = arrival.sock.recv(HELD_BYTES)
        except (BlockingIOError, InterruptedError):
            return
        except OSError:
            data = b""
        if not data:  # the caller disconnected
            self._end(arrival)
            return
        self._bytes += len(data)
        if arrival.add(data):
            self._forget(arrival)
            self._serve(arrival.sock, arrival.address, bytes(arrival.data))
            return
        if arrival.phase is Phase.BODY and arrival in self._heads:
            del self._heads[arrival]
            self._bodies[arrival] = None
            arrival.since = self._loop.time()
        while self._bytes > self._limits.body_bytes:
            self._evict()

    def _sweep(self) -> None:
        """Close the connections past their deadline."""
        now = self._loop.time()
        for waiting, seconds in (
            (self._heads, self._limits.head),
            (self._bodies, self._limits.body),
        ):
            while waiting and (oldest := next(iter(waiting))).since + seconds <= now:
                if self._loop.time() - now > TURN_SECONDS:
                    self._sweeper = self._loop.call_soon(self._sweep)
                    return
                self._too_late(oldest)
        self._sweeper = None
        if self._gate.unfinished:
            self._sweeper = self._loop.call_later(self._sweep_every, self._sweep)

    def _too_late(self, arrival: PendingConnection) -> None:
        if arrival.phase is not Phase.IDLE:
            why = f"This took too long: {arrival.phase.value}."
            with contextlib.suppress(OSError):
                arrival.sock.send(answer_bytes(408, "too_slow", why))
        self._end(arrival)

    def _evict(self, address: str = "") -> bool:
        """Close the oldest, of that address if one is given; return False without one."""
        places = [self._of[address]] if address else [self._heads, self._bodies]
        oldest = min(
            (next(iter(place)) for place in places if place), key=_begun_waiting, default=None
        )
        if oldest is None:
            return False
        self._gate.count_evicted(oldest.address)
        self._end(oldest)
        return True

    def _end(self, arrival: PendingConnection) -> None:
        self._forget(arrival)
        arrival.sock.close()

    def _forget(self, arrival: PendingConnection) -> None:
        self._loop.remove_reader(arrival.sock)
        self._gate.unfinished -= 1
        self._bytes -= len(arrival.data)
        del (self._heads if arrival in self._heads else self._bodies)[arrival]
        if arrival.address:
            del self._of[arrival.address][arrival]
            if not self._of[arrival.address]:
                del self._of[arrival.address]


def _begun_waiting(arrival: PendingConnection) -> float:
    return arrival.since
