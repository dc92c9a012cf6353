"""Posts alerts as fast as they are accepted, over kept connections. Its own process.

`python -m benchmarks.http_sender HOST PORT COUNT CONNECTIONS GROUPS`; the answer is one JSON line.
"""

from __future__ import annotations

import asyncio
import json
import sys
import time
from collections import Counter

from benchmarks.results import percentile
from benchmarks.senders import webhook_body


class Tally:
    """The answers, and the time of each."""

    def __init__(self, requests: list[bytes]) -> None:
        self.requests = requests
        self.statuses: Counter[str] = Counter()
        self.seconds: list[float] = []


async def connection(host: str, port: int, tally: Tally) -> None:
    """Send one request after the other on one connection, until none is left."""
    reader, writer = await asyncio.open_connection(host, port)
    while tally.requests:
        request = tally.requests.pop()
        began = time.perf_counter()
        writer.write(request)
        head = await reader.readuntil(b"\r\n\r\n")
        await reader.readexactly(_length(head))
        tally.seconds.append(time.perf_counter() - began)
        tally.statuses[head[9:12].decode()] += 1
    writer.close()
    await writer.wait_closed()


def _length(head: bytes) -> int:
    for line in head.split(b"\r\n"):
        if line.lower().startswith(b"content-length:"):
            return int(line[15:])
    raise ValueError("an answer without Content-Length")


def _request(host: str, body: bytes) -> bytes:
    head = (
        f"POST /alerts/alertmanager HTTP/1.1\r\nHost: {host}\r\n"
        f"Content-Type: application/json\r\nContent-Length: {len(body)}\r\n\r\n"
    )
    return head.encode() + body


async def main(host: str, port: int, count: int, connections: int, groups: int) -> None:
    """Send, then print the report."""
    requests = [_request(host, webhook_body(number, groups)) for number in range(count)]
    tally = Tally(requests[::-1])
    began = time.time()
    await asyncio.gather(*(connection(host, port, tally) for _ in range(connections)))
    report = {
        "began": began,
        "ended": time.time(),
        "statuses": tally.statuses,
        "p50_ms": percentile(tally.seconds, 0.5) * 1000,
        "p95_ms": percentile(tally.seconds, 0.95) * 1000,
    }
    print(json.dumps(report), flush=True)


if __name__ == "__main__":
    asyncio.run(main(sys.argv[1], *map(int, sys.argv[2:])))
