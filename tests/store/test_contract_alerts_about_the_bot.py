"""No advisor is asked about an alert about the bot, and nobody's else alert loses its advice so."""

from __future__ import annotations

from typing import Any

import pytest

from bot.incidents.model import Alert, IncidentStatus
from store import Store
from tests.helpers.builders import NOW, alert, deliver, later, resolved

OURS = {"service": "sopbot", "name": "SopbotInsightPathSlow", "category": "", "fingerprint": "ours"}
NODE = {"labels": {"node": "n1"}}


async def advised(store: Store) -> list[int]:
    """Return the incidents about which an advisor is asked now, each once."""
    incidents = []
    while record := await store.claim_advice(NOW):
        incidents.append(record.incident_id)
    return incidents


async def test_an_alert_about_the_bot_that_fires_again_asks_nobody_either(store: Store) -> None:
    ours = await deliver(store, alert(**OURS))
    other = await deliver(store, alert())
    assert await advised(store) == [other]
    await deliver(store, resolved(**OURS), at=later(60))
    assert (await store.incident(ours)).status is IncidentStatus.RESOLVED
    assert await deliver(store, alert(**OURS), at=later(120)) == ours
    assert (await store.incident(ours)).status is IncidentStatus.OPEN
    assert await advised(store) == []


def node_down(**changes: Any) -> Alert:
    return alert(**{"name": "NodeDown", "category": "", "fingerprint": "down", **NODE, **changes})


@pytest.mark.attack("ASI08")
async def test_a_forged_alert_about_the_bot_takes_nobody_s_advice(store: Store) -> None:
    forged = await deliver(store, node_down(service="sopbot"))
    victim = await deliver(store, alert(service="ledger", fingerprint="v", **NODE), at=later(60))
    assert (await store.incident(victim)).parent_id is None
    assert await advised(store) == [victim]
    ours = await deliver(store, alert(**{**OURS, **NODE}), at=later(90))
    assert (await store.incident(ours)).parent_id == forged, "the bot's own stay together"
    assert await advised(store) == []


@pytest.mark.attack("ASI01")
async def test_a_guess_that_an_alert_is_about_the_bot_costs_no_advice(store: Store) -> None:
    guessed = alert(service="sopbot", fingerprint="g", read_from={"service": "guess"})
    incident = await deliver(store, guessed)
    assert await advised(store) == [incident]
