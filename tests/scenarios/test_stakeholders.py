"""A person reads, posts and corrects the update that the stakeholders of an incident read."""

from __future__ import annotations

from typing import Any

import pytest

from bot.simulator import Message
from tests.scenarios.commands import answer_to
from tests.scenarios.starting import StartBot
from tests.scenarios.world import BEN, World, kind, restart_sop

pytestmark = pytest.mark.one_engine

STATUS = "C0RANDOM01"
NOTIFY = {
    "post_interval_seconds": 0,
    "stakeholders": {"channel": STATUS, "template": "{{ service }}: {{title}} is {{status}}"},
}


def updates(world: World) -> list[Message]:
    return [m for m in world.slack.messages(STATUS) if kind(m) == "stakeholders"]


async def update_saying(world: World, text: str) -> Message:
    return await world.slack.wait_for(
        lambda: next((m for m in updates(world) if text in m.text), None),
        why=f"the stakeholders read {text!r}",
    )


def draft(world: World, user: str) -> str:
    """The text that stands in the open modal."""
    modal = world.slack.modal(user)
    assert modal is not None
    inputs = [block for block in modal["blocks"] if block["type"] == "input"]
    return str(inputs[0]["element"]["initial_value"])


@pytest.fixture
async def incident(world: World, bot: StartBot) -> None:
    world.slack.core.workspace.channel(STATUS).members.add(world.slack.core.workspace.app.user_id)
    world.write_sops(restart_sop(world.probe_url) | {"actions": []})
    world.write_policy(BEN, segments={"notify": NOTIFY})
    await bot()
    await world.alert()
    await world.card()
    await world.quiet()


async def test_an_update_is_posted_once_after_a_person_read_it_and_corrected_in_place(
    world: World, incident: None
) -> None:
    answer = await answer_to(world, "/incident update INC-1", "ana")
    assert "Nothing is posted yet" in answer
    assert draft(world, "ana").startswith("checkout-api: HealthCheckFailing")
    assert draft(world, "ana").endswith("is open")
    assert updates(world) == []
    seen: list[dict[str, Any]] = []

    async def record(envelope: dict[str, Any]) -> bool:
        seen.append(envelope)
        return True

    world.slack_hooks.on_envelope = record
    ana = world.slack.as_user("ana")
    await ana.submit(values={"update": "Payments are *slow* <!channel>"})
    posted = await update_saying(world, "Payments are slow <!channel>")
    assert "<!channel>" not in str(posted.data["blocks"]), "nobody is mentioned"
    note = await world.reply("stakeholder_note", "Stakeholder update 1 in #random by @ana")
    assert "Correct the update" in note.buttons
    payload = next(e["payload"] for e in seen if e["type"] == "interactive")
    assert await world.slack.deliver("interactive", payload).outcome()
    await world.quiet()
    assert len(updates(world)) == 1

    await world.press(note, "Correct the update", "ben")
    await world.slack.wait_for(lambda: world.slack.modal("ben"), why="the modal")
    assert draft(world, "ben") == "Payments are *slow* <!channel>"
    await world.press(note, "Correct the update", "chloe")
    await world.slack.wait_for(lambda: world.slack.modal("chloe"), why="the modal")
    await world.slack.as_user("ben").submit(values={"update": "Payments work again"})
    corrected = await update_saying(world, "Payments work again")
    assert corrected.ts == posted.ts
    assert "version 2, @ben" in corrected.text
    chloe = world.slack.as_user("chloe")
    await chloe.submit(values={"update": "Payments are down"})
    redrawn = str((world.slack.modal("chloe") or {})["blocks"][0])
    assert f"<@{BEN}> posted version 2 while this box was open." in redrawn
    assert "Payments work again" in redrawn
    assert draft(world, "chloe") == "Payments are down", "nothing of what she typed is lost"
    await chloe.submit()
    await update_saying(world, "Payments are down")
    await world.quiet()
    assert len(updates(world)) == 1
    shown = await answer_to(world, "/incident show INC-1")
    assert "Stakeholder update, version 3: Payments are down" in shown


async def test_guests_inform_nobody(world: World, incident: None) -> None:
    world.slack.change_user("chloe", is_guest=True)
    assert "guest" in await answer_to(world, "/incident update INC-1", "chloe")


async def test_without_a_channel_in_the_policy_the_answer_names_the_key(
    world: World, one_open: None
) -> None:
    answer = await answer_to(world, "/incident update INC-1", "ana")
    assert "No update drafted" in answer
    assert "notify.stakeholders in policy.yaml" in answer
