import logging

import pytest

from bot.errors import StoreError
from bot.observability.trouble import REMIND, Trouble

log = logging.getLogger("tests.trouble")
FULL, HELD = StoreError("the disk is full"), StoreError("another process holds the file")


@pytest.fixture
def seconds() -> list[float]:
    """The monotonic clock, as last set."""
    return [1_000.0]


@pytest.fixture
def trouble(seconds: list[float]) -> Trouble:
    return Trouble(log, logging.WARNING, "dispatch waits: %s", monotonic=lambda: seconds[-1])


def said(caplog: pytest.LogCaptureFixture) -> list[str]:
    return [one.getMessage() for one in caplog.records if one.levelno == logging.WARNING]


def test_the_same_trouble_again_and_again_is_one_line_a_minute(trouble, seconds, caplog):
    for _ in range(100):
        trouble.came(FULL)
    assert said(caplog) == ["dispatch waits: the disk is full"]
    seconds.append(seconds[0] + REMIND)
    trouble.came(FULL)
    assert len(said(caplog)) == 2


def test_another_trouble_is_said_at_once(trouble, caplog):
    for error in (FULL, FULL, HELD):
        trouble.came(error)
    assert [line.removeprefix("dispatch waits: ") for line in said(caplog)] == [
        "the disk is full",
        "another process holds the file",
    ]


def test_what_is_not_said_is_there_at_debug(trouble, caplog):
    caplog.set_level(logging.DEBUG, log.name)
    trouble.came(FULL)
    trouble.came(FULL)
    assert [one.levelno for one in caplog.records] == [logging.WARNING, logging.DEBUG]
