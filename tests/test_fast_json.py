"""JSON that msgspec reads and writes is what the standard library makes of it."""

from __future__ import annotations

import json
import math
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.fast_json import ascii_text, loads

VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
    max_leaves=20,
)
ODD = (
    b'{"a": NaN}', b"-Infinity", b"1E400", b'"\\ude00"', b'"\\ud83d\\ude00"', b'{"a": 1, "a": 2}',
    b"123456789012345678901234567890", b"-0", b"-0.0", b"5e-324", b'"\xed\xa0\x80"', b'"\xff"',
    b'"a\nb"', b"01", b"1.", b"[1,]", b"[1] x", b"", b"{a: 1}", b"1" * 5000, b"[" * 100_000,
    '\ufeff{"a": 1}'.encode(), '"\u2028"'.encode(), b'"\\u0000"', b'"\x7f"',
)  # fmt: skip


def read(parse: Any, data: bytes) -> object:
    try:
        return repr(parse(data))
    except (ValueError, RecursionError) as error:
        return type(error), str(error) if isinstance(error, json.JSONDecodeError) else ""


@pytest.mark.parametrize("data", ODD, ids=lambda data: repr(data[:20]))
def test_odd_json_is_read_or_refused_as_the_standard_library_does(data: bytes) -> None:
    assert read(loads, data) == read(lambda text: json.loads(text.decode()), data)


@given(VALUES)
def test_any_json_value_is_read_and_written_as_the_standard_library_does(value: Any) -> None:
    text = json.dumps(value)
    assert repr(loads(text)) == repr(loads(text.encode())) == repr(json.loads(text))
    if written := ascii_text(value):
        assert written.isascii()
        assert repr(json.loads(written)) == repr(json.loads(text))


@pytest.mark.parametrize("value", [math.nan, [math.inf], {"a": None}, "é", "\ud800", {None: 1}])
def test_what_msgspec_would_write_otherwise_is_not_written(value: object) -> None:
    assert ascii_text(value) == ""


def test_a_null_is_written_where_no_number_may_be_nan() -> None:
    assert ascii_text({"ends_at": None}, may_have_nan=False) == '{"ends_at":null}'
    assert ascii_text({"text": "é", "ends_at": None}, may_have_nan=False) == ""


def test_most_alerts_are_written() -> None:
    value = {"labels": {"service": "shop", "severity": "critical"}, "value": 0.5, "firing": True}
    assert ascii_text(value) == json.dumps(value, separators=(",", ":"))
