"""Every word of a sender becomes one of four severities, and none is dropped."""

from __future__ import annotations

import pytest

from bot.incidents.model import Severity
from bot.incidents.severity_words import known_severity, severity_of


@pytest.mark.parametrize(
    ("word", "severity"),
    [
        ("critical", Severity.CRITICAL),
        ("Disaster", Severity.CRITICAL),
        ("PAGE", Severity.CRITICAL),
        (" P1 ", Severity.CRITICAL),
        ("high", Severity.HIGH),
        ("error", Severity.HIGH),
        ("sev2", Severity.HIGH),
        ("warning", Severity.MEDIUM),
        ("average", Severity.MEDIUM),
        ("medium", Severity.MEDIUM),
        ("info", Severity.LOW),
        ("information", Severity.LOW),
        ("low", Severity.LOW),
        ("p4", Severity.LOW),
    ],
)
def test_a_senders_word_stands_for_one_of_the_four(word: str, severity: Severity) -> None:
    assert severity_of(word) is severity
    assert known_severity(word) is severity


@pytest.mark.parametrize("word", ["", "none", "banana", "p9", "critical!", "\ud800"])
def test_an_unknown_word_is_medium_and_known_to_be_unknown(word: str) -> None:
    assert severity_of(word) is Severity.MEDIUM
    assert known_severity(word) is None


def test_the_gravest_has_the_smallest_rank() -> None:
    ranks = [Severity(word).rank for word in ("critical", "high", "medium", "low")]
    assert ranks == [0, 1, 2, 3]
