"""Only approvers may approve, and as many as the policy asks; each refusal reaches one person.

What attackers try stands in test_attack_*.py.
"""

from __future__ import annotations

from tests.scenarios.attacks import (
    approve_although_it_is_not_there,
    deliver,
    nothing_ran,
    proposed,
    refused,
)
from tests.scenarios.starting import StartBot
from tests.scenarios.world import BEN, CHLOE, Gateway, World


async def test_a_voter_who_is_no_approver_is_told_who_may_approve(
    world: World, bot: StartBot, gateway: Gateway
) -> None:
    card = await proposed(world, bot)
    assert (await world.press(card, "Approve", "ana")).acked
    await refused(
        world, "ana", "Not counted: you are not an approver of this action. Ask @ben, @chloe."
    )
    await world.press(card, "Reject", "ana")
    assert "Approve" in world.replies("approval")[0].buttons, "it still waits"
    await nothing_ran(world, gateway)


async def test_without_approvers_nobody_may_approve_and_the_card_says_so(
    world: World, bot: StartBot, gateway: Gateway
) -> None:
    world.write_policy()
    card = await proposed(world, bot)
    assert "Nobody may approve this: policy.yaml names no approvers." in card.text
    assert "Approve" not in card.buttons
    await deliver(world, approve_although_it_is_not_there(card))
    await refused(world, "ben", "Not counted: nobody may approve this.")
    await nothing_ran(world, gateway)


async def test_one_rejection_ends_the_request(
    world: World, bot: StartBot, gateway: Gateway
) -> None:
    card = await proposed(world, bot)
    await world.press(card, "Reject", "chloe")
    shown = await world.approval_card("rejected")
    assert "@chloe rejected" in shown.text
    assert shown.buttons == []
    await world.press(card, "Approve", "ben", stale=True)
    await refused(world, "ben", "Not counted: this remediation is rejected.")
    await nothing_ran(world, gateway)


async def test_two_approvals_need_two_people(world: World, bot: StartBot, gateway: Gateway) -> None:
    world.write_policy(BEN, CHLOE, approvals_required=2)
    card = await proposed(world, bot)
    assert "Needs 2 approvals: @ben, @chloe" in card.text
    await world.press(card, "Approve", "ben")
    await world.approval_card("@ben approved")
    await world.press(card, "Approve", "ben")
    await refused(world, "ben", "Your vote is counted already.")
    await nothing_ran(world, gateway)
    await world.press(card, "Approve", "chloe")
    await world.result("Verified")
    assert world.leaky_service.restarts == 1
