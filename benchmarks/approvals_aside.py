"""(truth) A slow part delays only its own work.

`truth.parallel_dispatch`: three restarts of three targets, approved at once, behind a gateway that
takes five seconds for each: from the first press to the third request at the gateway.

`truth.approval_beside_card`: the time between the posts of an incident's card and of its SOP's
approval card, with an advisor that never answers; the worst of all.
"""

from __future__ import annotations

import asyncio
import json
import time
from contextlib import AsyncExitStack

from aiohttp import web

from benchmarks.click_to_gateway import bot_cards
from benchmarks.results import Bar, Result, summary
from benchmarks.senders import slack_event, word
from benchmarks.stage import (
    CHANNEL,
    BareGateway,
    Calls,
    bare_gateway,
    bot_settings,
    child,
    local_slack,
    workspace,
)
from bot.simulator import Call, LocalSlack
from handlers.outbound.metadata import kind_of

SECONDS = 5.0  # time of the slow gateway for each request
TARGETS = 3
CARDS = 20  # incidents whose approval cards are awaited, one after the other
WAIT = 30.0

SOP = {
    "sop_id": "sop_shop",
    "keys": ["svc:shop-*"],
    "priority": "HIGH",
    "title": "The shop is slow",
    "command": ["look at it"],
    "metric": [],
    "log": [],
    "parameter": [],
    "fix_action": ["Restart it"],
    "actions": [{"action": "service.restart", "parameters": {"target": "{{service_name}}"}}],
}


class SlowGateway(BareGateway):
    """Answers each request after `SECONDS`."""

    async def execute(self, request: web.Request) -> web.Response:
        """Answer success, late."""
        answer = await super().execute(request)
        await asyncio.sleep(SECONDS)
        return answer


async def run_parallel() -> list[Result]:
    """Press three times in a row."""
    sent: list[float] = []
    all_sent = asyncio.Event()

    def on_request(at: float) -> None:
        sent.append(at)
        if len(sent) == TARGETS:
            all_sent.set()

    async with AsyncExitStack() as parts:
        folder = parts.enter_context(workspace())
        gateway = await parts.enter_async_context(bare_gateway(SlowGateway(), plans=True))
        gateway.on_request = on_request
        slack, _ = await parts.enter_async_context(local_slack())
        await parts.enter_async_context(child(["bot"], bot_settings(slack, gateway, folder)))
        prepare = bot_cards(slack)
        cards = [await prepare(number) for number in range(1, TARGETS + 1)]
        began = time.time()
        ben = slack.as_user("ben")
        outcomes = await asyncio.gather(*(ben.press(card, "Approve") for card in cards))
        assert all(outcome.acked for outcome in outcomes), outcomes
        await asyncio.wait_for(all_sent.wait(), WAIT)
    seconds = max(sent) - began
    return [Result("truth.parallel_dispatch", seconds, "s", None, Bar(0.5, "s"))]


async def run_beside() -> list[Result]:
    """Open one incident after the other."""
    async with AsyncExitStack() as parts:
        folder = parts.enter_context(workspace())
        (folder / "sops").mkdir(exist_ok=True)
        (folder / "sops" / "shop.jsonl").write_text(json.dumps(SOP) + "\n")
        gateway = await parts.enter_async_context(bare_gateway(plans=True))
        slack, calls = await parts.enter_async_context(local_slack())
        hangs = ["sleep", "3600"]
        settings = bot_settings(slack, gateway, folder) | {"ADVISOR_COMMAND": json.dumps(hangs)}
        await parts.enter_async_context(child(["bot"], settings))
        behind = [await _behind(slack, calls, number) for number in range(CARDS)]
    bar = Bar(200, "ms")
    milliseconds = {name: value * 1000 for name, value in summary([behind]).items() if name != "n"}
    return [
        Result(
            "truth.approval_beside_card", max(behind) * 1000, "ms", None, bar, detail=milliseconds
        )
    ]


async def _behind(slack: LocalSlack, calls: Calls, number: int) -> float:
    """Return the seconds between the posts of the card and of its approval card."""
    posted: dict[str, float] = {}
    there = asyncio.Event()

    def on_call(call: Call) -> None:
        if call.method == "chat.postMessage":
            posted[kind_of((call.args.get("metadata") or {}).get("event_type"))] = call.at
        if {"card", "approval"} <= posted.keys():
            there.set()

    calls.on_call = on_call
    ts = slack.core.workspace.next_ts()
    slack.send_event(
        slack_event(CHANNEL, ts, service=f"shop-{word(number)}", instance=word(number))
    )
    await asyncio.wait_for(there.wait(), WAIT)
    return posted["approval"] - posted["card"]
