"""(truth) Ten thousand unfinished connections for a minute: health, the Slack connection, an alert.

The value is the longest `GET /healthz` during the flood, over its own connection; the floor is the
longest without the flood, directly before. Half of the connections stop in their heads and half in
their bodies, from two processes and several loopback addresses; a connection that the bot closes is
opened again. The bar holds only if the bot opened no new Slack connection and an alert from Slack
during the flood became a card.
"""

from __future__ import annotations

import asyncio
import time
from contextlib import AsyncExitStack

import aiohttp

from benchmarks.results import Bar, Result, percentile
from benchmarks.senders import slack_event, word
from benchmarks.stage import CHANNEL, Child, child, surroundings
from bot.simulator import Call
from tests.helpers.connection_floods import flooding

CONNECTIONS = 10_000
SECONDS = 60.0
SECONDS_ALONE = 10.0  # without the flood
BETWEEN = 0.05  # seconds between an answer and the next request
LONGEST = 30.0  # seconds: the limit for a longer answer
SERVICE = f"shop-{word(7)}"


class Seen:
    """The bot's calls of Slack: new connections, and the time of the card's post."""

    def __init__(self) -> None:
        self.links = 0
        self.card_at: float | None = None

    def on_call(self, call: Call) -> None:
        """Record one call."""
        self.links += call.method == "apps.connections.open"
        posted = call.method == "chat.postMessage" and not call.args.get("thread_ts")
        if posted and self.card_at is None and SERVICE in str(call.args.get("text")):
            self.card_at = call.at


async def run() -> list[Result]:
    """Measure the same bot without the flood, then with it."""
    async with AsyncExitStack() as parts:
        around = await parts.enter_async_context(surroundings())
        slack = around.slack
        bot = await parts.enter_async_context(child(["bot"], around.settings()))
        alone = await answered(bot, SECONDS_ALONE)
        half, seen = CONNECTIONS // 2, Seen()
        async with flooding(bot.url, half, "head"), flooding(bot.url, half, "body"):
            around.calls.on_call, sent_at = seen.on_call, time.time()
            ts = slack.core.workspace.next_ts()
            slack.send_event(slack_event(CHANNEL, ts, service=SERVICE, instance=word(1)))
            during = await answered(bot, SECONDS)
    card_after = None if seen.card_at is None else seen.card_at - sent_at
    return results(alone, during, seen.links, card_after)


async def answered(bot: Child, seconds: float) -> list[float]:
    """Return the time of each `GET /healthz`, one after the other for that time."""
    took: list[float] = []
    ends = time.monotonic() + seconds
    timeout = aiohttp.ClientTimeout(total=LONGEST)
    async with aiohttp.ClientSession(timeout=timeout) as http:
        while time.monotonic() < ends:
            began = time.monotonic()
            try:
                async with http.get(
                    bot.url + "/healthz", headers={"Connection": "close"}
                ) as response:
                    good = response.status == 200
            except (TimeoutError, aiohttp.ClientError):
                good = False
            took.append(time.monotonic() - began if good else LONGEST)
            await asyncio.sleep(BETWEEN)
    return took


def results(
    alone: list[float], during: list[float], links: int, card_after: float | None
) -> list[Result]:
    """Return the longest answer; no answer, a new connection or a missing card also
    misses the bar.
    """
    cards = 0 if card_after is None else 1
    name = "truth.unfinished_connections"
    lines = (
        Result(f"{name}.links", links, "new links", bar=Bar(0, "new links")),
        Result(
            f"{name}.cards",
            cards,
            "cards",
            bar=Bar(1, "cards", at_least=True),
            detail={"after_s": card_after},
        ),
    )
    detail = {
        "connections": CONNECTIONS,
        "answers": len(during),
        "p50": percentile(during, 0.5),
        "p99": percentile(during, 0.99),
    }
    longest = Result(name, max(during), "s", max(alone), Bar(1, "s"), detail, covers=lines)
    return [longest, *lines]
