"""An alert as the store writes it: intake encodes what arrived, once; it reads back the same."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from bot.intake import parse_message
from bot.intake.cleaning import storable, storable_with_json
from store.rows import alert_from_json, alert_to_json
from tests.helpers.builders import alert

TEXT = st.text(st.characters(codec=None), max_size=20)
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | TEXT,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(TEXT, inner, max_size=4),
    max_leaves=15,
)


@given(JSON)
@example("🔥 beside half of one: \ud83d")
@example("half, and its other half apart: \ud83d \udd25")
@example({"\ud800": "\x00"})
@example(r"C:\udata\u0000")
@example(float("inf"))
def test_what_intake_encoded_is_what_the_store_would_have_written(arrived: Any) -> None:
    raw, raw_json = storable_with_json(arrived)
    item = alert(raw=raw, raw_json=raw_json)
    written = alert_to_json(item)
    encoded_again = alert_to_json(replace(item, raw_json=""))
    # msgspec writes 1e16 and the standard library 1e+16.
    assert repr(json.loads(written)) == repr(json.loads(encoded_again))
    assert written.isascii()


def strings_of(value: Any) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    elif isinstance(value, dict):
        yield from strings_of([*value.keys(), *value.values()])
    elif isinstance(value, list):
        for item in value:
            yield from strings_of(item)


@given(JSON)
def test_what_the_store_wrote_holds_no_nul_no_half_pair_and_no_odd_number(arrived: Any) -> None:
    raw, raw_json = storable_with_json(arrived)
    read = json.loads(alert_to_json(alert(raw=raw, raw_json=raw_json)), parse_constant=pytest.fail)
    for text in strings_of(read["raw"]):
        text.encode()
        assert "\x00" not in text


@pytest.mark.parametrize("text", ["🔥", r"C:\udata", "\ud7ff\ue000", "Zeile\nzwei", "\x7f\u2028"])
def test_what_needs_no_change_is_encoded_once(text: str) -> None:
    assert storable_with_json({"text": text}) == (
        {"text": text},
        json.dumps({"text": text}, separators=(",", ":")),
    )


@pytest.mark.parametrize("value", ["\x00", "\ud83d", {"\udd25": 1}, float("nan"), float("-inf")])
def test_what_has_to_be_replaced_brings_no_text_of_what_it_was(value: Any) -> None:
    replaced, text = storable_with_json([value])
    assert text == ""
    assert replaced == storable([value])
    json.dumps(replaced, allow_nan=False, ensure_ascii=False).encode()


def test_an_alert_reads_back_as_it_was_written() -> None:
    [item] = parse_message(
        {"text": "Lock 3 leaks 🔥", "bot_id": "B1", "blocks": [{"type": "x"}]}
    ).alerts
    assert item.raw_json
    assert alert_from_json(alert_to_json(item)) == item
