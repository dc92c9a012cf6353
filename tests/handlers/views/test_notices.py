"""The bot's own notices; a title in them stays text."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

from bot.incidents.notices import Burst, Notice
from handlers.views import notices

NOW = datetime(2026, 11, 21, 3, 4, 5, tzinfo=UTC)


def storm(**changes: Any) -> str:
    defaults: dict[str, Any] = {
        "began_at": NOW,
        "ended_at": None,
        "severities": {"critical": 3, "low": 12},
        "hidden": 9,
        "resolved": 2,
        "most_severe": ((7, "critical", "checkout is down"), (8, "low", "disk at 80 %")),
    }
    text, blocks = notices.burst_digest(Burst(**{**defaults, **changes}), 20)
    return f"{text}\n{blocks}"


def test_a_burst_notice_gives_the_count_the_severities_and_the_cards_to_come() -> None:
    digest = storm()
    assert "15 incidents at once" in digest
    assert "CRITICAL 3" in digest
    assert "LOW 12" in digest
    assert "9 cards still to post" in digest
    assert "2 resolved" in digest
    assert "`INC-7` checkout is down" in digest
    assert "and 11 more" in digest, "13 are not resolved, two are named"


def test_a_finished_burst_notice_does_not_claim_cards_that_were_not_posted() -> None:
    over = {"ended_at": NOW + timedelta(seconds=90)}
    assert "every card is posted" in storm(hidden=0, **over)
    digest = storm(hidden=2, **over)
    assert "every card is posted" not in digest
    assert "2 cards that this channel did not take" in digest


def test_a_title_that_is_markup_stays_text() -> None:
    digest = storm(most_severe=((7, "critical", "<!channel> <https://evil.example|click>"),))
    assert "<!channel>" not in digest
    assert "<https://" not in digest


def test_overdue_work_is_named_and_its_end_is_announced() -> None:
    notice = Notice(1, "stuck", "C1", [["open incidents", 7, ["INC-1", "INC-2"]]], NOW, None)
    text, blocks = notices.overdue_work(notice)
    assert "7 open incidents" in text
    assert "`INC-1`, `INC-2` …" in str(blocks)
    text, _ = notices.overdue_work(Notice(1, "stuck", "C1", [], NOW, NOW))
    assert "Nothing is stuck any more" in text


def test_a_freeze_says_who_and_why_and_who_unfroze() -> None:
    body = {"by": "U0ANA00001", "why": "<!channel> deploy", "lifted_by": ""}
    text, _ = notices.frozen(Notice(1, "frozen", "C1", body, NOW, None))
    assert "Frozen by <@U0ANA00001>" in text
    assert "deploy" in text
    assert "<!channel>" not in text
    lifted = body | {"lifted_by": "U0BEN00001"}
    text, _ = notices.frozen(Notice(1, "frozen", "C1", lifted, NOW, NOW + timedelta(seconds=60)))
    assert "Unfrozen by <@U0BEN00001>" in text
