"""The root's card lists its children, a folded card links to it, and each reason is plain words."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import pytest

from bot.incidents.correlation import Reason
from bot.incidents.model import GroupedAlert, IncidentChange, IncidentStatus, Severity
from handlers.views import cascade
from handlers.views.card import CardFacts, card
from handlers.views.why import why
from tests.helpers.models import (
    HOSTILE,
    assert_obeys_nothing,
    assert_slack_takes,
    incident,
    shown,
    texts,
)

CHILDREN = [
    incident(id=8, parent_id=7, service="cart-api", severity=Severity.CRITICAL),
    incident(id=9, parent_id=7, service="web", status=IncidentStatus.RESOLVED),
    incident(id=10, parent_id=7, service="web"),
]


def grouped(**changes: Any) -> GroupedAlert:
    fields: dict[str, Any] = {
        "name": "HighErrorRate",
        "title": "errors",
        "value": "",
        "severity": Severity.HIGH,
        "is_firing": True,
        "since": datetime(2026, 11, 21, tzinfo=UTC),
        "reason": Reason.CALLS,
        "source": "alertmanager",
        "count": 1,
        "labels": {},
        "facts": {"incident": "INC-7", "caller": "web", "callee": "cart_api", "seconds": 61},
    }
    return GroupedAlert(**{**fields, **changes})


def test_the_card_of_a_root_shows_its_children_and_the_alert_of_the_cause() -> None:
    root = incident(id=7, severity=Severity.HIGH, cause_id=8, title="web is slow")
    cause = replace(CHILDREN[0], title="cart-api fails", value="9 %")
    fallback, blocks = card(root, CardFacts(children=[cause, *CHILDREN[1:]]))
    text = shown(blocks)
    assert text.startswith("*🔴 CRITICAL · cart-api fails*   `INC-7`")
    assert fallback.startswith("🔴 CRITICAL · cart-api fails · INC-7")
    assert "value 9 %" in text
    assert "most probable cause: this, `INC-8`; seen first: web is slow" in text
    assert "3 children (web ×2, cart-api), 1 resolved" in text
    assert "Children (3)" in str(blocks)
    assert_slack_takes(fallback, blocks)


def test_a_cause_that_is_resolved_gives_the_card_back_to_the_root() -> None:
    root = incident(id=7, cause_id=8, title="web is slow")
    over = replace(CHILDREN[0], status=IncidentStatus.RESOLVED, resolved_at=root.opened_at)
    text = shown(card(root, CardFacts(children=[over, *CHILDREN[1:]]))[1])
    assert "web is slow*   `INC-7`" in text
    assert "most probable cause: `INC-8`" in text


def test_resolving_a_root_names_its_open_children() -> None:
    _, blocks = card(incident(id=7, firing=0), CardFacts(children=CHILDREN))
    assert "Resolves its children too: INC-8, INC-10." in str(blocks)


def test_a_folded_card_says_where_the_incident_went_and_has_no_button() -> None:
    text, blocks = cascade.folded_card(
        incident(id=8, parent_id=7), incident(id=7, title="web is down"), "https://slack.com/x"
    )
    assert "Child of `INC-7`: web is down" in text
    assert "https://slack.com/x" in shown(blocks)
    assert all(block["type"] != "actions" for block in blocks)


def test_the_list_of_children_says_why_each_is_one_and_splits_the_open_ones() -> None:
    box = cascade.children_modal(incident(id=7), CHILDREN, [[grouped()]] * 3, {})
    text = str(box)
    assert text.count("web is declared to call cart_api, 1 min") == 3
    assert [name in text for name in ("Split INC-8", "Split INC-9", "Split INC-10")] == [
        True,
        False,
        True,
    ]


def test_the_list_of_children_begins_with_the_answer_to_the_last_press() -> None:
    answer = cascade.was_split(IncidentChange(incident(id=8), changed=True))
    box = cascade.children_modal(incident(id=7), [], [], {}, 0, answer)
    assert texts(box["blocks"])[0].startswith("INC-8 is an incident of its own again")


def test_the_list_of_children_says_why_a_root_became_one() -> None:
    reasons = {
        8: "Child of INC-7: INC-10 is linked with both",
        9: "Child of INC-7: merged by @U0BEN",
    }
    box = cascade.children_modal(incident(id=7), CHILDREN, [[grouped()]] * 3, reasons)
    assert "Child of INC-7: INC-10 is linked with both" in str(box)
    assert "Child of INC-7: merged by <@U0BEN>" in str(box)
    assert str(box).count("web is declared to call cart_api") == 1, "INC-10 opened as a part"


@pytest.mark.parametrize(
    ("reason", "facts", "says"),
    [
        (Reason.NODE_DOWN, {"incident": "INC-7", "node": "n1"}, "child of INC-7: node n1 is down"),
        (Reason.ZONE_DOWN, {"incident": "INC-7", "zone": "b"}, "child of INC-7: zone b is down"),
        (Reason.SYMPTOM, {"incident": "INC-7", "service": "web"}, "another symptom of web"),
        (Reason.NAMED_ALIKE, {"incident": "INC-7", "service": "web"}, "title has the name of web"),
        (Reason.DEPLOY, {"incident": "INC-7", "service": "web"}, "web was deployed"),
        (Reason.OPENED, {"env": "prod", "service": "web"}, "no open incident matches prod · web"),
        (Reason.OPENED, {}, "opened this incident"),
        ("a rule of another version", {}, "a rule of another version"),
    ],
)
def test_each_reason_is_said_in_plain_words(reason: str, facts: dict[str, str], says: str) -> None:
    assert says in why(reason, facts, [])


def test_the_alternatives_are_named() -> None:
    assert why(Reason.SAME_SOP, {}, [[4, "a rule"]]).endswith("Also possible: INC-4 (a rule)")


@pytest.mark.attack("ASI09")
@pytest.mark.parametrize("text", HOSTILE)
def test_a_strangers_words_in_facts_format_nothing_and_mention_nobody(text: str) -> None:
    reason = why(Reason.SYMPTOM, {"incident": "INC-7", "service": text}, [])
    assert_obeys_nothing(reason)
    box = cascade.children_modal(
        incident(id=7), [incident(id=8, title=text)], [[grouped(facts={"caller": text})]], {}
    )
    assert_slack_takes("the list", box["blocks"], "modal")
