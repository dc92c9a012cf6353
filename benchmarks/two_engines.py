"""Alert → card on PostgreSQL and on SQLite, in turn, each with its own bot and local Slack.

The floor is SQLite. The server is on this machine and fsyncs each commit, like the file.
"""

from __future__ import annotations

from contextlib import AsyncExitStack
from statistics import median

from benchmarks.alert_to_card import AT_50, ONE_BY_ONE, WARM_UP, Line, at_50, one_by_one
from benchmarks.results import Bar, Result, percentile
from benchmarks.servers import postgres
from benchmarks.stage import bare_gateway, bot_settings, child, local_slack, workspace

ROUNDS = 5
ENGINES = ("sqlite", "postgresql")
BAR = Bar(2, times_floor=True)

Rounds = dict[str, list[list[float]]]


async def run() -> list[Result]:
    """Measure rounds of both engines; each goes first equally often."""
    single: Rounds = {name: [] for name in ENGINES}
    busy: Rounds = {name: [] for name in ENGINES}
    with postgres() as server:
        async with AsyncExitStack() as parts:
            gateway = await parts.enter_async_context(bare_gateway())
            lines = {}
            for name in ENGINES:
                folder = parts.enter_context(workspace())
                slack, calls = await parts.enter_async_context(local_slack())
                settings = bot_settings(slack, gateway, folder)
                if name == "postgresql":
                    settings["STORE_URL"] = server.database()
                await parts.enter_async_context(child(["bot"], settings))
                lines[name] = Line(slack, calls, 1)
                await one_by_one(lines[name], WARM_UP)
            for number in range(ROUNDS):
                order = ENGINES if number % 2 else ENGINES[::-1]
                for name in order:
                    single[name].append(await one_by_one(lines[name], ONE_BY_ONE))
                for name in order:
                    busy[name].append(await at_50(lines[name], AT_50))
    return results(single, busy)


def results(single: Rounds, busy: Rounds) -> list[Result]:
    """Return the median of the rounds' percentiles, for the bot and its floor alike."""
    lines = []
    for stem, rounds in (("scale.two_engines", single), ("scale.two_engines.50s", busy)):
        for label, share, bar in (("p50", 0.5, BAR), ("p95", 0.95, None)):
            taken = {
                name: [percentile(times, share) * 1000 for times in rounds[name]]
                for name in ENGINES
            }
            postgresql, floor = median(taken["postgresql"]), median(taken["sqlite"])
            detail = {f"{name}_rounds_ms": taken[name] for name in ENGINES}
            lines.append(Result(f"{stem}.{label}", postgresql, "ms", floor, bar, detail))
    head = lines[0]
    whole = Result("scale.two_engines", head.value, "ms", head.floor, head.bar, covers=tuple(lines))
    return [whole, *lines]
