"""The list of an incident's alerts: every one of them can be read, a page at a time."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from bot.incidents.correlation import Reason
from bot.incidents.model import GroupedAlert, GroupedAlerts, Severity
from handlers.views.alerts import MAX_LABELS, PAGE, alerts_modal, page_of
from tests.helpers.models import HOSTILE, NOW, assert_slack_takes, buttons, incident, shown


def grouped(**changes: Any) -> GroupedAlert:
    defaults: dict[str, Any] = {
        "name": "HighCpu",
        "title": "web: CPU at 93 %",
        "value": "93 %",
        "severity": Severity.HIGH,
        "is_firing": True,
        "since": NOW,
        "reason": Reason.SAME_SCOPE,
        "source": "alertmanager",
        "count": 1,
        "labels": {},
    }
    return GroupedAlert(**{**defaults, **changes})


def test_each_alert_says_what_how_bad_since_when_and_why_it_joined() -> None:
    page = GroupedAlerts(
        (
            grouped(count=3),
            grouped(title="disk full", is_firing=False, value="", reason=Reason.SAME_SOP),
        ),
        total=2,
        firing=1,
    )
    view = alerts_modal(incident(), page, 0)
    text = shown(view["blocks"])
    for part in (
        "*2 alerts grouped in* `INC-142`: 1 firing, sent 14 times",
        "🔶 HIGH · web: CPU at 93 %",
        "HighCpu · value 93 % · since <!date^",
        "from alertmanager · sent 3 times",
        "joined: same environment, service and category",
        "✅ resolved (high) · disk full",
        "joined: same SOP, environment and service",
    ):
        assert part in text
    assert buttons(view["blocks"]) == []
    assert_slack_takes("a modal has no text", view["blocks"], surface="modal")


def test_an_alert_says_which_of_its_fields_were_guessed() -> None:
    page = GroupedAlerts((grouped(guessed=("service",)), grouped(title="disk full")), 2, 2)
    first, _, second = shown(alerts_modal(incident(), page, 0)["blocks"]).partition("disk full")
    assert "service guessed from the title" in first
    assert "guessed" not in second


def test_two_alerts_of_one_name_are_told_apart_by_their_labels() -> None:
    same = {"alertname": "HighCpu", "severity": "high", "env": "prod"}
    first = grouped(labels={**same, "instance": "10.0.0.1", "core": "3", "lane": ""})
    second = grouped(labels={**same, "instance": "10.0.0.2", "core": "7"})
    blocks = alerts_modal(incident(), GroupedAlerts((first, second), 2, 2), 0)["blocks"]
    assert "instance 10.0.0.1 · core 3" in shown(blocks)
    assert "instance 10.0.0.2 · core 7" in shown(blocks)
    assert "env prod" not in shown(blocks), "every alert has it"


def test_a_single_alert_names_its_machine_and_many_labels_are_bounded() -> None:
    alone = grouped(labels={"pod": "web-1", "env": "prod"})
    assert "pod web-1" in shown(
        alerts_modal(incident(), GroupedAlerts((alone,), 1, 1), 0)["blocks"]
    )
    many = [grouped(labels={f"l{n}": f"{n}/{side}" for n in range(30)}) for side in "ab"]
    text = shown(alerts_modal(incident(), GroupedAlerts(tuple(many), 2, 2), 0)["blocks"])
    assert text.count("/a") == MAX_LABELS


def test_many_are_shown_a_page_at_a_time() -> None:
    full = GroupedAlerts(tuple(grouped() for _ in range(PAGE)), total=25, firing=25)
    first = alerts_modal(incident(), full, 0)
    assert buttons(first["blocks"]) == ["More"]
    assert buttons(alerts_modal(incident(), full, PAGE)["blocks"]) == ["Back", "More"]
    last = GroupedAlerts(tuple(grouped() for _ in range(5)), total=25, firing=25)
    assert buttons(alerts_modal(incident(), last, 2 * PAGE)["blocks"]) == ["Back"]
    assert page_of(alerts_modal(incident(), full, PAGE)) == ("142", PAGE)
    assert page_of({"private_metadata": "142 x"}) == ("142", 0)


@pytest.mark.attack("ASI09")
@pytest.mark.parametrize("text", HOSTILE, ids=range(len(HOSTILE)))
def test_hostile_alerts_make_a_list_that_slack_takes(text: str) -> None:
    evil = grouped(name=text, title=text, value=text, reason=text, source=text)
    evil = replace(
        evil, labels={text: text, "instance": text, **{f"{text}{n}": text for n in range(9)}}
    )
    page = GroupedAlerts((evil,) * PAGE, total=99, firing=99)
    blocks = alerts_modal(incident(id=10**15), page, PAGE)["blocks"]
    assert_slack_takes("a modal has no text", blocks, surface="modal")


def test_a_reason_of_another_version_is_shown_as_it_stands() -> None:
    page = GroupedAlerts((grouped(reason="a newer rule", since=NOW + timedelta(1)),), 1, 1)
    assert "a newer rule" in shown(alerts_modal(incident(), page, 0)["blocks"])
