"""Many alerts in one incident: the card shows one of them, whole, and all of them can be read."""

from __future__ import annotations

import re
from typing import Any

from bot.simulator import menu_entries
from tests.scenarios.starting import StartBot
from tests.scenarios.world import World


async def sends(world: World, name: str, severity: str, status: str = "FIRING") -> None:
    await world.alert(name=name, severity=severity, status=status)


async def test_the_card_shows_the_most_severe_alert_and_when_that_clears_the_next(
    world: World, bot: StartBot
) -> None:
    await bot()
    await sends(world, "SlowQueries", "warning")
    await world.card("SlowQueries")
    await sends(world, "DiskFull", "critical")
    card = await world.card("CRITICAL · DiskFull")
    assert "SlowQueries" not in card.text
    assert "2 alerts grouped" in card.text
    await sends(world, "DiskFull", "critical", "RESOLVED")
    card = await world.card("MEDIUM · SlowQueries")
    assert "DiskFull" not in card.text
    assert "CRITICAL" not in card["text"], "the fallback text agrees"
    assert "SlowQueries" in card["text"]


async def test_every_alert_can_be_read_behind_a_button_with_why_it_joined(
    world: World, bot: StartBot
) -> None:
    await bot()
    await sends(world, "Alert00", "warning")
    await world.card("Alert00")
    for number in range(1, 12):
        await sends(world, f"Alert{number:02}", "critical" if number == 3 else "warning")
    card = await world.card("12 alerts grouped")
    assert "CRITICAL · Alert03" in card.text
    assert "Alerts (12)" in menu_entries(card.data)
    await world.press(card, "Alerts (12)", who="chloe")
    modal = await world.slack.wait_for(lambda: world.slack.modal("chloe"), why="the list")
    first = re.findall(r"Alert\d\d", str(modal["blocks"]))
    assert first[0] == "Alert03", "the most severe first"
    assert "same SOP, environment and service" in str(modal["blocks"])

    await world.slack.as_user("chloe").press(modal, "More")
    modal = await world.slack.wait_for(
        lambda: _says(world.slack.modal("chloe"), "opened this incident"), why="the second page"
    )
    second = re.findall(r"Alert\d\d", str(modal["blocks"]))
    assert {*first, *second} == {f"Alert{number:02}" for number in range(12)}
    assert len({*second}) == 2
    await world.slack.as_user("chloe").press(modal, "Back")
    await world.slack.wait_for(
        lambda: _says(world.slack.modal("chloe"), "Alert03"), why="the first page again"
    )


def _says(view: Any, text: str) -> Any:
    return view if view and text in str(view["blocks"]) else None


async def test_a_cut_text_can_be_read_in_full_behind_a_button(world: World, bot: StartBot) -> None:
    await bot()
    await sends(world, "SlowQueries", "warning")
    await world.card("SlowQueries")
    await world.advice()  # that of the alert, so that the answer is the second one
    await world.types(f"/incident ask INC-1 why {'*so* slow? ' * 90}and the end")
    advice = await world.advice("asked: why", which=2)
    assert "and the end" not in advice.text
    assert advice.buttons[-1] == "Full text"
    await world.quiet()  # a press is refused while the bot does not know yet that Slack posted it
    await world.press(advice, "Full text", who="chloe")
    modal = await world.slack.wait_for(lambda: world.slack.modal("chloe"), why="the full text")
    assert f"{'*so* slow? ' * 90}and the end" in str(modal["blocks"]), "as it was typed"
    await world.press(advice, "Not helpful", who="chloe")
    await world.ephemeral("chloe", "Stored: this advice was not helpful.")
    assert [row["helped"] for row in world.rows("SELECT helped FROM advice_feedback")] == [0]
