"""Queries of a report are shown without their literals: those may be secrets."""

from __future__ import annotations

import pytest

from bot.gateway.executors.session_text import query_text


@pytest.mark.attack("ASI03")
@pytest.mark.parametrize(
    "query",
    [
        "SELECT 'hidden'",
        "SELECT 'it''s', 'hidden'",
        r"SELECT E'it\'s hidden', 1",
        r"SELECT 'a\', 'hidden'",
        r'SELECT "it\" hidden"',
        "SELECT $$hidden$$",
        "SELECT $a$hidden$a$",
        "-- don't\nSELECT 'hidden'",
        "/* don't */ SELECT 'hidden'",
        "/* ** don't **/ SELECT 'hidden'",
        "# don't\nSELECT 'hidden'",
        "SELECT 'cut hidden",
        "SELECT 0xhidden",
        "/* hidden",
    ],
)
def test_no_literal_of_a_query_is_shown(query: str) -> None:
    assert "hidden" not in query_text(query)


def test_what_is_no_literal_of_a_query_stays() -> None:
    query = "UPDATE orders SET state = 'x' WHERE t1.id = $1 AND total > 12.5"
    assert query_text(query) == "UPDATE orders SET state = ? WHERE t1.id = $? AND total > ?"
