"""Anomalies arrive by NATS: each is stored before it is acknowledged, and none twice.

The server is Debian's own, with JetStream and a folder of its own.
"""

from __future__ import annotations

import asyncio
import json
from collections import Counter
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from typing import Any

import nats
import pytest
from nats.js import JetStreamContext
from nats.js.api import ConsumerConfig
from nats.js.errors import Error as JetStreamError

from bot.app import Bot
from bot.nats.anomalies import UNREADABLE
from bot.nats.streams import durable_name
from tests.helpers.nats import NatsServer, nats_server
from tests.helpers.tcp_proxy import TcpProxy
from tests.helpers.waiting import until
from tests.scenarios.starting import StartBot, StartProcess
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


async def test_an_anomaly_becomes_one_incident_and_is_then_acknowledged(
    world: World, bot: StartBot, server: NatsServer
) -> None:
    running = await bot(NATS_URL=server.url)
    await until(lambda: is_connected(running), why="connected")
    await sends(server, ANOMALY)
    card = await world.card("link_degradation")
    assert "vsat" in card.text
    await until(lambda: is_done(server), why="acknowledged")
    row = world.rows("SELECT source, tracking_id FROM alerts")[0]
    assert tuple(row) == ("anomaly", ANOMALY["tracking_id"])


async def test_an_anomaly_on_a_longer_subject_arrives_too(
    world: World, bot: StartBot, server: NatsServer
) -> None:
    running = await bot(NATS_URL=server.url)
    await until(lambda: is_connected(running), why="connected")
    await sends(server, ANOMALY, "anomaly.detected.comms.vsat")
    await world.card("link_degradation")


async def test_anomalies_are_taken_from_a_stream_of_another_name(
    world: World, bot: StartBot, server: NatsServer
) -> None:
    async with jetstream(server) as js:
        await js.add_stream(name="AIOPS", subjects=["anomaly.detected.comms", "other.>"])
    running = await bot(NATS_URL=server.url)
    await until(lambda: is_connected(running), why="connected")
    await sends(server, ANOMALY, "anomaly.detected.comms")
    await world.card("link_degradation")
    async with jetstream(server) as js:
        info = await js.stream_info("AIOPS")
        assert info.config.subjects == ["anomaly.detected.comms", "other.>"], "never changed"


async def test_anomalies_that_waited_while_the_bot_was_away_arrive(
    world: World, bot: StartBot, server: NatsServer
) -> None:
    async with jetstream(server) as js:
        await js.add_stream(name="AIOPS", subjects=["anomaly.>"])
    await sends(server, ANOMALY)
    await bot(NATS_URL=server.url)
    await world.card("link_degradation")


async def test_a_redelivered_anomaly_changes_nothing(
    world: World, bot: StartBot, server: NatsServer
) -> None:
    running = await bot(NATS_URL=server.url)
    await until(lambda: is_connected(running), why="connected")
    await sends(server, ANOMALY)
    await until(lambda: alerts(world) == 1, why="stored")
    await until(lambda: is_done(server), why="acknowledged")
    async with jetstream(server) as js:  # a consumer that knows nothing delivers it all again
        await js.delete_consumer("SOPBOT", durable_name("sopbot", "anomaly.detected"))
    await until(lambda: counted(running, "duplicate"), why="redelivered")
    assert (incidents(world), alerts(world)) == (1, 1)


async def test_a_message_id_that_is_used_again_for_another_anomaly_loses_nothing(
    world: World, bot: StartBot, server: NatsServer
) -> None:
    async with jetstream(server) as js:  # by then the stream does not know the id any more
        await js.add_stream(name="AIOPS", subjects=["anomaly.>"], duplicate_window=0.1)
    running = await bot(NATS_URL=server.url)
    await until(lambda: is_connected(running), why="connected")
    other = ANOMALY | {"service": "edge-router", "tracking_id": "req-20261127-061501-0a1b2c3e"}
    for body in (ANOMALY, ANOMALY, other):
        await until(lambda body=body: stored_anew(server, body), why="the window has passed")
    await until(lambda: incidents(world) == 2, why="both are incidents")
    await until(lambda: counted(running, "duplicate"), why="a repeat")
    assert alerts(world) == 2


HOSTILE = {
    "no JSON": b"SNR fell \xff\xfe <!channel> *now*",
    "nothing": b"",
    "one MiB": b"x" * (1024 * 1024 - 4096),
    "one MiB of JSON": json.dumps({"raw_msg": "y" * 900_000, "service": "vsat"}).encode(),
    "deep": b"[" * 200_000 + b"]" * 200_000,
    "deep objects": b'{"a":' * 90_000 + b"1" + b"}" * 90_000,
    "a long number": b'{"metric_value": ' + b"9" * 5_000 + b"}",
    "a number": b"42",
    "no name": b'{"score": 0.9}',
    "wrong types": b'{"anomaly_type": {"a": 1}, "service": ["x"]}',
    "a list of numbers": b"[1, 2, 3]",
    "an empty list": b"[]",
    "a NUL and half a surrogate": b'{"service": "a\\u0000b", "raw_msg": "\\ud800"}',
    "many": json.dumps([{"service": "s"}] * 600).encode(),
}
READABLE = {"one MiB of JSON", "a NUL and half a surrogate"}


@pytest.mark.attack("ASI07")
async def test_no_body_is_refused_lost_or_delivered_for_ever(
    world: World, bot: StartBot, server: NatsServer
) -> None:
    running = await bot(NATS_URL=server.url)
    await until(lambda: is_connected(running), why="connected")
    for body in HOSTILE.values():
        await sends(server, body)
    await sends(server, ANOMALY)
    await until(lambda: alerts(world) == len(HOSTILE) + 1, why="each is an alert")
    await until(lambda: is_done(server), why="all are acknowledged")
    names = Counter(row["name"] for row in world.rows("SELECT name FROM alerts"))
    assert names["link_degradation"] == 1
    assert names[UNREADABLE] == len(HOSTILE) - len(READABLE)
    strange = world.rows("SELECT DISTINCT incident_id FROM alerts WHERE name LIKE 'Unreadable %'")
    assert len(strange) == 1, "a flood of them is one incident"


