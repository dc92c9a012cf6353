"""The answers about a cluster are read in each of their forms: events, error lines, nodes."""

from __future__ import annotations

import pytest

from bot.enrichment.kubernetes.errors import error_forms, error_lines
from bot.enrichment.kubernetes.events import read_events
from bot.enrichment.kubernetes.node_services import node_lines


@pytest.mark.parametrize(
    "row",
    [
        "4s (x9 over 4m)   Warning   BackOff   pod/web-0   Back-off restarting",
        "shop  4s (x9 over 4m)   Warning   BackOff   pod/web-0   Back-off restarting",
        "Warning  BackOff  4s (x9 over 4m)  kubelet  Back-off restarting",
    ],
)
def test_each_table_of_events_is_read(row: str) -> None:
    (event,) = read_events(row)
    assert (event.type, event.reason, event.count, event.age) == ("Warning", "BackOff", 9, 4)
    assert event.message == "Back-off restarting"


def test_the_service_that_is_down_is_named_with_its_state() -> None:
    text = "kubelet:\n  Active: inactive (dead)\ncontainerd:\n  Active: active (running)"
    lines, _ = node_lines(text)
    assert [line.text for line in lines] == [
        "kubelet:",
        "Active: inactive (dead)",
        "not down: Active: active (running)",
    ]


@pytest.mark.parametrize(
    "text",
    [
        "a: refused 1\na: refused 2",
        '["a: refused 1", "a: refused 2"]',
        '{"service": "web", "errors": ["a: refused 1", "a: refused 2"]}',
        "a: refused 1\n\tat com.example.Main(Main.java:7)\n  at y\na: refused 2",
    ],
)
def test_error_lines_are_read_from_text_and_from_json(text: str) -> None:
    assert "×2 a: refused 2" in [line.text for line in error_lines(error_forms(text))]


@pytest.mark.parametrize(
    ("text", "is_down"),
    [
        ("kubelet: active (running)\nkube-proxy: active (running)", False),
        ("kubelet   inactive (dead)\ncontainerd   active (running)", True),
        ("kubelet is not running", True),
        ("Unit kubelet.service could not be found.", True),
        ("ActiveState=failed\nSubState=failed", True),
        (
            "● kubelet.service - k\n   Active: active (running)\nNov 21 kubelet: error: x failed",
            False,
        ),
        ("● kubelet.service - k\n   Active: activating (auto-restart)", True),
        ("inactive", True),
        ('{"kubelet": "active", "containerd": "active", "kube-proxy": "inactive"}', True),
        ('{"kubelet": "active", "containerd": "active"}', False),
        ("active", False),
    ],
)
def test_a_node_is_down_if_a_state_says_so_and_not_its_log(text: str, is_down: bool) -> None:
    assert node_lines(text)[1] is is_down
