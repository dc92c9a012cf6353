"""A yes is acted on once, while it holds; what the store or luck cut short is settled later."""

from __future__ import annotations

from datetime import timedelta

import pytest

from bot.approvals.model import UNKNOWN as STRANGER
from bot.approvals.model import UserStatus
from bot.approvals.reason_text import sentence
from bot.approvals.reasons import VoteProblem
from bot.incidents.remediation import RemediationStatus
from bot.policy import Policy
from bot.remediation.client import NeverSeen, Outcome, Running
from tests.helpers.builders import ANA, NOW, OPS, later, open_incident
from tests.helpers.incident_bench import Bench
from tests.helpers.stores import executions_of

DISPATCHING, UNKNOWN = RemediationStatus.DISPATCHING, RemediationStatus.OUTCOME_UNKNOWN
SUCCEEDED, REVOKED = RemediationStatus.SUCCEEDED, RemediationStatus.REVOKED


@pytest.mark.parametrize("lives", [120, Policy().remediate.approval_ttl_seconds, 3600])
@pytest.mark.parametrize("too_late", [False, True])
async def test_an_approval_is_valid_as_long_as_its_request_would_have_waited(
    bench: Bench, lives: int, too_late: bool
) -> None:
    await bench.approved(expires_at=later(lives))
    bench.now = later(1 + lives - (not too_late))
    assert await bench.dispatch() is not too_late
    assert await bench.state() == (REVOKED if too_late else SUCCEEDED)
    assert len(bench.gateway.sent) == (not too_late)


