"""Equal questions share one run, and an answer is used again while it is not too old."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from bot.advice.advisor import Advisor
from bot.advice.chain import AdvisorChain
from bot.advice.kinds.contract import Reply
from bot.advice.load.limited_advisor import LimitedAdvisor
from bot.advice.load.segment import AdviceLimits
from bot.advice.member import Member
from bot.advice.model import Fact, Guidance, Subject, Turn
from bot.errors import AdvisorBusy, AdvisorError
from store import Store, open_store
from tests.advice.fake import FakeQ, step
from tests.helpers.waiting import until

NOW = datetime(2026, 11, 27, 14, 2, tzinfo=UTC)
QUESTION = Subject(incident_key="prod|web|cpu|high", sop_id="sop_cpu", question="why?", now=NOW)


class Desk:
    """A limited advisor on a real store and the command of `fakeq`, at a time that a test sets."""

    def __init__(self, fakeq: FakeQ, store: Store) -> None:
        self.now = NOW
        self.limits = AdviceLimits()
        self.fakeq = fakeq
        self.store = store
        self.advisor = self.restarted()

    def restarted(self, **options: Any) -> LimitedAdvisor:
        return self.of(self.fakeq.command(**options))

    def of(self, chain: AdvisorChain) -> LimitedAdvisor:
        return LimitedAdvisor(
            Advisor(chain),
            self.store,
            lambda: self.limits,
            lambda: self.now,
        )


@pytest.fixture
async def desk(fakeq: FakeQ) -> AsyncIterator[Desk]:
    store = await open_store("sqlite://", owner="bot-a")
    fakeq.plays(step("The disk is full."))
    yield Desk(fakeq, store)
    await store.close()


async def test_a_hundred_equal_questions_start_the_command_once(desk: Desk) -> None:
    answers = await asyncio.gather(*(desk.advisor.ask(QUESTION) for _ in range(100)))
    assert len(desk.fakeq.calls()) == 1
    assert {advice.text for advice in answers} == {"The disk is full."}
    assert [bool(advice.answered_at) for advice in answers].count(False) == 1, "one is new"


async def test_an_answer_is_used_again_after_a_restart_until_it_is_too_old(desk: Desk) -> None:
    await desk.advisor.ask(QUESTION)
    desk.now += timedelta(minutes=45)
    second = await desk.restarted().ask(QUESTION)
    assert (second.text, second.answered_at) == ("The disk is full.", "2026-11-27T14:02:00Z")
    assert second.label == "Amazon Q · answer of 14:02 UTC"
    assert len(desk.fakeq.calls()) == 1
    desk.now += timedelta(seconds=1)
    assert not (await desk.advisor.ask(QUESTION)).answered_at
    assert len(desk.fakeq.calls()) == 2


async def test_without_minutes_no_answer_is_used_again(desk: Desk) -> None:
    desk.limits = AdviceLimits(cache_minutes=0)
    await desk.advisor.ask(QUESTION)
    await desk.advisor.ask(QUESTION)
    assert len(desk.fakeq.calls()) == 2


async def test_times_and_earlier_answers_to_the_question_make_no_other_question(
    desk: Desk,
) -> None:
    fact = Fact("Prometheus", "cpu 0.98", "E1", NOW)
    first = replace(QUESTION, facts=(fact,), history=(Turn("person", NOW, "and now?"),))
    await desk.advisor.ask(first)
    later = NOW + timedelta(minutes=3)
    own = (Turn("person", NOW, "why?"), Turn("advisor", NOW, "The disk is full."))
    same = replace(
        first,
        now=later,
        facts=(replace(fact, at=later),),
        history=(*own, *(replace(turn, at=later) for turn in first.history)),
    )
    assert (await desk.advisor.ask(same)).answered_at
    assert len(desk.fakeq.calls()) == 1


@pytest.mark.parametrize(
    "changes",
    [
        {"question": "why not?"},
        {"sop_id": "sop_disk"},
        {"incident_key": "prod|db|cpu|high"},
        {"facts": (Fact("Prometheus", "cpu 0.12"),)},
        {"guidance": Guidance(sop_id="sop_cpu", commands=("top",))},
        {"history": (Turn("person", NOW, "since when?"), Turn("advisor", NOW, "since noon"))},
    ],
)
async def test_whatever_else_differs_makes_another_question(desk: Desk, changes: Any) -> None:
    await desk.advisor.ask(QUESTION)
    assert not (await desk.advisor.ask(replace(QUESTION, **changes))).answered_at
    assert len(desk.fakeq.calls()) == 2


async def test_all_who_wait_for_a_run_get_its_failure_and_the_next_one_tries_again(
    desk: Desk,
) -> None:
    desk.fakeq.plays(step(stderr="boom", exit=3), step("It was the disk."))
    asking = [desk.advisor.ask(QUESTION) for _ in range(5)]
    results = await asyncio.gather(*asking, return_exceptions=True)
    assert [type(result) for result in results] == [AdvisorError] * 5
    assert len(desk.fakeq.calls()) == 1
    assert (await desk.advisor.ask(QUESTION)).text == "It was the disk."


async def test_a_run_ends_when_nobody_waits_for_it_any_more(desk: Desk) -> None:
    desk.fakeq.plays(step(hang="start"), step("It was the disk."))
    waiting = [asyncio.create_task(desk.advisor.ask(QUESTION)) for _ in range(2)]
    await until(desk.fakeq.calls)
    waiting[0].cancel()
    await asyncio.wait(waiting[:1])
    assert not waiting[1].done(), "the other one still waits"
    waiting[1].cancel()
    await asyncio.wait(waiting)
    assert desk.fakeq.kinds()[-1] == "cancelled"
    assert (await desk.advisor.ask(QUESTION)).text == "It was the disk."


async def test_when_the_budget_is_spent_the_rules_answer_and_say_so_also_after_a_restart(
    desk: Desk,
) -> None:
    desk.limits = AdviceLimits(cache_minutes=0, runs_per_incident=1)
    guided = replace(QUESTION, guidance=Guidance(sop_id="sop_cpu", fix_actions=("scale out",)))
    assert (await desk.advisor.ask(guided)).by_model
    for advisor in (desk.advisor, desk.restarted()):
        for answer in (advisor.ask, advisor.advise):
            advice = await answer(guided)
            assert advice.next_steps == ("scale out",)
            assert "The budget of 1 runs for prod|web|cpu|high is spent." in advice.failure
            assert "`llm.limits.runs_per_incident`" in advice.failure
    assert len(desk.fakeq.calls()) == 1
    assert (await desk.advisor.ask(replace(guided, incident_key="other"))).by_model


async def test_a_run_that_fails_counts_and_a_question_that_is_refused_does_not(
    desk: Desk,
) -> None:
    desk.limits = AdviceLimits(runs_per_incident=2)
    desk.fakeq.plays(step(stderr="boom", exit=3))
    with pytest.raises(AdvisorError):
        await desk.advisor.ask(QUESTION)
    full = desk.restarted(max_concurrent=1, max_waiting=lambda: 0)
    asking = [full.ask(replace(QUESTION, question=f"why {number}?")) for number in range(5)]
    results = await asyncio.gather(*asking, return_exceptions=True)
    assert [isinstance(result, AdvisorBusy) for result in results].count(True) == 4
    assert "is spent" in (await desk.advisor.ask(replace(QUESTION, question="?"))).failure


@pytest.mark.attack("ASI08")
async def test_alerts_alone_never_spend_what_is_kept_for_people(desk: Desk) -> None:
    desk.limits = AdviceLimits(cache_minutes=0, runs_per_day=5)
    of_alerts = [replace(QUESTION, question="", incident=f"INC-{number}") for number in range(6)]
    by_model = [(await desk.advisor.ask(subject)).by_model for subject in of_alerts]
    assert by_model == [True] * 4 + [False] * 2
    assert (await desk.advisor.ask(QUESTION)).by_model
    assert "5 runs for today" in (await desk.advisor.ask(QUESTION)).failure


class _Model:
    """A server's model that answers when it may, and counts its tokens as it likes."""

    name = "Model"

    def __init__(self, tokens: int = 0) -> None:
        self.questions = 0
        self.may_answer = asyncio.Event()
        self._tokens = tokens

    async def ask(self, prompt: str, **_options: Any) -> Reply:
        self.questions += 1
        await self.may_answer.wait()
        return Reply(text="The disk is full.", tokens=self._tokens)

    async def probe(self) -> str:
        return self.name

    async def close(self) -> None:
        """Nothing is held."""


