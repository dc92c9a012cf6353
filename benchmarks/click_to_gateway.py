"""(b) A press on Approve sent by Slack → the request at the gateway, each its own approval.

The floor is a bare Bolt listener that writes the press, fsynced, and posts to the same gateway.

`approval.click_to_request` is the same path with all features of an approval: the approvers are a
user group, and the gateway plans, so that Slack is asked for the presser's status and the gateway
for its plan again; everything is written to the audit trail.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable
from contextlib import AsyncExitStack
from dataclasses import replace

from benchmarks.results import Bar, Result, best_of_rounds, summary
from benchmarks.senders import slack_event, word
from benchmarks.stage import (
    CHANNEL,
    BareGateway,
    bare_gateway,
    bare_settings,
    bot_settings,
    child,
    local_slack,
    workspace,
)
from bot.simulator import LocalSlack, Message

ROUNDS = 4
PRESSES = 20  # in a round
GROUP = "S0SRE00001"  # ben is a member
WAIT = 20.0

Prepare = Callable[[int], Awaitable[Message]]


class Presser:
    """Ben, who presses Approve on one card after the other."""

    def __init__(self, slack: LocalSlack, gateway: BareGateway, settled: str) -> None:
        self._slack = slack
        self._settled = settled
        self._received: asyncio.Future[float] | None = None
        gateway.on_request = self._on_request

    async def press(self, card: Message) -> float:
        """Return the seconds from the press to the request at the gateway."""
        self._received = asyncio.get_running_loop().create_future()
        began = time.time()
        outcome = await self._slack.as_user("ben").press(card, "Approve")
        assert outcome.acked, outcome
        taken = await asyncio.wait_for(self._received, WAIT) - began
        if self._settled:
            await self._slack.wait_for(
                lambda: self._settled in self._slack.message(CHANNEL, card.ts).text,
                timeout=WAIT,
                why="the result on the card",
            )
        return taken

    def _on_request(self, at: float) -> None:
        if self._received and not self._received.done():
            self._received.set_result(at)


def bot_cards(slack: LocalSlack) -> Prepare:
    """Prepare approval cards: one incident each, and a person's request to restart its service."""

    async def prepare(number: int) -> Message:
        service = f"shop-{word(number)}"
        _alert(slack, number)
        root = await _posted(slack, service)
        await slack.wait_for(lambda: slack.thread(CHANNEL, root.ts), timeout=WAIT, why="advice")
        await slack.as_user("ana").command(f"/incident fix INC-{number} restart {service}")
        cards = await slack.wait_for(
            lambda: [m for m in slack.thread(CHANNEL, root.ts) if "[Approve]" in m.text],
            timeout=WAIT,
            why="an approval card",
        )
        return cards[0]

    return prepare


def bare_cards(slack: LocalSlack) -> Prepare:
    """Prepare messages with a button."""

    async def prepare(number: int) -> Message:
        service = f"shop-{word(number)}"
        _alert(slack, number)
        return await _posted(slack, service)

    return prepare


def _alert(slack: LocalSlack, number: int) -> None:
    ts = slack.core.workspace.next_ts()
    slack.send_event(
        slack_event(CHANNEL, ts, service=f"shop-{word(number)}", instance=word(number))
    )


async def _posted(slack: LocalSlack, service: str) -> Message:
    cards = await slack.wait_for(
        lambda: [m for m in slack.messages(CHANNEL) if service in m.text],
        timeout=WAIT,
        why=f"the card of {service}",
    )
    return cards[0]


async def run() -> list[Result]:
    """Measure with one named approver, and a gateway that does not plan."""
    return results(await _rounds(), "spine.click_to_gateway", p95=None)


async def run_approval() -> list[Result]:
    """Measure with a user group, and a gateway that plans again."""
    taken = await _rounds(approver=GROUP, plans=True)
    return results(taken, "approval.click_to_request", p95=Bar(40, "ms"))


async def _rounds(approver: str = "", *, plans: bool = False) -> dict[str, list[list[float]]]:
    """Run rounds of the bot and of the bare listener, in turn."""
    taken: dict[str, list[list[float]]] = {"bot": [], "bare": []}
    async with AsyncExitStack() as parts:
        folder = parts.enter_context(workspace())
        gateway = await parts.enter_async_context(bare_gateway(plans=plans))
        other_gateway = await parts.enter_async_context(bare_gateway())
        slack, _ = await parts.enter_async_context(local_slack())
        other, _ = await parts.enter_async_context(local_slack())
        settings = bot_settings(slack, gateway, folder, approver)
        await parts.enter_async_context(child(["bot"], settings))
        bare = bare_settings(other, other_gateway.url, folder)
        await parts.enter_async_context(child(["benchmarks.bare_bolt", "button"], bare))
        sides = {
            "bot": (bot_cards(slack), Presser(slack, gateway, "succeeded")),
            "bare": (bare_cards(other), Presser(other, other_gateway, "")),
        }
        number = 0
        for _ in range(ROUNDS):
            first = number
            for name, (prepare, presser) in sides.items():
                seconds = []
                for number in range(first + 1, first + 1 + PRESSES):
                    card = await prepare(number)
                    seconds.append(await presser.press(card))
                taken[name].append(seconds)
    return taken


def results(taken: dict[str, list[list[float]]], name: str, p95: Bar | None) -> list[Result]:
    """Apply the bars to the milliseconds; the ratio is only informative."""
    by_share = {}
    for share, bar in ((0.5, Bar(15, "ms")), (0.95, p95)):
        value, floor = (best_of_rounds(taken[program], share) * 1000 for program in ("bot", "bare"))
        by_share[share] = Result(f"{name}.p{share * 100:.0f}", value, "ms", floor, bar)
    detail = {
        side: {
            key: figure if key == "n" else figure * 1000 for key, figure in summary(rounds).items()
        }
        for side, rounds in taken.items()
    }
    p50, tail = replace(by_share[0.5], detail=detail), by_share[0.95]
    return [replace(p50, id=name, detail={}, covers=(tail,)), p50, tail]
