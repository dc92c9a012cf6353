"""Every blocker has a text of its own, and a person's reason in it stays a person's text."""

from __future__ import annotations

import pytest

from bot.approvals import reason_text
from bot.approvals.blockers import Blocker
from bot.approvals.reasons import BlockerKind, LostVote, Reason
from bot.approvals.reasons import BlockerKind as Kind
from tests.helpers.models import ANA, BEN


@pytest.mark.parametrize("kind", BlockerKind)
def test_no_kind_is_without_words(kind: BlockerKind) -> None:
    assert reason_text.sentence(
        Reason(kind=kind, reason="because", subject="x", user=ANA, lost_vote=LostVote())
    )


def test_what_a_person_wrote_as_the_reason_of_a_freeze_is_not_obeyed_by_slack() -> None:
    refusal = reason_text.refused(
        Blocker(kind=Kind.FROZEN, user=BEN, reason="<!channel> now"), "Not counted"
    )
    assert f"frozen by <@{BEN}> (&lt;!channel&gt; now)" in str(refusal)
