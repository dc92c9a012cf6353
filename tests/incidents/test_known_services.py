"""Of several words in a title, the one that SOPs or the catalogue name is the service."""

from __future__ import annotations

from typing import Any

import pytest

from bot.incidents.known_services import with_known_service
from bot.incidents.model import GUESS
from bot.incidents.services import Catalogue, Service
from bot.incidents.sops import SopLibrary
from bot.intake import parse_message
from bot.response.receive import Delivery, name_all
from tests.helpers.builders import NOW, alert

KNOWN = SopLibrary.load(
    [("a.jsonl", '{"sop_id": "a", "keys": ["svc:Checkout-API", "svc:omada-*", "env:prod"]}')],
    services=Catalogue.of([Service(name="billing", aliases=("bill-*", "invoices"))]),
)


def test_the_known_services_are_those_without_a_glob() -> None:
    assert KNOWN.known_services == {"checkout-api", "billing", "invoices"}


@pytest.mark.parametrize(
    ("service", "title", "values", "expected"),
    [
        ("kubernetes-pods", "Errors", ("checkout-api", "kubernetes-pods"), "checkout-api"),
        ("shop", "checkout-api returns errors", (), "checkout-api"),
        ("", "checkout-api returns errors", (), "checkout-api"),
        ("shop", "billing is late", (), "shop"),
        ("shop", "Errors", ("billing",), "billing"),
        ("shop", "Errors", ("billing", "checkout-api"), "shop"),
        ("shop", "omada-1 fails", (), "shop"),
        ("billing", "Errors", ("shop",), "billing"),
    ],
)
def test_a_guessed_service_gives_way_to_the_one_known_word(
    service: str, title: str, values: tuple[str, ...], expected: str
) -> None:
    labels = {f"value_{place}": value for place, value in enumerate(values)}
    item = alert(service=service, title=title, labels=labels, read_from={"service": GUESS})
    assert with_known_service(item, KNOWN.known_services).service == expected


def test_a_service_that_the_sender_states_is_kept() -> None:
    item = alert(service="shop", title="checkout-api fails", read_from={"service": "label service"})
    assert with_known_service(item, KNOWN.known_services) is item
    assert with_known_service(alert(service=""), frozenset()).service == ""


def post(state: str) -> dict[str, Any]:
    title = f"[{state}] HighErrorRate prod-eu1 (Checkout-API kubernetes-pods critical)"
    attachment = {"title": title, "fallback": title, "color": "a30200"}
    return {
        "text": "",
        "bot_id": "B0ALERTS",
        "username": "Alertmanager",
        "attachments": [attachment],
    }


def test_trouble_and_its_end_are_about_the_known_service() -> None:
    for state in ("FIRING:1", "RESOLVED"):
        delivery = Delivery("d", "C0ALERTS", parse_message(post(state)).alerts, posted=True)
        [named] = name_all(delivery, KNOWN, NOW)
        assert named.alert.service == "Checkout-API"
        assert named.subject.read_from["service"] == "title"
