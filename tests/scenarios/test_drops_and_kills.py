"""In a burst, connections break, calls half succeed and the bot is killed repeatedly."""

from __future__ import annotations

import asyncio
import itertools
import json
import random
from collections import Counter
from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from bot.simulator import Channel, Chaos, ForwardClock, LocalSlack, Message
from tests.helpers.bot_processes import BotProcess
from tests.helpers.databases import SqliteDatabase
from tests.helpers.seeds import SEED, command_to_repeat
from tests.helpers.slack_faults import SlackHooks
from tests.helpers.waiting import until
from tests.scenarios.starting import StartProcess
from tests.scenarios.world import BEN, Gateway, World, kind

pytestmark = pytest.mark.unmeasured

CHANNELS = 4
RATE = 100  # alerts a second
TIMEOUT = 300  # real seconds until all is posted; never a measure of how fast it is
SEVERITIES = {"critical": "CRITICAL", "warning": "MEDIUM", "info": "LOW"}


@dataclass(frozen=True)
class Size:
    """The amounts of one run."""

    alerts: int
    groups: int
    drops: int
    kills: int


SIZES = [
    pytest.param(Size(500, 40, 10, 2), id="short"),
    pytest.param(
        Size(5_000, 200, 50, 5), id="long", marks=[pytest.mark.chaos, pytest.mark.timeout(1_800)]
    ),
]


def channel(group: int) -> str:
    return f"C0STORM{group % CHANNELS:03}"


def service(group: int) -> str:
    return f"svc-{group:03}"


def severity(group: int) -> str:
    return list(SEVERITIES)[group % len(SEVERITIES)]


def ends(group: int) -> bool:
    """True if the group's alerts are resolved in the end."""
    return group % 2 == 0


@pytest.fixture
def clock() -> ForwardClock:
    """Slack's."""
    return ForwardClock()


@pytest.fixture
async def slack(slack_hooks: SlackHooks, clock: ForwardClock) -> AsyncIterator[LocalSlack]:
    async with LocalSlack.start(faults=slack_hooks, clock=clock, seed=SEED) as running:
        members = set(running.core.workspace.channel("alerts").members)
        for number in range(CHANNELS):
            running.add_channel(Channel(channel(number), f"storm-{number}", members))
        yield running


@pytest.fixture
def world(
    slack: LocalSlack, slack_hooks: SlackHooks, leaky_service: Any, gateway: Gateway, tmp_path: Path
) -> World:
    store = SqliteDatabase(tmp_path / "sopbot.db")
    world = World(slack, slack_hooks, leaky_service, store, tmp_path, gateway.url, "")
    world.write_sops()
    # Limits come at random here: Slack's own limits are tested elsewhere.
    rules = {"notify": {"post_interval_seconds": 0}, "remediate": {"approvers": [BEN]}}
    (tmp_path / "policy.yaml").write_text(json.dumps(rules))
    return world


class Disruptor:
    """Keeps one bot running while it kills the bot and cuts its connections."""

    def __init__(self, world: World, start: StartProcess, dice: random.Random) -> None:
        self._world = world
        self._start = start
        self._dice = dice
        self._bot: BotProcess | None = None

    async def begin(self) -> None:
        """Start the bot; the first time, and after a kill."""
        channels = ",".join(map(channel, range(CHANNELS)))
        self._bot = await self._start(fork=True, ready=False, SLACK_ALERT_CHANNELS=channels)

    async def disrupt(self, drops: int, kills: int) -> None:
        """Kills among drops, in any order, each when the bot is connected."""
        planned = [self._drop] * drops + [self._kill] * kills
        self._dice.shuffle(planned)
        for strike in planned:
            await until(lambda: self._world.slack.connections, TIMEOUT, "it is connected")
            await asyncio.sleep(self._dice.uniform(0.05, 0.4))  # the rate of the alerts
            await strike()

    async def _drop(self) -> None:
        self._world.slack.drop_connections()

    async def _kill(self) -> None:
        assert self._bot is not None
        self._bot.kill()
        assert await self._bot.ended() == -9
        await self.begin()


