"""The same remediation of an incident is put before people once."""

from __future__ import annotations

import pytest

from bot.errors import AlreadyProposed
from store import Store
from tests.helpers.builders import open_incident, pending_approval


async def test_the_same_action_on_the_same_target_is_refused_while_one_waits(store: Store) -> None:
    incident = await open_incident(store)
    first = await pending_approval(store, incident.id, target="web")
    with pytest.raises(AlreadyProposed):
        await pending_approval(store, incident.id, target="web")
    assert [approval.id for approval in await store.approvals_of(incident.id)] == [first.id]


async def test_another_target_of_the_same_incident_may_wait_beside_it(store: Store) -> None:
    incident = await open_incident(store)
    await pending_approval(store, incident.id, target="web")
    await pending_approval(store, incident.id, target="db")
    assert len(await store.approvals_of(incident.id)) == 2