@pytest.mark.attack("ASI08")
async def test_the_first_asker_who_leaves_takes_the_answer_from_nobody(desk: Desk) -> None:
    model = _Model()
    advisor = desk.of(AdvisorChain([Member(model)]))
    waiting = [asyncio.create_task(advisor.ask(QUESTION)) for _ in range(2)]
    await until(lambda: model.questions)
    waiting[0].cancel()
    await asyncio.wait(waiting[:1])
    model.may_answer.set()
    assert (await waiting[1]).text == "The disk is full."
    assert model.questions == 1


@pytest.mark.attack("ASI08")
@pytest.mark.parametrize(("tokens", "is_spent"), [(-(10**12), False), (10**30, True)])
async def test_no_count_of_a_server_breaks_or_refunds_the_budget(
    desk: Desk, tokens: int, is_spent: bool
) -> None:
    desk.limits = AdviceLimits(cache_minutes=0, tokens_per_day=100)
    used = await desk.store.start_advisor_run("INC-1", desk.limits, NOW)
    assert isinstance(used, int)
    await desk.store.end_advisor_run(used, 1, 99)
    model = _Model(tokens)
    model.may_answer.set()
    advisor = desk.of(AdvisorChain([Member(model)]))
    assert (await advisor.ask(QUESTION)).text == "The disk is full."
    assert (not (await advisor.ask(QUESTION)).by_model) == is_spent
    await desk.store.end_advisor_run(used, 1, 100)
    assert not (await advisor.ask(QUESTION)).by_model, "nothing was taken off"


async def test_in_the_thread_the_sop_answers_for_a_command_that_fails_or_is_busy(
    desk: Desk,
) -> None:
    guided = replace(QUESTION, guidance=Guidance(sop_id="sop_cpu", fix_actions=("scale out",)))
    desk.fakeq.plays(step(stderr="error: You are not logged in", exit=1))
    advice = await desk.advisor.advise(guided)
    assert advice.label == "From the SOP, no model"
    assert advice.next_steps == ("scale out",)
    assert "Amazon Q needs a login" in advice.failure
    assert "q login" in advice.failure
    assert "needs a login" in advice.answer

    command = desk.fakeq.command(max_concurrent=1, max_waiting=lambda: 0)
    async with command._slots.acquire():
        assert "is busy" in (await desk.of(command).advise(guided)).failure
