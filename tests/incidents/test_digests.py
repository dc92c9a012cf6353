"""The times at which a digest is due, and the digests that a policy takes."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from pydantic import ValidationError

from bot.errors import InputError
from bot.incidents.digests import LATE, Digest, DigestKind
from bot.policy import parse_policy

EIGHT = datetime(2026, 11, 27, 8, tzinfo=UTC)


def digest(**changes: Any) -> Digest:
    fields = {"name": "morning", "cron": "0 8 * * *", "channel": "C0ALERTS01"}
    return Digest.model_validate({**fields, **changes})


def test_a_digest_is_due_from_its_time_until_it_would_be_an_hour_late() -> None:
    assert digest().due_at(EIGHT - timedelta(seconds=1)) is None
    assert digest().due_at(EIGHT) == EIGHT
    assert digest().due_at(EIGHT + LATE) == EIGHT
    assert digest().due_at(EIGHT + LATE + timedelta(seconds=1)) is None
    berlin = digest(timezone="Europe/Berlin").due_at(EIGHT - timedelta(minutes=30))
    assert berlin == EIGHT - timedelta(hours=1)
    assert digest(cron="*/10 * * * *").due_at(EIGHT + timedelta(minutes=25)) == EIGHT + timedelta(
        minutes=20
    ), "of several that were missed only the last"


def test_a_digest_looks_back_a_shift_and_a_review_a_week() -> None:
    assert digest().looks_back == 12
    assert digest(kind="review").looks_back == 168
    assert digest(kind=DigestKind.REVIEW, hours=24).looks_back == 24


@pytest.mark.parametrize(
    "changes",
    [
        {"channel": None},
        {"people": ["U0ANA00001"]},
        {"cron": "every morning"},
        {"timezone": "Mars/Phobos"},
        {"channel": "#alerts"},
        {"kind": "poem"},
        {"hours": 0},
        {"sound": "loud"},
    ],
)
def test_a_digest_that_nobody_could_read_or_that_has_a_typo_is_refused(changes: Any) -> None:
    with pytest.raises(ValidationError):
        digest(**changes)


def test_two_digests_of_one_name_are_refused_with_their_line() -> None:
    entry = '{name: a, cron: "0 8 * * *", channel: C0ALERTS01}'
    with pytest.raises(InputError, match="two digests have the same name"):
        parse_policy(f"notify:\n  digests:\n    - {entry}\n    - {entry}\n", file="policy.yaml")
