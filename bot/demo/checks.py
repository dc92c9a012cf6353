"""What must be true at the end: in the local Slack, in the bot's own record, and in the world."""

import re
from typing import Any

import aiohttp

from bot.demo.errors import DemoFailedError
from bot.demo.service import STARTED
from bot.demo.story import Story
from handlers.outbound.metadata import kind_of

_TRACKING = re.compile(r"req-\d{8}-\d{6}-[0-9a-f]{8}")


async def check(story: Story) -> None:
    """DemoFailedError for the first thing that is not as it must be."""
    seen = story.world.monitor.seen
    card, approval = story.card(), story.reply("approval")
    assert card is not None  # noqa: S101 - the story has seen both
    assert approval is not None  # noqa: S101
    _same("cards in the channel", len(story.cards()), 1)
    # The service's own log: two quick restarts could look like one from outside.
    starts = story.world.service_log.read_text("utf-8").count(STARTED)
    _same("starts of the service", starts, 2)
    _same("processes that answered for the service", len(seen.pids), 2)
    _same("health check", seen.status, 200)
    _same("what Alertmanager posted", seen.posted, ["FIRING", "RESOLVED"])
    _same("buttons on the approval card", approval.buttons, [])
    for kind in ("advice", "approval", "result", "resolved"):
        found = [one for one in story.thread() if kind_of(one.metadata.get("event_type")) == kind]
        _same(f"messages of kind {kind} in the thread", len(found), 1)
    await _record(story, card.text)


async def _record(story: Story, card: str) -> None:
    found = _TRACKING.search(card)
    if found is None:
        raise DemoFailedError("the card shows no tracking id")
    url = f"{story.world.bot_url}/api/v3/trace/{found[0]}"
    try:
        async with story.world.session.get(url) as answer:
            _same(f"GET {url}", answer.status, 200)
            trace: dict[str, Any] = await answer.json()
    except (aiohttp.ClientError, TimeoutError) as error:
        raise DemoFailedError(f"GET {url}: {type(error).__name__}") from error
    incident = trace["incident"]
    _same("the incident's status in the trace", incident["status"], "resolved")
    if not incident["fixed_by"]:
        raise DemoFailedError("the trace does not say what fixed the incident: it is not verified")


def _same(what: str, found: object, wanted: object) -> None:
    if found != wanted:
        raise DemoFailedError(f"{what}: {found!r} instead of {wanted!r}")
