"""Posts alerts at a fixed rate, whatever the answers do. Its own process.

`python -m benchmarks.paced_sender HOST PORT RATE SECONDS`; the answer is one JSON line.
"""

from __future__ import annotations

import asyncio
import json
import sys
from collections import Counter
from datetime import UTC, datetime

from benchmarks.http_sender import Connection, request
from benchmarks.results import percentile

CONNECTIONS = 64
WARM_UP = 1.0  # seconds that are not counted


def body(number: int, now: str) -> bytes:
    """Return a webhook with one alert: a repeat, a symptom and a new incident in turn."""
    service = f"svc-{number % 200}-api"
    category = "cpu"
    if number % 3 == 1:
        category = "latency"
    elif number % 3 == 2:
        service = f"other-{number}-api"
    labels = {
        "alertname": f"{category}High",
        "service": service,
        "category": category,
        "env": "production",
        "region": "eu-west-1",
        "severity": "high",
    }
    alert = {
        "status": "firing",
        "labels": labels,
        "annotations": {"summary": f"{category} is high"},
        "startsAt": now,
        "endsAt": "0001-01-01T00:00:00Z",
        "generatorURL": "",
        "fingerprint": f"{number:016x}",
    }
    return json.dumps({"version": "4", "status": "firing", "alerts": [alert]}).encode()


async def main(host: str, port: int, rate: int, seconds: int) -> None:
    """Send, then print the report: the time of an answer counts from when its request was due."""
    count = rate * seconds
    now = datetime.now(UTC).isoformat()
    requests = [request(host, body(number, now)) for number in range(count)]
    idle: asyncio.Queue[Connection] = asyncio.Queue()
    for _ in range(CONNECTIONS):
        idle.put_nowait(await Connection.open(host, port))
    loop = asyncio.get_running_loop()
    statuses: Counter[str] = Counter()
    times: list[float] = []

    async def send(number: int, due: float) -> None:
        connection = await idle.get()
        statuses[await connection.send(requests[number])] += 1
        idle.put_nowait(connection)
        if number >= rate * WARM_UP:
            times.append(loop.time() - due)

    began = loop.time()
    async with asyncio.TaskGroup() as group:
        for number in range(count):
            due = began + number / rate
            await asyncio.sleep(max(0.0, due - loop.time()))
            group.create_task(send(number, due))
    report = {
        "statuses": statuses,
        **{f"p{share}_ms": percentile(times, share / 100) * 1000 for share in (50, 95, 99)},
    }
    print(json.dumps(report), flush=True)


if __name__ == "__main__":
    asyncio.run(main(sys.argv[1], *map(int, sys.argv[2:])))