async def test_an_anomaly_of_the_time_of_a_kill_is_stored_once(
    world: World, bot_process: StartProcess, server: NatsServer
) -> None:
    """Killed after the write and before the acknowledgement, which a proxy holds back."""
    async with jetstream(server) as js:  # the server gives the killed bot a second
        await js.add_stream(name="SOPBOT", subjects=["anomaly.>", "incidents.>", "enrichment.>"])
        durable = durable_name("sopbot", "anomaly.detected")
        config = ConsumerConfig(durable_name=durable, filter_subject="anomaly.detected", ack_wait=1)
        await js.add_consumer("SOPBOT", config)
    async with held_at(server, b"PUB $JS.ACK.") as (proxy, held):
        first = await bot_process(fork=True, NATS_URL=f"nats://127.0.0.1:{proxy.port}")
        await sends(server, ANOMALY)
        await held.wait()
        first.kill()
        assert await first.ended() == -9
    assert alerts(world) == 1, "the write came before the acknowledgement"
    assert not await is_done(server)
    await bot_process(fork=True, NATS_URL=server.url)
    await until(lambda: is_done(server), why="acknowledged after the restart")
    assert (incidents(world), alerts(world)) == (1, 1)


async def test_each_incident_is_published_once_although_the_bot_is_killed_before_the_answer(
    world: World, bot_process: StartProcess, server: NatsServer
) -> None:
    """Killed after the server has the message and before the bot hears of it."""
    async with held_at(server, b'"stream":"SOPBOT"') as (proxy, held):
        first = await bot_process(fork=True, NATS_URL=f"nats://127.0.0.1:{proxy.port}")
        await until(lambda: stream_exists(server), why="the bot has its consumer")
        await world.alert("checkout-api")
        await held.wait()
        first.kill()
        assert await first.ended() == -9
    assert world.rows("SELECT * FROM published") == []
    assert await published(server, "incidents.created"), "the server has it"
    await bot_process(fork=True, NATS_URL=server.url)
    await until(
        lambda: len(world.rows("SELECT * FROM published")) == 3, why="recorded after the restart"
    )
    created = await published(server, "incidents.created")
    assert [body["incident_id"] for body in created] == ["INC-1"]


async def test_an_incident_of_the_time_without_a_server_is_published_later(
    world: World, bot: StartBot
) -> None:
    with nats_server(running=False) as server:
        running = await bot(NATS_URL=server.url)
        assert running.health.report()["nats"]["state"] == "failing"
        assert running.health.ready, "alerts by Slack go on"
        await world.alert("checkout-api")
        await world.advice()
        server.start()
        await until(lambda: is_connected(running), why="connected later")
        await until(lambda: published(server, "enrichment.completed"), why="published")
        for subject in ("incidents.created", "enrichment.request", "enrichment.completed"):
            (body,) = await published(server, subject)
            assert body["incident_id"] == "INC-1"


@pytest.mark.parametrize("kill", [False, True], ids=["in order", "by a crash"])
async def test_a_restart_of_the_server_loses_nothing(
    world: World, bot: StartBot, server: NatsServer, kill: bool
) -> None:
    running = await bot(NATS_URL=server.url)
    await until(lambda: is_connected(running), why="connected")
    await sends(server, ANOMALY)
    await until(lambda: published(server, "incidents.created"), why="published")
    server.stop(kill=kill)
    await until(lambda: is_disconnected(running), why="it knows")
    assert running.health.ready
    await world.alert("checkout-api")
    await world.card("checkout-api", number=2)
    server.start()
    await until(lambda: is_connected(running), why="connected again")
    await sends(server, ANOMALY | {"service": "edge-router", "tracking_id": ""})
    await until(lambda: incidents(world) == 3, why="it consumes again")

    async def all_published() -> bool:
        return len(await published(server, "incidents.created")) == 3

    await until(all_published, why="it publishes again")


async def test_an_anomaly_waits_at_nats_while_the_store_fails(
    world: World, bot: StartBot, server: NatsServer
) -> None:
    running = await bot(NATS_URL=server.url)
    await until(lambda: is_connected(running), why="connected")
    world.store.tamper("ALTER TABLE deliveries RENAME TO deliveries_away")
    await sends(server, ANOMALY)
    await until(lambda: counted(running, "postponed"), why="the store failed")
    assert not await is_done(server)
    world.store.tamper("ALTER TABLE deliveries_away RENAME TO deliveries")
    await until(lambda: is_done(server), why="delivered again and acknowledged")
    assert (incidents(world), alerts(world)) == (1, 1)


async def test_only_one_replica_of_two_handles_each_anomaly(
    world: World, bot_process: StartProcess, server: NatsServer
) -> None:
    if world.store.url.startswith("sqlite"):
        pytest.skip("one bot on SQLite locks the file")
    for _ in range(2):
        await bot_process(fork=True, NATS_URL=server.url)
    await until(lambda: stream_exists(server), why="a bot has its consumer")
    for number in range(20):
        await sends(server, ANOMALY | {"service": f"svc-{number}", "tracking_id": f"t-{number}"})
    await until(lambda: incidents(world) == 20, why="all are incidents")
    await until(lambda: is_done(server), why="acknowledged")
    assert alerts(world) == 20

    async def all_published() -> bool:
        return len(await published(server, "incidents.created")) == 20

    await until(all_published, why="each is published")
