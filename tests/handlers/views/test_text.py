"""The helpers that make strangers' text safe for Slack."""

from __future__ import annotations

import unicodedata
from datetime import UTC, datetime, timedelta, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st

from handlers.views import text as views
from handlers.views.addresses import is_address
from handlers.views.cutting import fitting
from tests.helpers.models import HOSTILE, WILD, assert_obeys_nothing


def escaped(text: str) -> str:
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")


def test_escaping_shows_markup_as_text() -> None:
    assert views.escape("<!channel> & <@U1>") == "&lt;!channel&gt; &amp; &lt;@U1&gt;"
    assert views.escape("&lt;") == "&amp;lt;", "what looks escaped already is a stranger's text too"
    assert views.escape("a\x00b\u202ec\ud800d\ufeffe") == "abcde"


@given(WILD, st.integers(1, 300))
def test_a_line_is_one_line_within_its_limit_as_slack_counts(text: str, limit: int) -> None:
    made = views.line(text, limit)
    assert len(made) <= limit
    assert len(made.splitlines()) <= 1
    assert made == made.strip()
    assert_obeys_nothing(made)


def test_a_line_that_fits_is_whole_and_one_that_does_not_says_so() -> None:
    assert views.line("  a \n b\r\nc ", 9) == "a b c"
    assert views.line("abcdef", 6) == "abcdef"
    assert views.line("abcdefg", 6) == "abcde…"
    assert views.line("<<<", 9) == "&lt;&lt;…"
    assert views.line("<<", 8) == "&lt;&lt;"


@given(WILD | st.text("a&<>", max_size=40), st.integers(-40, 60))
def test_as_many_characters_are_kept_as_fit_once_escaped(text: str, limit: int) -> None:
    kept = fitting(text, limit)
    assert kept == max(
        size for size in range(len(text) + 1) if size == 0 or len(escaped(text[:size])) <= limit
    )


@given(st.text("ae\u00e9\u4e2d\u0300\u0301\u0336\u20dd\u0e31", max_size=12))
def test_no_more_than_two_signs_stand_on_a_letter_and_none_on_a_latin_one(text: str) -> None:
    shown = views.plain(text, 200)
    for place, char in enumerate(shown):
        if unicodedata.category(char) in {"Mn", "Me"}:
            below = shown[:place].rstrip("\u0300\u0301\u0336\u20dd\u0e31")
            assert below, (text, shown)
            assert not below[-1].isascii(), (text, shown)
            assert place - len(below) < 2, (text, shown)


@given(WILD, st.integers(60, 3000))
def test_a_paragraph_stays_within_its_limit_as_slack_counts(text: str, limit: int) -> None:
    made = views.paragraph(text, limit)
    assert len(made) <= limit
    assert_obeys_nothing(made)


def test_a_paragraph_keeps_its_lines_and_says_how_much_was_cut() -> None:
    assert views.paragraph("a\nb", 100) == "a\nb"
    cut = views.paragraph("x" * 1000, 100)
    assert cut == "x" * 60 + " … (940 characters more)"


@given(WILD, st.integers(60, 2900))
def test_nothing_inside_a_code_block_ends_it(text: str, limit: int) -> None:
    made = views.code(text, limit)
    assert len(made) <= limit + 8
    assert_obeys_nothing(made)


def test_a_fence_that_appears_when_an_invisible_character_goes_is_no_fence() -> None:
    assert views.code("``\x00` <!channel>", 100) == "```\n''' &lt;!channel&gt;\n```"


@given(WILD, st.integers(1, 75))
def test_plain_text_is_one_line_within_its_limit(text: str, limit: int) -> None:
    made = views.plain(text, limit)
    assert len(made) <= limit
    assert made == made.strip()
    made.encode()


@pytest.mark.parametrize(
    "url",
    [
        "https://graphs.example/d/1?a=b&c=d#e",
        "http://web-1:9093/#/alerts?silenced=false",
        "HTTPS://EXAMPLE.ORG",
        "http://127.0.0.1:8080/",
        "https://example.org/" + "x" * 2980,
    ],
)
def test_a_good_address_goes_on_a_button(url: str) -> None:
    assert is_address(url)


@pytest.mark.parametrize(
    "url",
    [
        "",
        "https://",
        "http:///path",
        "javascript:alert(1)",
        "ftp://example.org",
        "https://example.org/a b",
        "https://example.org/\n",
        "https://example.org/|<!channel>",
        "https://example.org/>",
        "//example.org",
        " https://example.org",
        "https://example.org/" + "x" * 2981,
    ],
)
def test_a_bad_address_goes_on_no_button(url: str) -> None:
    assert not is_address(url)


@pytest.mark.parametrize("text", [*HOSTILE, "x" * 9999])
def test_any_text_makes_a_block_that_is_neither_empty_nor_too_long(text: str) -> None:
    for block in (views.section(text), views.context(text), views.context(text, text)):
        inside = block.get("text") or block["elements"][0]
        assert 1 <= len(inside["text"]) <= 3000
        assert inside["text"].strip()


def test_small_print_is_one_line_a_fact_and_skips_what_is_absent() -> None:
    assert views.context("a", "", "b")["elements"] == [
        {"type": "mrkdwn", "text": "a\nb", "verbatim": True}
    ]


def test_a_time_is_shown_in_each_readers_zone_with_its_date_where_that_is_not_today() -> None:
    at = datetime(2026, 11, 21, 5, 4, tzinfo=timezone(timedelta(hours=2)))
    seconds = int(datetime(2026, 11, 21, 3, 4, tzinfo=UTC).timestamp())
    assert views.clock(at) == (
        f"<!date^{seconds}^{{date_short_pretty}} {{time}}|21 Nov 2026 03:04 UTC>"
    )


@pytest.mark.parametrize(
    ("seconds", "expected"),
    [
        (-5, "0 s"),
        (8.9, "8 s"),
        (60, "1 min"),
        (3599, "59 min"),
        (3600, "1 h"),
        (7500, "2 h 5 min"),
        (86_400, "1 d"),
        (3 * 86_400 + 4 * 3600, "3 d 4 h"),
    ],
)
def test_a_duration_is_told_in_two_units_at_most(seconds: float, expected: str) -> None:
    assert views.span(seconds) == expected


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("*Summary:* disk full", "> Summary: disk full"),
        ("**Likely cause**: a leak", "> Likely cause: a leak"),
        ("SELECT * FROM a * b", "> SELECT ∗ FROM a ∗ b"),
        ("rm *.log and *.tmp", "> rm ∗.log and ∗.tmp"),
        ("2*3*4", "> 2∗3∗4"),
    ],
)
def test_a_quotation_shows_a_senders_bold_text_without_its_marks(text: str, shown: str) -> None:
    assert views.quote(text, 100) == shown
