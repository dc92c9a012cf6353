"""Every manipulation of the audit trail, made beside a real bot, is found."""

from __future__ import annotations

import hashlib
import json

import pytest

from bot.errors import StoreError
from tests.helpers.bot_processes import run_bot
from tests.helpers.clocks import RunningClock
from tests.helpers.waiting import until
from tests.scenarios.audit_commands import verify
from tests.scenarios.audit_trails import decided, posted, seq_of, trail, write_row
from tests.scenarios.starting import StartBot
from tests.scenarios.world import (
    ALERTS,
    BEN,
    CHLOE,
    Gateway,
    World,
    kind,
)

pytestmark = pytest.mark.attack("ASI10")


async def test_a_whole_remediation_is_in_the_audit_trail_and_verifies(
    world: World, bot: StartBot
) -> None:
    await decided(world, bot)
    rows = trail(world)
    assert [row["kind"] for row in rows] == [
        "policy loaded",
        "proposed",
        "refused",
        "voted",
        "approved",
        "dispatching",
        "request",
        "answer",
        "verified",
    ]
    facts = {row["kind"]: json.loads(row["detail"]) for row in rows}
    assert "you are not an approver" in facts["refused"]["why"]
    for pressed in ("refused", "voted"):
        assert facts[pressed]["action_ts"]
        assert facts[pressed]["trigger_id"]
        assert facts[pressed]["channel"] == ALERTS
        assert facts[pressed]["message_ts"] == world.replies("approval")[0].ts
    assert facts["request"]["gateway"] in world.gateway_url
    assert len(facts["request"]["sha256"]) == 64
    code, output = await verify(world)
    assert code == 0, output
    assert "9 rows, 1 to 9," in output


async def test_refused_strangers_and_forged_buttons_are_in_the_audit_trail(
    world: World, bot: StartBot
) -> None:
    await bot()
    await world.alert()
    card = await world.approval_card("awaiting approval")
    press = {
        "type": "block_actions",
        "trigger_id": "1.2.3",
        "channel": {"id": ALERTS},
        "container": {"type": "message", "message_ts": card.ts, "channel_id": ALERTS},
        "message": {"ts": card.ts, "bot_id": "B0SOPBOT01"},
    }
    for team, value in (("T0STRANGER", "a" * 32), (world.slack.team_id, "forged" * 50)):
        button = {
            "action_id": "sopbot.approve",
            "value": value,
            "action_ts": "1.5",
            "type": "button",
        }
        someone = {"id": BEN, "username": "ben", "team_id": team}
        delivery = world.slack.deliver(
            "interactive", {**press, "user": someone, "actions": [{**button, "block_id": "b"}]}
        )
        assert await delivery.outcome()
    await world.quiet()
    stranger, forged = [row for row in trail(world) if row["kind"] == "refused"]
    assert (stranger["actor"], stranger["subject"]) == (BEN, "a" * 32)
    facts = json.loads(stranger["detail"])
    assert (facts["team"], facts["tried"]) == ("T0STRANGER", "sopbot.approve")
    assert "only people of this workspace" in facts["why"]
    assert forged["subject"] == ("forged" * 50)[:64]
    assert "not known here" in json.loads(forged["detail"])["why"]
    assert (await verify(world))[0] == 0


async def test_a_policy_change_at_runtime_is_in_the_audit_trail(
    world: World, bot: StartBot
) -> None:
    running = await bot()
    world.write_policy(BEN)
    running.reload()
    await until(lambda: len(trail(world)) == 2, why="the reload is on record")
    before, after = trail(world)
    assert (before["kind"], after["kind"]) == ("policy loaded", "policy loaded")
    assert before["subject"] != after["subject"]
    text = (world.folder / "policy.yaml").read_bytes()
    assert after["subject"] == hashlib.sha256(text).hexdigest()


async def test_an_edited_row_is_found(world: World, bot: StartBot) -> None:
    await decided(world, bot)
    seq = seq_of(world, "voted")
    assert world.store.tamper("UPDATE audit SET actor = ? WHERE seq = ?", CHLOE, seq)
    assert await verify(world) == (1, f"✗ row {seq} was edited.\n")


