"""Blockers and reasons are sentences on the card, in the reader's own time zone."""

from __future__ import annotations

import re
from datetime import timedelta

import pytest

from bot.approvals.blockers import Blocker
from bot.approvals.reasons import (
    BlockerKind,
    EndKind,
    LostVote,
    Reason,
    VoteProblem,
    from_text,
)
from bot.incidents.remediation import RemediationStatus
from handlers.views.approval import approval_card as view
from handlers.views.text import clock
from tests.helpers.models import (
    ANA,
    BEN,
    HOSTILE,
    NOW,
    approval,
    assert_slack_takes,
    buttons,
    shown,
)


def test_a_freeze_is_on_the_card_with_its_author_and_reason() -> None:
    freeze = Blocker(kind=BlockerKind.FROZEN, user=ANA, since=NOW, reason="<!channel> a move")
    text, blocks = view(approval(), blocker=freeze)
    assert f"Frozen by <@{ANA}>, <!date^" in shown(blocks)
    assert "&lt;!channel&gt; a move" in shown(blocks)
    assert_slack_takes(text, blocks)


BLOCKERS = [
    Blocker(kind=kind, subject="ledger", user=ANA, incident_id=7, since=NOW, count=3, until=until)
    for kind in BlockerKind
    if kind is not BlockerKind.FROZEN
    for until in (None, NOW + timedelta(minutes=1), NOW + timedelta(days=1))
]


@pytest.mark.parametrize("blocker", BLOCKERS)
def test_while_no_press_can_succeed_there_is_no_approve_and_the_card_says_until_when(
    blocker: Blocker,
) -> None:
    text, blocks = view(approval(), blocker=blocker)
    assert buttons(blocks) == ["Reject", "Dry run", "Edit"]
    assert "*Nobody can approve this now:* " in shown(blocks)
    until = blocker.until
    expected = {
        None: "",
        NOW + timedelta(minutes=1): "It can be approved from <!date^",
        NOW + timedelta(days=1): "after this approval expires: propose it again then.",
    }
    assert expected[until] in shown(blocks)
    assert_slack_takes(text, blocks)


@pytest.mark.parametrize("blocker", BLOCKERS)
def test_every_time_on_a_card_that_cannot_be_approved_is_in_the_readers_own_zone(
    blocker: Blocker,
) -> None:
    assert not re.search(r"\d\d:\d\d:\d\d UTC", shown(view(approval(), blocker=blocker)[1]))


def test_a_cool_down_says_since_when_and_until_when_and_a_targets_name_stays_text() -> None:
    until = NOW + timedelta(minutes=1)
    cooling = Blocker(kind=BlockerKind.COOLDOWN, subject="<!here>", since=NOW, until=until)
    _, blocks = view(approval(), blocker=cooling)
    assert f"was acted on {clock(NOW)}; next action {clock(until)}." in shown(blocks)
    assert "<!here>" not in shown(blocks)


@pytest.mark.parametrize(
    ("reason", "expected"),
    [
        ("@U0BEN changed a value", "<@U0BEN> changed a value"),
        ("Slack did not say who is in @S0SRE", "Slack did not say who is in <!subteam^S0SRE>"),
        ("frozen (ask @SRE)", "frozen (ask @SRE)"),
    ],
)
def test_a_person_or_a_group_in_the_reason_of_a_revocation_is_shown_by_name(
    reason: str, expected: str
) -> None:
    remediation = approval(state=RemediationStatus.REVOKED, reason=from_text(reason))
    assert f"Why: {expected}" in shown(view(remediation)[1])


@pytest.mark.parametrize(
    ("reason", "expected"),
    [
        (Reason(kind=EndKind.EDITED, user=BEN), f"<@{BEN}> changed a value. The new card is below"),
        (
            Reason(kind=BlockerKind.FROZEN, user=ANA, reason="a <move>"),
            f"everything is frozen by <@{ANA}> (a &lt;move&gt;). An approver unblocks it",
        ),
        (
            Reason(
                kind=BlockerKind.VOTE_LOST,
                lost_vote=LostVote(VoteProblem.GROUP_UNREAD, ("S0SRE",), ANA),
            ),
            "Slack did not say who is in <!subteam^S0SRE>",
        ),
    ],
)
def test_the_card_words_a_reason_from_its_code_and_facts(reason: Reason, expected: str) -> None:
    remediation = approval(state=RemediationStatus.REVOKED, reason=reason)
    text = shown(view(remediation)[1])
    assert "Why: " in text
    assert expected in text


@pytest.mark.attack("ASI09")
@pytest.mark.parametrize("kind", [*BlockerKind, *list(EndKind)[:-1]])
@pytest.mark.parametrize("text", HOSTILE)
def test_no_fact_of_a_reason_formats_text_or_mentions_anyone(
    kind: BlockerKind | EndKind, text: str
) -> None:
    vote_problem = LostVote(VoteProblem.GROUP_UNREAD, (text,), text)
    reason = Reason(kind=kind, user=text, subject=text, reason=text, lost_vote=vote_problem)
    remediation = approval(state=RemediationStatus.REVOKED, reason=reason)
    fallback, blocks = view(remediation)
    assert_slack_takes(fallback, blocks)
    assert "<!channel>" not in shown(blocks)
    assert "<@U0EVE>" not in shown(blocks)
