"""Slack accepts a post and its answer is lost: there is one message nevertheless.

The bot dies between Slack's acceptance, Slack's answer and its own note of it, or the answer is
lost on the way. Each kind of message is tried: cards, replies, the storm's digest, notices in the
ops channel. Metadata is all that the bot can find them by, and the local Slack keeps no more of it
than Slack does.
"""

from __future__ import annotations

import asyncio
import json
from collections import Counter
from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from typing import Any

import pytest
from aiohttp import web

from bot.simulator import Channel, Chaos, LocalSlack, Message
from tests.helpers.bot_processes import BotProcess
from tests.helpers.seeds import SEED, command_to_repeat
from tests.helpers.slack_faults import FastClock, SlackHooks, kind_of
from tests.helpers.waiting import until
from tests.scenarios.starting import StartBot, StartProcess
from tests.scenarios.world import ALERTS, BEN, World, kind

pytestmark = pytest.mark.unmeasured

OPS, ARCHIVED = "C0OPS00001", "C0ARCHIVE1"
TIMEOUT = 600  # real seconds until all is posted; never a measure of how fast it is

BEFORE = "before Slack takes it"
ACCEPTED = "between its acceptance and the answer"
ANSWERED = "between the answer and the note of it"
KINDS = ("card", "advice", "news", "resolved", "storm", "frozen", "undelivered")


@pytest.fixture
async def slack(slack_hooks: SlackHooks) -> AsyncIterator[LocalSlack]:
    async with LocalSlack.start(faults=slack_hooks, clock=FastClock(), seed=SEED) as running:
        members = set(running.core.workspace.channel("alerts").members)
        running.add_channel(Channel(ARCHIVED, "archived-soon", members))
        running.script.fail("chat.*", "is_archived", times=None, channel=ARCHIVED)
        yield running


@pytest.fixture
def settings(world: World) -> dict[str, str]:
    """Settings under which a burst begins with the third waiting card."""
    rules = {
        "correlate": {"card_update_seconds": 0},
        "notify": {"post_interval_seconds": 0.1, "post_burst": 1, "storm_limit": 2},
        "remediate": {"approvers": [BEN]},
    }
    (world.folder / "policy.yaml").write_text(json.dumps(rules))
    world.write_sops()
    return {"SLACK_ALERT_CHANNELS": f"{ALERTS},{ARCHIVED}", "SLACK_OPS_CHANNEL": OPS}


def ours(world: World) -> Iterator[Message]:
    """Every message of the bot, in threads too, whatever metadata Slack kept."""
    bot_id = world.slack.core.workspace.app.bot_id
    for channel in (ALERTS, OPS):
        for root in world.slack.messages(channel):
            if root.data.get("subtype") != "thread_broadcast":
                thread = world.slack.thread(channel, root.ts)
                yield from (m for m in [root, *thread] if m.data.get("bot_id") == bot_id)


def keys(world: World) -> Counter[str]:
    return Counter(str(m.metadata["event_payload"]["key"]) for m in ours(world))


def kinds(world: World) -> Counter[str]:
    return Counter(kind(m) for m in ours(world))


async def command(world: World, line: str, done: str) -> None:
    """Repeat the command until the bot has done it: the first try may have killed it."""
    for _ in range(20):
        if world.rows(done):
            return
        await until(lambda: world.slack.connections, TIMEOUT, "the bot is connected")
        await world.types(line, "ben")
    raise AssertionError(f"{line} was never done")


async def all_is_said(world: World) -> None:
    await until(world._is_quiet, TIMEOUT, "the bot is done with everything")


def count(world: World, where: str = "1 = 1") -> int:
    """The number of incidents."""
    return int(world.rows(f"SELECT COUNT(*) AS n FROM incidents WHERE {where}")[0]["n"])  # noqa: S608


async def cause_burst(world: World, services: Sequence[str]) -> None:
    """An incident of each service, and the news that it got worse.

    None is critical, because the first critical cards of a storm go before its digest.
    """
    everything = count(world) + len(services)
    for service in services:
        await world.alert(service, severity="warning")
    await until(lambda: count(world) == everything, TIMEOUT, "all are taken in")
    await all_is_said(world)
    for service in services:
        await world.alert(service, name="AllDown", severity="high")
    worse = "SELECT 1 FROM news WHERE kind = 'worse'"
    for_all = len(world.rows(worse)) + len(services)
    await until(lambda: len(world.rows(worse)) == for_all, TIMEOUT, "all got worse")
    await all_is_said(world)


async def all_resolve(world: World, services: Sequence[str]) -> None:
    everything = count(world, "status = 'resolved'") + len(services)
    for service in services:
        await world.resolves(service, severity="warning")
        await world.resolves(service, name="AllDown", severity="high")
    await until(lambda: count(world, "status = 'resolved'") == everything, TIMEOUT, "all resolve")
    await all_is_said(world)


async def cause_every_message(world: World, incidents: int, freezes: int, storms: int = 1) -> None:
    """Cause every kind of message; every incident resolves in the end."""
    for number in range(2):
        await world.alert(f"lost-{number}", channel=ARCHIVED)
    await until(lambda: count(world) == 2, TIMEOUT, "both are taken in")
    names = [f"svc-{number:03}" for number in range(incidents)]
    size = incidents // storms
    waves = [names[number * size : (number + 1) * size] for number in range(storms)]
    for wave in waves[:-1]:
        await cause_burst(world, wave)
        await all_resolve(world, wave)
    await cause_burst(world, waves[-1])
    for number in range(1, freezes + 1):
        await command(world, f"/incident freeze on drill {number}", "SELECT 1 FROM freezes")
        await all_is_said(world)
        lifted = "SELECT 1 FROM notices WHERE NOT EXISTS (SELECT 1 FROM freezes)"
        await command(world, "/incident freeze off", lifted)
    await all_resolve(world, waves[-1])


