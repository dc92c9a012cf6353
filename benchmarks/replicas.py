"""A storm through Slack into one, two and three bots on one PostgreSQL, on the same cores.

Measured from the first envelope sent until the last acknowledgement; acknowledged alerts are
written. The floor is one bot in the same rounds.
"""

from __future__ import annotations

from contextlib import AsyncExitStack, closing
from statistics import median

from benchmarks.results import Bar, Result
from benchmarks.servers import postgres
from benchmarks.slack_process import Poured, slack_process
from benchmarks.stage import bare_gateway, bot_settings, child, workspace
from tests.helpers.databases import PostgresDatabase
from tests.helpers.postgres import PostgresServer

ALERTS, GROUPS, CHANNELS = 3_000, 100, 20
WARM_UP = 300
ROUNDS = 3
REPLICAS = (1, 2, 3)
BAR = Bar(0.9, times_floor=True, at_least=True)


async def run() -> list[Result]:
    """Measure one, two, three, and the next round in reverse."""
    poured: dict[int, list[Poured]] = {count: [] for count in REPLICAS}
    with postgres() as server:
        for number in range(ROUNDS):
            for count in REPLICAS if number % 2 == 0 else REPLICAS[::-1]:
                poured[count].append(await storm(server, count))
    return results(poured)


async def storm(server: PostgresServer, replicas: int) -> Poured:
    """Run a storm to warm up and a measured one, on a new database with new bots and a
    new Slack.
    """
    url = server.database()
    async with AsyncExitStack() as parts:
        parts.callback(server.drop, url)
        gateway = await parts.enter_async_context(bare_gateway())
        slack = await parts.enter_async_context(slack_process(CHANNELS))
        for _ in range(replicas):
            settings = bot_settings(slack, gateway, parts.enter_context(workspace()))
            settings |= {"STORE_URL": url, "SLACK_ALERT_CHANNELS": ",".join(slack.channels)}
            await parts.enter_async_context(child(["bot"], settings))
        await slack.storm(WARM_UP, GROUPS, "warm")
        poured = await slack.storm(ALERTS, GROUPS, "shop")
        store = parts.enter_context(closing(PostgresDatabase(url)))
        ((written, incidents),) = store.rows(
            "SELECT SUM(alert_count), COUNT(*) FROM incidents WHERE service LIKE 'shop-%'"
        )
        assert (written, incidents) == (ALERTS, GROUPS), (written, incidents)
        return poured


def results(poured: dict[int, list[Poured]]) -> list[Result]:
    """Return the median of the rounds for each; the worst of several replicas represents all."""
    floor = median(measured_storm.per_second for measured_storm in poured[1])
    lines = []
    for count, rounds in poured.items():
        value = median(measured_storm.per_second for measured_storm in rounds)
        detail = {
            "alerts": ALERTS,
            "rounds_per_s": [measured_storm.per_second for measured_storm in rounds],
            "repeated": [measured_storm.repeated for measured_storm in rounds],
        }
        bar = BAR if count > 1 else None
        lines.append(
            Result(f"scale.replicas.{count}", value, "alerts/s", floor, bar, detail=detail)
        )
    worst = min(lines[1:], key=lambda line: line.value)
    whole = Result("scale.replicas", worst.value, "alerts/s", floor, worst.bar, covers=tuple(lines))
    return [whole, *lines]
