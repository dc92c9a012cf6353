"""Counts the served connections, and chooses the connection to close when the server is full."""

from __future__ import annotations

import enum
import functools
import ipaddress
import logging
import time
from collections import OrderedDict
from typing import Any, Protocol

from bot.serving.limits import ConnectionLimits

log = logging.getLogger(__name__)

LOG_EVERY = 60.0  # seconds between two log lines about refused connections
BUSY = "busy"
"""`error.code` of the 503 to a connection without a place: its request was not read."""


class Phase(enum.Enum):
    """The awaited event of a connection, which determines its deadline."""

    IDLE = "the first byte of the next request"
    HEAD = "the rest of a request's headers"
    BODY = "the rest of a request's body"
    HANDLING = "our own answer"
    WRITING = "the caller to read its answer"


class Served(Protocol):
    """The gate's view of a connection."""

    address: str
    phase: Phase

    def drop(self) -> None:
        """Close for another caller, without an answer."""


class Gate:
    """The connections of one server whose first request is complete.

    When it is full, the gate closes the connection that has waited longest for its caller, in
    favour of the newest. If every connection is being answered, the newest gets 503.
    """

    def __init__(self, limits: ConnectionLimits) -> None:
        self.limits = limits
        self.open = 0
        self.unfinished = 0  # connections whose first request is incomplete: `arrivals`
        self.evicted = 0
        self.refused = 0
        self._body_bytes = 0
        self._per_address: dict[str, int] = {}
        # In the order in which they began to wait for their callers.
        self._waiting: OrderedDict[Served, None] = OrderedDict()
        self._logged_at = -LOG_EVERY

    def admit(self, connection: Served) -> bool:
        """Count the connection; return False if no slot is free for it."""
        address = connection.address
        if address and self._per_address.get(address, 0) >= self.limits.per_address:
            if not self.evict(address):
                return self._refuse(address)
        elif self.open >= self.limits.total and not self.evict():
            return self._refuse(address)
        self.open += 1
        if address:
            self._per_address[address] = self._per_address.get(address, 0) + 1
        return True

    def leave(self, connection: Served) -> None:
        """Remove an ended connection."""
        self.open -= 1
        self._waiting.pop(connection, None)
        if not connection.address:
            return
        left = self._per_address[connection.address] - 1
        if left:
            self._per_address[connection.address] = left
        else:
            del self._per_address[connection.address]

    def waits(self, connection: Served) -> None:
        """The connection waits for its caller from now on."""
        self._waiting[connection] = None
        self._waiting.move_to_end(connection)

    def works(self, connection: Served) -> None:
        """The connection is being answered."""
        self._waiting.pop(connection, None)

    def body_grew(self, size: int) -> None:
        """Count received bytes of an unfinished body; a negative size when that body ends."""
        self._body_bytes += size
        while self._body_bytes > self.limits.body_bytes:
            # The longest unfinished first: an honest body of 1 MiB arrives within a second.
            oldest = next((c for c in self._waiting if c.phase is Phase.BODY), None)
            if oldest is None:
                return
            self._close(oldest)

    def evict(self, address: str = "") -> bool:
        """Close the connection that has waited longest, of that address if one is given."""
        for connection in self._waiting:
            if not address or connection.address == address:
                self._close(connection)
                return True
        return False

    def count_evicted(self, address: str) -> None:
        """Count a connection that was closed for another caller."""
        self.evicted += 1
        self._log("closed", address)

    def _close(self, connection: Served) -> None:
        self.count_evicted(connection.address)
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
            "too many connections (%d open, %d more without a whole request): one of %s was %s;"
            " since the start %d were closed and %d refused",
            self.open,
            self.unfinished,
            address or "this machine",
            what,
            self.evicted,
            self.refused,
        )


def caller_of(peer: Any) -> str:
    """Return the caller's IPv4 address or IPv6 network of 64 bits; '' is this machine."""
    try:
        return _network_of(peer[0])
    except (TypeError, IndexError):
        return ""


# A flood opens thousands of connections a second from few addresses.
@functools.lru_cache(maxsize=4096)
def _network_of(host: Any) -> str:
    try:
        address = ipaddress.ip_address(host.partition("%")[0])
    except (ValueError, AttributeError):
        return ""
    if isinstance(address, ipaddress.IPv6Address):
        if address.ipv4_mapped is None:
            network = ipaddress.ip_network((address, 64), strict=False)
            return "" if address.is_loopback else str(network)
        address = address.ipv4_mapped
    return "" if address.is_loopback else str(address)
