"""Strangers may send anything: no parser raises, and every result can be stored."""

from __future__ import annotations

import dataclasses
import json
import re
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from enum import Enum
from typing import Any, TypeVar

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from bot.errors import InputError
from bot.incidents.model import Alert, AlertStatus
from bot.intake import PARSERS, parse_body, parse_message
from bot.intake.incident_request import parse_incident_request

Result = TypeVar("Result")
# hypothesis leaves surrogates out of text() unless told; Slack and JSON do not.
TEXT = st.text(st.characters(codec=None), max_size=40) | st.sampled_from(
    [
        "[FIRING:1] A b (c)",
        "Problem: x",
        "<!channel>",
        "<http://a|b>",
        "\ud800",
        "\x00",
        "ok",
        "[",
        "",
    ]
)
NAMES = st.sampled_from(
    re.findall(
        r"\w+",
        "text type blocks attachments elements fields title title_link value color "
        "fallback footer pretext author_name message subtype username bot_profile name "
        "actions url accessory rows block_id alerts labels annotations status startsAt "
        "heartbeat monitor data event issue tags metadata Message AlarmName Trigger files",
    )
)
LEAVES = (
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats()
    | TEXT
    | st.sampled_from(
        ["section", "rich_text", "header", "context", "button", "link", "message_changed", "user"]
    )
)
JSON = st.recursive(
    LEAVES,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(NAMES | TEXT, inner, max_size=5),
    max_leaves=25,
)
BLOCK = st.fixed_dictionaries(
    {}, optional={"type": LEAVES, "text": JSON, "fields": JSON, "elements": JSON, "rows": JSON}
)
ATTACHMENT = st.fixed_dictionaries(
    {},
    optional={
        "title": LEAVES,
        "title_link": LEAVES,
        "text": LEAVES,
        "color": LEAVES,
        "footer": LEAVES,
        "fields": st.lists(JSON | st.fixed_dictionaries({"title": TEXT, "value": TEXT})),
        "blocks": st.lists(BLOCK) | JSON,
    },
)
MESSAGES = st.dictionaries(NAMES, JSON, max_size=6) | st.fixed_dictionaries(
    {},
    optional={
        "text": LEAVES,
        "username": TEXT,
        "blocks": st.lists(BLOCK, max_size=3),
        "attachments": st.lists(ATTACHMENT, max_size=3),
    },
)


def strings_of(value: Any) -> Iterator[str]:
    if isinstance(value, str) and not isinstance(value, Enum):
        yield value
    elif isinstance(value, dict):
        for key, item in value.items():
            yield from strings_of(key)
            yield from strings_of(item)
    elif isinstance(value, list | tuple):
        for item in value:
            yield from strings_of(item)


def check(alert: Alert) -> None:
    assert alert.title.strip()
    assert alert.name.strip()
    assert len(alert.title) <= 200
    assert len(alert.fingerprint) >= 1
    json.dumps(alert.raw, allow_nan=False)
    for text in strings_of(dataclasses.astuple(alert)):
        text.encode("utf-8")
        assert "\x00" not in text
    for time in (alert.starts_at, alert.ends_at):
        assert time is None or (isinstance(time, datetime) and time.utcoffset() is not None)
    for link in alert.links:
        assert link.url.lower().startswith(("http://", "https://"))


def outcome(call: Callable[[], Result]) -> Result | InputError:
    try:
        return call()
    except InputError as error:
        return error


@given(MESSAGES)
def test_any_message_becomes_clean_alerts_and_never_raises(message: dict[str, Any]) -> None:
    for alert in parse_message(message).alerts:
        check(alert)


@given(TEXT.filter(lambda text: any(char.isalnum() for char in text)), st.integers(0, 3))
def test_a_message_with_visible_text_is_never_dropped(text: str, place: int) -> None:
    part = {"type": "section", "text": {"type": "mrkdwn", "text": text}}
    message: dict[str, Any] = (
        {"text": text},
        {"text": "", "blocks": [part]},
        {"text": "", "attachments": [{"fields": [{"title": "", "value": text}]}]},
        {"attachments": [{"color": "danger", "blocks": [part]}]},
    )[place]
    [alert] = parse_message(message).alerts
    check(alert)


@pytest.mark.parametrize("source", [parser.name for parser in PARSERS if parser.body is not None])
@given(body=JSON)
@example(body=[])
@example(body={"event_name": "x", "status": "²", "nseverity": "²"})  # a digit, and no number
@example(body={"alerts": [{"labels": {"a": float("nan")}}]})
def test_any_body_becomes_clean_alerts_or_an_error_that_names_a_field(
    source: str, body: Any
) -> None:
    result = outcome(lambda: parse_body(source, body).alerts)
    if isinstance(result, InputError):
        assert result.field
        assert result.message.startswith(result.field)
        result.message.encode()
    else:
        assert result
        for alert in result:
            check(alert)


@given(JSON)
def test_any_incident_request_is_read_or_refused_by_field(body: Any) -> None:
    result = outcome(lambda: parse_incident_request(body))
    if isinstance(result, InputError):
        assert result.field
    else:
        assert result.incident_key
        assert result.prompt or result.alert is not None
        result.incident_key.encode()
        result.prompt.encode()


NUMBERS = st.integers(0, 10**6) | st.floats(0, 1e6).map(lambda number: round(number, 2))


