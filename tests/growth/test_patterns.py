"""Every regular expression takes four times the text in about four times the time at most.

The inputs are made of each pattern's own characters. A pattern that grows with the square (sixteen
times) would let a text of 24 kB stop the event loop for seconds.
"""

from __future__ import annotations

import itertools
import re
import time
from typing import Any

import pytest

from tests.growth.patterns import anchored, inputs, patterns

pytestmark = [pytest.mark.attack("ASI08"), pytest.mark.unmeasured]

SMALL, TIMES = 400, 4
SQUARE = re.compile("a*+b")  # its step is the cheapest of all: it counts, and never goes back
SLOW = 3 / 4  # of that square's time for 1,600 characters; less is not worth a second look
AT_ONCE = {22: 50, 26: 50, 30: 50, 34: 50, 400: 100}  # that square's times for so many characters
MOST = 8.0  # times as long for four times the text: linear is 4, quadratic 16


def cost(pattern: re.Pattern[Any], text: Any, whole: bool) -> float:
    if isinstance(pattern.pattern, bytes):
        text = text.encode("latin-1", "replace")
    began = time.thread_time()
    if whole:
        pattern.fullmatch(text)
        pattern.match(text)
    else:
        for _ in pattern.finditer(text):
            pass
    return time.thread_time() - began


def unit() -> float:
    """The seconds of a known square: a limit in seconds would depend on how Python was built."""
    return min(cost(SQUARE, "a" * SMALL * TIMES, whole=False) for _ in range(5))


def growth(pattern: re.Pattern[Any], small: str, large: str, whole: bool, slow: float) -> float:
    """The ratio of the two durations: the least of a few tries, for a busy machine.

    0.0 if the longer text takes less than `slow` seconds.
    """
    longer = cost(pattern, large, whole)
    if longer < slow:
        return 0.0
    for _ in range(4):
        least = min(cost(pattern, small, whole) for _ in range(5))
        if (times := longer / max(least, 1e-7)) <= MOST:
            break
        longer = min(longer, cost(pattern, large, whole))
    return times


def too_slow_at_once(pattern: re.Pattern[Any], whole: bool, square: float) -> str:
    """The recipe of a short input that takes a million steps; '' if there is none.

    A pattern that grows with the cube, or doubles with each character, would hold up the measure.
    The short sizes are close to each other: one that doubles has to be found before 400 characters.
    """
    for size, times in AT_ONCE.items():
        for how, text in inputs(pattern, size):
            if all(cost(pattern, text, whole) > times * square for _ in range(3)):
                return f"{size} characters {how} take more than {times * square} s"
    return ""


def worst_of(where: str, pattern: re.Pattern[Any]) -> str:
    """The recipe of the worst input; '' if no input grows too fast."""
    whole = anchored(where, pattern)
    square = unit()
    slow = square * SLOW
    if worst := too_slow_at_once(pattern, whole, square):
        return worst
    for number, ((how, small), (_, large)) in enumerate(
        zip(inputs(pattern, SMALL), inputs(pattern, SMALL * TIMES), strict=True)
    ):
        if (times := growth(pattern, small, large, whole, slow)) <= MOST:
            continue
        # A bounded repeat (`{0,1000}`) looks like a square until its bound is reached.
        small, large = (
            next(itertools.islice(inputs(pattern, size), number, None))[1]
            for size in (SMALL * 8, SMALL * 8 * TIMES)
        )
        if growth(pattern, small, large, whole, slow) > MOST:
            return f"{times:.0f} times as long for {TIMES} times {how}"
    return ""


def test_every_pattern_grows_with_its_text_and_not_with_the_square_of_it():
    all_patterns = patterns()
    assert len(all_patterns) > 100, "the walk over all modules finds them"
    bad = {where: worst for where, it in all_patterns.items() if (worst := worst_of(where, it))}
    assert bad == {}, "cut the input before it matches, or write the pattern without two ways"


SQUARES = (r"a*b", r"a*+b", r"(?s).*b", r"\s+$", r"<[^>]*>", r"a.*?b", rb"a*b")
WORSE = (r"(?:x+)+y$|\s+$", r"a*a*a*b", r"(?:a|aa|b)+c", r"(?:a|aa)+$")
LINEAR = (r"[a-z]+", r"\d{1,5}", r"a[^b]{0,20}b", r"^a*b", r"(?:ab)+")


def test_the_measure_finds_a_pattern_that_grows_with_the_square():
    overlooked = [text for text in SQUARES if not worst_of("x:inline 0", re.compile(text))]
    assert overlooked == []


def test_the_measure_finds_a_pattern_that_grows_faster_than_the_square():
    overlooked = [text for text in WORSE if not worst_of("x:inline 0", re.compile(text))]
    assert overlooked == []


def test_the_measure_passes_a_pattern_that_grows_with_its_text():
    suspected = {text: worst_of("x:inline 0", re.compile(text)) for text in LINEAR}
    assert suspected == dict.fromkeys(LINEAR, "")


@pytest.mark.parametrize("times", [0.1, 10])
def test_the_measure_sees_as_much_where_python_is_faster_or_slower(
    times: float, monkeypatch: pytest.MonkeyPatch
):
    clock = time.thread_time
    monkeypatch.setattr(time, "thread_time", lambda: clock() * times)
    assert worst_of("x:inline 0", re.compile(r"a*b"))
    assert worst_of("x:inline 0", re.compile(r"(?:a|aa|b)+c"))
    assert not worst_of("x:inline 0", re.compile(r"[a-z]+"))
