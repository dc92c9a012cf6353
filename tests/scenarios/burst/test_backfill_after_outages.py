"""The backfill finds alerts, edits and replies that Slack did not deliver for hours."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from bot.app import Bot
from bot.settings import load
from bot.simulator import Message
from tests.helpers.seeds import SEED
from tests.helpers.waiting import until
from tests.scenarios.burst.lab import Lab
from tests.scenarios.world import ALERTS, alertmanager

OLD = 660  # simulated seconds: older than what is read again by the way
SOON = 600  # after all is well again


def clear() -> dict[str, object]:
    return alertmanager("web", "HealthCheckFailing", "critical", "RESOLVED")


async def edited(lab: Lab, message: Message) -> None:
    await lab.slack.edit_as_app(message, attachments=[clear()])


async def answered(lab: Lab, message: Message) -> None:
    await lab.slack.post_as_app("Alertmanager", ALERTS, thread_ts=message.ts, attachments=[clear()])


@asynccontextmanager
async def withheld(lab: Lab) -> AsyncIterator[None]:
    """Slack withholds events, as it does over 30,000 an hour."""
    lab.slack.withholds_events = True
    yield
    lab.slack.withholds_events = False
    lab.slack.send_app_rate_limited()


@asynccontextmanager
async def a_quarter_of_an_hour_without_a_link(lab: Lab) -> AsyncIterator[None]:
    """No connection is open, and the history is read every five minutes."""
    refusal = lab.slack.script.refuse_sockets(503, times=None)
    lab.slack.drop_connections()
    await asyncio.sleep(60)
    yield
    await asyncio.sleep(900)
    lab.slack.script.cancel(refusal)


@asynccontextmanager
async def a_link_lost_while_history_is_read(lab: Lab) -> AsyncIterator[None]:
    lab.slack.script.slow("conversations.history", 20)
    await lab.running._backfill.periodic()
    await asyncio.sleep(7)
    lab.slack.script.lose_envelopes("events_api", times=4)
    yield
    lab.slack.drop_connections()


def other(*case: object) -> Any:
    """Return the gap with the other kind of resolve, which `make chaos` runs."""
    return pytest.param(*case, marks=pytest.mark.chaos)


@pytest.mark.parametrize(
    ("gap", "resolves"),
    [
        (withheld, edited),
        other(withheld, answered),
        (a_quarter_of_an_hour_without_a_link, answered),
        other(a_quarter_of_an_hour_without_a_link, edited),
        (a_link_lost_while_history_is_read, edited),
        other(a_link_lost_while_history_is_read, answered),
    ],
)
async def test_a_resolve_in_an_old_message_or_its_thread_is_found(
    tmp_path: Path,
    gap: Callable[[Lab], AsyncIterator[None]],
    resolves: Callable[[Lab, Message], Awaitable[None]],
) -> None:
    async with Lab.open(tmp_path, seed=SEED) as lab:
        await lab.start()
        message = await lab.alert("web")
        await until(lab.cards, 10, "the card")
        await asyncio.sleep(OLD)
        async with gap(lab):  # type: ignore[attr-defined]
            await resolves(lab, message)
        await until(lambda: "RESOLVED" in lab.cards()[0].text, SOON, "its card says so")


async def test_after_more_than_a_day_away_no_alert_is_missed(tmp_path: Path) -> None:
    async with Lab.open(tmp_path, seed=SEED) as lab:
        await lab.start()
        await lab.alert("before")
        await until(lab.cards, 10, "the card")
        await lab.stop()
        await lab.alert("svc-001")
        await asyncio.sleep(25 * 3600)
        await lab.alert("svc-002")
        await asyncio.sleep(600)
        await lab.start()
        await until(lambda: len(lab.cards()) == 3, 120, "the cards of both")


async def test_a_clock_ahead_of_slack_misses_no_alert(tmp_path: Path) -> None:
    async with Lab.open(tmp_path, seed=SEED) as lab:
        ahead = timedelta(minutes=7)
        settings = load(lab.settings(), lab.folder / "no.env")
        await lab.bots.enter_async_context(Bot(settings, clock=lambda: lab.time.wall() + ahead))
        await asyncio.sleep(600)
        async with a_quarter_of_an_hour_without_a_link(lab):
            await lab.alert("svc-001")
        await until(lab.cards, SOON, "its card")
