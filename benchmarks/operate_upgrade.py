"""`operate.upgrade`: a rolling upgrade from an earlier version, with traffic and approvals.

Two replicas on PostgreSQL are replaced one after the other; the one bot on SQLite is stopped, and
the new one started. Meanwhile an alert comes every tenth of a second, approvals wait from before
the upgrade, and people press Approve right before a bot is stopped. Counted are: alerts without an
incident or a card (lost), with two (twice), actions that the gateway got twice (twice), and presses
that were refused or led to no action (refused). `schema_before` is the old code's last migration.
"""

from __future__ import annotations

import asyncio
import itertools
from collections import Counter
from contextlib import AsyncExitStack, closing
from dataclasses import dataclass, field
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from aiohttp import web

from benchmarks import servers
from benchmarks.earlier_version import earlier_version, take_out
from benchmarks.results import Bar, Result
from benchmarks.senders import word
from benchmarks.stage import CHANNEL, BareGateway, Child, Surroundings, child, surroundings
from bot.simulator import Message
from tests.helpers.databases import Database, PostgresDatabase, SqliteDatabase
from tests.helpers.waiting import until
from tests.scenarios.world import alertmanager, kind

REPLICAS = 2  # on PostgreSQL
APPROVALS = 6
APART = 0.1  # seconds between two alerts
SETTLED = 3.0  # seconds of traffic before and after
WAIT = 120.0


class CountingGateway(BareGateway):
    """Counts the requests of each idempotency key."""

    def __init__(self) -> None:
        super().__init__()
        self.requests: Counter[str] = Counter()

    async def execute(self, request: web.Request) -> web.Response:
        """Answer success, and count."""
        self.requests[request.headers.get("Idempotency-Key", "")] += 1
        return await super().execute(request)


@dataclass
class Upgrade:
    """One rolling upgrade, with what goes on meanwhile."""

    around: Surroundings
    store: Database
    settings: dict[str, str]
    earlier: Path
    services: list[str] = field(default_factory=list)
    pressed: int = 0
    over: bool = False
    _numbers: Any = field(default_factory=itertools.count)

    async def alert(self) -> str:
        """Send an alert of a new service, as Alertmanager posts it."""
        service = f"shop-{word(next(self._numbers))}"
        attachment = alertmanager(service, "Down", "critical", "FIRING")
        self.services.append(service)
        await self.around.slack.post_as_app("Alertmanager", CHANNEL, attachments=[attachment])
        return service

    async def traffic(self) -> None:
        """Send alerts until it is over."""
        while not self.over:
            await self.alert()
            await asyncio.sleep(APART)

    async def propose(self) -> Message:
        """Let ana ask for an action about a new incident; return its approval card."""
        service = await self.alert()
        slack = self.around.slack
        card = await self._seen(lambda: self._card(service), f"the card of {service}")
        rows = await until(
            lambda: self.store.rows(f"SELECT id FROM incidents WHERE service = '{service}'"),  # noqa: S608 - our own word
            WAIT,
            "the incident is stored",
        )
        line = f"/incident fix INC-{rows[0]['id']} restart {service}"
        await slack.as_user("ana").command(line, CHANNEL)
        return await self._seen(
            lambda: next(
                (m for m in slack.thread(CHANNEL, card.ts) if kind(m) == "approval"), None
            ),
            "the approval is posted",
        )

    async def press(self, approval: Message) -> None:
        """Let ben approve it."""
        self.pressed += 1
        await self.around.slack.as_user("ben").press(approval, "Approve")

    def _card(self, service: str) -> Message | None:
        cards = (m for m in self.around.slack.messages(CHANNEL) if kind(m) == "card")
        return next((m for m in cards if f"{service} " in f"{m.text} "), None)

    async def _seen(self, find: Any, why: str) -> Message:
        message: Message = await self.around.slack.wait_for(find, timeout=WAIT, why=why)
        return message

    def schema(self) -> str:
        """Return the last migration that the store has seen."""
        table = "sopbot_migrations" if "postgres" in self.store.url else "_sqlite_migrations"
        return str(self.store.rows(f"SELECT MAX(name) AS name FROM {table}")[0]["name"])  # noqa: S608 - constants

    def is_done(self) -> bool:
        """Return whether every alert has its card and every press its action."""
        rows = self.store.rows(
            "SELECT (SELECT COUNT(*) FROM incidents) AS incidents, (SELECT COUNT(*) FROM outbox"
            " WHERE sent_version < desired_version) AS unsent, (SELECT COUNT(*) FROM executions"
            " WHERE finished_at IS NOT NULL) AS finished"
        )[0]
        return (
            rows["incidents"] >= len(self.services)
            and not rows["unsent"]
            and rows["finished"] >= self.pressed
        )

    def counts(self, gateway: CountingGateway) -> dict[str, int]:
        """Count what was lost, what happened twice, and which presses led to nothing."""
        stored = Counter(row["service"] for row in self.store.rows("SELECT service FROM incidents"))
        cards = [m for m in self.around.slack.messages(CHANNEL) if kind(m) == "card"]
        shown = Counter(
            service for m in cards for service in self.services if f"{service} " in f"{m.text} "
        )
        twice = [name for name in self.services if stored[name] > 1 or shown[name] > 1]
        return {
            "alerts": len(self.services),
            "presses": self.pressed,
            "lost": sum(not (stored[name] and shown[name]) for name in self.services),
            "twice": len(twice) + sum(count > 1 for count in gateway.requests.values()),
            "refused": self.pressed - len(gateway.requests),
        }


