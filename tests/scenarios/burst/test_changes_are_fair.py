"""Slack takes fifty updates a minute, and more cards than that change all the time."""

from __future__ import annotations

import asyncio
from pathlib import Path

from bot.simulator import TIERS, RateLimits
from tests.helpers.seeds import SEED
from tests.helpers.waiting import until
from tests.scenarios.burst.lab import Lab, event
from tests.scenarios.world import ALERTS

GROUPS = 60
ROUND = 60 * GROUPS / TIERS["chat.update"]  # seconds in which each card can be changed once
BURST_SECONDS = int(3 * ROUND)  # seconds
EVERY = 6  # seconds: each card wants to change so often, a dozen times in a round


def send_alert(lab: Lab, group: int, status: str = "FIRING") -> None:
    severity = ("critical", "warning", "info")[group % 3]
    ts = lab.slack.core.workspace.next_ts()
    lab.slack.send_event(event(ALERTS, ts, f"svc-{group:03}", "HighErrorRate", severity, status))


async def test_no_card_starves_while_others_keep_changing(tmp_path: Path) -> None:
    async with Lab.open(tmp_path, seed=SEED, limits=RateLimits()) as lab:
        await lab.start()
        for group in range(GROUPS):
            send_alert(lab, group)
        await until(lambda: len(lab.cards()) == GROUPS, 120, "a card for each")
        last = next(group for group in reversed(range(GROUPS)) if group % 3 == 2)
        for second in range(0, BURST_SECONDS, EVERY):
            for group in range(GROUPS):
                if group != last:
                    send_alert(lab, group)
            if second == EVERY:
                send_alert(lab, last, "RESOLVED")
            await asyncio.sleep(EVERY)
        changed = {
            call.args["ts"] for call in lab.slack.calls if call.method == "chat.update" and call.ok
        }
        waiting = [card.text for card in lab.cards() if card.ts not in changed]
        assert any("RESOLVED" in card.text for card in lab.cards()), "that one is over is seen"
        assert waiting == []


async def test_changes_of_one_card_within_a_few_milliseconds_are_one_call(tmp_path: Path) -> None:
    async with Lab.open(tmp_path, seed=SEED) as lab:
        bot = await lab.start()
        send_alert(lab, 0)
        await until(lab.cards, 60, "its card")
        await asyncio.sleep(60)
        (card,) = lab.cards()
        calls = lab.slack.core.calls
        before = len(calls)
        await bot.service.acknowledge(1, lab.slack.users["ana"])
        await asyncio.sleep(0.005)  # long enough for the outbox to have seen the first change
        await bot.service.resolve(1, lab.slack.users["ana"])
        await until(lambda: "RESOLVED" in str(lab.cards()[0].data), 5, "the card says so")
        await asyncio.sleep(5)
        updates = [call for call in calls[before:] if call.method == "chat.update"]
        assert [call.args["ts"] for call in updates] == [card.ts]
