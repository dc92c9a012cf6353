"""A command names incidents in any form, and several of them at once."""

from __future__ import annotations

import pytest

from handlers.listeners.commands.call import leading_numbers


@pytest.mark.parametrize(
    ("text", "numbers", "rest"),
    [
        ("INC-7", ["INC-7"], ""),
        ("inc7 #8, 9 @ben", ["INC-7", "INC-8", "INC-9"], "@ben"),
        ("7 8 2h", ["INC-7", "INC-8"], "2h"),
        ("7 30 min", ["INC-7"], "30 min"),
        ("7  30  min", ["INC-7"], "30  min"),
        ("7 2 hours", ["INC-7"], "2 hours"),
        ("7 8 high", ["INC-7", "INC-8"], "high"),
        ("7,8", [], "7,8"),
        ("7 7 INC-7", ["INC-7"], ""),
        ("me", [], "me"),
        ("", [], ""),
    ],
)
def test_the_numbers_end_where_the_text_goes_on(text: str, numbers: list[str], rest: str) -> None:
    assert leading_numbers(text) == (numbers, rest)