async def run() -> list[Result]:
    """Upgrade on both engines; a line for each, and the sum that has the bar."""
    wheel = earlier_version()
    lines: list[Result] = []
    with TemporaryDirectory() as folder:
        take_out(wheel, Path(folder))
        lines.append(await on_sqlite(Path(folder)))
        if servers.is_there():
            with servers.postgres() as server:
                lines.append(await on_postgres(Path(folder), server.database(migrated=False)))
    total = sum(line.value for line in lines)
    bar = Bar(0, "lost, twice or refused")
    return [
        Result(
            "operate.upgrade", total, "", bar=bar, detail={"from": wheel.name}, covers=(*lines,)
        ),
        *lines,
    ]


async def on_sqlite(earlier: Path) -> Result:
    """Stop the one bot and start the new one on the same file."""
    gateway = CountingGateway()
    async with surroundings(gateway) as around:
        file = around.folder / "bot.db"
        return await _measure("sqlite", around, SqliteDatabase(file), {}, earlier, gateway)


async def on_postgres(earlier: Path, url: str) -> Result:
    """Replace one replica after the other on an empty database."""
    gateway = CountingGateway()
    async with surroundings(gateway) as around:
        with closing(PostgresDatabase(url)) as store:
            more = {"STORE_URL": url, "STORE_LEASE_SECONDS": "2"}
            return await _measure("postgresql", around, store, more, earlier, gateway)


async def _measure(
    engine: str,
    around: Surroundings,
    store: Database,
    more: dict[str, str],
    earlier: Path,
    gateway: CountingGateway,
) -> Result:
    settings = around.settings() | more
    upgrade = Upgrade(around, store, settings, earlier)
    async with AsyncExitStack() as parts:
        replicas = REPLICAS if engine == "postgresql" else 1
        old: list[tuple[AsyncExitStack, Child]] = []
        for _ in range(replicas):
            own = await parts.enter_async_context(AsyncExitStack())
            code = {"PYTHONPATH": str(earlier), "PYTHONSAFEPATH": "1"}
            old.append((own, await own.enter_async_context(child(["bot"], settings | code))))
        before = await until(upgrade.schema, WAIT, "the schema is there")
        traffic = asyncio.create_task(upgrade.traffic())
        parts.callback(traffic.cancel)
        waiting = [await upgrade.propose() for _ in range(APPROVALS)]
        await asyncio.sleep(SETTLED)
        for own, _ in old:
            await upgrade.press(waiting.pop())  # its dispatch may be under way when the bot ends
            await own.aclose()
            await parts.enter_async_context(child(["bot"], settings))
            await upgrade.press(waiting.pop())
        for approval in waiting:
            await upgrade.press(approval)
        await asyncio.sleep(SETTLED)
        upgrade.over = True
        await traffic
        await until(upgrade.is_done, WAIT, f"{engine}: everything is done: {upgrade.pressed}")
        counts = upgrade.counts(gateway)
        schemas = {"schema_before": before, "schema_after": upgrade.schema()}
    value = counts["lost"] + counts["twice"] + counts["refused"]
    return Result(f"operate.upgrade.{engine}", value, "", bar=Bar(0, ""), detail=counts | schemas)
