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


class Connection:
    """One kept connection, which sends a request and reads the answer to it."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._reader = reader
        self._writer = writer

    @classmethod
    async def open(cls, host: str, port: int) -> Connection:
        """Connect."""
        return cls(*await asyncio.open_connection(host, port))

    async def send(self, request: bytes) -> str:
        """Send it; return the status of the answer."""
        self._writer.write(request)
        head = await self._reader.readuntil(b"\r\n\r\n")
        await self._reader.readexactly(_length(head))
        return head[9:12].decode()

    async def close(self) -> None:
        """Close it."""
        self._writer.close()
        await self._writer.wait_closed()


async def send_all(host: str, port: int, tally: Tally) -> None:
    """Send one request after the other on one connection, until none is left."""
    connection = await Connection.open(host, port)
    while tally.requests:
        data = tally.requests.pop()
        began = time.perf_counter()
        status = await connection.send(data)
        tally.seconds.append(time.perf_counter() - began)
        tally.statuses[status] += 1
    await connection.close()


def _length(head: bytes) -> int:
    for line in head.split(b"\r\n"):
        if line.lower().startswith(b"content-length:"):
            return int(line[15:])
    raise ValueError("an answer without Content-Length")


def request(host: str, body: bytes) -> bytes:
    """Return the bytes of a request with this body."""
    head = (
        f"POST /alerts/alertmanager HTTP/1.1\r\nHost: {host}\r\n"
        f"Content-Type: application/json\r\nContent-Length: {len(body)}\r\n\r\n"
    )
    return head.encode() + body


async def main(host: str, port: int, count: int, connections: int, groups: int) -> None:
    """Send, then print the report."""
    requests = [request(host, webhook_body(number, groups)) for number in range(count)]
    tally = Tally(requests[::-1])
    began = time.time()
    await asyncio.gather(*(send_all(host, port, tally) for _ in range(connections)))
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