async def pour(world: World, size: Size, dice: random.Random) -> Counter[int]:
    """Send all alerts in random order; returns the number of each group."""
    groups = [number % size.groups for number in range(size.alerts)]
    dice.shuffle(groups)
    for number, group in enumerate(groups, 1):
        await world.alert(service(group), severity=severity(group), channel=channel(group))
        if number % (RATE // 10) == 0:
            await asyncio.sleep(0.1)  # the rate of the alerts
    return Counter(groups)


async def all_clear(world: World, size: Size) -> None:
    for group in filter(ends, range(size.groups)):
        await world.resolves(service(group), severity=severity(group), channel=channel(group))


def unfinished(world: World, written: int) -> dict[str, int]:
    """The numbers of unfinished items by their kind."""
    (row,) = world.rows(
        "SELECT (SELECT COUNT(*) FROM alerts) AS written,"
        " (SELECT COUNT(*) FROM outbox WHERE sent_version < desired_version) AS unsent,"
        " (SELECT COUNT(*) FROM advice WHERE state != 'done') AS unadvised"
    )
    left = {
        "unwritten": written - row["written"],
        "unsent": row["unsent"],
        "unadvised": row["unadvised"],
        "unacknowledged": world.slack.core.links.unacknowledged(),
    }
    return {kind: count for kind, count in left.items() if count}


async def wait_until_all_is_posted(world: World, clock: ForwardClock, written: int) -> None:
    """Wait until nothing is unfinished; late redeliveries of Slack come immediately."""
    await until(lambda: world.store.file.exists(), TIMEOUT, "there is a store")  # type: ignore[attr-defined]
    try:
        async with asyncio.timeout(TIMEOUT):
            for step in itertools.count(1):
                if not (left := unfinished(world, written)):
                    return
                if "unacknowledged" in left and step % 4 == 0:
                    clock.advance(60)
                await asyncio.sleep(0.5)
    except TimeoutError:
        given_up = len(world.slack.core.links.undelivered)
        raise AssertionError(
            f"after {TIMEOUT} s this is left: {unfinished(world, written)};"
            f" Slack gave up {given_up} events"
        ) from None


def cards(world: World, number: int) -> list[Message]:
    return [m for m in world.slack.messages(channel(number)) if kind(m) == "card"]


@pytest.mark.parametrize("size", SIZES)
async def test_no_alert_is_lost_none_counts_twice_and_each_card_is_right_in_the_end(
    world: World,
    clock: ForwardClock,
    bot_process: StartProcess,
    size: Size,
    request: pytest.FixtureRequest,
) -> None:
    chaos = request.node.get_closest_marker("chaos") is not None
    print("the same again:", command_to_repeat(request.node.nodeid, chaos=chaos))
    storm = Chaos(SEED, drop_after_accept=0.02, ratelimited=0.05)
    world.slack.chaos = storm
    disruptor = Disruptor(world, bot_process, random.Random(SEED))
    await disruptor.begin()
    (alerts_of, _) = await asyncio.gather(
        pour(world, size, random.Random(SEED + 1)),
        disruptor.disrupt(size.drops * 4 // 5, size.kills - 1),
    )
    await wait_until_all_is_posted(world, clock, size.alerts)
    resolves = sum(map(ends, range(size.groups)))
    await asyncio.gather(
        all_clear(world, size), disruptor.disrupt(size.drops - size.drops * 4 // 5, 1)
    )
    await wait_until_all_is_posted(world, clock, size.alerts + resolves)

    (row,) = world.rows("SELECT COUNT(*) AS groups, SUM(alert_count) AS alerts FROM incidents")
    assert tuple(row) == (size.groups, size.alerts), "no alert is lost, and none counts twice"
    keys = Counter(
        str(message.metadata["event_payload"]["key"])
        for number in range(CHANNELS)
        for card in cards(world, number)
        for message in [card, *world.slack.thread(channel(number), card.ts)]
        if kind(message)
    )
    assert [key for key, times in keys.items() if times > 1] == []
    for group in range(size.groups):
        own = [c for c in cards(world, group) if service(group) in c.text]
        assert len(own) == 1, f"{service(group)}: one card a group"
        assert_right(own[0], group, alerts_of[group])
    struck = Counter(fault.what.split()[0] for fault in world.slack.struck)
    print("struck:", dict(struck), "given up by Slack:", len(world.slack.core.links.undelivered))
    assert struck["lose_answer"], "some answers were lost"


def assert_right(card: Message, group: int, alerts: int) -> None:
    """Check the final text of the card."""
    first = card.text.splitlines()[0]
    assert ("RESOLVED" if ends(group) else SEVERITIES[severity(group)]) in first, card.text
    assert f"{alerts} alerts grouped" in card.text, card.text
