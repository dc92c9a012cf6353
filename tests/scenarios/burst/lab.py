"""The laboratory: local Slack, gateway and bot in one process, all by one virtual clock."""

from __future__ import annotations

import gc
import json
import os
import random
from collections.abc import AsyncIterator, Iterator, Mapping, Sequence
from contextlib import AsyncExitStack, asynccontextmanager, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import aiohttp

from bot.app import Bot
from bot.gateway.app import running
from bot.gateway.config import read_config
from bot.settings import load
from bot.simulator import LocalSlack, Message
from tests.helpers.databases import SqliteDatabase
from tests.helpers.slack_faults import SlackHooks
from tests.helpers.virtual_time import VirtualTime, scheduler_goes_by
from tests.helpers.waiting import until
from tests.scenarios.world import (
    ALERTS,
    BEN,
    SECRET,
    LeakyService,
    World,
    alertmanager,
    kind,
)

JSON = dict[str, Any]

# The severities of alerts and the words on the card, the most severe first.
SEVERITIES = ("critical", "high", "warning", "info")
SHOWN = ("CRITICAL", "HIGH", "MEDIUM", "LOW")
MEGABYTE = 1_000_000


@dataclass
class Lab(World):
    """A workspace, a gateway and an operator's files; `start` a bot in it, kill and start again."""

    time: VirtualTime = field(kw_only=True)
    bots: AsyncExitStack = field(kw_only=True)
    running: Bot = field(init=False)  # the newest one

    @classmethod
    @asynccontextmanager
    async def open(
        cls, folder: Path, *, seed: int, notify: Mapping[str, Any] | None = None, **slack: Any
    ) -> AsyncIterator[Lab]:
        """Open a lab in the running loop's virtual time. `slack` are options of the local Slack."""
        time = VirtualTime.of_this_loop()
        async with AsyncExitStack() as parts:
            parts.enter_context(scheduler_goes_by(time.wall))
            parts.enter_context(dice_fall_by(seed))
            slack_hooks = SlackHooks()
            local = await parts.enter_async_context(
                LocalSlack.start(clock=time, faults=slack_hooks, seed=seed, **slack)
            )
            config = read_config(
                {
                    "listen": {"port": 0},
                    "state_dir": str(folder / "gateway"),
                    "sources": {"sopbot": {"secret_env": "GATEWAY_SECRET"}},
                    "targets": {},
                },
                environ={"GATEWAY_SECRET": SECRET},
            )
            gateway = await parts.enter_async_context(running(config, clock=time.wall))
            lab = cls(
                local,
                slack_hooks,
                LeakyService(0, folder / "starts"),
                SqliteDatabase(folder / "sopbot.db"),
                folder,
                gateway.url,
                "",
                time=time,
                bots=await parts.enter_async_context(AsyncExitStack()),
            )
            lab.write_sops()
            lab.write_rules(notify or {})
            yield lab

    def write_rules(self, notify: Mapping[str, Any]) -> None:
        """Write a policy with these values in its segment `notify`, and otherwise the defaults."""
        rules = {"notify": dict(notify), "remediate": {"approvers": [BEN]}}
        (self.folder / "policy.yaml").write_text(json.dumps(rules))

    def settings(self, **other: str) -> dict[str, str]:
        """The settings of the bot, with a lease so long that no simulation renews it."""
        return super().settings(**{"STORE_LEASE_SECONDS": "60"} | other)

    async def start(self, **settings: str) -> Bot:
        """Start a bot with the lab's clock, which runs until the lab closes."""
        loaded = load(self.settings(**settings), self.folder / "no.env")
        self.running = await self.bots.enter_async_context(Bot(loaded, clock=self.time.wall))
        return self.running

    async def stop(self) -> None:
        """Stop every bot in an orderly way."""
        await self.bots.pop_all().aclose()

    # What it looks like

    def elapsed(self) -> float:
        """Simulated seconds."""
        return self.time.loop.time()

    def count(self, table: str, where: str = "1 = 1") -> int:
        """The number of rows of that table."""
        query = f"SELECT COUNT(*) AS n FROM {table} WHERE {where}"  # noqa: S608 - our own words
        return int(self.rows(query)[0]["n"])

    def incidents(self) -> tuple[int, int]:
        """(incidents, alerts folded into them)."""
        (row,) = self.rows(
            "SELECT COUNT(*) AS n, COALESCE(SUM(alert_count), 0) AS alerts FROM incidents"
        )
        return row["n"], row["alerts"]

    def shown(self, channel: str = ALERTS) -> list[Message]:
        """Every message of the bot in a channel and its threads, in the order of posting."""
        where = self.slack.core.workspace.channel(channel)
        return [
            m
            for m in (self.slack.seen(where.id, message) for message in where.messages.values())
            if kind(m)
        ]

    def posted(
        self, message_kind: str = "card", channel: str = ALERTS
    ) -> list[tuple[float, Message]]:
        """(when it was accepted, the message as it stands now) of one kind, oldest first."""
        at = {post.ts: post.at for post in self.slack.posts}
        return [(at[m.ts], m) for m in self.shown(channel) if kind(m) == message_kind]

    def repeated(self, channel: str = ALERTS) -> list[str]:
        """Keys of the bot's messages that are there more than once."""
        seen: dict[str, int] = {}
        for message in self.shown(channel):
            key = str(message.metadata["event_payload"]["key"])
            seen[key] = seen.get(key, 0) + 1
        return sorted(key for key, times in seen.items() if times > 1)

    def unfinished(self) -> JSON:
        """The numbers of unfinished items by their kind; empty when there are none."""
        left = {
            "unacknowledged": self.slack.core.links.unacknowledged(),
            "unsent": self.count(
                "outbox", "sent_version < desired_version AND given_up_at IS NULL"
            ),
            "unadvised": self.count("advice", "state != 'done'"),
        }
        return {name: number for name, number in left.items() if number}

    async def wait_until_done(self, seconds: float) -> None:
        """Wait until nothing is left to do, for at most so many simulated seconds."""
        try:
            await until(lambda: not self.unfinished(), seconds, "nothing is unfinished", every=1)
        except AssertionError as error:
            raise AssertionError(f"{error}; left: {self.unfinished()}") from None

    # What monitoring does by HTTP

    async def webhook(self, bot: Bot, alerts: Sequence[JSON]) -> None:
        """Post alerts as Alertmanager's webhook does."""
        body = {"version": "4", "status": "firing", "receiver": "sopbot", "alerts": list(alerts)}
        async with (
            aiohttp.ClientSession() as session,
            session.post(f"{bot.http_url}/alerts/alertmanager", json=body) as answer,
        ):
            assert answer.status == 202, await answer.text()


