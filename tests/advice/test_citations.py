"""Each statement cites an id that was in the prompt, or its reader sees that it does not."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.advice.citations import UNSUPPORTED, cited, leading, with_marked_statements

KNOWN = ("A1", "E1", "E2", "S1")


@pytest.mark.parametrize(
    ("text", "ids"),
    [
        ("Memory grows [E2].", ("E2",)),
        ("Memory grows (E2).", ("E2",)),
        ("Memory grows [E1, E2] and falls [E1; A1].", ("E1", "E2", "A1")),
        ("The E2 error in S3 of H100 GPUs [P1]", ()),
        ("[E2E] tests", ()),
        ("[E 2]", ()),
    ],
)
def test_ids_are_cited_in_brackets(text: str, ids: tuple[str, ...]) -> None:
    assert cited(text) == ids


@pytest.mark.parametrize(
    ("item", "expected"),
    [
        ("E2", (("E2",), "")),
        ("[E2, E3] memory grows", (("E2", "E3"), "memory grows")),
        ("E2: memory grows", (("E2",), "memory grows")),
        ("(A1) · errors", (("A1",), "errors")),
        ("E2 is an error code of the disk", ((), "E2 is an error code of the disk")),
        ("memory grows [E2]", ((), "memory grows [E2]")),
    ],
)
def test_an_item_of_evidence_begins_with_its_ids(item: str, expected: object) -> None:
    assert leading(item) == expected


def test_a_statement_without_an_id_is_marked_and_advice_is_not() -> None:
    text = "The heap is full [E2]. It leaks since 10:00. Run `jmap`. Is it new?"
    assert with_marked_statements(text, KNOWN) == (
        "The heap is full [E2]. ⚠ no source: It leaks since 10:00. Run `jmap`. Is it new?"
    )


def test_one_id_is_for_both_halves_of_a_sentence_that_a_semicolon_joins() -> None:
    text = "The alert says 32.5 MiB; the threshold is 32 MiB [A1]."
    assert with_marked_statements(text, KNOWN) == text


@pytest.mark.attack("ASI09")
def test_an_id_that_was_not_in_the_prompt_is_named() -> None:
    text = "The heap is full [E2, E9]. Restart it as [R1] says."
    assert with_marked_statements(text, KNOWN) == (
        "⚠ unknown E9: The heap is full [E2, E9]. ⚠ unknown R1: Restart it as [R1] says."
    )


def test_a_step_may_begin_without_a_verb_and_its_reason_needs_an_id() -> None:
    text = "Rollback of 4.2. The errors began with it."
    assert with_marked_statements(text, KNOWN, in_step=True) == (
        "Rollback of 4.2. ⚠ no source: The errors began with it."
    )


@given(st.text(max_size=200))
def test_nothing_of_the_text_is_removed(text: str) -> None:
    assert with_marked_statements(text, KNOWN).replace(UNSUPPORTED, "") == text.replace(
        UNSUPPORTED, ""
    )
