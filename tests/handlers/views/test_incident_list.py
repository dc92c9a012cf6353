"""The list of incidents: a table, the same as text, and buttons for what comes next."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from hypothesis import given

from bot.incidents.listing import IncidentPage, ListFilter, Which, parse_filter
from bot.incidents.model import Severity
from handlers.views.incident_list import incident_list, state_of
from handlers.views.pages import Page
from tests.helpers.models import (
    ANA,
    NOW,
    WILD,
    acknowledged,
    assert_obeys_nothing,
    incident,
    resolved,
)

OPEN = ListFilter()
URL = "https://slack.com/archives/C0ALERTS01/p1795000100"


def page(*incidents: Any, more: bool = False) -> IncidentPage:
    places = {142: ("C0ALERTS01", "1795.000100")}
    return IncidentPage(incidents, places, more, {Severity.CRITICAL: 3, Severity.LOW: 64})


def shown(*incidents: Any, chosen: ListFilter = OPEN, more: bool = False, **how: Any) -> Page:
    return incident_list(chosen, page(*incidents, more=more), NOW + timedelta(minutes=6), **how)


def buttons(answer: Page) -> list[tuple[str, str]]:
    elements = [
        item for block in answer.blocks if block["type"] == "actions" for item in block["elements"]
    ]
    return [(item["text"]["text"], item["value"]) for item in elements]


def elements_of(cell: Any) -> list[Any]:
    return cell["elements"][0]["elements"] if cell["type"] == "rich_text" else [cell]


def spoken(cell: Any) -> str:
    return "".join(element.get("text", "") for element in elements_of(cell))


def test_the_text_has_a_line_an_incident_with_its_link_title_place_age_and_owner() -> None:
    head, first, second = shown(incident(), acknowledged(id=141, title="other")).splitlines()
    assert head == "*67 open incidents*, the most severe first   🔴 CRITICAL 3 · 🔹 LOW 64"
    assert first == (
        f"🔴 CRITICAL <{URL}|INC-142> checkout-api error rate above 5 %"
        " · prod · checkout-api · 6 min"
    )
    assert second.startswith("🔴 CRITICAL `INC-141` other")
    assert second.endswith(f"· 👀 <@{ANA}>")


def test_the_table_has_the_same_as_the_text() -> None:
    answer = shown(incident(), acknowledged(id=141, title="other"))
    (table,) = [block for block in answer.blocks if block["type"] == "table"]
    head, first, second = table["rows"]
    assert [cell["text"] for cell in head] == ["Incident", "What"]
    link = first[0]["elements"][0]["elements"][0]
    assert (link["text"], link["url"]) == ("INC-142", URL)
    about = "checkout-api error rate above 5 % · prod · checkout-api"
    assert spoken(first[1]) == f"🔴 CRITICAL · {about}\n6 min · nobody owns it"
    assert elements_of(second[1])[-1] == {"type": "user", "user_id": ANA}
    assert [block["type"] for block in answer.simple] == ["section"] * 3 + ["actions"]


def test_a_page_has_buttons_for_what_nobody_owns_and_for_the_next_page() -> None:
    rows = [incident(), acknowledged(id=141), resolved(id=140)]
    assert buttons(shown(*rows, more=True)) == [("Acknowledge INC-142", "142"), ("More", "140")]
    assert buttons(shown(*rows, after=150))[-1] == ("First page", "0")
    many = [incident(id=n) for n in range(10)]
    assert len(buttons(shown(*many, more=True))) == 5


@pytest.mark.parametrize(
    ("text", "chosen"),
    [
        ("", OPEN),
        ("mine", ListFilter(owner=ANA)),
        ("resolved MINE", ListFilter(Which.RESOLVED, ANA)),
        ("all web /prod", ListFilter(Which.ALL, terms=("web", "/prod"))),
        ("web mine", ListFilter(terms=("web", "mine"))),
        ("open", OPEN),
    ],
)
def test_a_filter_survives_in_the_block_id_of_the_buttons(text: str, chosen: ListFilter) -> None:
    assert parse_filter(text, ANA) == chosen
    answer = shown(incident(), chosen=chosen, more=True, after=150)
    block_id = next(block["block_id"] for block in answer.blocks if block["type"] == "actions")
    assert len(block_id) <= 255
    typed, after = state_of(block_id)
    assert (parse_filter(typed, ANA), after) == (chosen, 150)


@pytest.mark.parametrize(
    ("chosen", "text"),
    [
        (OPEN, "No open incidents."),
        (
            ListFilter(owner=ANA),
            (
                "You own no open incident. `/incident list` shows everybody's."
                " Resolved ones too: `/incident list all mine`."
            ),
        ),
        (
            ListFilter(terms=("web",)),
            "No open incidents with web. Resolved ones too: `/incident list all web`.",
        ),
        (ListFilter(Which.RESOLVED), "No resolved incidents."),
        (ListFilter(Which.ALL, terms=("x",)), "No incidents with x."),
    ],
)
def test_an_empty_list_says_what_there_is_none_of(chosen: ListFilter, text: str) -> None:
    assert shown(chosen=chosen) == text


def test_the_answer_to_a_press_stands_above_the_list() -> None:
    answer = shown(acknowledged(), notice="👀 INC-142 is yours.")
    assert answer.startswith("👀 INC-142 is yours.\n*67 open incidents*")
    assert answer.blocks[0]["text"]["text"].startswith("👀 INC-142 is yours.\n*67")


@given(WILD, WILD)
def test_any_text_in_a_list_is_never_obeyed_nor_lost(title: str, where: str) -> None:
    listed = incident(title=title, env=where, service=where)
    answer = shown(*[listed] * 10, chosen=ListFilter(terms=(where[:40] or "x",)))
    assert_obeys_nothing(str(answer).replace(f"<{URL}|INC-142>", ""))
    cells = [
        cell
        for block in answer.blocks
        if block["type"] == "table"
        for row in block["rows"]
        for cell in row
    ]
    texts = [spoken(cell) for cell in cells]
    assert all(texts)
    assert sum(map(len, texts)) <= 10_000


def test_a_child_is_not_acknowledged_from_the_list_because_its_root_has_the_owner() -> None:
    answer = shown(incident(), incident(id=143, parent_id=142))
    assert buttons(answer) == [("Acknowledge INC-142", "142")]


def test_the_hint_below_the_list_names_an_incident_of_the_list() -> None:
    assert "`/incident show INC-143`" in str(shown(incident(id=143)).blocks[-1])
