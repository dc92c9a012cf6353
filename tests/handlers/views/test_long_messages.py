"""Long texts and long lists stay whole: a text in pages, a list in several paragraphs."""

from __future__ import annotations

import time
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import pytest

from bot.incidents.records import Handover, HandoverState
from bot.incidents.remediation import RemediationStatus, Risk
from bot.remediation.offers import OfferedAction, OfferedTarget, Possible
from handlers.views import handover, possible_actions
from handlers.views.approval import approval_card
from handlers.views.full_text import PART, full_text_modal
from tests.helpers.models import approval, incident, vote

AT = datetime(2026, 11, 27, 3, 4, tzinfo=UTC)


def texts_of(blocks: list[dict[str, Any]]) -> list[str]:
    return [block["text"]["text"] for block in blocks if block["type"] == "section"]


def test_a_handover_of_many_incidents_with_long_names_leaves_none_out() -> None:
    many = [
        incident(id=number, title="disk full " * 10, service="checkout-" * 8)
        for number in range(1000, 1100)
    ]
    offer = Handover(
        id=1,
        giver="U0ANA",
        taker="U0BEN",
        incidents=tuple(each.id for each in many),
        state=HandoverState.ACCEPTED,
        made_at=AT,
    )
    _, blocks = handover.message(offer, many, to_taker=True)
    shown = texts_of(blocks)
    assert all(f"INC-{number}" in "".join(shown) for number in range(1000, 1100))
    assert not any(text.endswith("\n…") for text in shown)


def test_a_page_of_a_long_text_ends_with_a_word() -> None:
    text = " ".join(f"word-{number:06}" for number in range(900))
    assert len(text) > 2 * PART
    shown = texts_of(full_text_modal([text], "card:1", 0)["blocks"])
    shown_text = " ".join(
        part.removeprefix("```\n").removesuffix("\n```") for part in shown
    ).split()
    assert shown_text == text.split()


def test_ten_votes_with_long_reasons_and_a_long_command_are_whole() -> None:
    text = "why it is right " * 40
    votes = tuple(
        replace(vote(f"U0P00{number}"), reason=f"{number} {text}") for number in range(10, 20)
    )
    decided = approval(
        votes=votes,
        state=RemediationStatus.REJECTED,
        decided_at=AT,
        preview=replace(approval().preview, command="restart " * 200),
    )
    _, blocks = approval_card(decided)
    assert all(f"U0P00{number}" in str(blocks) for number in range(10, 20))
    texts = [part["text"] for block in blocks for part in block.get("elements", ())]
    assert not any(text.endswith("\n…") for text in texts)


@pytest.mark.attack("ASI08")
def test_a_text_of_megabytes_is_cut_into_pages_in_linear_time() -> None:
    began = time.process_time()
    modal = full_text_modal(["línea ☃ of a log\n" * 1_000_000], "card:1", 3)
    assert time.process_time() - began < 1
    assert "Page 4 of " in str(modal["blocks"][-2])


@pytest.mark.attack("ASI08")
def test_the_list_of_a_hostile_gateway_is_shown_in_part() -> None:
    names = [f"parameter_{'x' * 28}_{number}" for number in range(30)]
    offered = tuple(
        OfferedAction(
            id=f"cache.warm_{number}", title="t" * 100, mutating=True, inverse="", risk=Risk.HIGH,
            blast="", verified_by="", cancellable=False, fields=dict.fromkeys(names),
        )
        for number in range(60)
    )  # fmt: skip
    rows = [Possible(OfferedTarget(name=f"t-{n}"), offered, ()) for n in range(300)]
    shown = possible_actions.whole(rows)
    assert len(shown) < 1.5 * possible_actions.WHOLE_CHARS
    assert shown.startswith("t-0\n  cache.warm_0 parameter_")
    assert shown.endswith("more targets")
    assert "more target" not in possible_actions.whole(rows[:2])
