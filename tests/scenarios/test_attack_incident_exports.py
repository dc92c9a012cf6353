"""The export of an incident proves itself and holds no secret."""

from __future__ import annotations

import json

import pytest

from bot.simulator import Message
from tests.helpers.clocks import RunningClock
from tests.scenarios.audit_commands import export_and_verify, verify
from tests.scenarios.audit_trails import decided, posted
from tests.scenarios.starting import StartBot
from tests.scenarios.world import (
    ALERTS,
    AUDIT_KEY,
    BEN,
    CHLOE,
    World,
    restart_sop,
)

pytestmark = pytest.mark.attack("ASI10")


async def test_an_export_verifies_and_holds_no_secret(
    world: World, bot: StartBot, clock: RunningClock
) -> None:
    running = await decided(world, bot)
    head = await posted(world, running, clock)
    code, output = await export_and_verify(world)
    assert code == 0, output
    assert f"lead to the head {head}" in output
    text = (world.folder / "bundle.json").read_text(encoding="utf-8")
    for name, value in world.settings().items():
        if name.endswith(("_TOKEN", "_SECRET", "_KEY")):
            assert value not in text, name
    parts = json.loads(text)["parts"]
    assert parts["alerts"][0]["body"]["raw"]
    assert parts["approvals"][0]["execution"]["answer"]["overall_status"]
    assert {message["kind"] for message in parts["messages"]} >= {"card", "approval", "result"}


async def test_an_export_omits_the_token_of_a_probe_address_and_verifies(
    world: World, bot: StartBot
) -> None:
    world.write_sops(restart_sop(f"{world.probe_url}?token=s3cret-of-the-probe"))
    await decided(world, bot)
    code, output = await export_and_verify(world)
    assert code == 0, output
    text = (world.folder / "bundle.json").read_text(encoding="utf-8")
    assert "?token=" in text
    assert "s3cret" not in text


async def test_an_edited_export_is_found(world: World, bot: StartBot) -> None:
    await decided(world, bot)
    assert (await export_and_verify(world))[0] == 0
    file = world.folder / "bundle.json"
    file.write_text(file.read_text(encoding="utf-8").replace(BEN, CHLOE), encoding="utf-8")
    code, output = await verify(world, "--bundle", str(file))
    assert code == 1
    assert "was edited" in output


async def test_the_audit_key_is_in_no_table_and_no_message(world: World, bot: StartBot) -> None:
    await decided(world, bot)
    tables = ("audit", "audit_anchors", "outbox", "timeline", "executions")
    held = "\n".join(
        str(list(row))
        for table in tables
        for row in world.rows(f"SELECT * FROM {table}")  # noqa: S608
    )
    text = "\n".join(message.text for message in everything(world))
    assert AUDIT_KEY not in held + text


def everything(world: World) -> list[Message]:
    return [*world.slack.messages(ALERTS), *world.slack.thread(ALERTS, world.cards()[0].ts)]