@given(NUMBERS, NUMBERS, st.datetimes(timezones=st.just(UTC)), st.integers(1, 99))
def test_numbers_and_times_do_not_change_the_fingerprint(
    first: float, second: float, time: datetime, count: int
) -> None:
    def fingerprints(
        first_number: float, second_number: float, at: datetime, number: int
    ) -> list[str]:
        line = f"Disk on db-1 at {first_number}% for {second_number} s since {at.isoformat()}"
        group = f"[FIRING:{number}] DiskFull {first_number} (db-1 {second_number})"
        fields = [{"title": "Host", "value": "db-1"}, {"title": "Event time", "value": str(at)}]
        messages: list[dict[str, Any]] = [
            {"text": line},
            {"attachments": [{"title": group}]},
            {"attachments": [{"title": f"Problem: used {first_number}%", "fields": fields}]},
        ]
        fingerprints_ = [parse_message(message).alerts[0].fingerprint for message in messages]
        body = {
            "name": "disk",
            "text": line,
            "value": first_number,
            "timestamp": 1_700_000_000 + number,
        }
        return [*fingerprints_, parse_body("generic", body).alerts[0].fingerprint]

    assert fingerprints(first, second, time, count) == fingerprints(
        93.5, 7, datetime(2026, 11, 21, 3, 4, 5, tzinfo=UTC), 1
    )


def test_names_that_hold_numbers_are_told_apart() -> None:
    left, right = ({"text": f"Disk is full on db-{number}"} for number in (1, 2))
    assert parse_message(left).alerts[0].fingerprint != parse_message(right).alerts[0].fingerprint


def test_a_very_long_message_keeps_its_head_and_says_how_much_is_missing() -> None:
    [alert] = parse_message({"text": "Log follows\n" + "x" * 40_000}).alerts
    assert alert.title == "Log follows"
    assert alert.text.startswith("Log follows\nxxx")
    assert "30012 more characters were cut" in alert.text
    assert len(alert.text) < 10_100
    assert len(alert.raw["text"]) == 40_012


def test_a_title_is_cut_at_200_characters() -> None:
    [alert] = parse_message({"text": "word " * 100}).alerts
    assert len(alert.title) == 200
    assert alert.title.endswith("…")


def test_hidden_and_direction_characters_are_dropped() -> None:
    [alert] = parse_message(
        {"text": "Disk\u202e lluf\u200b \U000e0041 is\x1b[31m full\ud800"}
    ).alerts
    assert alert.title == "Disk lluf is[31m full\ufffd"


def test_a_mention_in_an_alert_cannot_mention_again() -> None:
    text = "<!channel> <!here|here> <!subteam^S1|@quay> <@U123> lock 3 leaks"
    [alert] = parse_message({"text": text}).alerts
    assert alert.title == "[channel] [here] [quay] [user U123] lock 3 leaks"


@pytest.mark.parametrize(
    "url", ["javascript:alert(1)", "ftp://x.example/a", "http://", "http://a b", "slack://open"]
)
def test_a_link_that_is_not_http_is_no_link(url: str) -> None:
    [alert] = parse_message(
        {"text": "x", "attachments": [{"title": "t", "title_link": url}]}
    ).alerts
    assert alert.links == ()


def test_a_password_in_a_link_is_dropped() -> None:
    [alert] = parse_message({"text": "see https://ana:s3cret@graf.example/d/1"}).alerts
    assert [link.url for link in alert.links] == ["https://graf.example/d/1"]


def test_a_deleted_message_is_no_alert() -> None:
    message = {"type": "message", "subtype": "message_deleted", "previous_message": {"text": "x"}}
    assert parse_message(message).alerts == ()


def test_a_message_of_only_a_button_is_still_an_alert() -> None:
    button = {"type": "button", "text": {"text": "Open"}, "url": "https://x.example/1"}
    [alert] = parse_message({"blocks": [{"type": "actions", "elements": [button]}]}).alerts
    assert alert.title == "Open"
    assert alert.links[0].url == "https://x.example/1"


@pytest.mark.parametrize(
    ("title", "color", "status"),
    [
        ("Backup is back to normal", "", AlertStatus.RESOLVED),
        ("[RESOLVED: lock 3", "", AlertStatus.RESOLVED),
        ("Lock 3", "good", AlertStatus.RESOLVED),
        ("Lock 3 is down", "good", AlertStatus.FIRING),
        ("Name could not be resolved", "", AlertStatus.FIRING),
        ("The incident is not resolved", "", AlertStatus.FIRING),
        ("Unresolved: lock 3", "", AlertStatus.FIRING),
        ("Lock 3", "danger", AlertStatus.FIRING),
        ("Lock 3", "", AlertStatus.FIRING),
    ],
)
def test_only_a_clear_word_or_colour_resolves(title: str, color: str, status: AlertStatus) -> None:
    [alert] = parse_message({"attachments": [{"title": title, "color": color}]}).alerts
    assert alert.status is status


@pytest.mark.timeout(30)  # quadratic reading of this took minutes
@pytest.mark.parametrize("piece", ["[", " [", "<", "*a", "1.", "a: ", "Problem in ", "[FIRING:1] "])
def test_a_long_run_of_one_pattern_is_read_in_linear_time(piece: str) -> None:
    text = piece * (300_000 // len(piece))
    fields = [{"title": "Host", "value": text}, {"title": "Event time", "value": text}]
    for sender in ("Alertmanager", "Uptime Kuma", "Sentry", "Grafana"):
        attachment = {"title": text, "text": text, "fields": fields, "fallback": text}
        [alert] = parse_message(
            {"username": sender, "text": text, "attachments": [attachment]}
        ).alerts
        check(alert)
