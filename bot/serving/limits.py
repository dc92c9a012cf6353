"""How many connections a server holds, how long it waits for each, and the descriptors for them."""

from __future__ import annotations

import logging
import resource
from dataclasses import dataclass, replace

log = logging.getLogger(__name__)

RESERVED_DESCRIPTORS = 256
"""Kept for everything but callers: Slack, the gateway, the store, child processes, log files."""

FEWEST = 16  # connections; a machine that allows fewer descriptors cannot run a server


@dataclass(frozen=True, slots=True, kw_only=True)
class ConnectionLimits:
    """The limits of one server for its callers. Times are seconds, sizes are bytes.

    `head`: from the first byte of a request to the end of its headers, and from the connection to
    the first byte. `body`: from there to the end of the body. `idle`: between two requests.
    `write`: how long a caller may leave an answer unread. `body_bytes`: of all unfinished bodies
    together. `chunk_bytes`: what a body may take on the wire beyond what it holds (the lengths of
    its chunks), so that a body of many tiny chunks is refused. `total` and `per_address` are of
    connections that have sent a whole request. `arrivals` are those that have not, and only when
    there are more of them does `per_address` count for them. A loopback address counts towards
    `total` alone, because a proxy on this machine brings the callers of everybody.
    """

    total: int = 1000
    arrivals: int = 16_384
    per_address: int = 100
    head: float = 10
    body: float = 30
    idle: float = 75  # longer than the 60 s after which a usual load balancer lets go
    write: float = 20
    head_bytes: int = 32_768
    body_bytes: int = 67_108_864
    chunk_bytes: int = 98_304


def fitted(limits: ConnectionLimits) -> ConnectionLimits:
    """The limits, with no more connections than this process has descriptors for.

    Raises the soft limit of descriptors as far as the hard one allows, if that is needed.
    """
    needed = limits.total + limits.arrivals + RESERVED_DESCRIPTORS
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if soft != resource.RLIM_INFINITY and soft < needed:
        raised = needed if hard == resource.RLIM_INFINITY else min(needed, hard)
        if raised > soft:
            resource.setrlimit(resource.RLIMIT_NOFILE, (raised, hard))
            soft = raised
    if soft == resource.RLIM_INFINITY or soft >= needed:
        return limits
    left = soft - RESERVED_DESCRIPTORS
    total = max(FEWEST, min(limits.total, left - left // 4))
    if total < limits.total:
        log.warning(
            "at most %d connections instead of %d: this process may open %d files (ulimit -n)",
            total,
            limits.total,
            soft,
        )
    arrivals = max(FEWEST, left - total)
    log.info(
        "at most %d unfinished requests at a time: this process may open %d files (ulimit -n)",
        arrivals,
        soft,
    )
    return replace(limits, total=total, arrivals=arrivals)
