"""The main job, alert to end of incident; bot and gateway run as operators run them."""

from __future__ import annotations

import pytest

from tests.scenarios.starting import StartProcess
from tests.scenarios.world import Gateway, World


@pytest.fixture
def gateway(gateway_process: Gateway) -> Gateway:
    return gateway_process


async def test_a_sick_service_is_restarted_after_an_approval_and_its_incident_closes(
    world: World, bot_process: StartProcess, gateway: Gateway
) -> None:
    await bot_process()
    await world.leaky_service.make_unhealthy()

    await world.alert()
    card = await world.card("CRITICAL · HealthCheckFailing")
    assert "INC-1" in card.text
    assert "sop_checkout_down" in card.text
    assert card.buttons[:3] == ["Acknowledge", "Resolve", "Ask"]
    advice = await world.advice("From the SOP")
    assert "Restart checkout-api" in advice.text

    approval = await world.approval_card("Restart checkout-api · `INC-1`")
    assert approval.buttons == ["Approve", "Reject", "Dry run", "Edit"]
    assert f"{world.leaky_service.port}" in approval.text, "the exact argv is shown"
    assert "alert: service" in approval.text
    assert world.leaky_service.restarts == 0, "nothing runs before the yes"

    outcome = await world.press(approval, "Approve", "ben")
    assert outcome.acked
    result = await world.result("Verified")
    assert "exit 0" in result.text
    decided = await world.approval_card("@ben approved")
    assert "verified" in decided.text
    assert decided.buttons == []
    assert world.leaky_service.restarts == 1
    assert await world.leaky_service.healthy()

    await world.resolves()
    closed = await world.card("RESOLVED")
    assert closed.ts == card.ts, "the card is changed in place"
    last = await world.resolved("INC-1 resolved: the alert cleared")
    assert "fixed by: Restart checkout-api (verified)" in last.text

    await world.press(closed, "Reopen", "ben")
    await world.slack.wait_for(lambda: "RESOLVED" not in world.cards()[0].text, why="reopened")
    await world.press(await world.card(), "Resolve", "ben")
    last = await world.resolved("INC-1 resolved: by @ben", which=2)
    assert "fixed by" not in last.text, "that was before it was reopened"
    assert "acknowledged after" not in last.text

    await world.quiet()
    assert len(world.cards()) == 1
    assert gateway.executions() == [("service.restart", "checkout-api", "finished")]
