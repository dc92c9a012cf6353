"""Several advisors in their order: shares of the time, fallbacks, pauses, what is said."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import pytest

from bot.advice.advisor import Advisor
from bot.advice.chain import AdvisorChain, ChainLimits
from bot.advice.failures import FailureKind, failure_of
from bot.advice.kinds.contract import Reply, Schema
from bot.advice.member import Member, Timing
from bot.advice.model import Subject
from bot.errors import AdvisorError
from handlers.views.advice import advice_message
from tests.helpers.clocks import FixedSeconds

SUBJECT = Subject(incident_key="k", sop_id="sop_1")


@dataclass
class Scripted:
    """An advisor that fails as it is told, takes its time, and remembers its timeouts."""

    name: str
    clock: FixedSeconds
    fails: Sequence[FailureKind | None] = ()
    takes: float = 0.0
    timeouts: list[float] = field(default_factory=list)
    closed: bool = False

    async def ask(self, prompt: str, *, timeout: float, schema: Schema | None = None) -> Reply:
        self.timeouts.append(timeout)
        number = len(self.timeouts) - 1
        self.clock.forward(min(self.takes, timeout))
        kind = self.fails[min(number, len(self.fails) - 1)] if self.fails else None
        if kind:
            raise failure_of(kind, self.name)
        return Reply(text=f"from {self.name}")

    async def probe(self) -> str:
        return self.name

    async def close(self) -> None:
        self.closed = True


@pytest.fixture
def clock() -> FixedSeconds:
    return FixedSeconds()


def chain_of(
    clock: FixedSeconds,
    *kinds: Scripted,
    shares: Sequence[float | None] = (),
    failed: list[tuple[str, str]] | None = None,
) -> AdvisorChain:
    timing = Timing(clock=clock, random=lambda: 0.0)
    members = [
        Member(kind, max_retries=0, timing=timing, share=shares[place] if shares else None)
        for place, kind in enumerate(kinds)
    ]
    noted = failed if failed is not None else []
    return AdvisorChain(
        members,
        ChainLimits(timeout=120),
        timing=timing,
        on_failure=lambda name, why: noted.append((name, why)),
    )


async def test_the_next_advisor_answers_and_the_failure_of_the_first_is_said(
    clock: FixedSeconds,
) -> None:
    failed: list[tuple[str, str]] = []
    first = Scripted("Amazon Q", clock, [FailureKind.EXIT])
    chain = chain_of(clock, first, Scripted("Ollama", clock), failed=failed)
    advice = await Advisor(chain).ask(SUBJECT)
    assert (advice.source, advice.text) == ("Ollama", "from Ollama")
    assert advice.failure == "Amazon Q ended with an error."
    assert failed == [("Amazon Q", "exit")]
    assert "Asked first: Amazon Q ended with an error." in str(advice_message(advice)[1])
    assert "Asked first: Amazon Q" in advice.answer


async def test_each_advisor_gets_an_equal_part_of_the_time_that_is_left(
    clock: FixedSeconds,
) -> None:
    slow = Scripted("slow", clock, [FailureKind.TIMEOUT], takes=500)
    quick = Scripted("quick", clock, [FailureKind.EXIT], takes=10)
    last = Scripted("last", clock)
    await chain_of(clock, slow, quick, last).ask("why")
    assert (slow.timeouts, quick.timeouts, last.timeouts) == ([40], [40], [70])


async def test_a_share_that_is_named_is_kept_and_never_passes_the_whole_deadline(
    clock: FixedSeconds,
) -> None:
    slow = Scripted("slow", clock, [FailureKind.TIMEOUT], takes=500)
    last = Scripted("last", clock)
    await chain_of(clock, slow, last, shares=[100, 90]).ask("why")
    assert (slow.timeouts, last.timeouts) == ([100], [20])


async def test_a_paused_advisor_is_passed_over_without_losing_time(clock: FixedSeconds) -> None:
    first = Scripted("first", clock, [FailureKind.LOGIN])
    chain = chain_of(clock, first, Scripted("second", clock))
    for _ in range(3):
        assert (await chain.ask("why")).failures == ("first needs a login.",)
    assert len(first.timeouts) == 1
    health = chain.health()
    assert (health.state, health.paused_for) == ("paused", 300)
    assert [each.state for each in health.members] == ["paused", "ok"]
    with pytest.raises(AdvisorError, match=r"paused for 300 s more: first needs .* asked: second"):
        await Advisor(chain).check()


async def test_when_all_fail_the_error_names_each_and_the_remedy_of_the_first(
    clock: FixedSeconds,
) -> None:
    chain = chain_of(
        clock,
        Scripted("first", clock, [FailureKind.LOGIN]),
        Scripted("second", clock, [FailureKind.TIMEOUT]),
    )
    with pytest.raises(AdvisorError, match=r"first needs a login\. second did not") as failed:
        await chain.ask("why")
    assert failed.value.kind == "timeout"
    assert "Log in" in failed.value.remedy


async def test_all_paused_advisors_take_no_slot(clock: FixedSeconds) -> None:
    kinds = [Scripted(name, clock, [FailureKind.QUOTA]) for name in ("first", "second")]
    chain = chain_of(clock, *kinds)
    slots: list[int] = []

    async def take_slot() -> None:
        slots.append(1)

    for _ in range(2):
        with pytest.raises(AdvisorError, match=r"first has used up .* second has used up"):
            await chain.ask("why", on_slot=take_slot)
    assert [len(kind.timeouts) for kind in kinds] == [1, 1]
    assert len(slots) == 1, "a question that nobody can answer keeps no other one waiting"


async def test_rules_at_the_end_answer_a_question_too(clock: FixedSeconds) -> None:
    chain = chain_of(clock, Scripted("first", clock, [FailureKind.EXIT]))
    advice = await Advisor(chain, rules_answer=True).ask(SUBJECT)
    assert advice.label == "No SOP, no model"
    assert "first ended with an error" in advice.failure
    with pytest.raises(AdvisorError):
        await Advisor(chain).ask(SUBJECT)


async def test_closing_releases_every_advisor(clock: FixedSeconds) -> None:
    kinds = [Scripted("first", clock), Scripted("second", clock)]
    await Advisor(chain_of(clock, *kinds)).close()
    assert [kind.closed for kind in kinds] == [True, True]
    await Advisor(None).close()
