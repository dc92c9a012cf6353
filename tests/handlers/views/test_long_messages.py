"""Long texts and long lists stay whole: a text in pages, a list in several paragraphs."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

from bot.incidents.records import Handover, HandoverState
from bot.incidents.remediation import RemediationStatus
from handlers.views import handover
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
