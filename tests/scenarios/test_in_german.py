"""A bot that speaks German, from the alert to the post-mortem: nobody reads English of ours."""

from __future__ import annotations

import pytest

from bot.simulator import refuse_blocks
from tests.helpers.languages import left_in_english
from tests.scenarios.starting import StartBot
from tests.scenarios.world import ALERTS, World

pytestmark = pytest.mark.one_engine


async def answered(world: World, line: str, who: str) -> str:
    answer = await world.types(line, who)
    assert answer.acked
    return (await answer.response()).text


async def test_everything_from_the_alert_to_the_post_mortem_is_in_german(
    world: World, bot: StartBot
) -> None:
    await bot(MESSAGE_LANGUAGE="de")
    await world.leaky_service.make_unhealthy()
    await world.alert()
    card = await world.card("KRITISCH · HealthCheckFailing")
    assert card.buttons[:3] == ["Bestätigen", "Lösen", "Fragen"]
    await world.advice("Empfehlung")
    approval = await world.approval_card("Freigabe ausstehend")
    assert approval.buttons == ["Freigeben", "Ablehnen", "Probelauf", "Ändern"]

    await world.press(card, "Bestätigen", "ana")
    await world.press(approval, "Freigeben", "ben")
    await world.result("Verifiziert")
    await world.approval_card("@ben hat freigegeben")
    await world.resolves()
    await world.card("GELÖST")
    await world.resolved("INC-1 gelöst: der Alarm hat entwarnt")

    answers = [
        await answered(world, line, "ana")
        for line in (
            "/incident help",
            "/incident help quiet",
            "/incident list",
            "/incident list all",
            "/incident ack INC-1",
            "/incident resolve INC-99",
            "/incident resovle INC-1",
            "/incident silence everything",
            "/incident stats 7d",
            "/sop list",
            "/incident postmortem INC-1",
        )
    ]
    assert "Version 1 der Nachbetrachtung zu INC-1 ist entworfen" in answers[-1]
    assert "INC-99 gibt es nicht" in answers[5]
    await world.quiet()

    messages = world.slack.thread(ALERTS, card.ts)
    assert len(messages) >= 5
    for message in messages:
        refuse_blocks(message.data.get("blocks", []), surface="message")
        assert left_in_english(message.text, "de") == [], message.text
    answers_to_all = [*answers, *world.ephemerals("ana"), *world.ephemerals("ben")]
    assert [(text, left) for text in answers_to_all if (left := left_in_english(text, "de"))] == []
