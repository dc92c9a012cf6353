"""Types a slash command and returns the answer."""

from __future__ import annotations

from tests.scenarios.world import ALERTS, World


async def answer_to(world: World, line: str, who: str = "ana") -> str:
    """Type a command; returns the answer, which only this person may see."""
    before = [m.text for m in world.slack.messages(ALERTS)]
    answer = await world.types(line, who)
    assert answer.acked, f"{line} was not acknowledged within Slack's three seconds"
    text = (await answer.response()).text.replace("`", "")
    after = [m.text for m in world.slack.messages(ALERTS)]
    assert len(after) == len(before), "a command posts nothing into the channel"
    others = {"ana", "ben", "chloe"} - {who}
    assert not any(text in other for user in others for other in world.ephemerals(user))
    return text
