"""The budget of the advisors, and the rate at which people may ask."""

from __future__ import annotations

from datetime import timedelta

import pytest

from bot.advice.load.budget import Spent
from bot.advice.load.segment import AdviceLimits
from bot.errors import Refused
from store import Store
from tests.helpers.builders import ANA, BEN, NOW, alert, deliver, later, open_incident


async def test_a_budget_is_spent_by_runs_seconds_or_tokens_of_an_incident_or_a_day(
    store: Store,
) -> None:
    limits = AdviceLimits(runs_per_incident=2, seconds_per_incident=60, tokens_per_day=1000)
    first = await store.start_advisor_run("INC-1", limits, NOW)
    assert isinstance(first, int)
    await store.end_advisor_run(first, 60.5, 400)
    spent = await store.start_advisor_run("INC-1", limits, NOW)
    assert isinstance(spent, Spent)
    assert (spent.key, spent.scope) == ("seconds_per_incident", "INC-1")
    assert "The budget of 60 seconds for INC-1 is spent." in str(spent)

    for _ in range(2):  # a run counts from its start
        assert isinstance(await store.start_advisor_run("INC-2", limits, NOW), int)
    spent = await store.start_advisor_run("INC-2", limits, NOW)
    assert isinstance(spent, Spent)
    assert spent.key == "runs_per_incident"

    third = await store.start_advisor_run("INC-3", limits, NOW)
    assert isinstance(third, int)
    await store.end_advisor_run(third, 1, 600)
    spent = await store.start_advisor_run("INC-4", limits, NOW)
    assert isinstance(spent, Spent)
    assert "begins anew at 00:00 UTC" in str(spent)
    assert isinstance(await store.start_advisor_run("INC-4", limits, NOW + timedelta(days=1)), int)
    none = AdviceLimits(runs_per_day=0, runs_per_incident=0)
    assert isinstance(await store.start_advisor_run("INC-1", none, NOW), int), "0 is no limit"


async def test_a_person_and_a_channel_may_ask_so_often_in_an_hour(store: Store) -> None:
    limits = AdviceLimits(questions_per_person=2, questions_per_channel=3)
    incident = await open_incident(store)
    for second in range(2):
        await store.enqueue_advice(incident, "why?", ANA, later(second), limits=limits)
    with pytest.raises(
        Refused, match="Not asked: you asked 2 questions within the last hour"
    ) as refused:
        await store.enqueue_advice(incident, "why?", ANA, later(2), "key", limits)
    assert "questions_per_person" in refused.value.remedy
    assert await store.enqueue_advice(incident, "why?", BEN, later(3), "key", limits)
    other = await store.incident(await deliver(store, alert(service="s2", fingerprint="f2")))
    with pytest.raises(Refused, match="Not asked: the people of this channel asked 3"):
        await store.enqueue_advice(other, "why?", BEN, later(4), limits=limits)
    await store.enqueue_advice(incident, "why?", ANA, later(3602), limits=limits)
