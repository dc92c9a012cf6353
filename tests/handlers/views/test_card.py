"""The card shows what happened, the severity, the start, the owner and the next step."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.incidents.episodes import LastEpisode
from bot.incidents.model import Hyperlink, IncidentStatus, Resolution, Severity, Shown
from bot.simulator import menu_entries
from handlers.views.card import CardFacts, card
from handlers.views.lists import incident_details
from handlers.views.modals import ask_modal, question_of
from tests.helpers.models import (
    ANA,
    HOSTILE,
    WILD,
    acknowledged,
    approval,
    assert_slack_takes,
    buttons,
    incident,
    resolved,
    shown,
    texts,
)


@pytest.mark.parametrize(
    ("severity", "word"),
    [
        (Severity.CRITICAL, "🔴 CRITICAL"),
        (Severity.HIGH, "🔶 HIGH"),
        (Severity.MEDIUM, "🟨 MEDIUM"),
        (Severity.LOW, "🔹 LOW"),
    ],
)
def test_the_first_line_holds_severity_by_word_and_shape_title_and_number(
    severity: Severity, word: str
) -> None:
    text, blocks = card(incident(severity=severity))
    first = texts(blocks)[0].splitlines()[0]
    assert first == f"*{word} · checkout-api error rate above 5 %*   `INC-142`"
    assert text.startswith(f"{word} · checkout-api error rate above 5 % · INC-142")
    assert_slack_takes(text, blocks)


def test_the_context_line_shows_place_source_start_and_ids() -> None:
    _, blocks = card(incident())
    small = shown(blocks)
    for part in (
        "prod · eu-west-1 · checkout-api",
        "14 alerts grouped",
        "value 7.8 % (threshold 5 %)",
        "since <!date^1795230245^{date_short_pretty} {time}|21 Nov 2026 03:04 UTC>",
        "sop_5616d3719856",
        "req-20261121-030412-9f2c1ab0",
    ):
        assert part in small


def test_one_alert_is_not_said_to_be_grouped() -> None:
    _, blocks = card(incident(alert_count=1))
    assert "grouped" not in shown(blocks)
    assert "Alerts" not in str(blocks)


def test_place_and_start_time_are_those_of_the_alert_that_is_shown() -> None:
    since = datetime(2025, 12, 24, 10, 10, tzinfo=UTC)
    text, blocks = card(incident(shown=Shown("staging", "us-east-1", "cart", since)))
    assert "staging · us-east-1 · cart · since" in shown(blocks)
    assert "24 Dec 2025 10:10 UTC" in shown(blocks), "with its date"
    assert "prod" not in shown(blocks)
    assert text.endswith("staging · cart")


def test_an_open_incident_can_be_acknowledged_resolved_and_asked_about() -> None:
    text, blocks = card(incident(), CardFacts(runbook="https://runbooks.example/checkout"))
    assert buttons(blocks) == [
        "Acknowledge",
        "Resolve",
        "Ask",
        "Mute",
        "Runbook: runbooks.example ↗",
        "graphs.example · Graph ↗",
    ]
    assert menu_entries({"blocks": blocks}) == [
        "Change severity…",
        "Assign…",
        "Escalate…",
        "Merge…",
        "Alerts (14)",
    ]
    assert_slack_takes(text, blocks)


def test_an_acknowledged_incident_names_its_owner_and_has_no_acknowledge_button() -> None:
    _, blocks = card(acknowledged())
    assert "Acknowledge" not in buttons(blocks)
    assert f"👀 acknowledged by <@{ANA}>" in shown(blocks)


@pytest.mark.parametrize(("by", "expected"), [("", "the alert cleared"), (ANA, f"by <@{ANA}>")])
def test_a_resolved_incident_says_so_first_and_has_no_buttons(by: str, expected: str) -> None:
    text, blocks = card(resolved(by))
    assert texts(blocks)[0].startswith("*✅ RESOLVED · ")
    assert text.startswith("✅ RESOLVED · ")
    assert expected in shown(blocks)
    assert "lasted 1 h 5 min" in shown(blocks)
    assert not {"Acknowledge", "Resolve", "Ask"} & set(buttons(blocks))
    assert_slack_takes(text, blocks)


@pytest.mark.parametrize(
    ("resolution", "by", "fix", "expected"),
    [
        (Resolution.CLEARED, "", "", "resolved 2 h before"),
        (Resolution.CLEARED, "", "Restart web", "resolved 2 h before, fixed by: Restart web"),
        (Resolution.PERSON, ANA, "", f"resolved 2 h before, by <@{ANA}>"),
        (Resolution.STALE, "", "", "closed as stale 2 h before"),
    ],
)
def test_the_card_says_how_it_ended_last_time(
    resolution: Resolution, by: str, fix: str, expected: str
) -> None:
    ended = incident().opened_at - timedelta(hours=2)
    _, blocks = card(incident(), CardFacts(last_time=LastEpisode(7, ended, resolution, by, fix)))
    assert f"last time: `INC-7`, {expected}" in shown(blocks)
    assert "last time" not in shown(card(incident())[1])
    posted = LastEpisode(7, ended, resolution, by, fix, ("C0ALERTS", "1795.0001"))
    link = "<https://slack.com/archives/C0ALERTS/p17950001|INC-7>"
    assert f"last time: {link}, {expected}" in shown(
        card(incident(), CardFacts(last_time=posted))[1]
    )


@pytest.mark.attack("ASI09")
@pytest.mark.parametrize("text", HOSTILE, ids=range(len(HOSTILE)))
def test_the_title_of_the_last_fix_cannot_format_the_card(text: str) -> None:
    last = LastEpisode(7, incident().opened_at, Resolution.CLEARED, "", text)
    assert_slack_takes(*card(incident(), CardFacts(last_time=last)))


def test_the_card_of_a_stale_incident_does_not_say_that_it_cleared() -> None:
    text, blocks = card(resolved(resolution=Resolution.STALE))
    assert texts(blocks)[0].startswith("*💤 STALE · ")
    assert text.startswith("💤 STALE · ")
    assert "💤 closed as stale" in shown(blocks)
    assert "cleared" not in shown(blocks)
    assert "Reopen" in buttons(blocks)
    assert "💤 STALE" in incident_details(resolved(resolution=Resolution.STALE), [], [], "")


def test_only_a_verified_action_is_called_a_fix() -> None:
    assert "fixed by" not in shown(card(resolved())[1])
    _, blocks = card(resolved(), CardFacts(fixed_by=approval(decided_by=ANA)))
    assert f"fixed by: Restart checkout-api, approved by <@{ANA}>" in shown(blocks)


def test_a_buttons_value_carries_only_an_id() -> None:
    _, blocks = card(incident(title="secret"))
    values = [e["value"] for b in blocks for e in b.get("elements", []) if "value" in e]
    assert values == ["142"] * 4
    entries = [o["value"] for b in blocks[-1:] for e in b["elements"] for o in e.get("options", [])]
    assert entries == ["severity 142", "assign 142", "escalate 142", "merge 142", "alerts 142"]


@pytest.mark.parametrize(
    "url", ["javascript:alert(1)", "https://x y", "https://e.example/" + "x" * 3000, ""]
)
def test_an_address_that_slack_would_refuse_makes_no_button(url: str) -> None:
    good = Hyperlink("Good", "https://good.example/")
    text, blocks = card(incident(links=(Hyperlink("Bad", url), good)), CardFacts(runbook=url))
    assert buttons(blocks)[4:] == ["good.example · Good ↗"]
    assert_slack_takes(text, blocks)


@pytest.mark.parametrize("text", HOSTILE, ids=range(len(HOSTILE)))
def test_hostile_text_in_every_place_is_shown_and_never_obeyed(text: str) -> None:
    links = (
        Hyperlink(text, "https://a.example/"),
        Hyperlink("", "https://b.example/"),
        Hyperlink(text, text),
    )
    texts_everywhere = dict.fromkeys(
        ("title", "env", "region", "service", "value", "threshold", "tracking_id"), text
    )
    for made in (incident, acknowledged, resolved):
        assert_slack_takes(
            *card(made(**texts_everywhere, sop_id=text, links=links), CardFacts(runbook=text))
        )


@given(
    st.fixed_dictionaries(
        dict.fromkeys(
            ("title", "env", "region", "service", "value", "threshold", "tracking_id", "sop_id"),
            WILD,
        )
    ),
    st.lists(st.builds(Hyperlink, WILD, WILD | st.just("https://a.example/")), max_size=4).map(
        tuple
    ),
    st.sampled_from(Severity),
    st.sampled_from([incident, acknowledged, resolved]),
    WILD,
)
def test_any_incident_makes_a_card_that_slack_takes(fields, links, severity, made, runbook) -> None:  # type: ignore[no-untyped-def]
    broken = made(**fields, links=links, severity=severity)
    text, blocks = card(broken, CardFacts(runbook=runbook))
    assert_slack_takes(text, blocks)
    assert "INC-142" in texts(blocks)[0].splitlines()[0]


@pytest.mark.parametrize("status", IncidentStatus)
def test_an_incident_of_every_status_has_a_card(status: IncidentStatus) -> None:
    assert_slack_takes(*card(incident(status=status)))


# The box for a question


@pytest.mark.parametrize("title", HOSTILE, ids=range(len(HOSTILE)))
def test_the_question_box_is_a_modal_that_slack_takes(title: str) -> None:
    view = ask_modal(incident(title=title, id=10**15))
    assert view["type"] == "modal"
    assert len(view["title"]["text"]) <= 24
    assert view["private_metadata"] == str(10**15)
    assert_slack_takes("a modal has no text", view["blocks"], surface="modal")


@pytest.mark.parametrize(
    ("view", "question"),
    [
        ({"state": {"values": {"question": {"sopbot.question": {"value": "why?"}}}}}, "why?"),
        ({"state": {"values": {"question": {"sopbot.question": {"value": None}}}}}, ""),
        ({"state": {"values": {}}}, ""),
        ({}, ""),
    ],
)
def test_typed_text_is_read_from_the_modal(view: dict[str, object], question: str) -> None:
    assert question_of(view) == question


def test_the_text_of_an_alert_by_http_is_on_the_card() -> None:
    sender_text = "Since the 20:10 deploy 12 % answer 502 <!channel>"
    text, blocks = card(incident(text=sender_text, posted=False))
    assert "Since the 20:10 deploy 12 % answer 502" in str(blocks)
    assert "<!channel>" not in str(blocks)
    assert "Since the 20:10" not in str(card(incident(text=sender_text, posted=True))[1]), (
        "it stands above"
    )
    assert text == card(incident(text="", posted=False))[0]
