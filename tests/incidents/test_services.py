"""services.yaml: one name for one service, and every mistake is named by its line."""

from __future__ import annotations

from pathlib import Path

import pytest

from bot.errors import InputError
from bot.incidents.service_file import parse_services
from bot.incidents.services import NO_SERVICES, Catalogue, Service, spelling

ROOT = Path(__file__).parents[2]
TEXT = """
services:
  checkout-api:
    aliases: [checkout, "Shop Checkout", "checkout-v*"]
    environment: production
    owner: team-shop
    channel: C0SHOP0001
    depends_on: [Orders DB, payments]
    namespaces: [shop]
  orders-db:
    aliases: ["orders database", "checkout-view-*"]
  payments:
"""


def parse(text: str) -> Catalogue:
    return parse_services(text, file="/etc/sopbot/services.yaml")


def refused(text: str) -> list[str]:
    with pytest.raises(InputError) as caught:
        parse(text)
    return caught.value.message.splitlines()


def test_the_shipped_file_declares_nothing_and_its_example_is_valid() -> None:
    text = (ROOT / "config/services.yaml").read_text("utf-8")
    assert parse(text).services == {}
    example = text.replace("services: {}", "services:").replace("\n#  ", "\n  ")
    assert set(parse(example).services) == {"checkout-api", "orders-db", "payments"}


def test_every_key_is_read() -> None:
    assert parse(TEXT).services["checkout-api"] == Service(
        name="checkout-api",
        aliases=("checkout", "Shop Checkout", "checkout-v*"),
        environment="production",
        owner="team-shop",
        channel="C0SHOP0001",
        depends_on=("Orders DB", "payments"),
        namespaces=("shop",),
    )


@pytest.mark.parametrize(
    ("word", "name"),
    [
        ("checkout-api", "checkout-api"),
        ("CheckoutApi", "checkout-api"),
        ("CHECKOUT_API", "checkout-api"),
        ("shop checkout", "checkout-api"),
        ("checkout-v2", "checkout-api"),
        ("checkout-view-1", "orders-db"),
        ("checkout-worker", "checkout-worker"),
    ],
)
def test_every_spelling_is_the_declared_name_and_the_narrower_glob_decides(
    word: str, name: str
) -> None:
    assert parse(TEXT).name_of(word) == name
    assert NO_SERVICES.name_of(word) == word


def test_calls_of_the_file_and_of_the_policy_are_by_declared_names() -> None:
    calls = parse(TEXT).calls({"Checkout": ["stripe"], "stripe": ["bank"]})
    assert calls == {
        "checkout-api": {"orders-db", "payments", "stripe"},
        "orders-db": set(),
        "payments": set(),
        "stripe": {"bank"},
    }


def test_a_service_that_a_declared_call_names_is_declared_by_that() -> None:
    catalogue = parse(TEXT).with_called({"Checkout": ["Stripe"], "stripe": ["Big Bank"]})
    assert catalogue.name_of("STRIPE") == "Stripe"
    assert catalogue.name_of("big-bank") == "Big Bank"
    assert catalogue.services["checkout-api"] == parse(TEXT).services["checkout-api"]
    assert NO_SERVICES.with_called({}) is NO_SERVICES


def test_a_namespace_of_two_services_says_nothing() -> None:
    catalogue = Catalogue.of(
        [Service(name="a", namespaces=("x", "y")), Service(name="b", namespaces=("x",))]
    )
    assert catalogue.of_namespace("x") is None
    assert catalogue.of_namespace("Y") == catalogue.services["a"]


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("services:\n  a:\n    alias: [b]", "3: services.a.alias: not a known key; did you mean"),
        ("service: {}", "1: service: not a known key; did you mean services?"),
        ("services:\n  a:\n    channel: shop", "3: services.a.channel: must be a channel id"),
        ("services:\n  a:\n    depends_on: b", "3: services.a.depends_on: must be a list"),
        (
            "services:\n  a: {aliases: [shop]}\n  b:\n    aliases: [SHOP]",
            "4: services.b: 'SHOP' is also a name of a",
        ),
        ("services:\n  a-b: {}\n  A B: {}", "3: services.A B: 'A B' is also a name of a-b"),
        (
            "services:\n  a:\n    aliases: ['*']",
            "3: services.a.aliases: '*' would match almost every service",
        ),
        ("services:\n  a: {}\n  a: {}", "3: a is there twice"),
        ("services: [", "1: not YAML"),
        ("services:\n  ' ': {}", "2: services. : must be a name of 1 to 200 characters"),
    ],
)
def test_every_mistake_is_named_by_its_line(text: str, problem: str) -> None:
    assert [line[: len(problem) + 14] for line in refused(text)] == [f"services.yaml:{problem}"]


def test_every_mistake_of_a_file_is_named_at_once() -> None:
    assert len(refused("services:\n  a: {alias: [b], channel: shop}\n  c: {owner: [d]}")) == 3
    assert refused("[a]") == ["services.yaml: must be a mapping with the key services"]


def test_nothing_is_written_and_nothing_is_declared() -> None:
    assert parse("").services == {}
    assert parse("services:").services == {}


def test_the_form_for_comparison_is_that_of_a_scope() -> None:
    assert spelling("CheckoutAPI") == spelling("checkout_api") == "checkout_api"
    assert spelling(spelling("Shop Checkout")) == spelling("Shop Checkout")
    assert spelling("") == "-"
