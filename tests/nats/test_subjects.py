"""The filters that consume the subjects of anomalies, for any subjects of a stream."""

from __future__ import annotations

import pytest

from bot.nats.streams import durable_name
from bot.nats.subjects import ANOMALIES, covers, filters


@pytest.mark.parametrize(
    ("pattern", "subject", "expected"),
    [
        ("a.b", "a.b", True),
        ("a.b", "a.c", False),
        ("a.b", "a.b.c", False),
        ("a.b.c", "a.b", False),
        ("a.*", "a.b", True),
        ("a.*", "a.*", True),
        ("a.b", "a.*", False),
        ("a.*", "a.b.c", False),
        ("a.*", "a.>", False),
        ("a.>", "a.b.c", True),
        ("a.>", "a.>", True),
        ("a.>", "a.b.>", True),
        ("a.b.>", "a.>", False),
        ("a.>", "a", False),
        (">", "a", True),
        ("a", ">", False),
    ],
)
def test_a_pattern_covers_what_matches_it_always(
    pattern: str, subject: str, expected: bool
) -> None:
    assert covers(pattern, subject) is expected


@pytest.mark.parametrize(
    ("taken", "expected"),
    [
        (["anomaly.>"], ["anomaly.detected", "anomaly.detected.>"]),
        ([">"], ["anomaly.detected", "anomaly.detected.>"]),
        (["anomaly.detected"], ["anomaly.detected"]),
        (["anomaly.detected.net", "logs.>"], ["anomaly.detected.net"]),
        (["anomaly.*"], ["anomaly.detected"]),
        (["anomaly.enriched"], []),
        ([], []),
    ],
)
def test_a_filter_is_the_narrower_of_the_stream_and_the_pattern(
    taken: list[str], expected: list[str]
) -> None:
    assert list(filters(taken, ANOMALIES)) == expected


def test_two_filters_have_two_durable_consumers_without_dots_and_wildcards() -> None:
    names = [durable_name("sopbot", subject) for subject in (*ANOMALIES, "anomaly.detected.*")]
    assert len(set(names)) == 3
    assert not set("".join(names)) & set(".*> ")
