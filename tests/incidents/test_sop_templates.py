"""The templates in a SOP's texts: each is filled from the alert, and nothing else is."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from bot.incidents.sops import (
    TEMPLATE_NAMES,
    Sop,
    fill,
    rendered,
    template_values,
)
from tests.helpers.sop_alerts import alert

NOW = datetime(2026, 11, 21, 3, 4, 5, tzinfo=UTC)


# Templates


def test_every_template_is_filled_and_leaves_no_braces() -> None:
    item = alert(
        labels={"path": "/api", "expression": "up == 0"},
        starts_at=datetime(2026, 11, 21, 3, 0, tzinfo=UTC),
        ends_at=datetime(2026, 11, 21, 3, 2, tzinfo=UTC),
    )
    values = template_values(item, NOW)
    text = (
        "{{service_name}} {{ alert_path }} {{expression}} {{alert_start_time}}"
        " {{alert_end_time}} {{alert_time}}"
    )
    assert fill(text, values) == (
        "omada-core /api up == 0 2026-11-21T03:00:00Z 2026-11-21T03:02:00Z 2026-11-21T03:00:00Z"
    )


def test_every_template_that_is_known_is_filled() -> None:
    assert set(TEMPLATE_NAMES) == set(template_values(alert(), NOW))


def test_what_the_alert_does_not_say_is_filled_with_a_usable_default() -> None:
    values = template_values(alert(annotations={"expression": "x > 1"}), NOW)
    assert fill("{{alert_start_time}}..{{alert_end_time}}", values) == "now-10m..now"
    assert fill("{{alert_time}}", values) == "2026-11-21T03:04:05Z"
    assert fill("[{{alert_path}}]", values) == "[]"
    assert fill("{{expression}}", values) == "x > 1"


@pytest.mark.parametrize("unknown", ["service", "Service_Name", "host2", "service名"])
def test_an_unknown_template_says_so_without_braces(unknown: str) -> None:
    text = fill("restart {{" + unknown + "}}", template_values(alert(), NOW))
    assert text == f"restart <no {unknown}>"


def test_braces_that_are_not_ours_stay() -> None:
    values = template_values(alert(), NOW)
    assert fill('up{service="{{service_name}}"}', values) == 'up{service="omada-core"}'
    assert fill("docker ps --format '{{.Names}}'", values) == "docker ps --format '{{.Names}}'"


def test_an_alerts_text_is_never_read_as_a_template() -> None:
    values = template_values(alert(service="{{alert_time}}"), NOW)
    assert fill("{{service_name}}", values) == "{{alert_time}}"


def test_what_is_shown_is_filled_without_duplicates_and_cut_to_the_limits() -> None:
    sop = Sop(
        sop_id="a",
        command=tuple(f"c{n} {{{{service_name}}}}" for n in range(9)),
        metric=("m", "m", "{{service_name}}", "omada-core"),
        log=tuple("lmnop"),
        parameter=tuple("pqrst"),
        fix_action=tuple("fghij"),
    )
    lists = rendered(sop, template_values(alert(), NOW))
    assert lists["command"] == tuple(f"c{n} omada-core" for n in range(5))
    assert lists["metric"] == ("m", "omada-core")
    assert [len(lists[name]) for name in ("log", "parameter", "fix_action")] == [3, 3, 3]
