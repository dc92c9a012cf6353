"""A group of alerts keeps its identity while alerts join and leave it."""

from __future__ import annotations

import json
from pathlib import Path

from bot.intake import parse_message

PAYLOAD = Path(__file__).parents[1] / "payloads/alertmanager/slack_default_firing.json"


def fingerprint(title: str) -> str:
    message = json.loads(PAYLOAD.read_text("utf-8"))
    message["attachments"][0] |= {"title": title, "fallback": title}
    (alert,) = parse_message(message).alerts
    return alert.fingerprint


def test_a_second_member_with_other_labels_is_still_the_same_group() -> None:
    first = fingerprint("[FIRING:1] DiskFull prod (db-1 payments critical)")
    second = fingerprint("[FIRING:2] DiskFull prod (payments)")
    ended = fingerprint("[RESOLVED] DiskFull prod (payments)")
    assert first == second == ended


def test_a_group_of_another_name_or_environment_is_another_one() -> None:
    titles = ("DiskFull prod (payments)", "DiskFull staging (payments)", "DiskSlow prod (payments)")
    assert len({fingerprint(f"[FIRING:1] {title}") for title in titles}) == 3


def test_a_service_of_the_group_comes_before_a_pod_that_its_members_share() -> None:
    title = "[FIRING:1] SlowAnswers prod 10.0.0.5:80 kubernetes-pods cart-api (shop-pod-x critical)"
    message = {"username": "Alertmanager", "attachments": [{"title": title, "color": "danger"}]}
    (alert,) = parse_message(message).alerts
    assert alert.service == "cart-api"
    assert alert.read_from["service"] == "guess"
