"""Kills of the bot, restarts of NATS and a failing store: no anomaly is lost, none stored twice."""

from __future__ import annotations

import pytest
from nats.js.api import ConsumerConfig

from bot.nats.streams import durable_name
from tests.helpers.nats import NatsServer, nats_server
from tests.helpers.waiting import until
from tests.scenarios.anomalies import (
    ANOMALY,
    alerts,
    counted,
    held_at,
    incidents,
    is_connected,
    is_disconnected,
    is_done,
    jetstream,
    published,
    sends,
    stream_exists,
)
from tests.scenarios.starting import StartBot, StartProcess
from tests.scenarios.world import World

pytestmark = pytest.mark.services("nats-server")

SUBJECTS = ("incidents.created", "enrichment.request", "enrichment.completed")


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
    # The answer that was held is that of whichever message the bot published first.
    on_server = [await published(server, subject) for subject in SUBJECTS]
    assert any(on_server), "the server has a message that the store does not know of"
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
        for subject in SUBJECTS:
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
