"""The shortcuts of cleaning never change its result, and they bound the text that it reads."""

import sys

import pytest

from bot.intake.cleaning import clean, one_line
from bot.intake.slack_text import bare


def test_only_what_is_not_printable_is_ever_taken_out():
    every = "".join(map(chr, range(sys.maxunicode + 1)))
    kept = set(clean("\x00" + every))
    assert [char for char in every if char.isprintable() and char not in kept] == []
    printable = "".join(char for char in every if char.isprintable())
    assert clean(printable) == clean("\x00" + printable)


@pytest.mark.parametrize(
    "text", ["a  b", " a b ", "a\tb", "a\nb", "é  b", "a\x00b", " " * 30 + "x"]
)
@pytest.mark.parametrize("length", [1, 3, 7, 20, 90])
def test_one_line_says_the_same_of_a_text_that_needs_no_cleaning(text, length):
    whole = text * 9
    slow = one_line("\x00" + whole[: length * 4 - 1], length)  # never the short way
    assert one_line(whole[: length * 4 - 1], length) == slow


def test_emoji_before_a_headline_are_taken_off_and_no_million_of_them_is_read():
    assert bare(":fire: :rotating_light: *Disk full*") == "Disk full"
    left = bare(":a:" * 300_000)
    assert len(left) > 300_000 * 3 - 2_100
