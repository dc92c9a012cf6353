"""Sixty incidents at once, and a Slack that takes one post a second in their channel."""

from __future__ import annotations

import random
from pathlib import Path
from typing import Any

import pytest

from bot.simulator import RateLimits
from tests.helpers.seeds import SEED
from tests.helpers.waiting import until
from tests.scenarios.burst.lab import SEVERITIES, SHOWN, Lab, rank_of

COUNTS = (5, 15, 20, 20)  # of each severity, the most severe first
INCIDENTS = sum(COUNTS)
CRITICAL_WITHIN, ALL_WITHIN = 5.0, 65.0  # simulated seconds
MARGIN = 0.5

PACES = [
    pytest.param({}, id="own-pace"),
    pytest.param({"post_interval_seconds": 0}, id="429-alone"),
]
SEEDS = [
    pytest.param(SEED, id="seed"),
    *(
        pytest.param(SEED + more, id=f"seed+{more}", marks=pytest.mark.chaos)
        for more in range(1, 11)
    ),
]


async def break_out(lab: Lab, seed: int) -> float:
    """Send all sixty alerts at once, in random order; returns the time by Slack's clock."""
    severities = [
        name for name, count in zip(SEVERITIES, COUNTS, strict=True) for _ in range(count)
    ]
    random.Random(seed).shuffle(severities)
    began = lab.time.now()
    for number, severity in enumerate(severities):
        await lab.alert(f"svc-{number:03}", severity=severity)
    return began


@pytest.mark.parametrize("seed", SEEDS)
@pytest.mark.parametrize("notify", PACES)
async def test_each_incident_has_its_card_within_65_seconds_and_a_critical_one_within_5(
    tmp_path: Path, notify: dict[str, Any], seed: int
) -> None:
    async with Lab.open(tmp_path, seed=seed, notify=notify, limits=RateLimits()) as lab:
        await lab.start()
        began = await break_out(lab, seed)
        await until(
            lambda: len(lab.cards()) == INCIDENTS or lab.time.now() > began + ALL_WITHIN,
            ALL_WITHIN + 1,
            "sixty cards",
        )
        cards = [(at - began, rank_of(card)) for at, card in lab.posted("card")]
        assert len(cards) == INCIDENTS, f"{len(cards)} cards after {ALL_WITHIN:g} s"
        critical = [at for at, rank in cards if rank == 0]
        assert len(critical) == COUNTS[0]
        assert max(critical) <= CRITICAL_WITHIN - MARGIN, "the first place was a critical one's"
        assert [rank for _, rank in cards] == sorted(rank for _, rank in cards), "most severe first"
        await lab.wait_until_done(600)
        assert lab.incidents() == (INCIDENTS, INCIDENTS)
        assert lab.repeated() == []


async def test_a_digest_counts_the_incidents_whose_cards_wait(tmp_path: Path) -> None:
    async with Lab.open(tmp_path, seed=SEED, limits=RateLimits()) as lab:
        await lab.start()
        began = await break_out(lab, SEED)
        [(at, digest)] = await until(lambda: lab.posted("storm"), 10, "a digest of what waits")
        assert at - began <= 2 * CRITICAL_WITHIN
        assert f"{INCIDENTS} incidents at once" in digest.text
        await until(lambda: len(lab.cards()) >= INCIDENTS // 2, ALL_WITHIN, "half of the cards")
        await lab.wait_until_done(600)
        [(_, digest)] = lab.posted("storm")  # changed, not posted again
        assert f"Storm over: {INCIDENTS} incidents" in digest.text
        counts = [f"{word} {count}" for word, count in zip(SHOWN, COUNTS, strict=True)]
        assert all(count in digest.text for count in counts), digest.text


async def test_a_few_incidents_at_once_have_no_digest(tmp_path: Path) -> None:
    async with Lab.open(tmp_path, seed=SEED, limits=RateLimits()) as lab:
        await lab.start()
        for number in range(5):
            await lab.alert(f"svc-{number:03}")
        await lab.wait_until_done(120)
        assert len(lab.cards()) == 5
        assert lab.posted("storm") == []
