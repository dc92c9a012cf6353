"""kill -9 of the replica that has the work → another replica shows it in Slack, beyond the lease.

Three bots on one PostgreSQL. The killed bot sends to a channel whose alerts were just acknowledged;
or it waits for an advisor; or for the gateway's answer. The first call never returns and the next
one returns at once, so that only the takeover is measured.
"""

from __future__ import annotations

import asyncio
import sys
import time
from collections.abc import Awaitable, Callable
from contextlib import AsyncExitStack, asynccontextmanager, closing
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from aiohttp import web

from benchmarks.results import Bar, Result
from benchmarks.senders import slack_event, word
from benchmarks.servers import postgres
from benchmarks.stage import CHANNEL, BareGateway, Child, child, surroundings
from bot.simulator import LocalSlack, Message
from tests.helpers.databases import PostgresDatabase
from tests.helpers.waiting import until

LEASES = {2.0: 3, 5.0: 1}  # seconds, and the number of measurements with it
REPLICAS = 3
BURST = 30  # alerts of one channel, so that some are not posted yet when the replica dies
WAIT = 60.0
BAR = Bar(2, "s")

# Blocks once, until its caller has died; afterwards it answers at once.
ADVISOR = """
import os, pathlib, sys, time
parent, once = os.getppid(), pathlib.Path(sys.argv[1])
prompt = sys.stdin.read()
if once.exists():
    once.unlink()
    while os.getppid() == parent:
        time.sleep(0.05)
print("Likely cause: the disk is full. Next: look at it.")
"""


class Cluster:
    """Three bots, their shared systems, and functions to kill one."""

    def __init__(self, slack: LocalSlack, store: PostgresDatabase, folder: Path) -> None:
        self._slack = slack
        self._store = store
        self._parts = AsyncExitStack()
        self._bots: dict[int, Child] = {}
        self._number = 0
        self.settings: dict[str, str] = {}
        self.slow_once = folder / "slow-once"
        self.gateway_has_it = asyncio.Event()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        await self._parts.aclose()

    async def fill(self) -> None:
        """Start bots up to the full number."""
        while len(self._bots) < REPLICAS:
            bot = await self._parts.enter_async_context(child(["bot"], self.settings))
            self._bots[bot.pid] = bot

    async def kill(self, owner: str) -> float:
        """Send SIGKILL to the bot of that name in the store; return the time."""
        pid = int(owner.partition("-")[0])
        return await self._bots.pop(pid).kill()

    async def value_of(self, query: str) -> str:
        """Return the single value of the query, once it has one."""
        rows = await until(lambda: self._store.rows(query), WAIT, query)
        return str(rows[0][0])

    def send(self) -> str:
        """Send an alert of a new service."""
        self._number += 1
        service = f"shop-{word(self._number)}"
        ts = self._slack.core.workspace.next_ts()
        self._slack.send_event(
            slack_event(CHANNEL, ts, service=service, instance=word(self._number))
        )
        return service

    async def card(self, service: str) -> Message:
        """Return the card of the service, once it is posted."""
        return await self._seen(
            lambda: next((m for m in self._slack.messages(CHANNEL) if service in m.text), None)
        )

    async def reply(self, card: Message, says: str) -> Message:
        """Return the reply with that text, once it is posted."""
        return await self._seen(
            lambda: next((m for m in self._slack.thread(CHANNEL, card.ts) if says in m.text), None)
        )

    async def quiet(self) -> None:
        """Wait until no work is left."""
        busy = (
            "SELECT (SELECT COUNT(*) FROM outbox WHERE sent_version < desired_version)"
            " + (SELECT COUNT(*) FROM advice WHERE state != 'done') AS n"
        )
        links = self._slack.core.links
        await until(
            lambda: not links.unacknowledged() and not self._store.rows(busy)[0][0],
            WAIT,
            "the bots are done",
        )

    async def _seen(self, find: Callable[[], Message | None]) -> Message:
        message: Message | None = await self._slack.wait_for(
            find, timeout=WAIT, why="what a bot shows"
        )
        assert message is not None
        return message

    # What dies

    async def sender(self) -> float:
        """Kill the sender of a channel whose alerts were just acknowledged."""
        await self.card(self.send())
        owner = await self.value_of(f"SELECT owner FROM claims WHERE name = 'lane/{CHANNEL}'")  # noqa: S608 - a constant
        services = [self.send() for _ in range(BURST)]
        links = self._slack.core.links
        await self._slack.wait_for(
            lambda: not links.unacknowledged(), timeout=WAIT, why="every alert is acknowledged"
        )
        unsent = self._slack.messages(CHANNEL)
        at = await self.kill(owner)
        assert not all(any(service in m.text for m in unsent) for service in services), "too late"
        for service in services:
            await self.card(service)
        return time.time() - at

    async def adviser(self) -> float:
        """Kill the bot that waits for its advisor."""
        self.slow_once.touch()
        card = await self.card(self.send())
        owner = await self.value_of("SELECT owner FROM advice WHERE state = 'running'")
        await until(lambda: not self.slow_once.exists(), WAIT, "its advisor has begun")
        at = await self.kill(owner)
        await self.reply(card, "disk is full")
        return time.time() - at

    async def dispatcher(self) -> float:
        """Kill the bot that waits for the gateway; the others report an unknown outcome."""
        service = self.send()
        card = await self.card(service)
        await self.reply(card, "disk is full")
        incident = await self.value_of(f"SELECT id FROM incidents WHERE service = '{service}'")  # noqa: S608 - our own word
        self.gateway_has_it.clear()
        await self._slack.as_user("ana").command(f"/incident fix INC-{incident} restart {service}")
        approval = await self.reply(card, "[Approve]")
        await self._slack.as_user("ben").press(approval, "Approve")
        await asyncio.wait_for(self.gateway_has_it.wait(), WAIT)
        owner = await self.value_of("SELECT owner FROM executions WHERE state = 'dispatching'")
        at = await self.kill(owner)
        await self._seen(
            lambda: next(
                (
                    m
                    for m in self._slack.thread(CHANNEL, card.ts)
                    if m.ts == approval.ts and "outcome unknown" in m.text.lower()
                ),
                None,
            )
        )
        return time.time() - at


