"""One advice of an incident is in force; the card names the advisors that are asked."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from bot.advice.model import Asking
from bot.incidents.model import Incident
from bot.incidents.remediation import RemediationStatus
from bot.response.enrichment import outcome_facts
from store import Store
from tests.helpers.builders import ANA, NOW, later, open_incident, pending_approval
from tests.helpers.executions import dispatching, finish, version_of

MODEL, RULES = {"source": "Amazon Q"}, {"source": "SOP"}


async def ask(store: Store, incident: Incident, question: str, now: datetime) -> int:
    """Enqueue a question, and claim it."""
    await store.enqueue_advice(incident, question, ANA, now)
    taken = await store.claim_advice(now)
    assert taken is not None
    return taken.id


async def answer(store: Store, advice_id: int, body: dict[str, Any], now: datetime) -> None:
    await store.give_advice(advice_id, body, "text", now)
    await store.advice_done(advice_id)


async def test_a_later_answer_is_in_force_unless_it_only_stands_in_for_a_model(
    store: Store,
) -> None:
    incident = await open_incident(store)
    first = await store.claim_advice(NOW)
    assert first is not None
    await answer(store, first.id, MODEL, NOW)
    rules = await ask(store, incident, "why?", later(1))
    await answer(store, rules, RULES, later(1))
    assert await in_force(store, first.id, rules) == [first.id, rules]
    second = await ask(store, incident, "why now?", later(2))
    await answer(store, second, MODEL, later(2))
    assert await in_force(store, first.id, rules, second) == [second]
    former = await store.advice(first.id)
    assert former is not None
    assert former.replaced_by == second
    assert await version_of(store, f"advice:{first.id}") == 2, "it points at the newer one"


async def in_force(store: Store, *advice_ids: int) -> list[int]:
    records = [await store.advice(advice_id) for advice_id in advice_ids]
    return [record.id for record in records if record and record.replaced_by is None]


async def test_the_card_names_the_advisors_until_they_answer(store: Store) -> None:
    incident = await open_incident(store)
    first = await store.claim_advice(NOW)
    assert first is not None
    assert (await store.card_content(incident.id)).asking is None
    await store.advice_is_asked(first.id, "Amazon Q, Ollama", NOW, later(2))
    assert (await store.card_content(incident.id)).asking == Asking("Amazon Q, Ollama", NOW)
    before = await version_of(store, f"card:{incident.id}")
    await answer(store, first.id, MODEL, later(3))
    assert (await store.card_content(incident.id)).asking is None
    after = await version_of(store, f"card:{incident.id}")
    assert after == before + 1, "the card is drawn without it"
    await store.advice_is_asked(first.id, "Amazon Q", NOW, later(4))
    assert (await store.card_content(incident.id)).asking is None, "it came meanwhile"

    question = await ask(store, incident, "why?", later(5))
    await store.advice_is_asked(question, "Amazon Q", later(5), later(7))
    assert (await store.card_content(incident.id)).asking == Asking("Amazon Q", later(5), ANA)


async def test_an_action_that_waits_or_runs_is_under_way(store: Store) -> None:
    incident = await open_incident(store)
    assert await store.actions_under_way(incident.id) == frozenset()
    approval = await pending_approval(store, incident.id)
    action = (approval.proposal.action_id, approval.proposal.target)
    assert await store.actions_under_way(incident.id) == {action}
    await store.resolve(incident.id, ANA, later(1))
    assert await store.actions_under_way(incident.id) == frozenset()


async def test_the_ledger_counts_what_became_of_the_proposals_of_an_sop(store: Store) -> None:
    incident = await open_incident(store)
    assert await store.outcomes(incident.sop_id, NOW) == []
    await finish(store, await dispatching(store, incident), RemediationStatus.FAILED)
    (row,) = await store.outcomes(incident.sop_id, later(9))
    assert (row.service, row.proposed, row.approved, row.ran) == (incident.service, 1, 1, 1)
    assert (row.helped, row.did_not_help, row.word) == (0, 1, "low")
    (fact,) = outcome_facts([row], incident.service, NOW)
    assert fact.name == f"{row.action_id} on {incident.service} so far"
    assert fact.text.endswith("verified to help 0, did not help 1; confidence low")
    assert await store.outcomes("sop_unknown", NOW) == []
