"""The digest and the review: within Slack's limits, readable, strangers' texts harmless."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest

from bot.approvals.model import Freeze
from bot.incidents.digests import (
    Day,
    DigestFacts,
    DigestKind,
    DueDigest,
    Frequent,
    Review,
    SopResult,
    Unmatched,
)
from bot.incidents.home import HomeFacts, ListedIncidents
from bot.incidents.model import Severity
from bot.incidents.stats import IncidentStats, PeriodStats
from handlers.views.digest import digest_message
from handlers.views.review import review_message
from tests.helpers.models import (
    HOSTILE,
    NOW,
    acknowledged,
    assert_slack_takes,
    incident,
    resolved,
    shown,
)

DUE = DueDigest("morning", DigestKind.DIGEST, "C1", "", NOW, NOW - timedelta(hours=12))
EMPTY = IncidentStats({}, 0, 0, PeriodStats())
TEXTS = ["CPU at 93 %", "x" * 30_000, "测试 🔥 ", "", *HOSTILE]


def facts(text: str) -> DigestFacts:
    home = HomeFacts(
        mine=ListedIncidents([replace(acknowledged(title=text), id=n) for n in range(1, 9)], 40),
        others=[incident(id=n, title=text) for n in range(20, 28)],
        muted=ListedIncidents([], 4),
        resolved=ListedIncidents([replace(resolved(title=text), id=50)] * 8, 900),
        severities=dict.fromkeys(Severity, 2500),
        opened=1000,
        places={20: ("C1", "17.20")},
    )
    return DigestFacts(home, [(20, text)] * 5, 12, 3)


@pytest.mark.parametrize("text", TEXTS)
def test_a_full_digest_is_within_slacks_limits(text: str) -> None:
    assert_slack_takes(*digest_message(DUE, facts(text), Freeze("U0ANA", NOW, text)))


def test_a_digest_says_what_is_open_what_waits_and_what_happened() -> None:
    head, blocks = digest_message(DUE, facts("Checkout is down"), None)
    assert head == "Digest morning: 10,000 open incidents"
    text = shown(blocks)
    for part in (
        "<https://slack.com/archives/C1/p1720|INC-20> Checkout is down",
        "… and 32 more",
        "… and 9,952 more",
        "awaiting approval",
        "… and 7 more approvals",
        "3 critical or high incidents are not acknowledged",
        "*Last 12 h*: 1,000 incidents opened, 900 resolved",
        "4 incidents muted.",
    ):
        assert part in text, part


def review(text: str) -> Review:
    return Review(
        frequent=[Frequent(text, text, 4_000, 12)] * 5,
        sops=[SopResult("sop_web", 4, 1), SopResult("sop_gone", 1, 0)],
        without_sop=[Unmatched(text, 3)] * 5,
        without_sop_total=40,
        days=[Day(f"2026-11-{n:02d}", n * 7, 60.0 * n if n % 2 else None) for n in range(1, 31)],
    )


@pytest.mark.parametrize("text", TEXTS)
def test_a_full_review_is_within_slacks_limits(text: str) -> None:
    due = replace(DUE, kind=DigestKind.REVIEW, since=NOW - timedelta(days=7))
    assert_slack_takes(*review_message(due, review(text), EMPTY, lambda _: text))


def test_a_review_names_noisy_alerts_sops_that_help_little_and_draws_the_days() -> None:
    due = replace(DUE, name="weekly", kind=DigestKind.REVIEW, since=NOW - timedelta(days=7))
    titles = {"sop_web": "Web is down"}
    head, blocks = review_message(due, review("HighCpu"), EMPTY, lambda sop: titles.get(sop, ""))
    assert head == "Review weekly: 0 incidents, 7 days"
    text = shown(blocks)
    assert "HighCpu · HighCpu: sent 4,000×, 12 incidents" in text
    assert "`sop_web` Web is down: ran 4×, verified 1× (25 %)" in text
    assert "Without an SOP (40 incidents)" in text
    assert f"11-30 {'#' * 20}   210" in text
    assert "11-15 ##########             105   15 min" in text
