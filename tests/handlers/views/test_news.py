"""Bad news is a message that mentions the people concerned, and a line on the card."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from bot.approvals.reasons import BlockerKind, Reason, to_text
from bot.incidents.news import News, NewsKind
from handlers.views.card import CardFacts, card
from handlers.views.news import news
from tests.helpers.models import (
    ANA,
    BEN,
    CAT,
    HOSTILE,
    NOW,
    approval,
    assert_slack_takes,
    incident,
    shown,
    vote,
)


def item(kind: NewsKind, **changes: Any) -> News:
    defaults: dict[str, Any] = {
        "id": 7,
        "incident_id": 142,
        "kind": kind,
        "subject": "exec-1",
        "facts": {"title": "Restart checkout-api", "why": "exit 1"},
        "mentions": (ANA, "S0SRE"),
        "at": NOW + timedelta(minutes=3),
    }
    return News(**{**defaults, **changes})


AGAIN = {"resolved_at": NOW.isoformat(), "resolution": "cleared", "fix": "Restart checkout-api"}
FLAPS = {"changes": "4", "window": "1800"}
FLAPPING = (
    "INC-142 is flapping: 4 changes between firing and resolved."
    " It stays open until it is quiet for 30 min"
)
WORSE = {"before": "medium", "after": "critical"}


@pytest.mark.parametrize(
    ("bad", "expected"),
    [
        (
            item(NewsKind.REOPENED, facts=AGAIN),
            "INC-142 fires again, 3 min after it resolved",
        ),
        (
            item(NewsKind.REOPENED, facts=AGAIN | {"resolution": "person"}),
            "INC-142 fires again, 3 min after a person resolved it",
        ),
        (
            item(NewsKind.REOPENED, facts=AGAIN | {"resolution": "stale"}),
            "INC-142 fires again, 3 min after it was closed as stale",
        ),
        (
            item(NewsKind.REOPENED, facts=AGAIN | {"symptom": "INC-150"}),
            (
                "INC-142 is open again, 3 min after it resolved:"
                " INC-150 is another symptom of its service"
            ),
        ),
        (
            item(NewsKind.FLAPPING, facts=FLAPS),
            FLAPPING,
        ),
        (item(NewsKind.WORSE, facts=WORSE), "INC-142 got worse: medium → critical"),
        (
            item(NewsKind.CRITICAL_PART, facts={"part": "INC-150", "title": "db is down"}),
            "INC-150 is a child of INC-142 now, and critical: db is down",
        ),
        (item(NewsKind.NOT_HELPED), "Restart checkout-api did not help"),
        (item(NewsKind.FAILED), "Restart checkout-api failed"),
        (item(NewsKind.UNKNOWN), "Restart checkout-api: outcome unknown"),
        (item(NewsKind.EXPIRED), "Restart checkout-api: the approval expired"),
        (item(NewsKind.REVOKED), "Restart checkout-api: the approval was revoked"),
        (item(NewsKind.UNANSWERED, facts={}), "Nobody has acknowledged INC-142"),
        (
            item(NewsKind.STALE, subject=(NOW - timedelta(hours=24)).isoformat(), facts={}),
            "No alert of INC-142 for 1 d. Is it still going on?",
        ),
    ],
    ids=lambda value: value.kind if isinstance(value, News) else "",
)
def test_each_announcement_says_what_happened_and_mentions_whom_it_concerns(
    bad: News, expected: str
) -> None:
    text, blocks = news(bad, incident())
    assert f"*{expected}*" in shown(blocks)
    assert f"<@{ANA}>, <!subteam^S0SRE>" in shown(blocks)
    assert expected in text
    assert f"<@{ANA}>" in text, "a notification shows the fallback text"
    assert "INC-142" in text
    assert_slack_takes(text, blocks)
    _, on_card = card(incident(), CardFacts(bad_news=[bad]))
    assert expected in shown(on_card), "the card says so too"


def test_news_that_concern_nobody_by_name_mention_nobody() -> None:
    text, blocks = news(item(NewsKind.FAILED, mentions=()), incident())
    assert "<@" not in text + shown(blocks)
    assert "nobody" not in text + shown(blocks)


def test_the_card_names_what_waits_for_approval_and_who_can_give_it() -> None:
    waiting = approval(needed=1, approvers=(ANA, BEN, CAT), votes=())
    text, blocks = card(incident(), CardFacts(waiting=[waiting]))
    line = f"🔐 approval waiting: Restart checkout-api (needs 1 approval: <@{ANA}>, <@{BEN}>)"
    assert line in shown(blocks)
    assert_slack_takes(text, blocks)
    two = approval(needed=2, votes=(vote(ANA),))
    assert "(needs 1 more approval: " in shown(card(incident(), CardFacts(waiting=[two]))[1])
    nobody = approval(approvers=())
    assert "policy.yaml names no approvers" in shown(
        card(incident(), CardFacts(waiting=[nobody]))[1]
    )


def test_the_card_counts_the_changes_of_now() -> None:
    _, blocks = card(
        incident(flapping_changes=9), CardFacts(bad_news=[item(NewsKind.FLAPPING, facts=FLAPS)])
    )
    assert "INC-142 is flapping: 9 changes" in shown(blocks)


def test_the_card_says_that_a_flapping_incident_does_not_fire_now_and_since_when() -> None:
    flapping = item(NewsKind.FLAPPING, facts=FLAPS)
    _, blocks = card(incident(flapping_changes=4, firing=0), CardFacts(bad_news=[flapping]))
    assert f"{FLAPPING} · nothing fires now · <!date^" in shown(blocks)
    _, blocks = card(incident(flapping_changes=5, firing=1), CardFacts(bad_news=[flapping]))
    assert "nothing fires" not in shown(blocks)


def test_the_thread_names_the_fix_that_did_not_last() -> None:
    text = shown(news(item(NewsKind.REOPENED, facts=AGAIN), incident())[1])
    assert "Restart checkout-api was verified to have helped, but it did not last." in text
    without = shown(news(item(NewsKind.REOPENED, facts=AGAIN | {"fix": ""}), incident())[1])
    assert "did not last" not in without


@pytest.mark.attack("ASI09")
@pytest.mark.parametrize("text", HOSTILE, ids=range(len(HOSTILE)))
@pytest.mark.parametrize("kind", [kind for kind in NewsKind if kind is not NewsKind.WORSE])
def test_hostile_text_in_bad_news_is_shown_and_never_obeyed(kind: NewsKind, text: str) -> None:
    bad = item(
        kind,
        subject=NOW.isoformat(),
        facts=AGAIN | FLAPS | {"title": text, "why": text, "fix": text},
    )
    assert_slack_takes(*news(bad, incident(title=text)))
    assert_slack_takes(*card(incident(title=text), CardFacts(bad_news=[bad, bad, bad])))


def test_the_reason_of_a_revocation_is_a_sentence_for_old_rows_too() -> None:
    reason = to_text(Reason(kind=BlockerKind.SOP_EDITED, subject="sop_web"))
    for facts in ({"reason": reason}, {"why": "the SOP sop_web was edited"}):
        revoked = item(NewsKind.REVOKED, facts={"title": "Restart web"} | facts)
        assert "the SOP sop_web was edited" in shown(news(revoked, incident())[1])
