"""(truth) Ten thousand unfinished connections for a minute: health, the Slack link, an alert.

The value is the longest that a `GET /healthz` took meanwhile, over a connection of its own; the
floor is the longest without the flood, right before. Half of the connections stop in their heads
and half in their bodies, from two processes and several loopback addresses, and what the bot
closes is opened again. The bar holds only if the bot asked for no new Slack link and the alert
that Slack told of during the flood became a card.
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
BETWEEN = 0.05  # seconds between an answer and the next question
LONGEST = 30.0  # seconds: an answer that takes longer counts as so long
SERVICE = f"shop-{word(7)}"


class Seen:
    """What the bot asked of Slack: new links, and when it posted the card."""

    def __init__(self) -> None:
        self.links = 0
        self.card_at: float | None = None

    def heard(self, call: Call) -> None:
        """One call."""
        self.links += call.method == "apps.connections.open"
        posted = call.method == "chat.postMessage" and not call.args.get("thread_ts")
        if posted and self.card_at is None and SERVICE in str(call.args.get("text")):
            self.card_at = call.at


async def run() -> list[Result]:
    """The same bot without the flood, then with it."""
    async with AsyncExitStack() as parts:
        around = await parts.enter_async_context(surroundings())
        slack = around.slack
        bot = await parts.enter_async_context(child(["bot"], around.settings()))
        alone = await answered(bot, SECONDS_ALONE)
        half, seen = CONNECTIONS // 2, Seen()
        async with flooding(bot.url, half, "head"), flooding(bot.url, half, "body"):
            around.calls.heard, told_at = seen.heard, time.time()
            ts = slack.core.workspace.next_ts()
            slack.send_event(slack_event(CHANNEL, ts, service=SERVICE, instance=word(1)))
            during = await answered(bot, SECONDS)
    card_after = None if seen.card_at is None else seen.card_at - told_at
    return results(alone, during, seen.links, card_after)


async def answered(bot: Child, seconds: float) -> list[float]:
    """How long each `GET /healthz` took, one after the other for so long."""
    took: list[float] = []
    ends = time.monotonic() + seconds
    timeout = aiohttp.ClientTimeout(total=LONGEST)
    async with aiohttp.ClientSession(timeout=timeout) as http:
        while time.monotonic() < ends:
            began = time.monotonic()
            try:
                async with http.get(bot.url + "/healthz", headers={"Connection": "close"}) as told:
                    good = told.status == 200
            except (TimeoutError, aiohttp.ClientError):
                good = False
            took.append(time.monotonic() - began if good else LONGEST)
            await asyncio.sleep(BETWEEN)
    return took


def results(
    alone: list[float], during: list[float], links: int, card_after: float | None
) -> list[Result]:
    """The longest answer; no answer, a new link or an alert without a card misses the bar too."""
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
