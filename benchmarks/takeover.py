"""kill -9 of the replica that has the work → another one shows it in Slack, beyond the lease.

Three bots on one PostgreSQL. The one that dies looks after a channel whose alerts were just
acknowledged; or it waits for an advisor; or for the gateway's answer. What it waits for never
comes, and the next time it comes at once, so that only the take-over is measured.
"""

from __future__ import annotations

import asyncio
import sys
import time
from collections.abc import Awaitable, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from aiohttp import web

from benchmarks.results import Bar, Result
from benchmarks.senders import slack_event, word
from benchmarks.servers import postgres
from benchmarks.stage import CHANNEL, BareGateway, Child, child, surroundings
from bot.simulator import LocalSlack, Message
from tests.helpers.databases import OnServer
from tests.helpers.waiting import until

LEASES = {2.0: 3, 5.0: 1}  # seconds, and how often each thing is tried with it
REPLICAS = 3
BURST = 30  # alerts of one channel, so that some are not shown yet when its replica dies
WAIT = 60.0
BAR = Bar(2, "s")

# Stands still once, until whoever asked is gone; then answers at once.
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
    """Three bots, what they share, and hands to kill one with."""

    def __init__(self, slack: LocalSlack, store: OnServer, folder: Path) -> None:
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
        """As many bots as there should be."""
        while len(self._bots) < REPLICAS:
            bot = await self._parts.enter_async_context(child(["bot"], self.settings))
            self._bots[bot.pid] = bot

    async def kill(self, owner: str) -> float:
        """SIGKILL to the bot of that name in the store; when that was."""
        pid = int(owner.partition("-")[0])
        return await self._bots.pop(pid).kill()

    async def asked(self, query: str) -> str:
        """The one value that the store has for it, once there is one."""
        rows = await until(lambda: self._store.rows(query), WAIT, query)
        return str(rows[0][0])

    def send(self) -> str:
        """An alert of its own service."""
        self._number += 1
        service = f"shop-{word(self._number)}"
        ts = self._slack.core.workspace.next_ts()
        self._slack.send_event(
            slack_event(CHANNEL, ts, service=service, instance=word(self._number))
        )
        return service

    async def card(self, service: str) -> Message:
        """Its card, once it is there."""
        return await self._seen(
            lambda: next((m for m in self._slack.messages(CHANNEL) if service in m.text), None)
        )

    async def reply(self, card: Message, says: str) -> Message:
        """What the thread says, once it does."""
        return await self._seen(
            lambda: next((m for m in self._slack.thread(CHANNEL, card.ts) if says in m.text), None)
        )

    async def quiet(self) -> None:
        """Nothing is left to do."""
        busy = (
            "SELECT (SELECT COUNT(*) FROM outbox WHERE sent < wanted)"
            " + (SELECT COUNT(*) FROM advice WHERE state != 'done') AS n"
        )
        links = self._slack.core.links
        await until(
            lambda: not links.unacknowledged() and not self._store.rows(busy)[0][0],
            WAIT,
            "the bots are done",
        )

    async def _seen(self, look: Callable[[], Message | None]) -> Message:
        found: Message = await self._slack.wait_for(look, timeout=WAIT, why="what a bot shows")
        return found

    # What dies

    async def sender(self) -> float:
        """The one that posts to a channel dies when that channel's alerts were acknowledged."""
        await self.card(self.send())
        owner = await self.asked(f"SELECT owner FROM claims WHERE name = 'lane/{CHANNEL}'")  # noqa: S608 - a constant
        services = [self.send() for _ in range(BURST)]
        links = self._slack.core.links
        await self._slack.wait_for(
            lambda: not links.unacknowledged(), timeout=WAIT, why="every alert is acknowledged"
        )
        unsent = self._slack.messages(CHANNEL)
        at = await self.kill(owner)
        assert not all(any(one in m.text for m in unsent) for one in services), "too late"
        for service in services:
            await self.card(service)
        return time.time() - at

    async def adviser(self) -> float:
        """The one that waits for its advisor dies."""
        self.slow_once.touch()
        card = await self.card(self.send())
        owner = await self.asked("SELECT owner FROM advice WHERE state = 'running'")
        await until(lambda: not self.slow_once.exists(), WAIT, "its advisor has begun")
        at = await self.kill(owner)
        await self.reply(card, "disk is full")
        return time.time() - at

    async def dispatcher(self) -> float:
        """The one that waits for the gateway dies; the others say that nobody knows."""
        service = self.send()
        card = await self.card(service)
        await self.reply(card, "disk is full")
        incident = await self.asked(f"SELECT id FROM incidents WHERE service = '{service}'")  # noqa: S608 - our own word
        self.gateway_has_it.clear()
        await self._slack.as_user("ana").command(f"/incident fix INC-{incident} restart {service}")
        approval = await self.reply(card, "[Approve]")
        await self._slack.as_user("ben").press(approval, "Approve")
        await asyncio.wait_for(self.gateway_has_it.wait(), WAIT)
        owner = await self.asked("SELECT owner FROM executions WHERE state = 'dispatching'")
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
    """Takes a request and never answers it."""

    def __init__(self) -> None:
        super().__init__()
        self.over = asyncio.Event()

    async def execute(self, request: web.Request) -> web.Response:
        """Nothing, for as long as the bench lasts."""
        await request.read()
        self.heard(time.time())
        await self.over.wait()
        return web.json_response({}, status=500)


async def run() -> list[Result]:
    """Each thing, with each lease; a fresh bot takes the place of the one that died."""
    taken: dict[tuple[str, float], list[float]] = {}
    with postgres() as server:
        for lease, rounds in LEASES.items():
            async with _cluster(OnServer(server.database()), lease) as cluster:
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
async def _cluster(store: OnServer, lease: float) -> Any:
    async with AsyncExitStack() as parts:
        silent = SilentGateway()
        around = await parts.enter_async_context(surroundings(silent))
        parts.callback(silent.over.set)
        cluster = await parts.enter_async_context(Cluster(around.slack, store, around.folder))
        silent.heard = lambda _at: cluster.gateway_has_it.set()
        advisor = around.folder / "advisor.py"
        advisor.write_text(ADVISOR, encoding="utf-8")
        cluster.settings = around.settings() | {
            "STORE_URL": store.url,
            "STORE_LEASE_SECONDS": f"{lease:g}",
            "ADVISOR_COMMAND": f"{sys.executable} {advisor} {cluster.slow_once}",
        }
        yield cluster


def results(taken: dict[tuple[str, float], list[float]]) -> list[Result]:
    """Seconds beyond the lease; the worst of all is what the bar is on."""
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
    worst = max(lines, key=lambda one: one.value)
    return [Result("scale.takeover", worst.value, "s", bar=BAR, covers=tuple(lines)), *lines]
