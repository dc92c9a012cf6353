"""The rate of posts in a channel, and its change after a refusal."""

from __future__ import annotations

import random
from datetime import UTC, datetime, timedelta

from handlers.outbound.rate_limiter import RateLimiter

NOW = datetime(2026, 11, 21, 3, 4, 5, tzinfo=UTC)


def played(limiter: RateLimiter, *, slack_takes_a_burst_of: int, seconds: int) -> tuple[int, int]:
    """(posts taken, posts refused) of a Slack that takes one a second and so many at once.

    A call is under way for up to 40 ms, and the answer as long.
    """
    slack, taken, refused, now = RateLimiter(burst=slack_takes_a_burst_of), 0, 0, NOW
    dice = random.Random(7)
    end = NOW + timedelta(seconds=seconds)
    while now < end:
        if wait := limiter.wait(now):
            now += timedelta(seconds=wait)
            continue
        there = now + timedelta(seconds=dice.uniform(0, 0.04))
        now = there + timedelta(seconds=dice.uniform(0, 0.04))
        if slack.wait(there):
            refused += 1
            limiter.refused(now)
            now += timedelta(seconds=1)  # Retry-After, in whole seconds
        else:
            taken += 1
            slack.posted(there)
            limiter.posted(now)
    return taken, refused


def test_a_slack_that_takes_no_burst_refuses_once_and_is_kept_to_afterwards() -> None:
    taken, refused = played(RateLimiter(burst=10), slack_takes_a_burst_of=1, seconds=60)
    assert refused == 1
    assert taken >= 56, "each a call's time later than a second after the last one"


def test_a_slack_that_takes_the_burst_refuses_nothing() -> None:
    taken, refused = played(RateLimiter(burst=10), slack_takes_a_burst_of=10, seconds=60)
    assert refused == 0
    assert taken >= 68


def test_quiet_time_brings_the_burst_back() -> None:
    limiter = RateLimiter(burst=3)
    limiter.refused(NOW)
    assert limiter.wait(NOW) == 1.0
    later = NOW + timedelta(seconds=10)
    for _ in range(3):
        assert limiter.wait(later) == 0
        limiter.posted(later)
    assert limiter.wait(later) == 1.0


def test_without_a_rate_limit_a_refusal_changes_nothing() -> None:
    limiter = RateLimiter(interval=0.0, burst=3)
    limiter.refused(NOW)
    assert limiter.wait(NOW) == 0
