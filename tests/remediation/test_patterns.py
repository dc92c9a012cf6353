"""A pattern that somebody else wrote is matched in bounded time, or refused."""

from __future__ import annotations

import re
import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.remediation.patterns import Pattern

GOOD = [
    "[a-z]{2}-[a-z]+-[0-9]",
    r"\d{1,3}",
    "[A-Za-z0-9._-]{1,20}",
    "v?[0-9]+[.][0-9]*",
    "a.c",
    "^[a-z]+$",
    "^(?:[a-z]?x{0,3})$",
    "[^/ ]+",
]


@given(st.sampled_from(GOOD), st.text("abcxv019.-_/ ", max_size=12))
def test_a_pattern_means_what_it_means_to_the_standard_library(pattern, text):
    assert Pattern(pattern).matches(text) == bool(re.fullmatch(pattern, text))


@pytest.mark.attack("ASI08")
@pytest.mark.parametrize(
    "pattern", ["a*a*a*a*a*a*a*a*b", "[a-z]+[a-z]+[a-z]+[a-z]+[a-z]+!", ".{0,399}x"]
)
def test_a_pattern_of_a_hostile_gateway_stays_cheap(pattern):
    hostile = Pattern(pattern)
    began = time.thread_time()
    assert not hostile.matches("a" * 1_000)
    assert time.thread_time() - began < 2  # with backtracking: longer than the world stands


@pytest.mark.attack("ASI08")
@pytest.mark.parametrize(
    "pattern", ["(a+)+", "a|b", "(?=a)", r"\1", "[a", "a{1000}", "a{300}b{300}", "*a", "[z-a]"]
)
def test_a_pattern_outside_of_the_language_is_refused(pattern):
    with pytest.raises(ValueError, match="pattern"):
        Pattern(pattern)