class SilentGateway(BareGateway):
    """Accepts a request and never answers it."""

    def __init__(self) -> None:
        super().__init__()
        self.over = asyncio.Event()

    async def execute(self, request: web.Request) -> web.Response:
        """Block for the whole bench."""
        await request.read()
        self.on_request(time.time())
        await self.over.wait()
        return web.json_response({}, status=500)


async def run() -> list[Result]:
    """Measure each case with each lease; a new bot replaces the killed one."""
    taken: dict[tuple[str, float], list[float]] = {}
    with postgres() as server:
        for lease, rounds in LEASES.items():
            async with _cluster(server.database(), lease) as cluster:
                what: dict[str, Callable[[], Awaitable[float]]] = {
                    "card": cluster.sender,
                    "advice": cluster.adviser,
                    "dispatch": cluster.dispatcher,
                }
                for _ in range(rounds):
                    for name, measure in what.items():
                        await cluster.fill()
                        await cluster.quiet()
                        taken.setdefault((name, lease), []).append(await measure())
    return results(taken)


@asynccontextmanager
async def _cluster(url: str, lease: float) -> Any:
    async with AsyncExitStack() as parts:
        store = parts.enter_context(closing(PostgresDatabase(url)))
        silent = SilentGateway()
        around = await parts.enter_async_context(surroundings(silent))
        parts.callback(silent.over.set)
        cluster = await parts.enter_async_context(Cluster(around.slack, store, around.folder))
        silent.on_request = lambda _at: cluster.gateway_has_it.set()
        advisor = around.folder / "advisor.py"
        advisor.write_text(ADVISOR, encoding="utf-8")
        cluster.settings = around.settings() | {
            "STORE_URL": url,
            "STORE_LEASE_SECONDS": f"{lease:g}",
            "ADVISOR_COMMAND": f"{sys.executable} {advisor} {cluster.slow_once}",
        }
        yield cluster


def results(taken: dict[tuple[str, float], list[float]]) -> list[Result]:
    """Return seconds beyond the lease; the bar applies to the worst of all."""
    lines = [
        Result(
            f"scale.takeover.{name}.lease_{lease:g}",
            max(seconds) - lease,
            "s",
            bar=BAR,
            detail={"lease_s": lease, "from_the_kill_s": seconds},
        )
        for (name, lease), seconds in taken.items()
    ]
    worst = max(lines, key=lambda line: line.value)
    return [Result("scale.takeover", worst.value, "s", bar=BAR, covers=tuple(lines)), *lines]
