"""Cool-downs, breakers, budgets and freezes limit what runs, in every store."""

from __future__ import annotations

import pytest

from bot.approvals.limits import Limits
from bot.approvals.model import Choice
from bot.errors import Refused
from store import Store
from tests.helpers.builders import (
    ANA,
    BEN,
    OPS,
    TEAM,
    alert,
    deliver,
    later,
    open_incident,
    pending_approval,
    voter,
)
from tests.helpers.limited_runs import (
    COOL,
    FAILED,
    NOT_VERIFIED,
    VERIFIED,
    claim,
    other,
    ran,
    reason,
    yes,
)
from tests.helpers.trail import fault

# How often and how soon, and not at all


async def test_a_target_cools_down_after_anything_was_sent_to_it(store: Store) -> None:
    await ran(store, await open_incident(store), VERIFIED)  # sent at 1
    result = await pending_approval(store, (await other(store)).id, target="web")
    with pytest.raises(Refused, match=r"web was acted on at 03:04:06 UTC; next action at 03:09:06"):
        await yes(store, result, 300, COOL)
    await yes(store, result, 301, COOL)


async def test_what_never_reached_the_gateway_cools_nothing_down(store: Store) -> None:
    await ran(store, await open_incident(store), FAILED, answer=None)
    result = await pending_approval(store, (await other(store)).id, target="web")
    await yes(store, result, 5, COOL)


async def test_a_clock_moved_back_does_not_end_a_cooldown(store: Store) -> None:
    await ran(store, await open_incident(store), VERIFIED, at=50)
    result = await pending_approval(store, (await other(store)).id, target="web")
    with pytest.raises(Refused, match="next action at"):
        await yes(store, result, 10, COOL)


async def test_after_three_failures_of_one_sop_its_breaker_is_open_for_a_while(
    store: Store,
) -> None:
    for number, state in enumerate((FAILED, NOT_VERIFIED, FAILED)):
        incident = await store.incident(
            await deliver(
                store, alert(service=f"s{number}", fingerprint=f"fp-{number}"), sop_id="sop_x"
            )
        )
        await ran(store, incident, state, at=1 + number, target=f"t-{number}")
    incident = await store.incident(
        await deliver(store, alert(service="s9", fingerprint="fp-9"), sop_id="sop_x")
    )
    with pytest.raises(Refused, match=r"Not proposed: the last 3 remediations of sop_x failed"):
        await pending_approval(store, incident.id)
    elsewhere = await pending_approval(store, (await other(store)).id)
    await yes(store, elsewhere, 9)
    late = await pending_approval(
        store, incident.id, requested_at=later(3700), expires_at=later(4000)
    )
    await yes(store, late, 3701)


async def test_a_verified_remediation_closes_the_breaker(store: Store) -> None:
    for number, state in enumerate((FAILED, FAILED, VERIFIED, FAILED)):
        incident = await store.incident(
            await deliver(
                store, alert(service=f"s{number}", fingerprint=f"fp-{number}"), sop_id="sop_x"
            )
        )
        await ran(store, incident, state, at=1 + 2 * number, target=f"t-{number}")
    incident = await store.incident(
        await deliver(store, alert(service="s9", fingerprint="fp-9"), sop_id="sop_x")
    )
    assert await pending_approval(store, incident.id)


async def test_within_an_hour_no_more_runs_than_the_budget_allows(store: Store) -> None:
    two = Limits(hourly_budget=2)
    for number in range(2):
        await ran(store, await other(store, f"s{number}"), VERIFIED, target=f"t-{number}")
    result = await pending_approval(store, (await open_incident(store)).id, expires_at=later(9_000))
    with pytest.raises(Refused, match="2 remediations ran within the last hour"):
        await yes(store, result, 9, two)
    await yes(store, result, 3_602, two)


async def test_a_budget_that_was_spent_after_the_approval_revokes_it(store: Store) -> None:
    first, second = [
        await pending_approval(store, (await other(store, f"s{n}")).id) for n in range(2)
    ]
    limits = Limits(hourly_budget=1)
    await yes(store, first, 1, limits)
    await yes(store, second, 1.5, limits)
    assert await claim(store, 2, limits)
    assert await claim(store, 2, limits) is None
    assert "as many as the policy allows" in await reason(store, second)


@pytest.mark.attack("ASI08")
async def test_one_sop_cannot_use_up_the_budget_of_all(store: Store) -> None:
    limits = Limits(hourly_budget_per_sop=2)
    incidents = []
    for number in range(3):
        named = await open_incident(
            store, service="web", env=f"e{number}", fingerprint=f"fp{number}"
        )
        incidents.append(named)
    assert len({incident.sop_id for incident in incidents}) == 3
    same = incidents[0]
    for number in range(2):
        await ran(store, same, VERIFIED, target=f"t-{number}")
    third = await pending_approval(store, same.id, target="t-3")
    with pytest.raises(Refused, match=f"2 remediations of {same.sop_id} ran within the last hour"):
        await yes(store, third, 9, limits)
    another = await pending_approval(store, incidents[1].id, target="t-4")
    await yes(store, another, 9, limits)
    assert await claim(store, 10, limits)


@pytest.mark.attack("ASI08")
async def test_one_target_is_acted_on_only_so_often_an_hour_whatever_asks(store: Store) -> None:
    limits = Limits(hourly_budget_per_target=2)
    for number in range(2):
        await ran(store, await other(store, f"s{number}"), VERIFIED, target="web")
    incident = await open_incident(store)
    with pytest.raises(Refused, match="2 remediations on web ran within the last hour"):
        await yes(store, await pending_approval(store, incident.id, target="web"), 9, limits)
    other_target = await pending_approval(store, incident.id, target="db")
    await yes(store, other_target, 9, limits)
    assert await claim(store, 10, limits)


async def test_what_did_not_help_is_not_repeated_in_that_incident(store: Store) -> None:
    incident = await open_incident(store)
    await ran(store, incident, NOT_VERIFIED)
    with pytest.raises(Refused, match="Restart web did not help in this incident before"):
        await pending_approval(store, incident.id, target="web")
    assert await pending_approval(store, incident.id, target="db")
    assert await pending_approval(store, (await other(store)).id, target="web")


async def test_while_everything_is_frozen_nothing_is_counted_or_claimed(store: Store) -> None:
    before = await pending_approval(store, (await open_incident(store)).id)
    approved = await pending_approval(store, (await other(store)).id)
    await yes(store, approved)
    await store.freeze(ANA, "a move", later(2), channel=OPS)
    with pytest.raises(Refused, match=r"everything is frozen by <@U0ANA> \(a move\)"):
        await yes(store, before, 3)
    await store.vote(before.id, voter(ANA), Choice.REJECT, TEAM, later(3))
    assert await claim(store, 4) is None
    assert "frozen" in await reason(store, approved)
    await store.unfreeze(BEN, later(5), channel=OPS)
    assert await store.frozen() is None
    assert await fault(store) == ""


async def test_a_freeze_shows_on_every_card_that_waits(store: Store) -> None:
    result = await pending_approval(store, (await open_incident(store)).id)
    message = await store.outbox_message(f"approval:{result.id}")
    assert message is not None
    await store.freeze(ANA, "", later(2), channel=OPS)
    frozen = await store.outbox_message(message.key)
    assert frozen is not None
    assert frozen.desired_version == message.desired_version + 1
