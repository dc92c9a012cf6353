"""`audit verify` finds and names any change anywhere in an audit trail."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from store.audit.chain import Chain
from store.audit.proof.rows import (
    DAY,
    FIRST,
    HEAD,
    Anchor,
    Fault,
    Row,
    anchor_text,
    body_text,
    canonical,
    link_text,
    mac_of,
)

KEY = b"a key of sixteen"
LENGTH = 12


def row(seq: int, prev: str, key: bytes = KEY, **changes: Any) -> Row:
    made = Row(
        seq,
        f"2026-11-25T10:00:{seq:02}.000000Z",
        ("proposed", "voted", "approved", "answer")[seq % 4],
        seq % 3 or None,
        f"subject-{seq % 2}",
        "U0ANA",
        canonical({"n": seq}),
        prev,
        "",
    )
    made = replace(made, **changes)
    return replace(made, mac=mac_of(key, link_text(seq, prev, mac_of(key, body_text(made)))))


def anchor(name: str, of: Row, key: bytes = KEY) -> Anchor:
    bare = Anchor(name, of.seq, of.mac, of.at, "", "")
    return replace(bare, seal=mac_of(key, anchor_text(bare)))


def chain(length: int = LENGTH, key: bytes = KEY) -> list[Row]:
    rows: list[Row] = []
    for seq in range(1, length + 1):
        rows.append(row(seq, rows[-1].mac if rows else FIRST, key))
    return rows


ROWS = chain()
ANCHORS = [anchor(HEAD, ROWS[-1]), anchor(f"{DAY}2026-11-24", ROWS[5])]


def verdict(rows: list[Row], anchors: list[Anchor], *, key: bytes = KEY, head: str = "") -> str:
    try:
        item = Chain(key, anchors, expected_head=head)
        for each in rows:
            item.add(each)
        item.end()
    except Fault as fault:
        return f"{fault.seq}: {fault}"
    return ""


store_maker = st.integers(0, LENGTH - 1)
texts = st.text(max_size=20)
values = st.one_of(texts, st.integers(), st.none(), st.binary(max_size=3), st.floats())


def test_a_chain_that_nobody_touched_is_proved() -> None:
    assert verdict(ROWS, ANCHORS) == ""
    assert verdict([], []) == ""


@given(store_maker, st.sampled_from(Row.__slots__), values)
def test_any_edit_of_any_value_is_found(storage: int, column: str, value: Any) -> None:
    edited = replace(ROWS[storage], **{column: value})
    if edited == ROWS[storage] and type(value) is type(getattr(ROWS[storage], column)):
        return
    rows = [*ROWS[:storage], edited, *ROWS[storage + 1 :]]
    if column == "seq":
        assert verdict(rows, ANCHORS)
    else:
        assert verdict(rows, ANCHORS).startswith(f"{storage + 1}: row {storage + 1} was edited")


@given(store_maker)
def test_any_row_that_is_deleted_is_missed(storage: int) -> None:
    rows = [*ROWS[:storage], *ROWS[storage + 1 :]]
    what = verdict(rows, ANCHORS)
    if storage == LENGTH - 1:
        assert what == f"{LENGTH}: cut off at the end: rows {LENGTH} to {LENGTH} are missing"
    else:
        assert (
            what == f"{storage + 1}: row {storage + 1} is missing: row {storage + 2} comes instead"
        )


@given(store_maker, store_maker)
def test_any_two_rows_that_change_places_are_found(number: int, other: int) -> None:
    if number == other:
        return
    rows = list(ROWS)
    rows[number] = replace(ROWS[other], seq=number + 1)
    rows[other] = replace(ROWS[number], seq=other + 1)
    first, second = sorted((number, other))
    expected = f"{first + 1}: row {first + 1} is out of order: it was row {second + 1}"
    assert verdict(rows, ANCHORS) == expected


@given(st.integers(0, LENGTH - 1))
def test_any_tail_that_is_cut_off_is_missed(length: int) -> None:
    what = verdict(ROWS[:length], ANCHORS)
    assert what == f"{length + 1}: cut off at the end: rows {length + 1} to {LENGTH} are missing"


@given(st.integers(6, LENGTH - 1))
def test_a_tail_cut_off_with_the_older_head_put_back_needs_the_head_that_was_posted(
    length: int,
) -> None:
    anchors = [anchor(HEAD, ROWS[length - 1]), ANCHORS[1]]
    assert verdict(ROWS[:length], anchors) == "", "nothing here can know"
    what = verdict(ROWS[:length], anchors, head=ROWS[-1].mac)
    assert "is not part of this chain: an older copy was put in its place" in what
    assert verdict(ROWS[:length], anchors, head=ROWS[3].mac) == ""


@given(st.integers(1, 5))
def test_a_tail_cut_off_before_the_end_of_a_day_is_missed(length: int) -> None:
    anchors = [anchor(HEAD, ROWS[length - 1]), ANCHORS[1]]
    assert "cut off at the end: at 2026-11-25T10:00:06" in verdict(ROWS[:length], anchors)


@given(store_maker, st.sampled_from(Anchor.__slots__), values)
def test_any_edit_of_any_anchor_is_found(storage: int, column: str, value: Any) -> None:
    item = ANCHORS[storage % 2]
    if value == getattr(item, column):
        return
    anchors = [other for other in ANCHORS if other is not item]
    assert verdict(ROWS, [*anchors, replace(item, **{column: value})])


@given(store_maker, st.binary(min_size=1, max_size=40))
def test_a_row_made_with_another_key_is_found(storage: int, key: bytes) -> None:
    if key.rstrip(b"\0") == KEY:  # to HMAC a key goes on with zeros
        return
    forged = row(storage + 1, ROWS[storage].prev, key, actor="U0EVE")
    assert verdict([*ROWS[:storage], forged, *ROWS[storage + 1 :]], ANCHORS) == (
        f"{storage + 1}: row {storage + 1} was edited"
    )


@pytest.mark.parametrize("anchors", [ANCHORS, []])
def test_the_wrong_key_is_called_that(anchors: list[Anchor]) -> None:
    assert "this is not the key" in verdict(ROWS, anchors, key=b"another key of 16")


def test_a_row_put_in_is_found() -> None:
    twice = [*ROWS[:4], ROWS[3], *ROWS[4:]]
    assert verdict(twice, ANCHORS) == "5: row 5 is missing: row 4 comes instead"


def test_rows_behind_the_head_are_found() -> None:
    assert "the anchor 'head' is an older one" in verdict(ROWS, [anchor(HEAD, ROWS[8])])


def test_a_chain_without_its_head_is_found() -> None:
    assert "the anchor 'head' is missing" in verdict(ROWS, [])


def test_another_chain_of_the_same_key_cannot_be_grafted_on() -> None:
    other = [row(1, FIRST, detail=canonical({"n": "other"}))]
    for seq in range(2, LENGTH + 1):
        other.append(row(seq, other[-1].mac))
    what = verdict([*ROWS[:4], *other[4:]], [anchor(HEAD, other[-1])])
    assert what.startswith("5: row 5 is out of order: it does not follow the one before it")


def test_the_mac_is_the_one_of_rfc_4231() -> None:
    # Test case 2 of RFC 4231.
    expected = "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843"
    assert mac_of(b"Jefe", "what do ya want for nothing?") == expected
