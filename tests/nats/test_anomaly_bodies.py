"""The body of any message becomes at least one alert, and a strange one shows its text."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.incidents.model import Alert
from bot.nats.anomalies import TEXT_LIMIT, UNREADABLE, read_anomalies
from bot.web.alert_bodies import ALERTS_LIMIT
from bot.web.body import BODY_LIMIT

ANOMALY = {"anomaly_type": "link_degradation", "service": "vsat", "domain": "comms"}


def read_one(body: Any) -> Alert:
    data = body if isinstance(body, bytes) else json.dumps(body).encode()
    (alert,) = read_anomalies(data)
    return alert


def test_an_anomaly_keeps_its_fields() -> None:
    alert = read_one(ANOMALY)
    assert (alert.source, alert.name, alert.service, alert.category) == (
        "anomaly",
        "link_degradation",
        "vsat",
        "comms",
    )


def test_a_list_is_as_many_alerts() -> None:
    alerts = read_anomalies(json.dumps([ANOMALY, ANOMALY | {"service": "edge"}]).encode())
    assert [alert.service for alert in alerts] == ["vsat", "edge"]


def test_of_a_list_only_the_strange_one_is_shown_as_text() -> None:
    alerts = read_anomalies(json.dumps([ANOMALY, {"score": 0.9}]).encode())
    assert [alert.name for alert in alerts] == ["link_degradation", UNREADABLE]
    assert '{"score": 0.9}' in alerts[1].text


@pytest.mark.parametrize(
    ("body", "reason"),
    [
        (b"SNR fell", "The body is not JSON"),
        (b"\xff\xfe SNR fell", "The body is not UTF-8"),
        (b"[" * 100_000, "nested too deeply"),
        (b"42", "neither a JSON object nor a list"),
        (b"[]", "lists 0 anomalies"),
        (b"[1]", "neither a JSON object nor a list"),
        (json.dumps([ANOMALY] * (ALERTS_LIMIT + 1)).encode(), "lists 501 anomalies"),
        (b"x" * (BODY_LIMIT + 1), "at most 1,048,576 are read"),
    ],
)
def test_a_strange_body_is_shown_with_the_reason(body: bytes, reason: str) -> None:
    alert = read_one(body)
    assert alert.name == UNREADABLE
    assert reason in alert.text
    assert body[:10].decode("utf-8", "replace") in alert.text or not body.isascii()


def test_strange_bodies_have_one_fingerprint() -> None:
    assert len({read_one(body).fingerprint for body in (b"a", b"b 42", b"[]", b"{}")}) == 1


def test_what_is_stored_of_a_strange_body_is_bounded() -> None:
    alert = read_one("ä".encode() * 600_000)
    assert len(json.dumps(dict(alert.raw))) < 8 * TEXT_LIMIT
    assert len(alert.text) <= TEXT_LIMIT + 200


JSON = st.recursive(
    st.none() | st.booleans() | st.floats() | st.text(),
    lambda inner: (
        st.lists(inner)
        | st.dictionaries(
            st.sampled_from([*ANOMALY, "score", "ts", "meta", "labels", "tags", "severity"]), inner
        )
    ),
)


@given(st.binary() | JSON.map(lambda body: json.dumps(body).encode()))
def test_no_body_raises_or_is_nothing(data: bytes) -> None:
    alerts = read_anomalies(data)
    assert alerts
    assert all(alert.source == "anomaly" and alert.title for alert in alerts)
