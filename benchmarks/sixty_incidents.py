"""Sixty incidents at once, one post a second: sopbot beside Alertmanager's own Slack notifier.

Both receive the same sixty alerts at the same time. Each posts into its own channel of the same
local Slack, which accepts one post a second in each and answers 429 to a post that is too early.
"""

from __future__ import annotations

import asyncio
import json
import random
import time
from contextlib import AsyncExitStack
from typing import Any

import aiohttp

from benchmarks.alertmanager import alertmanager
from benchmarks.results import Bar, Result
from benchmarks.stage import CHANNEL, bare_gateway, bot_settings, child, workspace
from bot.simulator import Channel, LocalSlack, RateLimits
from handlers.outbound.metadata import kind_of

COUNTS = {"critical": 5, "high": 15, "warning": 20, "info": 20}
INCIDENTS = sum(COUNTS.values())
WITHIN = 65.0  # seconds: a post a second, and a small reserve
WATCHED = 120.0  # seconds: long enough to see the progress of Alertmanager
SEED = 20261125
# Alertmanager's retry after a refusal: the shortest interval in use, and its default.
PATIENT, EAGER = "5m", "10s"


def alerts() -> list[dict[str, str]]:
    """Return the labels of each alert, in random order."""
    severities = [severity for severity, count in COUNTS.items() for _ in range(count)]
    random.Random(SEED).shuffle(severities)
    return [
        {
            "alertname": "HighErrorRate",
            "env": "prod",
            "service": f"svc-{number:02}",
            "category": "availability",
            "severity": severity,
        }
        for number, severity in enumerate(severities)
    ]


def webhook(labels: list[dict[str, str]]) -> dict[str, Any]:
    """Return the alerts as Alertmanager's webhook sends them."""
    summary = {"summary": "Error rate above 5 %"}
    return {
        "version": "4",
        "status": "firing",
        "receiver": "sopbot",
        "alerts": [
            {"status": "firing", "labels": alert_labels, "annotations": summary}
            for alert_labels in labels
        ],
    }


async def run() -> list[Result]:
    """Send all at once, watch for two minutes."""
    async with AsyncExitStack() as parts:
        folder = parts.enter_context(workspace())
        slack = await parts.enter_async_context(LocalSlack.start(limits=RateLimits()))
        gateway = await parts.enter_async_context(bare_gateway())
        settings = bot_settings(slack, gateway, folder)
        (folder / "policy.yaml").write_text("{}")  # the rate limit that operators get
        bot = await parts.enter_async_context(child(["bot"], settings))
        senders = {}
        for interval in (EAGER, PATIENT):
            where = Channel(f"C0BENCH{interval.upper():0>3}", f"alertmanager-{interval}")
            slack.add_channel(where)
            receiver = {
                "api_url": slack.webhook_url(where.id),
                "channel": f"#{where.name}",
                "send_resolved": True,
            }
            started = alertmanager(folder / interval, receiver, group_interval=interval)
            senders[where.id] = await parts.enter_async_context(started)
        alert_labels = alerts()
        async with aiohttp.ClientSession() as http:
            began = time.time()
            answer, *_ = await asyncio.gather(
                http.post(f"{bot.url}/alerts/alertmanager", json=webhook(alert_labels)),
                *(sender.fire(alert_labels) for sender in senders.values()),
            )
            assert answer is not None
            answer.raise_for_status()
        await asyncio.sleep(WATCHED)
        eager, patient = (arrivals(slack, channel, began) for channel in senders)
        return results(cards(slack, began), eager, patient, repeated(slack))


def cards(slack: LocalSlack, began: float) -> list[tuple[float, bool]]:
    """Return (seconds after the start, True for a critical incident) of each card of the bot."""
    shown = {
        message.ts: message
        for message in slack.messages(CHANNEL)
        if kind_of(message.metadata.get("event_type")) == "card"
    }
    return [
        (post.at - began, "CRITICAL" in shown[post.ts].text)
        for post in slack.posts
        if post.ts in shown
    ]


def arrivals(slack: LocalSlack, channel: str, began: float) -> list[float]:
    """Return the time of each accepted message of a notifier, in seconds after the start."""
    return [post.at - began for post in slack.posts if post.channel == channel]


def repeated(slack: LocalSlack) -> int:
    """Return the number of the bot's messages that were posted more than once."""
    keys = [
        json.dumps(message.metadata["event_payload"])
        for root in slack.messages(CHANNEL)
        for message in [root, *slack.thread(CHANNEL, root.ts)]
        if message.metadata
    ]
    return len(keys) - len(set(keys))


def results(
    bot: list[tuple[float, bool]], eager: list[float], patient: list[float], doubles: int
) -> list[Result]:
    """Compare the bot's posts in time with those of the better notifier."""
    on_time = sum(at <= WITHIN for at, _ in bot)
    floor = max(sum(at <= WITHIN for at in side) for side in (eager, patient))
    critical = max((at for at, grave in bot if grave), default=WATCHED)
    detail = {
        "seed": SEED,
        "sopbot_at_s": [at for at, _ in bot],
        "alertmanager_10s_at_s": eager,
        "alertmanager_5m_at_s": patient,
    }
    name = "storm.sixty_incidents"
    lines = (
        Result(f"{name}.critical", critical, "s", bar=Bar(5, "s")),
        Result(f"{name}.duplicates", doubles, "messages", bar=Bar(0, "messages")),
        Result(f"{name}.ahead", on_time - floor, "cards", bar=Bar(1, "cards", at_least=True)),
    )
    bar = Bar(INCIDENTS, "cards", at_least=True)
    return [Result(name, on_time, "cards", floor, bar, detail, covers=lines), *lines]
