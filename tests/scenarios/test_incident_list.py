"""`/incident list` in Slack: the table, its buttons, and Slacks that take no table."""

from __future__ import annotations

import pytest

from bot.simulator import Message
from tests.scenarios.world import World

pytestmark = pytest.mark.one_engine


async def listed(world: World, line: str, who: str = "ana") -> Message:
    """The answer to the command, as this person sees it."""
    return await (await world.types(line, who)).response()


async def test_the_list_is_most_severe_first_and_its_buttons_change_it_in_place(
    world: World, two_open: None
) -> None:
    answer = await listed(world, "/incident list")
    assert answer.text.startswith("2 open incidents, the most severe first")
    assert answer.text.index("INC-1") < answer.text.index("INC-2"), "critical, then medium"
    assert [block["type"] for block in answer.data["blocks"]] == [
        "section",
        "table",
        "actions",
        "context",
    ]
    assert answer.buttons == ["Acknowledge INC-1", "Acknowledge INC-2"]
    await world.press(answer, "Acknowledge INC-2", "ana")
    answer = await world.slack.wait_for(
        lambda: next((m for m in world.slack.ephemerals("ana") if "is yours" in m.text), None),
        why="the list shows the answer",
    )
    assert answer.buttons == ["Acknowledge INC-1"], "in place: there is one list"
    assert len(world.slack.ephemerals("ana")) == 1
    await world.card("acknowledged by @ana", number=2)

    assert "HealthCheck" not in (await listed(world, "/incident list mine")).text
    assert "INC-2" not in (await listed(world, "/incident list checkout")).text
    assert "Nothing is frozen." in (await listed(world, "/incident list freezes")).text
    for n in range(10):
        await world.alert(f"service-{n}", severity="info")
        await world.card(number=3 + n)
    first = await listed(world, "/incident list")
    assert "INC-3" not in first.text
    await world.press(first, "More", "ana")
    second = await world.slack.wait_for(
        lambda: next((m for m in world.slack.ephemerals("ana") if "INC-3" in m.text), None),
        why="the second page",
    )
    assert "HealthCheckFailing prod checkout" not in second.text
    assert "First page" in second.buttons
