"""A yes is acted on once, while it holds; what the store or luck cut short is settled later."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

import pytest

from bot.approvals.binding import bound_to, digest_of
from bot.approvals.model import UNKNOWN as STRANGER
from bot.approvals.model import Approval, Choice, Execution, Standing, Terms
from bot.approvals.policy import Voter
from bot.approvals.segment import Remediate
from bot.errors import StoreError
from bot.incidents.remediation import RemediationStatus
from bot.incidents.sops import SopLibrary
from bot.observability.metrics import Metrics
from bot.policy import Policy
from bot.remediation.client import ActionCall, NeverSeen, Outcome, Running
from bot.remediation.contract import Plan
from bot.response import Response
from store import open_store
from store.contract import Store
from store.operations import outcomes
from tests.store.shop import (
    ANA,
    AUDIT_KEY,
    NOW,
    OPS,
    TEAM,
    approval,
    claim_execution,
    later,
    opened,
)

DISPATCHING, UNKNOWN = RemediationStatus.DISPATCHING, RemediationStatus.OUTCOME_UNKNOWN
SUCCEEDED, REVOKED = RemediationStatus.SUCCEEDED, RemediationStatus.REVOKED


class Gateway:
    """Remembers what it was sent; says of everything that it `found` it so."""

    def __init__(self) -> None:
        self.sent: list[str] = []
        self.digest = "sha256:1"
        self.while_asked: Callable[[], Awaitable[None]] | None = None
        self.while_sent: Callable[[], None] = lambda: None
        self.found: object = NeverSeen()

    async def execute(self, _call: object, *, key: str, digest: str | None) -> Outcome:
        self.sent.append(key)
        self.while_sent()
        return Outcome(state="succeeded", overall_status="SUCCESS")

    async def plan(self, call: ActionCall) -> Plan:
        if self.while_asked:
            await self.while_asked()
        plan = Plan(action=call.action_id, target=call.target, executor="x", display="restart")
        return plan.model_copy(update={"digest": self.digest})

    def request_of(self, _call: object, *, key: str, digest: str | None) -> dict[str, str]:
        return {"key": key}

    async def lookup(self, _key: str, *, tracking_id: str = "", bar: bool = False) -> object:
        return self.found


class Flaky:
    """An engine whose disk is full for the next few outcomes."""

    def __init__(self, engine: Any) -> None:
        self._engine = engine
        self.refusals = 0

    def __getattr__(self, name: str) -> Any:
        return getattr(self._engine, name)

    async def write(self, operation: Any, *args: Any, **kwargs: Any) -> Any:
        if args and getattr(args[0], "func", None) is outcomes.finish and self.refusals:
            self.refusals -= 1
            raise StoreError("The disk is full.")
        return await self._engine.write(operation, *args, **kwargs)


class Bench:
    """The story with a gateway of ours, and a clock that is set by hand."""

    def __init__(self, store: Store) -> None:
        self.flaky = Flaky(store._engine)
        self.store = Store(self.flaky, owner="bot-a", audit_key=AUDIT_KEY)
        self.dead = Store(store._engine, owner="bot-dead", audit_key=AUDIT_KEY)
        self.gateway = Gateway()
        self.now = later(10)
        self.presser = Standing(problem="")
        self.story = Response(
            store=self.store,
            sops=SopLibrary(),
            policy=Policy(),
            advisor=None,
            gateway=self.gateway,
            probe=None,
            standing=self.standing,
            clock=self.clock,
            metrics=Metrics(),
            home_team=TEAM,
        )

    def clock(self) -> datetime:
        return self.now

    async def standing(self, _user: str, _groups: object) -> Standing:
        """What Slack says of everybody."""
        return self.presser

    async def asked(self, **changes: Any) -> Approval:
        """What waits for a yes."""
        incident = await opened(self.store)
        written = self.story.rulebook.written(incident.sop_id)
        one = approval(incident.id, terms=Terms(bound=bound_to(incident, written)), **changes)
        one = replace(one, digest=digest_of(one))
        asks = Remediate(approvers=one.approvers, approvals_required=one.needed)
        self.story.rulebook.policy = Policy(remediate=asks)
        return await self.store.ask(one, "test")

    async def approved(self, **changes: Any) -> None:
        """A yes of 1 second after NOW."""
        one = await self.asked(**changes)
        known = Standing(problem="", groups=frozenset({"S0SRE"}))
        await self.store.vote(one.id, Voter(ANA, TEAM, known), Choice.APPROVE, TEAM, later(1))

    async def claimed_by(self, store: Store) -> Execution:
        await self.approved()
        execution = await claim_execution(store, later(2))
        assert execution is not None
        return execution

    async def dispatch(self) -> bool:
        """Send the oldest that waits; False where none does."""
        execution = await self.story.dispatches.claim()
        if execution is None:
            return False
        await self.story.dispatches.send(execution)
        return True

    async def state(self) -> RemediationStatus:
        (execution,) = await self.store.executions_of(1)
        return execution.state


@pytest.fixture
async def bench() -> AsyncIterator[Bench]:
    store = await open_store("sqlite://", owner="bot-a", audit_key=AUDIT_KEY)
    yield Bench(store)
    await store.close()


@pytest.mark.parametrize("lives", [120, Policy().remediate.approval_ttl_seconds, 3600])
@pytest.mark.parametrize("too_late", [False, True])
async def test_a_yes_holds_as_long_as_its_own_approval_would_have_waited(
    bench: Bench, lives: int, too_late: bool
) -> None:
    await bench.approved(expires_at=later(lives))
    bench.now = later(1 + lives - (not too_late))
    assert await bench.dispatch() is not too_late
    assert await bench.state() == (REVOKED if too_late else SUCCEEDED)
    assert len(bench.gateway.sent) == (not too_late)


async def test_a_yes_that_gets_too_old_while_the_gateway_is_asked_is_not_acted_on(
    bench: Bench,
) -> None:
    async def slowly() -> None:
        bench.now = later(121)

    await bench.approved(expires_at=later(120))
    bench.gateway.while_asked = slowly
    assert await bench.dispatch()
    assert (bench.gateway.sent, await bench.state()) == ([], REVOKED)


@pytest.mark.parametrize("digest", ["sha256:1", "sha256:2"], ids=["it holds", "it drifted"])
async def test_what_another_has_taken_over_is_neither_sent_nor_revoked(
    bench: Bench, digest: str
) -> None:
    """We stood still while the gateway was asked; by now an heir sends it."""

    async def taken_over() -> None:
        (execution,) = await bench.store.executions_of(1)
        assert await bench.dead.adopt_execution(execution, bench.now)

    bench.gateway.digest, bench.gateway.while_asked = digest, taken_over
    await bench.approved()
    assert await bench.dispatch()
    (execution,) = await bench.store.executions_of(1)
    assert (bench.gateway.sent, execution.state) == ([], DISPATCHING)
    assert execution.owner == "bot-dead"


async def test_nothing_that_a_dead_process_left_behind_is_sent_while_frozen(bench: Bench) -> None:
    await bench.claimed_by(bench.dead)
    await bench.store.freeze(ANA, "deploy", later(3), channel=OPS)
    await bench.story.dispatches.recover()
    assert (bench.gateway.sent, await bench.state()) == ([], REVOKED)
    (one,) = await bench.store.approvals_of(1)
    assert one.reason.startswith("everything is frozen by @U0ANA (deploy)")


async def test_a_plan_that_drifted_is_revoked(
    bench: Bench,
) -> None:
    bench.gateway.digest = "sha256:2"
    await bench.approved()
    assert await bench.dispatch()
    assert (bench.gateway.sent, await bench.state()) == ([], REVOKED)
    (one,) = await bench.store.approvals_of(1)
    assert one.reason == "the gateway's plan has changed since it was shown"


async def test_a_yes_of_somebody_who_left_meanwhile_is_not_acted_on(bench: Bench) -> None:
    await bench.approved()
    bench.presser = Standing(problem="this account is deactivated")
    assert await bench.dispatch()
    assert (bench.gateway.sent, await bench.state()) == ([], REVOKED)
    (one,) = await bench.store.approvals_of(1)
    why = "the yes of @U0ANA does not count any more: this account is deactivated"
    assert one.reason == why


@pytest.mark.parametrize(
    ("standing", "why"),
    [
        (STRANGER, "Slack did not say who they are"),
        (Standing(problem="", unread=frozenset({"S0SRE"})), "Slack did not say who is in @S0SRE"),
        (Standing(problem=""), "they are not an approver of this action"),
    ],
    ids=["silent about the person", "silent about the group", "no approver"],
)
async def test_why_a_yes_does_not_count_any_more_is_said_as_it_is(
    bench: Bench, standing: Standing, why: str
) -> None:
    await bench.approved(approvers=("S0SRE",))
    bench.presser = standing
    assert await bench.dispatch()
    (one,) = await bench.store.approvals_of(1)
    assert one.reason == f"the yes of @U0ANA does not count any more: {why}"


@pytest.mark.parametrize("resolved", [False, True])
async def test_what_a_dead_process_never_sent_is_sent_only_for_an_open_incident(
    bench: Bench, resolved: bool
) -> None:
    execution = await bench.claimed_by(bench.dead)
    if resolved:
        await bench.store.resolve(1, ANA, later(3))
    await bench.story.dispatches.recover()
    assert bench.gateway.sent == ([] if resolved else [execution.id])
    assert await bench.state() == (REVOKED if resolved else SUCCEEDED)


async def test_an_outcome_that_the_store_refuses_once_is_written_the_next_time(
    bench: Bench,
) -> None:
    await bench.approved()
    bench.flaky.refusals = 1
    assert await bench.dispatch()
    assert (len(bench.gateway.sent), await bench.state()) == (1, SUCCEEDED)


@pytest.mark.parametrize(
    ("found", "state"),
    [
        (Outcome(state="succeeded", overall_status="SUCCESS"), SUCCEEDED),
        (Running(since=None), UNKNOWN),
        (NeverSeen(barred=True), RemediationStatus.FAILED),
        (NeverSeen(), UNKNOWN),
    ],
    ids=["it ended", "it runs", "it was never seen and is barred", "it may still arrive"],
)
async def test_a_dispatch_without_an_end_is_looked_up_after_a_while_and_not_sent_again(
    bench: Bench, found: object, state: RemediationStatus
) -> None:
    await bench.claimed_by(bench.store)
    bench.gateway.found = found
    bench.now = later(2) + timedelta(seconds=120)
    await bench.story.dispatches.look_up_unknown()
    assert await bench.state() is DISPATCHING, "it may still be on its way"
    bench.now += timedelta(seconds=1)
    await bench.story.dispatches.look_up_unknown()
    assert await bench.state() is state
    assert bench.gateway.sent == []


@pytest.mark.attack("ASI07")
async def test_with_a_gateway_that_bars_no_key_nothing_ran_is_said_once_no_signature_holds(
    bench: Bench,
) -> None:
    execution = await bench.claimed_by(bench.store)
    assert execution.started_at is not None
    bench.now = execution.started_at + timedelta(seconds=299)
    await bench.story.dispatches.look_up_unknown()
    assert await bench.state() is UNKNOWN
    bench.now += timedelta(seconds=1)
    await bench.story.dispatches.look_up_unknown()
    assert await bench.state() is RemediationStatus.FAILED


async def test_the_same_question_is_asked_once(bench: Bench) -> None:
    incident = await opened(bench.store)
    for _ in range(2):
        await bench.story.ask(incident, "why?", ANA, once="mention/C1/1.2")
    wanted = [
        record.question for record in [await bench.store.claim_advice(NOW) for _ in "123"] if record
    ]
    assert wanted.count("why?") == 1
