"""Accepts connections of a server with TLS: each is served once its handshake is complete."""

from __future__ import annotations

import asyncio
import socket
from collections import Counter
from collections.abc import Callable, Coroutine
from typing import Any

from bot.serving.arrivals import PAUSE_SECONDS, TURN_SECONDS
from bot.serving.limits import ConnectionLimits


class TlsArrivals:
    """Bounds the handshakes that are not complete, in all and by address; one more is closed.

    `serve` completes the handshake of a socket within its own deadline, and serves it.
    """

    def __init__(
        self,
        limits: ConnectionLimits,
        address_of: Callable[[Any], str],
        serve: Callable[[socket.socket, str], Coroutine[Any, Any, None]],
    ) -> None:
        self._limits = limits
        self._address_of = address_of
        self._serve = serve
        self._loop = asyncio.get_running_loop()
        self._listeners: list[socket.socket] = []
        self._handshakes: set[asyncio.Task[None]] = set()
        self._of: Counter[str] = Counter()

    def listen(self, listener: socket.socket) -> None:
        """Accept from a non-blocking listening socket."""
        self._listeners.append(listener)
        self._loop.add_reader(listener, self._accept, listener)

    def stop_accepting(self) -> None:
        """Close the listening sockets; the connections stay open."""
        for listener in self._listeners:
            self._loop.remove_reader(listener)
            listener.close()
        self._listeners.clear()

    def close(self) -> None:
        """End every handshake that is not complete."""
        self.stop_accepting()
        for handshake in self._handshakes:
            handshake.cancel()

    def _accept(self, listener: socket.socket) -> None:
        ends = self._loop.time() + TURN_SECONDS
        while self._loop.time() < ends:
            try:
                sock, peer = listener.accept()
            except (BlockingIOError, InterruptedError, ConnectionError):
                return
            except OSError:  # no descriptor, or no memory for one
                self._loop.remove_reader(listener)
                self._loop.call_later(PAUSE_SECONDS, self._accept_again, listener)
                return
            sock.setblocking(False)
            self._begin(sock, self._address_of(peer))

    def _accept_again(self, listener: socket.socket) -> None:
        if listener in self._listeners:
            self._loop.add_reader(listener, self._accept, listener)

    def _begin(self, sock: socket.socket, address: str) -> None:
        # A loopback address ('') counts only towards the total.
        has_its_share = bool(address) and self._of[address] >= self._limits.per_address
        if has_its_share or len(self._handshakes) >= self._limits.total:
            sock.close()
            return
        self._of[address] += 1
        handshake = self._loop.create_task(self._serve(sock, address))
        self._handshakes.add(handshake)
        handshake.add_done_callback(lambda done: self._ended(done, address))

    def _ended(self, handshake: asyncio.Task[None], address: str) -> None:
        self._handshakes.discard(handshake)
        self._of[address] -= 1
        if self._of[address] <= 0:
            del self._of[address]
