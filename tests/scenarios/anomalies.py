"""Anomalies on a NATS server: how a test sends them, and what the bot has done with them."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import nats
from nats.js import JetStreamContext
from nats.js.errors import Error as JetStreamError

from bot.app import Bot
from bot.nats.streams import durable_name
from tests.helpers.nats import NatsServer
from tests.helpers.tcp_proxy import TcpProxy
from tests.scenarios.world import World

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


@asynccontextmanager
async def jetstream(server: NatsServer) -> AsyncIterator[JetStreamContext]:
    client = await nats.connect(server.url)
    try:
        yield client.jetstream()
    finally:
        await client.close()


@asynccontextmanager
async def held_at(server: NatsServer, text: bytes) -> AsyncIterator[tuple[TcpProxy, asyncio.Event]]:
    """A proxy before the server that stalls once this text passes; the event says so."""
    held = asyncio.Event()
    async with TcpProxy.to("127.0.0.1", server.port) as proxy:

        def stall_at_text(data: bytes) -> None:
            if text in data:
                proxy.stall()
                held.set()

        proxy.on_data = stall_at_text
        yield proxy, held


async def state(bot: Bot) -> str:
    await bot.health.check("nats")
    return str(bot.health.report()["nats"]["state"])


async def is_connected(bot: Bot) -> bool:
    return await state(bot) == "ok"


async def is_disconnected(bot: Bot) -> bool:
    return await state(bot) == "failing"


def counted(bot: Bot, outcome: str) -> float | None:
    """The number of anomaly messages with this outcome."""
    name = "sopbot_nats_messages_total"
    return bot.metrics.registry.get_sample_value(name, {"outcome": outcome})


async def stream_exists(server: NatsServer) -> bool:
    """Return whether the bot has its consumer there."""
    async with jetstream(server) as js:
        try:
            await js.consumer_info("SOPBOT", durable_name("sopbot", "anomaly.detected"))
        except JetStreamError:
            return False
        return True


async def is_done(server: NatsServer) -> bool:
    """True if the bot has acknowledged every anomaly."""
    count = 0
    async with jetstream(server) as js:
        for info in await js.consumers_info("SOPBOT"):
            count += (info.num_pending or 0) + (info.num_ack_pending or 0)
    return not count


async def stored_anew(server: NatsServer, body: Any) -> bool:
    """Publish with one message id; whether the stream took it."""
    async with jetstream(server) as js:
        headers = {"Nats-Msg-Id": "the-same"}
        ack = await js.publish("anomaly.detected", json.dumps(body).encode(), headers=headers)
        return not ack.duplicate


async def published(server: NatsServer, subject: str) -> list[dict[str, Any]]:
    """Every message of a subject in the stream, oldest first."""
    async with jetstream(server) as js:
        try:
            info = await js.stream_info("SOPBOT")
        except JetStreamError:  # the bot has not created it yet
            return []
        bodies = []
        for sequence in range(1, info.state.last_seq + 1):
            message = await js.get_msg("SOPBOT", sequence)
            if message.subject == subject and message.data is not None:
                bodies.append(json.loads(message.data))
        return bodies


async def sends(server: NatsServer, body: Any, subject: str = "anomaly.detected") -> None:
    data = body if isinstance(body, bytes) else json.dumps(body).encode()
    async with jetstream(server) as js:
        await js.publish(subject, data)


def incidents(world: World) -> int:
    return int(world.rows("SELECT COUNT(*) AS n FROM incidents")[0]["n"])


def alerts(world: World) -> int:
    return int(world.rows("SELECT COUNT(*) AS n FROM alerts")[0]["n"])
