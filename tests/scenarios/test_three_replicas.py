"""Three replicas with one Slack and one PostgreSQL, while all of them fail in turn."""

from __future__ import annotations

import asyncio
import itertools
import os
import random
import signal
from collections import Counter, defaultdict
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from psycopg.conninfo import conninfo_to_dict

from bot.gateway.app import running
from bot.gateway.config import read_config
from bot.simulator import Channel, ForwardClock, LocalSlack
from tests.helpers.bot_processes import BotProcess
from tests.helpers.databases import PostgresDatabase
from tests.helpers.slack_faults import SlackHooks
from tests.helpers.tcp_proxy import TcpProxy
from tests.scenarios.starting import StartProcess, gateway_config
from tests.scenarios.world import (
    BEN,
    CHLOE,
    SECRET,
    Gateway,
    LeakyService,
    World,
    kind,
    restart_sop,
)

SEED = int(os.environ.get("SOPBOT_SEED", "20261121"))


@dataclass(frozen=True)
class Size:
    """The amounts of one run; `with_action` of the groups have an SOP that offers a restart."""

    alerts: int
    groups: int
    channels: int
    with_action: int


SIZES = [
    pytest.param(Size(400, 20, 4, 2), id="short"),
    pytest.param(
        Size(2_000, 100, 20, 10),
        id="long",
        marks=[pytest.mark.chaos, pytest.mark.timeout(1_800)],
    ),
]
LEASE = 2.0
TIMEOUT = 240  # seconds until everything is posted and done
# Seconds by which a post may be early. The pace is kept where a post is sent, and its time is taken
# where it arrives: if one arrives late on a busy machine, the next comes up to a second too soon.
JITTER = 1.4

pytestmark = [pytest.mark.services("postgres"), pytest.mark.unmeasured]


def channel(number: int) -> str:
    return f"C0SCALE{number:03}"


def service(group: int) -> str:
    return f"svc-{group:03}"


def sop(group: int, probe_url: str) -> dict[str, Any]:
    """An SOP of its own for each service, which restarts it."""
    return restart_sop(probe_url, sop_id=f"sop_{group:03}", keys=[f"svc:{service(group)}"])


@pytest.fixture(params=SIZES)
def size(request: pytest.FixtureRequest) -> Size:
    return request.param  # type: ignore[no-any-return]


@pytest.fixture
def clock() -> ForwardClock:
    """Slack's."""
    return ForwardClock()


@pytest.fixture
async def slack(slack_hooks: SlackHooks, clock: ForwardClock) -> AsyncIterator[LocalSlack]:
    async with LocalSlack.start(faults=slack_hooks, clock=clock, seed=SEED) as started:
        yield started


@pytest.fixture
async def tcp_proxy(postgres: Any) -> AsyncIterator[TcpProxy]:
    """The proxy through which all the bots reach the database."""
    parts = conninfo_to_dict(postgres.url)
    async with TcpProxy.to(str(parts["host"]), int(parts["port"] or 5432)) as laid:
        yield laid


@pytest.fixture
def leaky_services(size: Size, tmp_path: Path, free_port: Callable[[], int]) -> list[LeakyService]:
    """A service for each SOP with an action: one is acted on at a time."""
    return [LeakyService(free_port(), tmp_path / f"starts-{n}") for n in range(size.with_action)]


@pytest.fixture
async def gateway(leaky_services: list[LeakyService], tmp_path: Path) -> AsyncIterator[Gateway]:
    state = tmp_path / "gateway"
    raw = gateway_config(leaky_services[0], state)
    raw["targets"] = {
        service(number): leaky_service.target()
        for number, leaky_service in enumerate(leaky_services)
    }
    config = read_config(raw, environ={"GATEWAY_SECRET": SECRET})
    async with running(config, environ={"PATH": os.environ["PATH"]}) as started:
        yield Gateway(started.url, state)


