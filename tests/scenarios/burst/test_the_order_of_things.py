"""During outages too: people first, the most severe first, and no false notice."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import timedelta
from pathlib import Path

import pytest

from bot.simulator import RateLimits
from tests.helpers.seeds import SEED
from tests.helpers.waiting import until
from tests.scenarios.burst.lab import Lab, webhook_alert
from tests.scenarios.world import ALERTS, kind

OPS = "C0OPS00001"
MANY = 60


@asynccontextmanager
async def repeats(lab: Lab, severity: str) -> AsyncIterator[None]:
    """Many incidents whose alerts repeat every ten seconds, more than Slack takes changes."""
    bot = await lab.start()

    async def repeat() -> None:
        for turn in range(10_000):
            alerts = [webhook_alert(f"web-{n:03}", severity, f"i-{n}-{turn}") for n in range(MANY)]
            await lab.webhook(bot, alerts)
            await asyncio.sleep(10)

    repeating = asyncio.create_task(repeat())
    await until(lambda: len(lab.cards()) == MANY, 120, "a card for each")
    await asyncio.sleep(60)
    yield
    repeating.cancel()


@pytest.mark.parametrize("severity", ["critical", "info"])
@pytest.mark.parametrize(
    ("button", "says"), [("Acknowledge", "acknowledged"), ("Resolve", "RESOLVED")]
)
async def test_a_press_is_shown_at_once_among_a_thousand_updates(
    tmp_path: Path, severity: str, button: str, says: str
) -> None:
    limits = RateLimits()
    async with Lab.open(tmp_path, seed=SEED, limits=limits) as lab, repeats(lab, severity):
        last = lab.cards()[-1]
        await lab.slack.as_user("ana").press(last, button)

        def shown() -> bool:
            return any(says in str(m.data) for m in lab.cards() if m.ts == last.ts)

        await until(shown, 5, f"{says} on its card")


async def test_a_new_critical_card_does_not_wait_for_replies_in_threads(tmp_path: Path) -> None:
    async with Lab.open(tmp_path, seed=SEED, limits=RateLimits()) as lab:
        bot = await lab.start()
        await lab.webhook(bot, [webhook_alert(f"web-{n:03}", "critical") for n in range(MANY)])
        await asyncio.sleep(MANY + 10)
        assert len(lab.cards()) == MANY
        at = lab.time.now()
        await lab.webhook(bot, [webhook_alert("new", "critical")])
        await until(lambda: len(lab.cards()) == MANY + 1, 60, "its card")
        assert lab.posted()[-1][0] - at <= 5


async def test_a_lone_critical_card_is_posted_soon_after_slack_is_back(tmp_path: Path) -> None:
    async with Lab.open(tmp_path, seed=SEED) as lab:
        bot = await lab.start()
        await lab.slack.go_away()
        await lab.webhook(bot, [webhook_alert("web", "critical")])
        await asyncio.sleep(600)
        await lab.slack.come_back()
        await until(lab.cards, 16, "its card")


async def test_an_incident_whose_channel_refuses_posts_has_its_thread_in_the_ops_channel(
    tmp_path: Path,
) -> None:
    async with Lab.open(tmp_path, seed=SEED) as lab:
        await lab.start(SLACK_OPS_CHANNEL=OPS)
        archived = lab.slack.script.fail("chat.*", "is_archived", times=None, channel=ALERTS)
        await lab.alert("web")

        def there() -> str:
            return " ".join(m.text for m in lab.shown(OPS) if kind(m) == "undelivered")

        await until(lambda: "CRITICAL" in there() and "Advice" in there(), 60, "card and advice")
        lab.slack.script.cancel(archived)
        await until(lab.cards, 900, "its card in its own channel")
        await until(lambda: "CRITICAL" not in there(), 60, "the copy says where it is now")
        assert "is shown in" in there()


async def test_a_burst_in_a_channel_that_refuses_posts_is_reported_once_and_ends(
    tmp_path: Path,
) -> None:
    async with Lab.open(tmp_path, seed=SEED) as lab:
        bot = await lab.start(SLACK_OPS_CHANNEL=OPS)
        lab.slack.script.fail("chat.*", "is_archived", times=None, channel=ALERTS)
        alerts = [webhook_alert(f"web-{n:03}", "critical") for n in range(12)]
        await lab.webhook(bot, alerts)
        await asyncio.sleep(60)
        over = {"status": "resolved", "endsAt": "2026-11-25T20:00:00Z"}
        await lab.webhook(bot, [item | over for item in alerts])
        await asyncio.sleep(2000)  # three times given up and tried again
        assert sum("torm" in m.text for m in lab.shown(OPS)) <= 1
        assert bot.health.ready, bot.health.report()


async def test_a_lookup_that_reaches_slacks_limit_continues_where_it_stopped(
    tmp_path: Path,
) -> None:
    async with Lab.open(
        tmp_path, seed=SEED, limits=RateLimits(tiers={"conversations.history": 2})
    ) as lab:
        bot = await lab.start(SLACK_OPS_CHANNEL=OPS)
        refused = lab.slack.script.fail("chat.*", "not_in_channel", times=None, channel=ALERTS)
        await lab.webhook(bot, [webhook_alert("web", "critical")])
        await asyncio.sleep(30)
        where = lab.slack.core.workspace.channel(ALERTS)
        for _ in range(1_600):  # four pages
            await lab.slack.post_as_app("Chat", where.id, "chat")
        await lab.stop()
        lab.slack.script.cancel(refused)
        await lab.start(SLACK_OPS_CHANNEL=OPS)  # whatever waits may have been posted
        await until(lab.cards, 1800, "its card")


async def test_a_clock_set_back_by_an_hour_stops_no_channel(tmp_path: Path) -> None:
    async with Lab.open(tmp_path, seed=SEED) as lab:
        bot = await lab.start()
        await asyncio.sleep(60)
        lab.slack.script.fail("chat.postMessage", "internal_error")
        await lab.alert("svc-001")
        await asyncio.sleep(0.2)
        lab.time.set_back(timedelta(hours=1))
        await lab.webhook(bot, [webhook_alert("new", "critical")])
        await until(lambda: len(lab.cards()) == 2, 120, "both cards")