async def test_a_deleted_row_is_found(world: World, bot: StartBot) -> None:
    await decided(world, bot)
    seq = seq_of(world, "refused")
    assert world.store.tamper("DELETE FROM audit WHERE seq = ?", seq)
    code, output = await verify(world)
    assert (code, output) == (1, f"✗ row {seq} is missing: row {seq + 1} comes instead.\n")


async def test_a_deleted_row_is_found_after_renumbering(world: World, bot: StartBot) -> None:
    await decided(world, bot)
    seq = seq_of(world, "refused")
    world.store.tamper("DELETE FROM audit WHERE seq = ?", seq)
    for row in trail(world)[seq - 1 :]:
        world.store.tamper("UPDATE audit SET seq = seq - 1 WHERE seq = ?", row["seq"])
    code, output = await verify(world)
    assert (code, output) == (1, f"✗ row {seq} is out of order: it was row {seq + 1}.\n")


async def test_reordered_rows_are_found(world: World, bot: StartBot) -> None:
    await decided(world, bot)
    first, second = seq_of(world, "voted"), seq_of(world, "dispatching")
    rows = {row["seq"]: row for row in trail(world)}
    world.store.tamper("DELETE FROM audit WHERE seq = ? OR seq = ?", first, second)
    write_row(world, rows[second], first)
    write_row(world, rows[first], second)
    assert await verify(world) == (1, f"✗ row {first} is out of order: it was row {second}.\n")


async def test_a_row_inserted_without_the_key_is_found(world: World, bot: StartBot) -> None:
    await decided(world, bot)
    last = trail(world)[-1]
    write_row(world, last, last["seq"] + 1)
    world.store.tamper(
        "UPDATE audit SET prev = ?, mac = ? WHERE seq = ?", last["mac"], "0" * 64, last["seq"] + 1
    )
    code, output = await verify(world)
    assert (code, output) == (1, f"✗ row {last['seq'] + 1} was edited.\n")


async def test_a_truncated_trail_is_found(world: World, bot: StartBot) -> None:
    await decided(world, bot)
    seq, last = seq_of(world, "dispatching"), len(trail(world))
    world.store.tamper("DELETE FROM audit WHERE seq >= ?", seq)
    assert await verify(world) == (
        1,
        f"✗ cut off at the end: rows {seq} to {last} are missing.\n",
    )


async def test_the_bot_appends_nothing_to_a_truncated_trail_with_a_forged_anchor(
    world: World, bot: StartBot, gateway: Gateway
) -> None:
    running = await decided(world, bot)
    before = trail(world)[3]
    world.store.tamper("DELETE FROM audit WHERE seq > ?", before["seq"])
    world.store.tamper(
        "UPDATE audit_anchors SET seq = ?, mac = ? WHERE name = 'head'",
        before["seq"],
        before["mac"],
    )
    assert await verify(world) == (1, "✗ the anchor 'head' was edited.\n")
    with pytest.raises(StoreError, match="tampered with"):
        await running.service.proposals.fix(
            await running.service.store.incident(1), "restart", BEN, "another cause"
        )
    assert len(gateway.executions()) == 1


async def test_a_truncated_trail_with_an_older_anchor_is_found_by_the_head_in_slack(
    world: World, bot: StartBot, clock: RunningClock
) -> None:
    running = await bot()
    (older,) = world.rows("SELECT * FROM audit_anchors WHERE name = 'head'")
    await world.alert()
    await world.press(await world.approval_card("awaiting approval"), "Approve", "ben")
    await world.result("Verified")
    head = await posted(world, running, clock)
    assert (await verify(world, "--head", head))[0] == 0
    await running.__aexit__()  # while it runs, it knows (test_attack_the_trail)

    world.store.tamper("DELETE FROM audit WHERE seq > ?", older["seq"])
    world.store.tamper("DELETE FROM audit_anchors WHERE name != 'head'")
    world.store.tamper(
        "UPDATE audit_anchors SET seq = ?, mac = ?, at = ?, note = ?, seal = ?",
        *(older[name] for name in ("seq", "mac", "at", "note", "seal")),
    )
    code, output = await verify(world)
    assert code == 1
    assert "it was answered, and its request is not on record" in output, (
        "the execution is still there"
    )
    world.store.tamper("DELETE FROM executions")
    assert (await verify(world))[0] == 0, "the store alone cannot know"
    code, output = await verify(world, "--head", head)
    assert code == 1
    assert (
        f"the head {head} is not part of this chain: an older copy was put in its place" in output
    )


