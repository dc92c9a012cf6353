"""Advice names its source, and the text of a model is data."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.advice.model import FROM_NOTHING, FROM_SOP, Advice
from handlers.views.advice import advice_message
from tests.helpers.models import (
    ANA,
    HOSTILE,
    WILD,
    WILD_LISTS,
    assert_slack_takes,
    shown,
    texts,
)


def test_a_models_advice_says_whose_it_is_and_that_nothing_was_done() -> None:
    text, blocks = advice_message(
        Advice(
            source="Amazon Q",
            seconds=8.2,
            cause="a leak in checkout-api",
            confidence="medium",
            evidence=("[E1] memory grows 4 MB a minute",),
            cited=("E1",),
            ids=("A1", "E1"),
            next_steps=("look at the heap", "restart it"),
            sources=("the alert", "SOP web", "runbook"),
        )
    )
    assert texts(blocks)[0] == "💡 *Advice* · Amazon Q · 8 s · 3 sources"
    assert "*Likely cause (medium confidence):* a leak in checkout-api\n" in shown(blocks)
    assert "• [E1] memory grows 4 MB a minute" in shown(blocks)
    assert "> 1. look at the heap\n> 2. restart it" in shown(blocks)
    assert "not verified, and nothing was done" in shown(blocks)
    assert "Sources: the alert · SOP web · runbook" in shown(blocks)
    assert text.startswith("Advice · Amazon Q · 8 s · 3 sources: a leak")
    assert "a leak in checkout-api" in shown(blocks)[:200]
    assert_slack_takes(text, blocks)


@pytest.mark.parametrize(
    ("source", "label"),
    [(FROM_SOP, "From the SOP, no model"), (FROM_NOTHING, "No SOP, no model")],
)
def test_advice_without_a_model_is_labelled_so_and_says_why(source: str, label: str) -> None:
    _, blocks = advice_message(
        Advice(source=source, look_at=("df -h",), failure="q is not logged in")
    )
    assert texts(blocks)[0].endswith(label)
    assert "• df -h" in shown(blocks)
    assert "No model answer: q is not logged in" in shown(blocks)
    assert "not verified" not in shown(blocks)


def test_undetermined_is_said_when_nothing_else_is() -> None:
    assert "*Likely cause:* Undetermined" in shown(advice_message(Advice(source="Amazon Q"))[1])


def test_an_answer_to_a_question_says_who_asked_what() -> None:
    _, blocks = advice_message(Advice(source="Amazon Q", text="Because."), "why <now>?", ANA)
    assert f"<@{ANA}> asked: why &lt;now&gt;?" in shown(blocks)
    assert "> Because." in shown(blocks)


def test_a_question_of_nobody_in_slack_mentions_nobody() -> None:
    _, blocks = advice_message(Advice(source="Amazon Q", text="Because."), "why?")
    assert "Asked: why?" in shown(blocks)
    assert "<@" not in shown(blocks)


def test_lines_that_do_not_fit_are_counted() -> None:
    steps = tuple(f"step {number}" for number in range(11))
    _, blocks = advice_message(Advice(source="Amazon Q", next_steps=steps))
    assert "> 8. step 7\n> … and 3 more" in shown(blocks)


@pytest.mark.parametrize("text", HOSTILE, ids=range(len(HOSTILE)))
@pytest.mark.parametrize("many", [1, 20])
def test_hostile_text_in_every_place_is_shown_and_never_obeyed(text: str, many: int) -> None:
    wild = Advice(
        source=text,
        seconds=1e9,
        cause=text,
        confidence=text,
        evidence=(text,) * many,
        next_steps=(text,) * many,
        look_at=(text,) * many,
        text=text + ".",
        sources=(text,) * many,
        failure=text,
    )
    assert_slack_takes(*advice_message(wild, text, ANA))


@given(
    st.builds(
        Advice,
        source=WILD | st.just(FROM_SOP),
        seconds=st.floats(0, 1e6),
        cause=WILD,
        confidence=st.sampled_from(["", "low"]) | WILD,
        evidence=WILD_LISTS,
        next_steps=WILD_LISTS,
        look_at=WILD_LISTS,
        text=WILD,
        sources=WILD_LISTS,
        failure=WILD,
    ),
    WILD,
    st.sampled_from(["", ANA]),
)
def test_any_advice_makes_a_message_that_slack_takes(given_advice, question, user) -> None:  # type: ignore[no-untyped-def]
    assert_slack_takes(*advice_message(given_advice, question, user))


def test_a_models_claim_that_something_happened_is_marked() -> None:
    lie = "I restarted checkout-api and it has been approved."
    text, blocks = advice_message(
        Advice(source="Amazon Q", cause=lie, text=f"{lie} So.", evidence=(lie,), next_steps=(lie,))
    )
    assert shown(blocks).count(f"⚠ unverified: {lie}") == 4
    assert "⚠ unverified" in text
    assert_slack_takes(text, blocks)


def test_text_of_the_sop_is_neither_marked_nor_fenced() -> None:
    _, blocks = advice_message(Advice(source=FROM_SOP, next_steps=("I restarted it",)))
    assert "⚠ unverified" not in shown(blocks)
    assert "1. I restarted it" in texts(blocks)[-1]


def test_every_line_of_a_models_text_is_a_quotation() -> None:
    _, blocks = advice_message(
        Advice(source="Amazon Q", cause="a\nb", text="c\nd", evidence=("e", "f"), next_steps=("g",))
    )
    body = [block["text"]["text"] for block in blocks[1:] if block["type"] == "section"]
    assert len(body) == 4
    assert all(part.startswith("> ") for text in body for part in text.splitlines())
