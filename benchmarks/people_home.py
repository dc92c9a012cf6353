"""`people.home`: from the opening of a Home tab to its view in Slack, with 10,000 open incidents.

The person owns 40 of them, and 20 approvals wait for them. The floor is views.publish of an almost
empty tab to the same local Slack.
"""

from __future__ import annotations

import math
import time
from collections.abc import Awaitable, Callable
from contextlib import ExitStack

from slack_sdk.web.async_client import AsyncWebClient

from benchmarks.open_incidents import open_many
from benchmarks.results import Bar, Result
from benchmarks.stage import local_slack, workspace
from bot.observability.metrics import Metrics
from handlers.outbound.direct_calls import DirectCalls
from handlers.outbound.home_tabs import HomeTabs
from handlers.outbound.refused_blocks import RefusedBlocks
from handlers.outbound.slack_client import SlackClient
from handlers.views.home import home_view, refusal
from store import open_store
from store.statements import Operation, execute
from tests.helpers.builders import ANA, AUDIT_KEY, alert, pending_approval
from tests.helpers.incident_bench import Bench

OPEN = 10_000
MINE = 40
WAITING = 20
ROUNDS = 40
MS = 1000.0
PERSON = "U0ANA00001"


async def run() -> list[Result]:
    """Return the 95th percentile of the time to the published tab."""
    with ExitStack() as parts:
        folder = parts.enter_context(workspace())
        store = await open_store(
            f"sqlite:///{folder / 'bot.db'}", owner="bench", audit_key=AUDIT_KEY
        )
        bench = Bench(store)
        await open_many(store, alert(service="web-0-api"), OPEN, bench.now)
        await store._engine.write(_own)  # noqa: SLF001 - no such method
        for number in range(WAITING):
            await pending_approval(store, number + 1, approvers=(PERSON, ANA))
        async with local_slack() as (slack, _):
            client = AsyncWebClient(token=slack.bot_token, base_url=slack.api_url)
            refused_blocks = RefusedBlocks(store, bench.clock)
            direct = DirectCalls(SlackClient(client, Metrics(), bench.clock), refused_blocks)
            tabs = HomeTabs(bench.service, direct, bench.clock)
            empty = home_view(refusal("Nothing to see."), bench.now)
            floor = await _p95(lambda: direct.publish_home(PERSON, empty))
            opened = await _p95(lambda: tabs.show(PERSON))
            view = slack.home("ana")
        await store.close()
    if view is None or len(view["blocks"]) < 20:
        raise RuntimeError("the Home tab was not published with its lists")
    return [Result("people.home", opened, "ms", floor, Bar(300, "ms"))]


def _own() -> Operation[None]:
    yield execute(
        "UPDATE incidents SET status = 'acknowledged', acknowledged_at = updated_at,"
        " acknowledged_by = ? WHERE id > ? AND id <= ?",
        PERSON,
        WAITING,
        WAITING + MINE,
    )


async def _p95(ask: Callable[[], Awaitable[object]]) -> float:
    """Return the 95th percentile of the rounds, in milliseconds; the first does not count."""
    taken = []
    for _ in range(ROUNDS + 1):
        began = time.perf_counter()
        await ask()
        taken.append((time.perf_counter() - began) * MS)
    taken = sorted(taken[1:])
    return taken[math.ceil(len(taken) * 0.95) - 1]
