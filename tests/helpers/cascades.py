"""Alerts of services that call each other, and what the store's tests ask of a cascade."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from bot.configuration import Configuration
from bot.incidents.model import Alert
from bot.policy import Correlate, Policy
from store import Store
from store.admin.invariants import broken
from tests.helpers.builders import alert

CALLS = {"web": ("cart-api",), "cart-api": ("orders-db",), "edge": ("web",)}


def declare_calls(store: Store, calls: Mapping[str, tuple[str, ...]] = CALLS) -> None:
    """Let the store's policy declare these calls."""
    store.config.current = Configuration(Policy(correlate=Correlate(depends_on=calls)))


def latency(**changes: Any) -> Alert:
    """A second symptom of the service web."""
    return symptom("web", category="latency", **changes)


def symptom(service: str, **changes: Any) -> Alert:
    category = changes.setdefault("category", "errors")
    fields = {"service": service, "name": category, "fingerprint": f"{service}-{category}"}
    return alert(title=f"{service}: {category}", **{**fields, **changes})


async def cards(store: Store, *incident_ids: int) -> list[bool]:
    return [await store.outbox_message(f"card:{number}") is not None for number in incident_ids]


async def check(store: Store) -> None:
    assert await store._engine.read(broken) == []
