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
SLOW = 0.0008  # seconds for 1,600 characters; what takes less is not worth a second look
AT_ONCE = {
    22: 0.02,
    26: 0.02,
    30: 0.02,
    400: 0.04,
}  # seconds for so many characters; a square takes a tenth of them
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


def growth(pattern: re.Pattern[Any], small: str, large: str, whole: bool) -> float:
    """The ratio of the two durations: the least of a few tries, for a busy machine."""
    if cost(pattern, large, whole) < SLOW:
        return 0.0
    ratios = []
    for _ in range(4):
        least = min(cost(pattern, small, whole) for _ in range(5))
        ratios.append(cost(pattern, large, whole) / max(least, 1e-7))
        if ratios[-1] <= MOST:
            break
    return min(ratios)


def too_slow_at_once(pattern: re.Pattern[Any], whole: bool) -> str:
    """The recipe of a short input that takes a million steps; '' if there is none.

    A pattern that grows with the cube, or doubles with each character, would hold up the measure.
    The short sizes are close to each other: one that doubles has to be found before 400 characters.
    """
    for size, seconds in AT_ONCE.items():
        for how, text in inputs(pattern, size):
            if all(cost(pattern, text, whole) > seconds for _ in range(3)):
                return f"{size} characters {how} take more than {seconds} s"
    return ""


def worst_of(where: str, pattern: re.Pattern[Any]) -> str:
    """The recipe of the worst input; '' if no input grows too fast."""
    whole = anchored(where, pattern)
    if worst := too_slow_at_once(pattern, whole):
        return worst
    for number, ((how, small), (_, large)) in enumerate(
        zip(inputs(pattern, SMALL), inputs(pattern, SMALL * TIMES), strict=True)
    ):
        if (times := growth(pattern, small, large, whole)) <= MOST:
            continue
        # A bounded repeat (`{0,1000}`) looks like a square until its bound is reached.
        small, large = (
            next(itertools.islice(inputs(pattern, size), number, None))[1]
            for size in (SMALL * 8, SMALL * 8 * TIMES)
        )
        if growth(pattern, small, large, whole) > MOST:
            return f"{times:.0f} times as long for {TIMES} times {how}"
    return ""


def test_every_pattern_grows_with_its_text_and_not_with_the_square_of_it():
    all_patterns = patterns()
    assert len(all_patterns) > 100, "the walk over all modules finds them"
    bad = {where: worst for where, it in all_patterns.items() if (worst := worst_of(where, it))}
    assert bad == {}, "cut the input before it matches, or write the pattern without two ways"


def test_the_measure_finds_a_pattern_that_grows_with_the_square():
    assert worst_of("x:inline 0", re.compile(r"a*b"))
    assert worst_of("x:inline 0", re.compile(r"(?:x+)+y$|\s+$"))
    assert worst_of("x:inline 0", re.compile(r"a*a*a*b"))
    assert worst_of("x:inline 0", re.compile(r"(?:a|aa|b)+c"))
    assert not worst_of("x:inline 0", re.compile(r"[a-z]+"))
