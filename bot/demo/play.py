"""`--keep`: everything keeps running; the service fails again some minutes after each restart."""

import asyncio

from bot.demo.printing import Printer
from bot.demo.scenario import CHECK_SECONDS
from bot.demo.world import World

TO_TRY = """
Open {page} and look into #alerts: checkout-api fails in a moment.
  · as ana, press Acknowledge on the card; open its thread
  · type /incident help, /incident ask why now?, /sop list
  · as chloe, press Approve in the thread: it is refused, because she is no approver
  · as ben, press Approve: the gateway really restarts the service
It fails again about three minutes after each restart: the same card opens again, and its thread
says that the restart did not last. Propose, below the advice, asks for another one.

Alerts of your own, from another terminal: these two become one card, whose Children says why.
  curl {bot}/alerts/me -d '{{"title": "orders-db does not answer", "service": "orders-db"}}'
  curl {bot}/alerts/me -d '{{"title": "orders-db: replication lag", "service": "orders-db"}}'
Ctrl-C ends everything.
"""


async def play(world: World, printer: Printer) -> None:
    """Print events until cancelled. DemoFailedError if a part ends by itself."""
    printer.plain(TO_TRY.format(page=world.slack.page_url, bot=world.bot_url))
    seen = world.monitor.seen
    printed, pids = 0, 0
    while True:
        world.check()
        for state in seen.posted[printed:]:
            health = f"/healthz answers {seen.status}, it holds {seen.held} of {seen.limit}"
            printer.done(f"Alertmanager posts {state}: {health}")
        if len(seen.pids) > pids > 0:
            printer.done(f"checkout-api was restarted: pid {seen.pids[-2]} → {seen.pids[-1]}")
        printed, pids = len(seen.posted), len(seen.pids)
        await asyncio.sleep(CHECK_SECONDS)
