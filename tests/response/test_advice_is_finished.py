"""A question whose answer fails or ends the bot each time is finished all the same."""

from __future__ import annotations

import asyncio

import pytest

from bot.advice.model import Advice, Subject
from bot.advice.rules import advice_from_rules
from bot.response.advice_queue import GAVE_UP
from store.operations.advice import ATTEMPTS
from tests.helpers.builders import ANA, NOW, open_incident
from tests.helpers.incident_bench import Bench


class _Fails:
    """An advisor with a bug; it counts how often it was asked."""

    calls = 0
    names = ("Amazon Q",)

    async def advise(self, _subject: Subject) -> Advice:
        self.calls += 1
        raise RuntimeError("a bug")


async def test_the_last_attempt_asks_neither_model_nor_sources_and_says_so(bench: Bench) -> None:
    advisor = _Fails()
    bench.service.advice_queue._advisor = advisor
    incident = await open_incident(bench.store)
    first = await bench.service.advice_queue.claim()
    assert first is not None
    await bench.store.give_advice(first.id, {"source": "none"}, "said", NOW)
    await bench.store.advice_done(first.id)
    await bench.service.advice_queue.ask(incident, "why?", ANA)
    for _ in range(ATTEMPTS - 1):
        record = await bench.service.advice_queue.claim()
        assert record is not None
        assert not record.is_last_attempt
        with pytest.raises(RuntimeError):
            await bench.service.advice_queue.work(record)
    record = await bench.service.advice_queue.claim()
    assert record is not None
    await bench.service.advice_queue.work(record)
    finished = await bench.store.advice(record.id)
    assert finished is not None
    assert finished.body is not None
    assert finished.body["failure"] == GAVE_UP
    assert advisor.calls == ATTEMPTS - 1
    assert await bench.service.advice_queue.claim() is None


class _TakesItsTime:
    """An advisor that fails after a twentieth of a second."""

    names = ("Amazon Q",)

    async def advise(self, subject: Subject) -> Advice:
        await asyncio.sleep(0.06)
        return advice_from_rules(subject, failure="Amazon Q did not answer in time.")


async def test_the_log_has_the_time_that_a_failed_advisor_took(
    bench: Bench, caplog: pytest.LogCaptureFixture
) -> None:
    bench.service.advice_queue._advisor = _TakesItsTime()
    await open_incident(bench.store)
    record = await bench.service.advice_queue.claim()
    assert record is not None
    await bench.service.advice_queue.work(record)
    (failed,) = [line for line in caplog.records if line.getMessage() == "advice.failed"]
    assert vars(failed)["fields"]["seconds"] > 0
