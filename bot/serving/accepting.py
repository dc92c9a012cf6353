"""Accepts connections from listening sockets, a few milliseconds at a time."""

from __future__ import annotations

import asyncio
import socket
from abc import ABC, abstractmethod
from collections.abc import Callable
from typing import Any

TURN_SECONDS = 0.005  # of one turn of the event loop, so that other work gets its turn
PAUSE_SECONDS = 1.0  # without a free descriptor and without a connection to close


class Accepting(ABC):
    """Passes each accepted socket to `begin`, with the address to which it counts.

    However many arrive together, accepting takes at most TURN_SECONDS of one turn of the event
    loop.
    """

    def __init__(self, address_of: Callable[[Any], str]) -> None:
        self._address_of = address_of
        self._loop = asyncio.get_running_loop()
        self._listeners: list[socket.socket] = []

    @abstractmethod
    def begin(self, sock: socket.socket, address: str) -> None:
        """Take a non-blocking socket; '' is the address of this machine's own callers."""

    def free_a_descriptor(self) -> bool:
        """Close a connection if a newer one may take its place; False, as here, if none may."""
        return False

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

    def _accept(self, listener: socket.socket) -> None:
        ends = self._loop.time() + TURN_SECONDS
        while self._loop.time() < ends:
            try:
                sock, peer = listener.accept()
            except (BlockingIOError, InterruptedError, ConnectionError):
                return
            except OSError:  # no descriptor, or no memory for one
                if not self.free_a_descriptor():
                    self._loop.remove_reader(listener)
                    self._loop.call_later(PAUSE_SECONDS, self._accept_again, listener)
                return
            sock.setblocking(False)
            self.begin(sock, self._address_of(peer))

    def _accept_again(self, listener: socket.socket) -> None:
        if listener in self._listeners:
            self._loop.add_reader(listener, self._accept, listener)
