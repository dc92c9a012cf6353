"""Reasons are stored as a code and facts; sentences are made where they are shown."""

from __future__ import annotations

import json
from dataclasses import fields, replace
from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.approvals import reason_text
from bot.approvals.blockers import Blocker
from bot.approvals.mentions import mention
from bot.approvals.reasons import (
    BlockerKind,
    EndKind,
    LostVote,
    Reason,
    VoteProblem,
    from_text,
    sent_before,
    to_text,
)

NOW = datetime(2026, 11, 21, 3, 4, 5, 6, tzinfo=UTC)
KINDS = [*BlockerKind, *(kind for kind in EndKind if kind is not EndKind.WRITTEN)]
FULL: dict[str, Any] = {
    "until": NOW,
    "subject": "web",
    "user": "U0ANA",
    "reason": "a move",
    "incident_id": 7,
    "since": NOW,
    "count": 3,
    "lost_vote": LostVote(VoteProblem.GROUP_UNREAD, ("S0SRE",), "U0BEN"),
    "was_sent": True,
}


@pytest.mark.parametrize("kind", KINDS)
def test_a_reason_is_read_as_it_was_stored(kind: BlockerKind | EndKind) -> None:
    assert set(FULL) == {field.name for field in fields(Reason)} - {"kind"}
    for reason in (Reason(kind=kind), Reason(kind=kind, **FULL)):
        assert from_text(to_text(reason)) == reason
    assert json.loads(to_text(Reason(kind=kind))) == {"code": str(kind)}


def test_a_blocker_that_ends_an_approval_is_stored_as_its_reason() -> None:
    blocker = Blocker(kind=BlockerKind.FROZEN, user="U0ANA")
    assert from_text(to_text(blocker)) == Reason(kind=BlockerKind.FROZEN, user="U0ANA")


@given(st.text(alphabet=st.characters(exclude_categories=())))
def test_a_fact_that_people_wrote_is_stored_as_it_is_and_no_database_chokes_on_it(
    text: str,
) -> None:
    reason = Reason(kind=BlockerKind.FROZEN, reason=text)
    stored = to_text(reason)
    assert stored.isascii()
    assert "\0" not in stored
    assert from_text(stored) == reason


@pytest.mark.parametrize(
    "sentence",
    [
        "the incident resolved",
        "@U0BEN changed a value. The new card is below",
        "[1]",
        "7",
        "null",
        "{}",
        '{"code":"of a newer version"}',
        '{"code":"frozen","facts":"of a newer version"}',
        '{"code":"vote lost","lost_vote":"no"}',
        '{"code":"frozen","user":7}',
    ],
)
def test_a_sentence_of_an_older_version_is_shown_as_it_is(sentence: str) -> None:
    reason = from_text(sentence)
    assert reason == Reason(kind=EndKind.WRITTEN, reason=sentence)
    assert reason_text.sentence(reason) == sentence
    assert to_text(reason) == sentence


def test_no_reason_is_no_text() -> None:
    assert from_text("") is None
    assert to_text(None) == reason_text.sentence(None) == ""


@pytest.mark.parametrize("kind", KINDS)
def test_every_kind_has_a_sentence_in_which_no_placeholder_is_left(
    kind: BlockerKind | EndKind,
) -> None:
    text = reason_text.sentence(Reason(kind=kind, **FULL), mention)
    assert text.startswith("sent before it was revoked: ")
    assert not {"{", "}"} & set(text)
    assert "@U0ANA" not in text.replace("<@U0ANA>", "")


def test_a_revocation_that_came_too_late_says_so_in_new_and_old_rows() -> None:
    plan = Reason(kind=BlockerKind.PLAN_CHANGED)
    late = "sent before it was revoked: the gateway's plan has changed since it was shown"
    assert reason_text.sentence(sent_before(plan)) == late
    old = Reason(kind=EndKind.WRITTEN, reason="the plan drifted")
    assert to_text(sent_before(old)) == "sent before it was revoked: the plan drifted"
    assert to_text(sent_before(None)) == "sent before it was revoked: "


@pytest.mark.parametrize("problem", VoteProblem)
def test_why_a_vote_does_not_count_is_said_to_you_and_of_others(problem: VoteProblem) -> None:
    vote = LostVote(problem, ("S0SRE",), "U0ANA")
    to_others = reason_text.why(Reason(kind=BlockerKind.VOTE_LOST, lost_vote=vote))
    assert to_others.startswith("the approval by @U0ANA does not count any more: ")
    assert " you " not in f" {to_others} "
    to_you = reason_text.to_presser(vote)
    assert " they " not in f" {to_you} "
    assert reason_text.to_presser(replace(vote, user="")) == to_you
    assert ("S0SRE" in to_you) == ("S0SRE" in to_others) == (problem is VoteProblem.GROUP_UNREAD)


def test_what_a_freeze_says_is_escaped_for_the_presser_and_its_owner_is_mentioned() -> None:
    freeze = Reason(kind=BlockerKind.FROZEN, user="U0ANA", reason="<!channel> a move")
    error = reason_text.refused(freeze, "Not counted")
    assert "by <@U0ANA> (&lt;!channel&gt; a move)" in error.message
    assert error.reason == "frozen"