async def test_a_trail_restored_from_an_older_copy_is_found(
    world: World, bot: StartBot, clock: RunningClock
) -> None:
    running = await bot()
    await world.alert()
    card = await world.approval_card("awaiting approval")
    rows = trail(world)
    anchors = world.rows("SELECT * FROM audit_anchors")
    await world.press(card, "Approve", "ben")
    await world.result("Verified")
    head = await posted(world, running, clock)

    world.store.tamper("DELETE FROM audit")
    world.store.tamper("DELETE FROM audit_anchors")
    for row in rows:
        write_row(world, row, row["seq"])
    for anchor in anchors:
        world.store.tamper("INSERT INTO audit_anchors VALUES (?, ?, ?, ?, ?, ?)", *anchor)
    code, output = await verify(world, "--head", head)
    assert code == 1
    assert "an older copy was put in its place" in output
    code, out, _ = await run_bot("store", "status", settings=world.settings(), folder=world.folder)
    assert code == 1
    assert f"✗ every vote is in the audit trail: not so for vote of {BEN}" in out


async def test_an_edited_row_is_reported_in_the_ops_channel_at_the_end_of_the_day(
    world: World, bot: StartBot, clock: RunningClock
) -> None:
    running = await decided(world, bot)
    seq = seq_of(world, "refused")
    world.store.tamper("UPDATE audit SET detail = '{}' WHERE seq = ?", seq)
    await posted(world, running, clock)
    (head_message,) = [m for m in world.slack.messages(ALERTS) if kind(m) == "audit_head"]
    assert f": row {seq} was edited" in head_message.text


async def test_the_head_of_a_day_is_posted_once(
    world: World, bot: StartBot, clock: RunningClock
) -> None:
    running = await decided(world, bot)
    head = await posted(world, running, clock)
    for _ in range(3):
        await running.service.upkeep.close_audit_day()
    await world.quiet()
    heads = [m for m in world.slack.messages(ALERTS) if kind(m) == "audit_head"]
    assert len(heads) == 1
    assert head == trail(world)[-1]["mac"]
    assert "proved up to row 9" in heads[0].text


async def test_verification_with_another_key_fails(world: World, bot: StartBot) -> None:
    await decided(world, bot)
    code, output = await verify(world, AUDIT_KEY="a key of somebody else")
    assert (code, output) == (1, "✗ this is not the key that the chain was made with.\n")


async def test_a_bot_with_another_key_does_not_start(world: World, bot: StartBot) -> None:
    running = await decided(world, bot)
    await running.__aexit__()
    rows = len(trail(world))
    code, _, err = await run_bot(
        settings=world.settings(AUDIT_KEY="a key of somebody else"), folder=world.folder
    )
    assert code == 1
    assert "AUDIT_KEY is not the key that it was made with" in err
    assert len(trail(world)) == rows


async def test_a_clock_moved_back_does_not_make_an_expired_approval_valid(
    world: World, bot: StartBot, clock: RunningClock, gateway: Gateway
) -> None:
    world.write_policy(BEN, CHLOE, approval_ttl_seconds=3_600)
    running = await bot()
    await world.alert()
    card = await world.approval_card("awaiting approval")
    clock.forward(1000)
    await world.press(card, "Approve", "ana")  # it is on record that it is that late
    await world.ephemeral("ana", "Not counted")
    clock.forward(-1000)
    await world.press(card, "Approve", "ben", stale=True)
    await world.ephemeral("ben", "behind what is on record")
    await world.quiet()
    assert gateway.executions() == []
    assert world.rows("SELECT * FROM votes") == []
    assert await running.service.store.approvals_waiting()
    code, output = await verify(world)
    assert code == 0
    assert f"! row {seq_of(world, 'clock moved back')}: the clock had been moved back" in output
