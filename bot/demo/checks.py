"""Checks the final state: in the local Slack, in the bot's own trace, and at the service."""

import re
from typing import Any

import aiohttp

from bot.demo.errors import DemoFailedError
from bot.demo.scenario import Scenario
from bot.demo.service import STARTED
from handlers.outbound.metadata import kind_of

_TRACKING = re.compile(r"req-\d{8}-\d{6}-[0-9a-f]{8}")


async def check(scenario: Scenario) -> None:
    """Raise DemoFailedError for the first wrong value."""
    seen = scenario.world.monitor.seen
    card, approval = scenario.card(), scenario.reply("approval")
    assert card is not None  # noqa: S101 - the scenario has seen both
    assert approval is not None  # noqa: S101 - the scenario has seen it
    _same("cards in the channel", len(scenario.cards()), 1)
    # The service's own log: from outside, two quick restarts could look like one.
    starts = scenario.world.service_log.read_text("utf-8").count(STARTED)
    _same("starts of the service", starts, 2)
    _same("processes that answered for the service", len(seen.pids), 2)
    _same("health check", seen.status, 200)
    _same("what Alertmanager posted", seen.posted, ["FIRING", "RESOLVED"])
    _same("buttons on the approval card", approval.buttons, [])
    for kind in ("advice", "approval", "result", "resolved"):
        replies = [
            reply
            for reply in scenario.thread()
            if kind_of(reply.metadata.get("event_type")) == kind
        ]
        _same(f"messages of kind {kind} in the thread", len(replies), 1)
    await _record(scenario, card.text)


async def _record(scenario: Scenario, card: str) -> None:
    match = _TRACKING.search(card)
    if match is None:
        raise DemoFailedError("the card shows no tracking id")
    url = f"{scenario.world.bot_url}/api/v3/trace/{match[0]}"
    try:
        async with scenario.world.session.get(url) as answer:
            _same(f"GET {url}", answer.status, 200)
            trace: dict[str, Any] = await answer.json()
    except (aiohttp.ClientError, TimeoutError) as error:
        raise DemoFailedError(f"GET {url}: {type(error).__name__}") from error
    incident = trace["incident"]
    _same("the incident's status in the trace", incident["status"], "resolved")
    if not incident["fixed_by"]:
        raise DemoFailedError("the trace does not say what fixed the incident: it is not verified")


def _same(what: str, actual: object, expected: object) -> None:
    if actual != expected:
        raise DemoFailedError(f"{what}: {actual!r} instead of {expected!r}")
