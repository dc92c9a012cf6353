"""Secrets leave a stranger's JSON by the form of a text and by the name of a field."""

from __future__ import annotations

import json

import pytest

from bot.serving.redaction import without_secrets


@pytest.mark.attack("ASI03")
def test_no_secret_of_a_payload_is_kept() -> None:
    payload = {
        "text": "login failed, password=hunter2-quay for ana",
        "headers": {"authorization": "Basic YW5hOmh1bnRlcjItcXVheQ==", "x": "1"},
        "blocks": [{"url": "https://ana:hunter2-quay@db.example/x"}],
        "api_key": ["hunter2-quay"],
        "token=hunter2-quay": 1,
        "aws": "AKIAABCDEFGHIJKLMNOP",
        "number": 7,
        "nothing": None,
    }
    text = json.dumps(without_secrets(payload))
    for secret in ("hunter2", "YW5h", "AKIAABCD"):
        assert secret not in text
    assert without_secrets(payload)["number"] == 7
    assert without_secrets({"text": "Pump 3 leaks"}) == {"text": "Pump 3 leaks"}


def test_a_deep_value_is_cut() -> None:
    value: object = "x"
    for _ in range(5_000):
        value = [value]
    assert "[secret]" in str(without_secrets(value))
