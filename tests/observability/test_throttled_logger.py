import logging

import pytest

from bot.errors import StoreError
from bot.observability.throttled_logger import REMIND, ThrottledLogger

log = logging.getLogger("tests.throttled")
FULL, HELD = StoreError("the disk is full"), StoreError("another process holds the file")


@pytest.fixture
def seconds() -> list[float]:
    """The monotonic clock, as last set."""
    return [1_000.0]


@pytest.fixture
def throttled(seconds: list[float]) -> ThrottledLogger:
    return ThrottledLogger(
        log, logging.WARNING, "dispatch waits: %s", monotonic=lambda: seconds[-1]
    )


def warnings(caplog: pytest.LogCaptureFixture) -> list[str]:
    return [record.getMessage() for record in caplog.records if record.levelno == logging.WARNING]


def test_an_error_that_repeats_is_one_line_a_minute(throttled, seconds, caplog):
    for _ in range(100):
        throttled.log(FULL)
    assert warnings(caplog) == ["dispatch waits: the disk is full"]
    seconds.append(seconds[0] + REMIND)
    throttled.log(FULL)
    assert len(warnings(caplog)) == 2


def test_another_error_is_logged_immediately(throttled, caplog):
    for error in (FULL, FULL, HELD):
        throttled.log(error)
    assert [line.removeprefix("dispatch waits: ") for line in warnings(caplog)] == [
        "the disk is full",
        "another process holds the file",
    ]


def test_a_repeat_is_logged_at_debug(throttled, caplog):
    caplog.set_level(logging.DEBUG, log.name)
    throttled.log(FULL)
    throttled.log(FULL)
    assert [record.levelno for record in caplog.records] == [logging.WARNING, logging.DEBUG]