def nothing_is_doubled(world: World, incidents: int) -> None:
    shown = kinds(world)
    written = world.rows("SELECT COUNT(*) AS n FROM outbox WHERE ts IS NOT NULL")[0]["n"]
    assert shown.total() == written, f"more stands in Slack than the store knows: {shown}"
    assert [key for key, times in keys(world).items() if times > 1] == []
    assert set(KINDS) <= set(shown), f"else this says nothing of {set(KINDS) - set(shown)}"
    assert shown["card"] == shown["resolved"] == shown["news"] == incidents


# The answer is lost


@pytest.mark.engines_in_turn  # Slack loses answers; the store loses nothing
@pytest.mark.parametrize(
    "incidents",
    [
        pytest.param(6, id="short"),
        pytest.param(40, id="long", marks=[pytest.mark.chaos, pytest.mark.timeout(1_200)]),
    ],
)
async def test_thirty_percent_lost_answers_double_no_message(
    world: World,
    bot: StartBot,
    settings: dict[str, str],
    incidents: int,
    request: pytest.FixtureRequest,
) -> None:
    chaos = request.node.get_closest_marker("chaos") is not None
    print("the same again:", command_to_repeat(request.node.nodeid, chaos=chaos))
    await bot(**settings)
    world.slack.chaos = Chaos(SEED, drop_after_accept=0.3)
    await cause_every_message(world, incidents, freezes=1)
    counts = Counter(s.about.split()[0] for s in world.slack.struck if s.what == "lose_answer")
    print("answers lost:", dict(counts))
    nothing_is_doubled(world, incidents)
    assert counts["chat.postMessage"] >= incidents // 4, "some answers were lost"


# The bot is killed


@dataclass
class Killer:
    """Kills the bot while it posts, at each of a kind's points one after the other."""

    world: World
    start: StartProcess
    settings: dict[str, str]
    left: dict[str, list[str]]
    killed: Counter[tuple[str, str]] = field(default_factory=Counter)
    _bot: BotProcess | None = None
    _died: asyncio.Event = field(default_factory=asyncio.Event)
    _held: AbstractContextManager[None] | None = None

    async def keep_running(self) -> None:
        """Run the bot, as a supervisor does, until cancelled."""
        while True:
            self._died.clear()
            self._bot = await self.start(fork=True, ready=False, **self.settings)
            await self._died.wait()
            assert await self._bot.ended() == -9
            if self._held is not None:
                self._held.__exit__(None, None, None)
                self._held = None

    def stand_in(self, slack_hooks: SlackHooks) -> None:
        async def on_call(method: str, args: dict[str, Any]) -> web.Response | None:
            if self._due(method, args) != BEFORE:
                return None
            self._kill(kind_of(args))
            return web.Response(status=503)

        async def on_answer(method: str, args: dict[str, Any]) -> bool:
            due = self._due(method, args)
            if due == ACCEPTED:
                self._kill(kind_of(args))
                return False
            if due == ANSWERED:
                # With the store held nothing can be noted, whatever the bot has heard by then.
                self._held = self.world.store.held()
                self._held.__enter__()
                hears = asyncio.get_running_loop().call_later
                hears(0.1, self._kill, kind_of(args))
            return True

        slack_hooks.on_call, slack_hooks.on_answer = on_call, on_answer

    def _due(self, method: str, args: dict[str, Any]) -> str:
        points = self.left.get(kind_of(args), [])
        busy = self._died.is_set() or self._held is not None
        if method != "chat.postMessage" or busy or not points or args["channel"] == ARCHIVED:
            return ""
        return points[0]

    def _kill(self, kind: str) -> None:
        assert self._bot is not None
        self._bot.kill()
        self.killed[kind, self.left[kind].pop(0)] += 1
        self._died.set()


EVERY = (BEFORE, ACCEPTED, ANSWERED)


@pytest.mark.engines_in_turn  # the kills at each step are on both
@pytest.mark.parametrize(
    "points",
    [
        pytest.param(dict.fromkeys(("card", "news", "storm", "undelivered"), EVERY), id="short"),
        pytest.param(
            dict.fromkeys(KINDS, EVERY),
            id="long",
            marks=[pytest.mark.chaos, pytest.mark.timeout(1_200)],
        ),
    ],
)
async def test_a_kill_at_any_point_of_a_post_doubles_no_message(
    world: World,
    bot_process: StartProcess,
    settings: dict[str, str],
    points: dict[str, tuple[str, ...]],
) -> None:
    killer = Killer(
        world, bot_process, settings, {kind: list(times) for kind, times in points.items()}
    )
    killer.stand_in(world.slack_hooks)
    supervisor = asyncio.create_task(killer.keep_running())
    await until(lambda: world.slack.connections, TIMEOUT, "the bot is connected")
    incidents = 12
    # The digest of a burst is posted twice at most: the third kill comes in the next burst.
    await cause_every_message(world, incidents, freezes=4 if "frozen" in points else 1, storms=2)
    supervisor.cancel()
    await asyncio.gather(supervisor, return_exceptions=True)
    nothing_is_doubled(world, incidents)
    print("killed:", dict(killer.killed))
    never_reached = {kind: left for kind, left in killer.left.items() if left}
    assert never_reached == {}, "the bot was killed at every point"
