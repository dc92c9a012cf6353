"""The service is read from the name of a check or an alarm."""

from __future__ import annotations

import pytest

from bot.intake.guesses import subject_of


@pytest.mark.parametrize(
    ("name", "service"),
    [
        ("prod-shop-cart-cpu-high", "shop-cart"),
        ("orders-db", "orders-db"),
        ("prod-orders-db-cpu-high", "orders-db"),
        ("session_redis", "session-redis"),
        ("Checkout database", "Checkout"),
        ("Checkout latency", "Checkout"),
    ],
)
def test_a_store_with_its_name_is_no_fault_of_what_it_is_named_after(
    name: str, service: str
) -> None:
    assert subject_of(name) == service
