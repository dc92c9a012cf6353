"""Anomalies arrive by NATS: each is stored before it is acknowledged, and none twice.

The server is Debian's own, with JetStream and a folder of its own.
"""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from typing import Any

import nats
import pytest
from nats.js import JetStreamContext
from nats.js.errors import Error as JetStreamError

from bot.app import Bot
from bot.nats.streams import durable_name
from tests.helpers.nats import NatsServer, nats_server
from tests.helpers.waiting import until
from tests.scenarios.starting import StartBot
from tests.scenarios.world import World

pytestmark = pytest.mark.services("nats-server")

ANOMALY = {
    "schema_version": "3.0",
    "tracking_id": "req-20261127-061500-0a1b2c3d",
    "ts": "2026-11-27T06:15:00",
    "ship_id": "msc-aurora",
    "domain": "comms",
    "anomaly_type": "link_degradation",
    "metric_name": "snr_db",
    "metric_value": 4.2,
    "threshold": 7.0,
    "score": 0.93,
    "detector": "zscore",
    "service": "vsat",
    "device_id": "modem-1",
    "raw_msg": "SNR fell to 4.2 dB",
    "meta": {},
}


@pytest.fixture
def server() -> Iterator[NatsServer]:
    with nats_server() as running:
        yield running


@asynccontextmanager
async def jetstream(server: NatsServer) -> AsyncIterator[JetStreamContext]:
    client = await nats.connect(server.url)
    try:
        yield client.jetstream()
    finally:
        await client.close()


async def is_connected(bot: Bot) -> bool:
    await bot.health.check("nats")
    return bot.health.report()["nats"]["state"] == "ok"


async def stream_exists(server: NatsServer) -> bool:
    """Return whether the bot has its consumer there."""
    async with jetstream(server) as js:
        try:
            await js.consumer_info("SOPBOT", durable_name("sopbot", "anomaly.detected"))
        except JetStreamError:
            return False
        return True


async def unacknowledged(server: NatsServer) -> int:
    """Messages of anomalies that the bot has not acknowledged."""
    count = 0
    async with jetstream(server) as js:
        for info in await js.consumers_info("SOPBOT"):
            count += (info.num_pending or 0) + (info.num_ack_pending or 0)
    return count


async def published(server: NatsServer, subject: str) -> list[dict[str, Any]]:
    """Every message of a subject in the stream, oldest first."""
    async with jetstream(server) as js:
        info = await js.stream_info("SOPBOT")
        bodies = []
        for sequence in range(1, info.state.last_seq + 1):
            message = await js.get_msg("SOPBOT", sequence)
            if message.subject == subject and message.data is not None:
                bodies.append(json.loads(message.data))
        return bodies


async def sends(
    server: NatsServer, body: Any, subject: str = "anomaly.detected", **headers
) -> None:
    data = body if isinstance(body, bytes) else json.dumps(body).encode()
    async with jetstream(server) as js:
        names = {name.replace("_", "-"): value for name, value in headers.items()}
        await js.publish(subject, data, headers=names or None)


def incidents(world: World) -> int:
    return int(world.rows("SELECT COUNT(*) AS n FROM incidents")[0]["n"])


def alerts(world: World) -> int:
    return int(world.rows("SELECT COUNT(*) AS n FROM alerts")[0]["n"])


async def test_an_anomaly_becomes_one_incident_and_is_then_acknowledged(
    world: World, bot: StartBot, server: NatsServer
) -> None:
    running = await bot(NATS_URL=server.url)
    await until(lambda: is_connected(running), why="connected")
    await sends(server, ANOMALY)
    card = await world.card("link_degradation")
    assert "vsat" in card.text
    await until(lambda: _none(server), why="acknowledged")
    row = world.rows("SELECT source, tracking_id, sender FROM alerts")[0]
    assert tuple(row) == ("anomaly", ANOMALY["tracking_id"], "nats:anomaly.detected")
    await until(lambda: published(server, "incidents.created"), why="published")


async def _none(server: NatsServer) -> bool:
    return not await unacknowledged(server)
