"""People say that a cited runbook is wrong: counted once a person, by SOP ID and by alert name."""

from __future__ import annotations

import pytest

from bot.errors import NotFound
from store import Store
from tests.helpers.builders import ANA, BEN, NOW, alert, deliver

PASSAGE = "Meaning (disk.md)"


async def test_a_person_counts_once_for_a_sop_or_an_alert_name(store: Store) -> None:
    first = await store.incident(await deliver(store, alert(service="web")))
    other = await store.incident(await deliver(store, alert(service="search")))
    assert await store.report_wrong_runbook(first.id, PASSAGE, "DiskFull", ANA, NOW)
    assert not await store.report_wrong_runbook(first.id, PASSAGE, "DiskFull", ANA, NOW)
    assert await store.report_wrong_runbook(other.id, PASSAGE, "DiskFull", ANA, NOW)
    assert await store.report_wrong_runbook(other.id, PASSAGE, "", BEN, NOW)

    assert await store.wrong_runbooks(first.sop_id, "DiskFull") == {PASSAGE: 1}
    assert await store.wrong_runbooks(other.sop_id, "") == {PASSAGE: 2}
    assert await store.wrong_runbooks("sop_unknown", "DiskFull") == {PASSAGE: 1}
    assert await store.wrong_runbooks("sop_unknown", "") == {}

    events = [entry for entry in await store.timeline(first.id) if entry.kind == "wrong_runbook"]
    assert [(entry.text, entry.actor) for entry in events] == [(f"Wrong runbook: {PASSAGE}", ANA)]


async def test_a_report_of_an_unknown_incident_is_not_kept(store: Store) -> None:
    with pytest.raises(NotFound):
        await store.report_wrong_runbook(99, PASSAGE, "DiskFull", ANA, NOW)
    assert await store.wrong_runbooks("sop_unknown", "DiskFull") == {}
