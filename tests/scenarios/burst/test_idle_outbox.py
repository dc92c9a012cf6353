"""A message that a channel does not take yet waits for its time, and costs nothing until then."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass

import aiohttp
import pytest
from slack_sdk.web.async_client import AsyncWebClient

from bot.configuration import Configuration, LiveConfiguration
from bot.incidents.model import Alert, AlertStatus, Severity
from bot.observability.metrics import Metrics
from bot.policy import Notify, Policy
from bot.simulator import Channel, LocalSlack, RateLimits
from handlers.outbound.metadata import Sender
from handlers.outbound.outbox import Outbox
from handlers.outbound.rendering import Renderer
from handlers.outbound.slack_client import SlackClient
from store import Store
from tests.handlers.conftest import OPS, Known
from tests.helpers.builders import identify
from tests.helpers.virtual_time import VirtualTime
from tests.scenarios.burst.turns import TurnsEngine

CHANNELS = [f"C0HELD{number:04}" for number in range(4)]
LOOK, DUE = "store.operations.outbox_fetch.fetch", "store.operations.outbox_fetch.due"
ANA = "U0ANA00001"
PER_INSTANT = 8  # questions a channel: a post and three changes, each found, and then what is left


@dataclass
class Scene:
    """An outbox between a local Slack and a store of a known latency, all by virtual time."""

    slack: LocalSlack
    engine: TurnsEngine
    store: Store
    time: VirtualTime
    outbox: Outbox

    @classmethod
    @asynccontextmanager
    async def open(cls, turns: int, notify: Notify, limits: RateLimits) -> AsyncIterator[Scene]:
        time = VirtualTime.of_this_loop()
        engine = TurnsEngine(turns, time.wall)
        store = Store(engine, owner="first", lease_seconds=3600)
        await store.replica.renew(time.wall())
        async with (
            LocalSlack.start(clock=time, limits=limits) as slack,
            aiohttp.ClientSession() as session,
        ):
            members = set(slack.core.workspace.channel("alerts").members)
            for name in CHANNELS:
                slack.add_channel(Channel(name, name.lower(), members))
            client = AsyncWebClient(
                token=slack.bot_token, base_url=slack.api_url, session=session, retry_handlers=[]
            )
            outbox = Outbox(
                SlackClient(client, Metrics(), time.wall),
                store,
                Renderer(Known(store)),
                time.wall,
                config=LiveConfiguration(Configuration(Policy(notify=notify))),
                ops_channel=OPS,
                sender=Sender(slack.core.workspace.app.bot_id, await store.identity()),
            )
            yield cls(slack, engine, store, time, outbox)
        await store.close()

    @asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        task = asyncio.create_task(self.outbox.run())
        try:
            yield
        finally:
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)
            await self.outbox.drain(2)

    async def alert(self, channel: str, service: str, severity: Severity = Severity.HIGH) -> int:
        now = self.time.wall()
        alert = Alert(
            source="test",
            status=AlertStatus.FIRING,
            name="Down",
            title=f"{service} is down",
            env="prod",
            service=f"{channel}-{service}",
            severity=severity,
            fingerprint=f"{channel}-{service}",
        )
        key = f"{channel}-{service}-{now.timestamp()}"
        identified = identify(alert, tracking_id=f"req-{channel}-{service}", dedup_key=key)
        receipt = await self.store.accept(key, [identified], channel=channel, now=now)
        return receipt.incident_ids[0]

    def cards(self, channels: Sequence[str] = CHANNELS) -> int:
        return sum(
            "Down" in m.text or "is down" in m.text
            for name in channels
            for m in self.slack.messages(name)
        )


@pytest.mark.parametrize("turns", [2, 3, 4, 5, 8, 13])
@pytest.mark.parametrize(
    "notify",
    [
        pytest.param(Notify(storm_limit=1000), id="held-by-pace"),
        pytest.param(Notify(post_interval_seconds=0, storm_limit=1000), id="held-by-429"),
    ],
)
async def test_channels_that_are_held_back_do_not_wake_each_other(
    turns: int, notify: Notify
) -> None:
    async with Scene.open(turns, notify, RateLimits()) as scene, scene.running():
        first = {name: await scene.alert(name, "first") for name in CHANNELS}
        await asyncio.sleep(2)
        scene.engine.calls.clear()
        for number in range(20):  # at one moment: twenty cards each wait for their second
            for name in CHANNELS:
                await scene.alert(name, f"svc-{number}")
        for _ in range(15):
            await asyncio.sleep(1)
            for name in CHANNELS:  # and what is there may be changed meanwhile
                await scene.store.note(first[name], "look", ANA, scene.time.wall())
                await scene.store.acknowledge(first[name], ANA, scene.time.wall())
                await scene.alert(name, "first", Severity.CRITICAL)
        assert scene.cards() >= 15 * len(CHANNELS), "each channel takes a post a second"
        for at, looks in scene.engine.per_instant(LOOK).items():
            assert looks <= scene.engine.notified[at] + 1, "a look for what was committed, no more"
        for at, queries in scene.engine.per_instant(DUE).items():
            assert queries <= PER_INSTANT * len(CHANNELS), f"{queries} questions at {at}"


async def test_a_channel_that_slack_holds_back_for_a_minute_is_not_asked_about_meanwhile() -> None:
    async with Scene.open(3, Notify(storm_limit=1000), RateLimits()) as scene, scene.running():
        for name in CHANNELS:
            scene.slack.script.limit("chat.postMessage", 60, channel=name)
            await scene.alert(name, "first")
            await scene.alert(name, "second")
        await asyncio.sleep(1)
        scene.engine.calls.clear()
        for _ in range(50):
            await asyncio.sleep(1)
            await scene.alert(CHANNELS[0], "first")  # wakes the outbox
        assert sum(scene.engine.per_instant(DUE).values()) == 0
        assert scene.cards() == 0
        await asyncio.sleep(15)
        assert scene.cards() == 2 * len(CHANNELS), "its time wakes it"
