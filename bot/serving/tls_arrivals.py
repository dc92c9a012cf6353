"""Accepts connections of a server with TLS: each is served once its handshake is complete."""

from __future__ import annotations

import asyncio
import socket
from collections import Counter
from collections.abc import Callable, Coroutine
from typing import Any

from bot.serving.accepting import Accepting
from bot.serving.limits import ConnectionLimits


class TlsArrivals(Accepting):
    """Bounds the handshakes that are not complete, in all and by address; one more is closed.

    `serve` completes the handshake of a socket within its own deadline, and serves it.
    """

    def __init__(
        self,
        limits: ConnectionLimits,
        address_of: Callable[[Any], str],
        serve: Callable[[socket.socket, str], Coroutine[Any, Any, None]],
    ) -> None:
        super().__init__(address_of)
        self._limits = limits
        self._serve = serve
        self._handshakes: set[asyncio.Task[None]] = set()
        self._of: Counter[str] = Counter()

    def close(self) -> None:
        """End every handshake that is not complete."""
        self.stop_accepting()
        for handshake in self._handshakes:
            handshake.cancel()

    def begin(self, sock: socket.socket, address: str) -> None:
        """Begin the handshake, or close the socket if that would be one too many."""
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
