"""One sender opens incidents without end: others still get their cards, and nothing is lost."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from bot.simulator import RateLimits
from tests.helpers.seeds import SEED
from tests.helpers.waiting import until
from tests.scenarios.burst.lab import Lab, event, webhook_alert
from tests.scenarios.world import ALERTS

FLOOD = 150
CAP = 5  # new incidents a minute until a sender yields

pytestmark = pytest.mark.attack("ASI08")


async def flood(lab: Lab) -> None:
    """Post critical alerts by HTTP, and wait for ten seconds of their cards."""
    bot = await lab.start()
    alerts = [webhook_alert(f"flood-{number:03}", "critical") for number in range(FLOOD)]
    await lab.webhook(bot, alerts)
    await asyncio.sleep(10)


def send_alert(lab: Lab, severity: str) -> None:
    """Send an alert of another sender, by Slack."""
    ts = lab.slack.core.workspace.next_ts()
    lab.slack.send_event(event(ALERTS, ts, "honest", "Down", severity, "FIRING"))


def shown(lab: Lab) -> bool:
    return any("honest" in card.text for card in lab.cards())


@pytest.mark.parametrize("severity", ["critical", "info"])
async def test_the_card_of_another_sender_does_not_wait_behind_it(
    tmp_path: Path, severity: str
) -> None:
    notify = {"sender_incidents_per_minute": CAP}
    async with Lab.open(tmp_path, seed=SEED, notify=notify, limits=RateLimits()) as lab:
        await flood(lab)
        send_alert(lab, severity)
        await until(lambda: shown(lab), 4, "the card of the other sender")
        assert lab.incidents()[0] == FLOOD + 1, "nothing is refused"


async def test_the_digest_comes_first_and_says_who_it_is(tmp_path: Path) -> None:
    notify = {"sender_incidents_per_minute": CAP}
    async with Lab.open(tmp_path, seed=SEED, notify=notify, limits=RateLimits()) as lab:
        await flood(lab)
        [(at, digest)] = lab.posted("storm")
        assert at < lab.posted("card")[6][0], "behind the first five, and not behind all"
        assert "http:alertmanager sent 150 incidents" in digest.text.replace("`", "")
        await until(lambda: len(lab.cards()) == FLOOD, 200, "each has its card all the same")


async def test_a_freeze_is_announced_at_once_during_the_flood(tmp_path: Path) -> None:
    async with Lab.open(tmp_path, seed=SEED, limits=RateLimits()) as lab:
        await flood(lab)
        await lab.slack.as_user("ben").command("/incident freeze on flood")
        await until(lambda: lab.posted("frozen"), 4, "the freeze")
