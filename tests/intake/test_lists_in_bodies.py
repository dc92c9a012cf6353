"""Bodies that list several alerts under a name of their sender's own."""

from __future__ import annotations

from typing import Any

import pytest

from bot.incidents.model import AlertStatus
from bot.intake import parse_body

RESOLVED = AlertStatus.RESOLVED
FULL = {"name": "Disk full", "severity": "critical", "service": "berths", "state": "open"}
LONG = {"name": "Queue long", "severity": "warning", "service": "cranes", "state": "closed"}


@pytest.mark.parametrize(
    "body",
    [
        {"host": "quay-1", "problems": [FULL, LONG]},
        {"host": "quay-1", "what_is_wrong": [FULL, LONG]},
        {"data": {"items": [FULL, LONG]}, "count": 2, "host": "quay-1"},
        {"title": "2 alerts of quay-1", "host": "quay-1", "alerts": [FULL, LONG]},
        [{"host": "quay-1", "problems": [FULL]}, {"host": "quay-1", "problems": [LONG]}],
    ],
)
def test_each_alert_of_a_list_is_one_with_what_the_body_says_of_all(body: Any) -> None:
    full, long = parse_body("quay-watch", body).alerts
    assert (full.title, full.service, full.labels["host"]) == ("Disk full", "berths", "quay-1")
    assert (long.title, long.service, long.status) == ("Queue long", "cranes", RESOLVED)


def test_the_state_of_a_body_is_that_of_its_alerts_unless_they_say_another() -> None:
    quiet = {"name": "Disk full", "severity": "critical"}
    body = {"status": "resolved", "alerts": [quiet, {**quiet, "name": "Heap", "status": "firing"}]}
    full, heap = parse_body("quay-watch", body).alerts
    assert (str(full.status), str(heap.status)) == ("resolved", "firing")


@pytest.mark.parametrize(
    "parts",
    [
        {"regions": [{"name": "eu"}, {"name": "us"}]},
        {"results": [{"value": 3, "status": "ok"}, {"value": 4, "status": "ok"}]},
        {"checks": [{"name": "http", "status": "passing"}, {"name": "dns", "status": "failing"}]},
        {"alerts": []},
        {"alerts": ["full", "long"]},
    ],
)
def test_a_list_of_anything_else_leaves_the_body_one_alert(parts: dict[str, Any]) -> None:
    (alert,) = parse_body("quay-watch", {"title": "Quay is ill", **parts}).alerts
    assert alert.title == "Quay is ill"
