"""Anomalies arrive by NATS: each is stored before it is acknowledged, and none twice.

The server is Debian's own, with JetStream and a folder of its own.
"""

from __future__ import annotations

import json
from collections import Counter

import pytest

from bot.nats.anomalies import UNREADABLE
from bot.nats.streams import durable_name
from tests.helpers.nats import NatsServer
from tests.helpers.waiting import until
from tests.scenarios.anomalies import (
    ANOMALY,
    alerts,
    counted,
    incidents,
    is_connected,
    is_done,
    jetstream,
    sends,
    stored_anew,
)
from tests.scenarios.starting import StartBot
from tests.scenarios.world import World

pytestmark = pytest.mark.services("nats-server")


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
    assert names[UNREADABLE] == len(HOSTILE)
    strange = world.rows("SELECT DISTINCT incident_id FROM alerts WHERE name LIKE 'Unreadable %'")
    assert len(strange) == 1, "a flood of them is one incident"