@pytest.fixture
def world(
    size: Size,
    slack: LocalSlack,
    slack_hooks: SlackHooks,
    leaky_services: list[LeakyService],
    gateway: Gateway,
    postgres: Any,
    tmp_path: Path,
) -> Iterator[World]:
    """Channels, services with an SOP, a strict post a second a channel."""
    first = leaky_services[0]
    with closing(PostgresDatabase(postgres.database())) as store:
        world = World(
            slack, slack_hooks, first, store, tmp_path, gateway.url, f"{first.url}/health"
        )
        world.write_policy(BEN, CHLOE, approval_ttl_seconds=3_600)
        policy = tmp_path / "policy.yaml"
        pace = '"notify": {"post_interval_seconds": 1, "post_burst": 1}'
        policy.write_text(
            policy.read_text().replace('"notify": {"post_interval_seconds": 0}', pace, 1)
        )
        assert pace in policy.read_text()
        world.write_sops(
            *(
                sop(group, f"{leaky_service.url}/health")
                for group, leaky_service in enumerate(leaky_services)
            )
        )
        for number in range(size.channels):
            there = set(next(iter(slack.core.workspace.channels.values())).members)
            slack.add_channel(Channel(channel(number), f"scale-{number}", there))
        yield world


def over(tcp_proxy: TcpProxy, url: str) -> str:
    """The same database, reached through that proxy."""
    parts = conninfo_to_dict(url)
    return f"postgresql://{parts['user']}@127.0.0.1:{tcp_proxy.port}/{parts['dbname']}"


class Replicas:
    """Keeps three bots running while the test kills and freezes them."""

    def __init__(self, start: StartProcess, settings: dict[str, str]) -> None:
        self._start = start
        self._settings = settings
        self.running: list[BotProcess] = []
        self.frozen: BotProcess | None = None

    async def one_more(self) -> None:
        self.running.append(await self._start(fork=True, ready=False, **self._settings))

    async def kill_one(self, dice: random.Random) -> None:
        """Kill a replica with SIGKILL, and start another."""
        victim = dice.choice([replica for replica in self.running if replica is not self.frozen])
        victim.kill()
        assert await victim.ended() == -9
        self.running.remove(victim)
        await self.one_more()

    def freeze_one(self, dice: random.Random) -> None:
        self.frozen = dice.choice(self.running)
        os.kill(self.frozen.pid, signal.SIGSTOP)

    def wake(self) -> None:
        assert self.frozen is not None
        os.kill(self.frozen.pid, signal.SIGCONT)
        self.frozen = None


