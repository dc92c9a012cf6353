"""A trouble that a machine has for itself is another trouble on another machine."""

from __future__ import annotations

from bot.incidents.environments import DEFAULT
from bot.incidents.services import NO_SERVICES
from bot.incidents.subject import Scope, scope_of
from bot.incidents.subject_reader import subject_of
from bot.intake import parse_body


def scope(name: str, **labels: str) -> Scope:
    body = {"alerts": [{"status": "firing", "labels": {"alertname": name, **labels}}]}
    (item,) = parse_body("alertmanager", body).alerts
    return scope_of(item, subject_of(item, DEFAULT, NO_SERVICES), DEFAULT)


def test_a_disk_that_fills_on_another_host_of_a_service_is_another_trouble() -> None:
    fills = "DiskWillFillIn4Hours"
    first, second = (scope(fills, service="search", host=f"search-{n}") for n in (1, 2))
    assert first.contradicts(second)
    unknown = scope(fills, service="search")
    assert not unknown.contradicts(first)
    assert unknown.narrowed_by(first) == first


def test_an_acute_trouble_of_a_service_is_one_on_all_its_hosts() -> None:
    first, second = (scope("HighCpu", service="search", host=f"search-{n}") for n in (1, 2))
    assert first == second
