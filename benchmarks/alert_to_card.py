"""(a) Alert event sent by Slack → the card's chat.postMessage received, each a new incident.

The floor is a bare Bolt listener that posts once, and one fsynced insert, in the same rounds.
"""

from __future__ import annotations

import asyncio
import time
from contextlib import AsyncExitStack
from pathlib import Path

from benchmarks import bare_writer
from benchmarks.results import Bar, Result, best_of_rounds, summary
from benchmarks.senders import slack_event, word
from benchmarks.stage import CHANNEL, Calls, bare_settings, child, local_slack, surroundings
from bot.simulator import Call, LocalSlack
from handlers.outbound.metadata import kind_of

ROUNDS = 5
ONE_BY_ONE = 40  # alerts in a round
AT_50 = 100
WARM_UP = 20
GAP = 1 / 50
REST = 0.01  # seconds: the effects of a post (its echo, its row) have ended by then
WAIT = 60.0


class Line:
    """One program on one local Slack: the time of each alert, and of its first post."""

    def __init__(self, slack: LocalSlack, calls: Calls, replies: int) -> None:
        self._slack = slack
        self._posts = 1 + replies
        self._number = 0
        self._sent: dict[str, float] = {}
        self._taken: list[float] = []
        self._awaited = 0
        self._all_there = asyncio.Event()
        calls.on_call = self._on_call

    def send(self) -> None:
        """Send one alert of a new service."""
        self._number += 1
        service = f"shop-{word(self._number)}"
        ts = self._slack.core.workspace.next_ts()
        event = slack_event(CHANNEL, ts, service=service, instance=word(self._number))
        self._awaited += self._posts
        self._all_there.clear()
        self._sent[service] = time.time()
        self._slack.send_event(event)

    async def settled(self) -> None:
        """Wait for every card and every reply to it."""
        await asyncio.wait_for(self._all_there.wait(), WAIT)

    def taken(self) -> list[float]:
        """Return the seconds from event to card since the last call."""
        taken, self._taken = self._taken, []
        return taken

    def _on_call(self, call: Call) -> None:
        if call.method != "chat.postMessage" or _kind(call) == "storm":
            return  # a burst's digest also names services, and is no card
        if not call.args.get("thread_ts"):
            text = str(call.args.get("text"))
            service = next(service_name for service_name in self._sent if service_name in text)
            self._taken.append(call.at - self._sent.pop(service))
        self._awaited -= 1
        if self._awaited == 0:
            self._all_there.set()


def _kind(call: Call) -> str:
    """Return the kind of the bot's message in a call; '' for the bare listener's."""
    return kind_of((call.args.get("metadata") or {}).get("event_type"))


async def one_by_one(line: Line, count: int) -> list[float]:
    """Send the next alert when the program is idle again."""
    for _ in range(count):
        line.send()
        await line.settled()
        await asyncio.sleep(REST)
    return line.taken()


async def at_50(line: Line, count: int) -> list[float]:
    """Send one every 20 ms, without waiting for the previous one."""
    loop = asyncio.get_running_loop()
    began = loop.time()
    for number in range(count):
        await asyncio.sleep(max(0.0, began + number * GAP - loop.time()))
        line.send()
    await line.settled()
    return line.taken()


async def run() -> list[Result]:
    """Run rounds of the bot, the bare listener and the bare insert, in turn."""
    single: dict[str, list[list[float]]] = {"bot": [], "bare": []}
    busy: dict[str, list[list[float]]] = {"bot": [], "bare": []}
    inserts: list[list[float]] = []
    async with AsyncExitStack() as parts:
        around = await parts.enter_async_context(surroundings())
        other, other_calls = await parts.enter_async_context(local_slack())
        await parts.enter_async_context(child(["bot"], around.settings()))
        bare = bare_settings(other, around.gateway.url, around.folder)
        await parts.enter_async_context(child(["benchmarks.bare_bolt", "post"], bare))
        lines = {"bot": Line(around.slack, around.calls, 1), "bare": Line(other, other_calls, 0)}
        for line in lines.values():
            await one_by_one(line, WARM_UP)
        for _ in range(ROUNDS):
            for name, line in lines.items():
                single[name].append(await one_by_one(line, ONE_BY_ONE))
            inserts.append(await asyncio.to_thread(_inserts, around.folder))
            for name, line in lines.items():
                busy[name].append(await at_50(line, AT_50))
    return results(single, busy, inserts)


def _inserts(folder: Path) -> list[float]:
    connection = bare_writer.open_rows(folder / "floor.db")
    try:
        return bare_writer.one_by_one(connection, "x" * 1000, ONE_BY_ONE)
    finally:
        connection.close()


def results(
    single: dict[str, list[list[float]]],
    busy: dict[str, list[list[float]]],
    inserts: list[list[float]],
) -> list[Result]:
    """Apply both bars to the floor's p50: a bare post and a bare insert, each at its p50."""
    insert = best_of_rounds(inserts, 0.5)
    lines = []
    for name, rounds in (("spine.alert_to_card", single), ("spine.alert_to_card.50s", busy)):
        floor = (best_of_rounds(rounds["bare"], 0.5) + insert) * 1000
        detail = {
            "bot_ms": _ms(summary(rounds["bot"])),
            "bare_listener_ms": _ms(summary(rounds["bare"])),
            "bare_insert_p50_ms": insert * 1000,
            "round_p50_ms": [best_of_rounds([times], 0.5) * 1000 for times in rounds["bot"]],
        }
        p50, p95, p99 = (best_of_rounds(rounds["bot"], s) * 1000 for s in (0.5, 0.95, 0.99))
        bars = (Bar(2.5, times_floor=True), Bar(4, times_floor=True), None)
        lines += [
            Result(f"{name}.{label}", value, "ms", floor, bar, detail if label == "p50" else {})
            for label, value, bar in zip(("p50", "p95", "p99"), (p50, p95, p99), bars, strict=True)
        ]
    head = lines[0]
    whole = Result(
        "spine.alert_to_card", head.value, "ms", head.floor, head.bar, covers=tuple(lines)
    )
    return [whole, *lines]


def _ms(figures: dict[str, float]) -> dict[str, float]:
    return {name: value if name == "n" else value * 1000 for name, value in figures.items()}
