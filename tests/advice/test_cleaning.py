from __future__ import annotations

import json
import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.advice.cleaning import clean_answer, last_json, strip_terminal

WILD = st.lists(
    st.sampled_from(
        ["\x1b", "\x1b[", "\x1b]8;;", "\x1bP", "\x1b\\", "\x07", "\x9b", "\x9d", "\x9c", "0;1m",
         "\r", "\n", "\r\n", "> ", " ● Completed in 0.1s", "\t", "\0", "\x7f", "{", '"', "é", "abc"]
    )
    | st.text(max_size=5)
).map("".join)  # fmt: skip


def allowed(text: str) -> bool:
    return not any((c < " " and c not in "\n\t") or "\x7f" <= c <= "\x9f" for c in text)


@given(WILD)
def test_no_control_survives_cleaning(text: str) -> None:
    assert allowed(strip_terminal(text))
    assert allowed(clean_answer(text))


@given(st.binary())
def test_any_bytes_become_text_without_controls(data: bytes) -> None:
    assert allowed(strip_terminal(data))


@given(WILD)
def test_stripping_twice_is_stripping_once(text: str) -> None:
    once = strip_terminal(text)
    assert strip_terminal(once) == once


@given(st.text(st.characters(min_codepoint=32, exclude_categories=["Cc", "Cs"])))
def test_plain_text_is_left_alone(text: str) -> None:
    assert strip_terminal(text) == text


@given(WILD)
def test_cleaning_never_adds(text: str) -> None:
    assert len(clean_answer(text)) <= len(text)


@pytest.mark.parametrize(
    ("raw", "clean"),
    [
        (b"\x1b[38;5;10m> \x1b[0mHELLO\x1b[0m\x1b[0m\n\n", "HELLO"),
        (b"\x1b[38;5;141m> \x1b[0mHELLO\x1b[0m\x1b[0m\n", "HELLO"),
        (b"> > quoted\n> more", "> quoted\n> more"),
        (b"> ", ""),
        (b"\x1b]0;title\x07text", "text"),
        (b"\x1b]8;;http://x\x1b\\link\x1b]8;;\x1b\\", "link"),
        (b"\x1bPq#0;2\x1b\\text", "text"),
        (b"\x1b]0;never ended, text stays", "0;never ended, text stays"),
        (b"\x1b(Btext\x1b7\x1b[?25l\x1b[1 q", "text"),
        (b"Thinking\rThink\r\x1b[2KHELLO\nend\r\n", "HELLO\nend"),
        (b"only\r", "only"),
        ("\u009b31mred\u009b0m".encode(), "red"),
        (b"a\x00b\x08c\x7fd\te", "abcd\te"),
        ("first\n ● Completed in 0.11s\n> last".encode(), "last"),
        ("a\n ● Completed in 0.1s\nb\n\x1b[1m ● Completed in 2.5s\x1b[0m\n> c".encode(), "c"),
        ("it ● Completed in 0.11s later".encode(), "it ● Completed in 0.11s later"),
    ],
)
def test_terminal_output_becomes_the_answer(raw: bytes, clean: str) -> None:
    assert clean_answer(raw) == clean


def test_the_answer_is_cut_at_the_limit() -> None:
    assert clean_answer("x" * 100, max_chars=10) == "x" * 10


def test_the_last_object_with_the_keys_wins() -> None:
    text = 'tool {"root_cause": "echo"} then {"other": 1} {"root_cause": "disk", "n": {}} bye {'
    assert last_json(text, ["root_cause"]) == {"root_cause": "disk", "n": {}}


def test_an_object_around_others_is_found_whole() -> None:
    answer = {"root_cause": "x", "evidence": [{"source": "a"}, {"source": "b"}]}
    assert last_json(f"json\n{json.dumps(answer, indent=2)}\n", ["root_cause"]) == answer


def test_keys_that_lost_their_underscore_are_recognised() -> None:
    text = '{"rootcause": "x", "suggestedactions": ["y"], "Analysis_Summary": "z", "own_key": 1}'
    answer = last_json(text, ["root_cause"], ["suggested_actions", "analysis_summary"])
    assert answer == {
        "root_cause": "x",
        "suggested_actions": ["y"],
        "analysis_summary": "z",
        "own_key": 1,
    }


@pytest.mark.parametrize(
    "text",
    ["", "no json", "{", '{"root_cause": }', '["root_cause"]', '{"a": 1}', '{"root_cause": "x"'],
)
def test_text_without_such_an_object_gives_none(text: str) -> None:
    assert last_json(text, ["root_cause"]) is None


def test_odd_numbers_and_raw_line_breaks_are_read() -> None:
    text = '{"root_cause": "two\nlines", "n": ' + "9" * 5000 + ', "m": NaN}'
    answer = last_json(text, ["root_cause"])
    assert answer is not None
    assert (answer["root_cause"], answer["m"]) == ("two\nlines", None)


MEGABYTES = {
    "braces": "{" * 1_000_000,
    "nested": '{"a":' * 200_000,
    "nested lists": '{"":[0,' * 150_000,
    "many objects": '{"a":[' + "{}," * 300_000,
    "strings": '"{' * 500_000,
    "esc": "\x1b" * 1_000_000,
    "csi": "\x1b[0;" * 250_000,
    "osc": "\x1b]" * 500_000,
    "dcs": "\x1bP" * 500_000,
    "cr": "\r" * 1_000_000,
    "spaces": " " * 1_000_000,
    "completed": " ● Completed in 1" * 60_000,
}


@pytest.mark.parametrize("name", MEGABYTES)
def test_twice_the_hostile_input_takes_about_twice_the_time(name: str) -> None:
    text = MEGABYTES[name]

    def cpu(data: str) -> float:
        began = time.process_time()
        last_json(clean_answer(data), ["root_cause"])
        return time.process_time() - began

    # Quadratic work would be 256 times that of a 16th; 0.05 s keeps tiny times from mattering.
    assert cpu(text) <= 100 * (cpu(text[: len(text) // 16]) + 0.05)
