"""Pairs behind a title tell alerts apart, and never end one that fires."""

from __future__ import annotations

import pytest

from bot.incidents.model import Alert, AlertStatus
from bot.intake import parse_message

FIRING, RESOLVED = AlertStatus.FIRING, AlertStatus.RESOLVED


def posted(text: str) -> Alert:
    (alert,) = parse_message({"bot_id": "B0ANY", "text": text}).alerts
    return alert


@pytest.mark.parametrize("title", ["Disk full", "Disk failed", "Check disk is down"])
@pytest.mark.parametrize(
    ("begun_with", "other"),
    [
        (" mount=/var", " mount=/data"),
        (" device=sda", " device=sdb"),
        (" (job=tides)", " (job=berths)"),
        (" | node=quay-1", " | node=quay-2"),
        (" region=eu-west-1", " region=eu-west-2"),
        (" service=cart mount=/var", " service=cart mount=/data"),
        (" mount=/var service=cart", " mount=/data service=cart"),
        (" | Node: quay-1", " | Node: quay-2"),
    ],
)
def test_two_alerts_that_differ_in_a_pair_stay_apart(
    title: str, begun_with: str, other: str
) -> None:
    begun, over = posted(f"{title}{begun_with}"), posted(f"Resolved: {title}{begun_with}")
    assert (begun.fingerprint, over.status) == (over.fingerprint, RESOLVED)
    assert begun.fingerprint != posted(f"{title}{other}").fingerprint


def test_a_row_of_an_unknown_name_behind_a_title_is_part_of_it() -> None:
    checkout = posted("High error rate | checkout: 12%")
    assert checkout.fingerprint != posted("High error rate | cart: 9%").fingerprint
    over = posted("Resolved: High error rate | checkout: 1%")
    assert (over.fingerprint, over.status) == (checkout.fingerprint, RESOLVED)
    assert checkout.title == "High error rate | checkout: 12%"


@pytest.mark.parametrize(
    ("begun", "ended"),
    [
        ("Disk failed usage=95% since=10:00", "Disk recovered usage=20% since=11:00"),
        ("Check failed code=503 error=timeout", "Check recovered code=200"),
        ("Disk full | severity=high duration=5m", "Resolved: Disk full | severity=ok duration=9m"),
        ("Payment failed trace_id=a9f", "Payment recovered trace_id=b7c"),
    ],
)
def test_a_measure_a_time_or_a_reason_tells_no_alerts_apart(begun: str, ended: str) -> None:
    assert posted(begun).fingerprint == posted(ended).fingerprint


def test_pairs_below_a_heading_are_labels_and_identify() -> None:
    cart = posted("Service Alert\nQueue is full | service=cart")
    assert (cart.title, cart.service) == ("Queue is full", "cart")
    assert cart.fingerprint != posted("Service Alert\nQueue is full | service=shop").fingerprint
    assert posted("Queue is full\nlast try: GET /a service=cart").service == ""


@pytest.mark.parametrize("pair", ["status=ok", "state=resolved", "(now=up)", "| Status: ok"])
def test_a_state_in_a_pair_of_a_title_ends_nothing(pair: str) -> None:
    assert posted(f"[FIRING] Probe failed, expected {pair}").status is FIRING
    assert posted(f"Probe failed, expected {pair}").status is FIRING


def test_a_row_states_more_than_a_pair_of_the_title() -> None:
    assert posted("Queue is full | service=cart\nService: shop").service == "shop"
