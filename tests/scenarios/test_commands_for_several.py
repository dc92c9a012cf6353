"""A command that names several incidents changes each of them, and answers each on a line."""

from __future__ import annotations

import json

import pytest

from tests.scenarios.commands import answer_to
from tests.scenarios.world import World

pytestmark = pytest.mark.one_engine


async def test_a_command_with_several_incidents_answers_each_on_its_own_line(
    world: World, two_open: None
) -> None:
    answer = await answer_to(world, "/incident ack 1 inc2, #99", "chloe")
    assert [line.partition(". ")[0] for line in answer.splitlines()] == [
        "👀 INC-1 is yours",
        "👀 INC-2 is yours",
        "There is no INC-99",
    ]
    taken = await answer_to(world, "/incident assign INC-1 INC-2 me", "ben")
    assert [line[:16] for line in taken.splitlines()] == ["👀 INC-1 is yours", "👀 INC-2 is yours"]
    muted = await answer_to(world, "/incident mute 1 2 30 min", "ben")
    assert len(muted.splitlines()) == 2
    assert all("is muted until" in line for line in muted.splitlines()), muted
    first, second = (await answer_to(world, "/incident resolve 1 2", "ben")).splitlines()
    assert "INC-1 is not resolved yet: confirm it in the box that opened." in first
    assert second.startswith("INC-2 is not resolved")
    assert "/incident resolve INC-2 asks you about it" in second


async def test_a_refusal_of_one_of_several_incidents_is_on_record_as_any_other(
    world: World, two_open: None
) -> None:
    world.slack.change_user("ana", is_guest=True)
    lines = (await answer_to(world, "/incident reopen 1 2")).splitlines()
    assert [line.partition(" ")[0] for line in lines] == ["INC-1:", "INC-2:"]
    refusals = world.rows("SELECT detail FROM audit WHERE kind = 'refused' ORDER BY seq")
    assert [json.loads(row["detail"])["tried"] for row in refusals] == [
        "/incident reopen INC-1",
        "/incident reopen INC-2",
    ]