@contextmanager
def dice_fall_by(seed: int) -> Iterator[None]:
    """Seed the bot's own random numbers too, which spread its pauses between tries."""
    before = random.getstate()
    random.seed(seed)
    try:
        yield
    finally:
        random.setstate(before)


def webhook_alert(service: str, severity: str, instance: str = "") -> JSON:
    """One firing alert as Alertmanager's webhook has it."""
    labels = {
        "alertname": "HighErrorRate",
        "service": service,
        "category": "availability",
        "env": "prod",
        "severity": severity,
    }
    if instance:
        labels["instance"] = instance
    return {
        "status": "firing",
        "labels": labels,
        "annotations": {"summary": "Error rate above 5 %"},
        "startsAt": "2026-11-21T03:04:05Z",
        "endsAt": "0001-01-01T00:00:00Z",
    }


def event(channel: str, ts: str, service: str, name: str, severity: str, status: str) -> JSON:
    """An alert event of a message that the local Slack does not keep."""
    return {
        "type": "message",
        "subtype": "bot_message",
        "text": "",
        "username": "Alertmanager",
        "bot_id": "B0ALERTMA",
        "app_id": "A0ALERTMA",
        "attachments": [{"id": 1, **alertmanager(service, name, severity, status)}],
        "ts": ts,
        "channel": channel,
        "event_ts": ts,
        "channel_type": "channel",
    }


def rank_of(card: Message) -> int:
    """The rank of a card's severity: 0 is the most severe."""
    return next(rank for rank, word in enumerate(SHOWN) if word in card.text)


def rss() -> int:
    """The bytes of memory of this process, after a garbage collection."""
    gc.collect()
    pages = Path("/proc/self/statm").read_text(encoding="ascii").split()[1]
    return int(pages) * os.sysconf("SC_PAGE_SIZE")


def descriptors() -> int:
    """The number of files and sockets that this process has open."""
    return len(list(Path("/proc/self/fd").iterdir()))
