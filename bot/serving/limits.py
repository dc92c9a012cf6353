"""Limits of a server: its connections, the deadlines for each, and their file descriptors."""

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
    `write`: the time for which a caller may leave an answer unread. `body_bytes`: of all unfinished
    bodies together. `chunk_bytes`: the overhead of a body on the wire beyond its content (the
    lengths of its chunks), so that a body of many tiny chunks is refused. `total` and `per_address`
    limit connections that have sent a complete request. `arrivals` limits the others; only beyond
    this limit does `per_address` apply to them. A loopback address counts only towards `total`,
    because a proxy on this machine forwards everybody's requests.
    """

    total: int = 1000
    arrivals: int = 16_384
    per_address: int = 100
    head: float = 10
    body: float = 30
    idle: float = 75  # longer than the 60 s after which a usual load balancer disconnects
    write: float = 20
    head_bytes: int = 32_768
    body_bytes: int = 67_108_864
    chunk_bytes: int = 98_304


def fitted(limits: ConnectionLimits) -> ConnectionLimits:
    """Limit the connections to the number of descriptors of this process.

    Raises the soft limit of descriptors up to the hard one, if needed.
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