async def pour(world: World, size: Size, dice: random.Random) -> None:
    """Send the alerts of all groups, in random order, in 20 seconds."""
    tellings = [group for group in range(size.groups) for _ in range(size.alerts // size.groups)]
    dice.shuffle(tellings)
    for number, group in enumerate(tellings, 1):
        await world.alert(service(group), channel=channel(group % size.channels))
        if number % (size.alerts // 200) == 0:
            await asyncio.sleep(0.1)  # the rate of the alerts, not a wait for anything


async def approve(world: World, size: Size, dice: random.Random) -> None:
    """Let Ben press each Approve that appears, at random moments, until it counts."""
    decided: set[str] = set()
    while len(decided) < size.with_action:
        for number in range(size.channels):
            for card in cards_in(world, channel(number)):
                for reply in world.slack.thread(channel(number), card.ts):
                    if kind(reply) == "approval" and "awaiting approval" in reply.text:
                        if dice.random() < 0.5:
                            await world.slack.as_user("ben").press(reply, "Approve")
                    elif kind(reply) == "approval":
                        decided.add(str(reply.metadata["event_payload"]["key"]))
        await asyncio.sleep(0.2)


def cards_in(world: World, where: str) -> list[Any]:
    return [message for message in world.slack.messages(where) if kind(message) == "card"]


def unfinished(world: World, size: Size) -> dict[str, int]:
    """The numbers of unfinished items by their kind."""
    (row,) = world.rows(
        "SELECT (SELECT COUNT(*) FROM alerts) AS written,"
        " (SELECT COUNT(*) FROM outbox WHERE sent_version < desired_version) AS unsent,"
        " (SELECT COUNT(*) FROM advice WHERE state != 'done') AS unadvised,"
        " (SELECT COUNT(*) FROM executions WHERE state IN"
        "   ('approved', 'dispatching', 'succeeded', 'outcome unknown')) AS moving"
    )
    left = dict(zip(("written", "unsent", "unadvised", "moving"), row, strict=True))
    left["unwritten"] = size.alerts - left.pop("written")
    left["unacknowledged"] = world.slack.core.links.unacknowledged()
    return {kind: count for kind, count in left.items() if count}


async def wait_until_all_is_posted(world: World, size: Size, clock: ForwardClock) -> None:
    """Wait until nothing is unfinished; late redeliveries of Slack come immediately."""
    try:
        async with asyncio.timeout(TIMEOUT):
            for step in itertools.count(1):
                if not unfinished(world, size):
                    return
                if step % 20 == 0:
                    clock.advance(60)
                await asyncio.sleep(0.5)
    except TimeoutError:
        raise AssertionError(f"after {TIMEOUT} s this is left: {unfinished(world, size)}") from None


def is_paced(moments: list[float]) -> bool:
    """Assert that no k seconds have more than k + 1 posts."""
    return all(
        later - earlier >= (index - start) - JITTER
        for start, earlier in enumerate(moments)
        for index, later in enumerate(moments[start:], start)
    )


async def test_nothing_is_lost_and_nothing_happens_twice(
    world: World,
    size: Size,
    leaky_services: list[LeakyService],
    gateway: Gateway,
    postgres: Any,
    tcp_proxy: TcpProxy,
    clock: ForwardClock,
    bot_process: StartProcess,
) -> None:
    dice = random.Random(SEED)
    print("seed", SEED)
    settings = {
        "SLACK_ALERT_CHANNELS": ",".join(map(channel, range(size.channels))),
        "STORE_LEASE_SECONDS": f"{LEASE:g}",
        "STORE_URL": over(tcp_proxy, world.store.url),
    }
    bots = Replicas(bot_process, settings)
    for _ in range(3):
        await bots.one_more()
    for leaky_service in bots.running:
        await leaky_service.ready()
    pouring = asyncio.create_task(pour(world, size, random.Random(SEED + 1)))
    approving = asyncio.create_task(approve(world, size, random.Random(SEED + 2)))

    for _ in range(3):
        await asyncio.sleep(dice.uniform(1, 2))
        await bots.kill_one(dice)
    bots.freeze_one(dice)
    await asyncio.sleep(LEASE * 2)  # past its lease: the others have its work now
    bots.wake()
    for leaky_service in bots.running:  # a start without a database ends, as it should
        await leaky_service.ready()
    await asyncio.to_thread(postgres.restart)
    await asyncio.sleep(2)
    tcp_proxy.stall()
    await asyncio.sleep(10)
    tcp_proxy.resume()
    for _ in range(2):
        await asyncio.sleep(dice.uniform(1, 2))
        await bots.kill_one(dice)
    async with asyncio.timeout(TIMEOUT):
        await asyncio.gather(pouring, approving)
    await wait_until_all_is_posted(world, size, clock)

    (row,) = world.rows("SELECT COUNT(*) AS incidents, SUM(alert_count) AS alerts FROM incidents")
    assert tuple(row) == (size.groups, size.alerts), "no alert is lost, and none counts twice"
    shown = [
        str(message.metadata["event_payload"]["key"])
        for number in range(size.channels)
        for card in cards_in(world, channel(number))
        for message in [card, *world.slack.thread(channel(number), card.ts)]
        if kind(message)
    ]
    assert [key for key, times in Counter(shown).items() if times > 1] == []
    assert len([key for key in shown if key.startswith("card:")]) == size.groups, (
        "one thread a group"
    )
    ends = world.rows(
        "SELECT a.state, a.reason, e.state, e.error, e.verify_note FROM approvals a"
        " LEFT JOIN executions e ON e.approval_id = a.id"
    )
    assert [tuple(end) for end in ends if end[2] != "verified"] == [], "each yes ends verified"
    finished = ["finished"] * size.with_action
    assert sorted(state for _, _, state in gateway.executions()) == finished
    assert [leaky_service.restarts for leaky_service in leaky_services] == [1] * size.with_action, (
        "one dispatch an approval"
    )
    posts: dict[str, list[float]] = defaultdict(list)
    for post in world.slack.posts:
        if post.by == world.slack.core.workspace.app.bot_id:
            posts[post.channel].append(post.at)
    assert [where for where, moments in posts.items() if not is_paced(moments)] == []
