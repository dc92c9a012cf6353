"""The cost of a bot while Slack refuses its posts: eight channels, each with waiting cards.

Slack answers 429 with ten minutes of Retry-After in each, and would accept changes. The floor is
the same bot without work, watched for the same time directly before; both are processor time of the
bot's process, in percent of one core. The bar applies to the difference.
"""

from __future__ import annotations

import asyncio
from contextlib import AsyncExitStack

from benchmarks.results import Bar, Result
from benchmarks.senders import slack_event, word
from benchmarks.servers import postgres
from benchmarks.stage import Calls, Child, child, surroundings
from bot.simulator import Channel, LocalSlack
from tests.helpers.postgres import PostgresServer

CHANNELS = 8
WAITING = 10  # cards in each
RETRY_AFTER = 600  # seconds
SETTLED = 5.0  # seconds: the effects of a start or an alert have ended by then
SECONDS = 40.0  # watched
WAIT = 60.0
ENGINES = ("sqlite", "postgresql")
BAR = Bar(1, "%")

Shares = tuple[float, float]  # idle, held back


async def run() -> list[Result]:
    """Measure one engine, then the other."""
    with postgres() as server:
        return results({engine: await measured(engine, server) for engine in ENGINES})


async def measured(engine: str, server: PostgresServer) -> Shares:
    """Return percent of a core, idle and then held back."""
    async with AsyncExitStack() as parts:
        around = await parts.enter_async_context(surroundings())
        slack = around.slack
        names = [f"C0HELD{number:04}" for number in range(CHANNELS)]
        members = set(slack.core.workspace.channel("alerts").members)
        for name in names:
            slack.add_channel(Channel(name, name.lower(), members))
        settings = around.settings()
        settings["SLACK_ALERT_CHANNELS"] = ",".join(names)
        if engine == "postgresql":
            settings["STORE_URL"] = server.database()
        (around.folder / "policy.yaml").write_text("{}")  # the rate limit that operators get
        bot = await parts.enter_async_context(child(["bot"], settings))
        await asyncio.sleep(SETTLED)
        idle = await share(bot)
        await hold_back(slack, around.calls, names)
        await asyncio.sleep(SETTLED)
        held = await share(bot)
        assert not any(slack.messages(name) for name in names), "nothing was to be posted"
        return idle, held


async def hold_back(slack: LocalSlack, calls: Calls, names: list[str]) -> None:
    """Leave waiting cards in each channel, after a Retry-After from Slack."""
    for name in names:
        slack.script.limit("chat.postMessage", RETRY_AFTER, times=None, channel=name)
    refused: list[str] = []
    calls.on_call = lambda call: refused.append(str(call.args.get("channel")))
    for number in range(WAITING):
        for place, name in enumerate(names):
            unit = word(number * len(names) + place)
            ts = slack.core.workspace.next_ts()
            slack.send_event(slack_event(name, ts, service=f"shop-{unit}", instance=unit))
    async with asyncio.timeout(WAIT):
        while slack.core.links.unacknowledged() or set(refused) < set(names):  # noqa: ASYNC110 - calls are no event
            await asyncio.sleep(0.05)


async def share(bot: Child) -> float:
    """Return the percent of a core that the bot uses from now on."""
    before = bot.cpu_seconds()
    await asyncio.sleep(SECONDS)
    return (bot.cpu_seconds() - before) / SECONDS * 100


def results(shares: dict[str, Shares]) -> list[Result]:
    """Return the difference to idle, in percent of a core; the worse engine represents both."""
    lines = [
        Result(
            f"truth.held_back.{engine}",
            max(0.0, held - idle),
            "%",
            idle,
            BAR,
            {"idle": idle, "held_back": held, "channels": CHANNELS, "waiting": WAITING},
        )
        for engine, (idle, held) in shares.items()
    ]
    worst = max(lines, key=lambda line: line.value)
    whole = Result("truth.held_back", worst.value, "%", worst.floor, BAR, covers=tuple(lines))
    return [whole, *lines]