async def test_an_approval_that_gets_too_old_while_the_gateway_plans_is_not_used(
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
        (execution,) = await executions_of(bench.store, 1)
        assert await bench.dead.adopt_execution(execution, bench.now)

    bench.gateway.digest, bench.gateway.while_asked = digest, taken_over
    await bench.approved()
    assert await bench.dispatch()
    (execution,) = await executions_of(bench.store, 1)
    assert (bench.gateway.sent, execution.state) == ([], DISPATCHING)
    assert execution.owner == "bot-dead"


async def test_nothing_that_a_dead_process_left_behind_is_sent_while_frozen(bench: Bench) -> None:
    await bench.claimed_by(bench.dead)
    await bench.store.freeze(ANA, "deploy", later(3), channel=OPS)
    await bench.service.dispatches.recover()
    assert (bench.gateway.sent, await bench.state()) == ([], REVOKED)
    (approval,) = await bench.store.approvals_of(1)
    assert sentence(approval.reason).startswith("everything is frozen by @U0ANA (deploy)")


async def test_a_plan_that_drifted_is_revoked(
    bench: Bench,
) -> None:
    bench.gateway.digest = "sha256:2"
    await bench.approved()
    assert await bench.dispatch()
    assert (bench.gateway.sent, await bench.state()) == ([], REVOKED)
    (approval,) = await bench.store.approvals_of(1)
    assert sentence(approval.reason) == "the gateway's plan has changed since it was shown"


async def test_an_approval_by_a_person_who_left_meanwhile_is_not_used(bench: Bench) -> None:
    await bench.approved()
    bench.presser = UserStatus(problem=VoteProblem.DEACTIVATED)
    assert await bench.dispatch()
    assert (bench.gateway.sent, await bench.state()) == ([], REVOKED)
    (approval,) = await bench.store.approvals_of(1)
    why = "the approval by @U0ANA does not count any more: this account is deactivated"
    assert sentence(approval.reason) == why


@pytest.mark.parametrize(
    ("user_status", "why"),
    [
        (STRANGER, "Slack did not say who they are"),
        (
            UserStatus(problem=None, unread=frozenset({"S0SRE"})),
            "Slack did not say who is in @S0SRE",
        ),
        (UserStatus(problem=None), "they are not an approver of this action"),
    ],
    ids=["silent about the person", "silent about the group", "no approver"],
)
async def test_the_card_says_why_an_approval_does_not_count_any_more(
    bench: Bench, user_status: UserStatus, why: str
) -> None:
    await bench.approved(approvers=("S0SRE",))
    bench.presser = user_status
    assert await bench.dispatch()
    (approval,) = await bench.store.approvals_of(1)
    assert sentence(approval.reason) == f"the approval by @U0ANA does not count any more: {why}"


@pytest.mark.parametrize("resolved", [False, True])
async def test_what_a_dead_process_never_sent_is_sent_only_for_an_open_incident(
    bench: Bench, resolved: bool
) -> None:
    execution = await bench.claimed_by(bench.dead)
    if resolved:
        await bench.store.resolve(1, ANA, later(3))
    await bench.service.dispatches.recover()
    assert bench.gateway.sent == ([] if resolved else [execution.id])
    assert await bench.state() == (REVOKED if resolved else SUCCEEDED)


async def test_a_revoked_request_of_a_dead_process_is_barred_at_the_gateway_or_its_outcome_recorded(
    bench: Bench,
) -> None:
    await bench.claimed_by(bench.dead)
    await bench.store.resolve(1, ANA, later(3))
    barred: list[bool] = []

    async def lookup(_key: str, *, tracking_id: str = "", bar: bool = False) -> object:
        barred.append(bar)
        if not bar:
            return NeverSeen()
        return Outcome(state="succeeded", overall_status="SUCCESS")  # it arrived in between

    bench.gateway.lookup = lookup  # type: ignore[method-assign]
    await bench.service.dispatches.recover()
    assert barred == [False, True]
    assert (bench.gateway.sent, await bench.state()) == ([], SUCCEEDED)


async def test_an_outcome_that_the_store_refuses_once_is_written_the_next_time(
    bench: Bench,
) -> None:
    await bench.approved()
    bench.flaky.refusals = 1
    assert await bench.dispatch()
    assert (len(bench.gateway.sent), await bench.state()) == (1, SUCCEEDED)


@pytest.mark.parametrize(
    ("value", "state"),
    [
        (Outcome(state="succeeded", overall_status="SUCCESS"), SUCCEEDED),
        (Running(since=None), UNKNOWN),
        (NeverSeen(barred=True), RemediationStatus.FAILED),
        (NeverSeen(), UNKNOWN),
    ],
    ids=["it ended", "it runs", "it was never seen and is barred", "it may still arrive"],
)
async def test_a_dispatch_without_an_end_is_looked_up_after_a_while_and_not_sent_again(
    bench: Bench, value: object, state: RemediationStatus
) -> None:
    await bench.claimed_by(bench.store)
    bench.gateway.lookup_result = value
    bench.now = later(2) + timedelta(seconds=120)
    await bench.service.dispatches.look_up_unknown()
    assert await bench.state() is DISPATCHING, "it may still be on its way"
    bench.now += timedelta(seconds=1)
    await bench.service.dispatches.look_up_unknown()
    assert await bench.state() is state
    assert bench.gateway.sent == []


@pytest.mark.attack("ASI07")
async def test_with_a_gateway_that_bars_no_key_nothing_ran_is_said_once_no_signature_holds(
    bench: Bench,
) -> None:
    execution = await bench.claimed_by(bench.store)
    assert execution.started_at is not None
    bench.now = execution.started_at + timedelta(seconds=299)
    await bench.service.dispatches.look_up_unknown()
    assert await bench.state() is UNKNOWN
    bench.now += timedelta(seconds=1)
    await bench.service.dispatches.look_up_unknown()
    assert await bench.state() is RemediationStatus.FAILED


async def test_the_same_question_is_asked_once(bench: Bench) -> None:
    incident = await open_incident(bench.store)
    for _ in range(2):
        await bench.service.advice_queue.ask(incident, "why?", ANA, once="mention/C1/1.2")
    items = [
        record.question for record in [await bench.store.claim_advice(NOW) for _ in "123"] if record
    ]
    assert items.count("why?") == 1
