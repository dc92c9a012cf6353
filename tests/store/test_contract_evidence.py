"""The store counts earlier incidents, and keeps the evidence of one."""

from __future__ import annotations

from bot.enrichment.model import Evidence, KnownFact, SourceFailure
from bot.response.enrichment import own_facts
from store import Store
from store.operations.evidence import History
from tests.helpers.builders import ANA, NOW, alert, deliver, later, open_incident, resolved

HOUR = 3600
DAY = 24 * HOUR


async def earlier(store: Store, at: float, **changes: object) -> int:
    """An incident of the same service and category that is over before the next."""
    incident = await deliver(store, alert(**changes), at=later(at))
    await store.resolve(incident, ANA, later(at + 1))
    return incident


async def test_similar_incidents_are_those_of_the_same_scope_in_their_time(store: Store) -> None:
    await earlier(store, -2 * DAY)
    await earlier(store, -5 * HOUR)
    await earlier(store, -0.5 * HOUR)
    await earlier(store, -60, service="other", fingerprint="fp-other")
    incident = await deliver(store, alert(fingerprint="fp-new"), at=later(HOUR))
    past = await store.history(incident, later(HOUR / 4))
    assert (past.similar_hour, past.similar_day) == (1, 2)
    assert past.last is not None
    assert past.last.id == incident - 2
    assert past.fix == ""


async def test_the_first_incident_of_its_kind_has_no_past(store: Store) -> None:
    incident = await deliver(store, alert())
    assert await store.history(incident, later(1)) == History(0, 0, None, "")


async def test_evidence_is_stored_and_replaced_and_shown_only_if_asked(store: Store) -> None:
    incident = await open_incident(store)
    assert await store.evidence(incident.id) is None
    fact = KnownFact("prometheus", "up", "now 1", NOW, "E1")
    first = Evidence((fact,), (SourceFailure("loki", "late", "no answer within 0.5 s"),))
    await store.store_evidence(incident, first, later(1), shown=False)
    assert await store.evidence(incident.id) == first
    assert await store.outbox_message(f"evidence:{incident.id}") is None
    await store.store_evidence(incident, Evidence((fact,)), later(2), shown=True)
    assert await store.evidence(incident.id) == Evidence((fact,))
    message = await store.outbox_message(f"evidence:{incident.id}")
    assert message is not None
    assert message.in_thread


async def test_own_facts_say_what_fixed_the_last_incident(store: Store) -> None:
    incident = await open_incident(store)
    await deliver(store, resolved(), at=later(60))
    last = await store.incident(incident.id)
    fixed, unfixed = (
        [fact.text for fact in own_facts(History(0, 0, last, fix), later(HOUR))]
        for fix in ("Restart web", "")
    )
    assert fixed == ["INC-1, web: CPU at 93 %; fixed by: Restart web"]
    assert unfixed == ["INC-1, web: CPU at 93 %; no action of the bot fixed it"]
    assert list(own_facts(History(0, 0, None, ""), NOW)) == []
