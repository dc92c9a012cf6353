"""Every way to make the audit trail lie, tried over a real bot and its store: each is found."""

from __future__ import annotations

import hashlib
import json
from typing import Any

import pytest

from bot.app import Bot
from bot.approvals.binding import digest_of
from bot.errors import StoreError
from bot.simulator import Message
from store.engines.tables import tables
from store.rows import approval_from
from tests.helpers.bot_processes import run_bot
from tests.helpers.clocks import RunningClock
from tests.helpers.waiting import until
from tests.scenarios.audit_commands import export_and_verify, verify
from tests.scenarios.starting import StartBot
from tests.scenarios.world import (
    ALERTS,
    AUDIT_KEY,
    BEN,
    CHLOE,
    Gateway,
    World,
    kind,
    restart_sop,
)

pytestmark = pytest.mark.attack("ASI10")

DAY = 86_400
COLUMNS = "seq, at, kind, incident_id, subject, actor, detail, prev, mac"


async def decided(world: World, bot: StartBot) -> Bot:
    """A bot, and a restart that ana was refused, ben approved, and the gateway did."""
    running = await bot()
    await world.alert()
    card = await world.approval_card("awaiting approval")
    await world.press(card, "Approve", "ana")
    await world.ephemeral("ana", "Not counted")
    await world.press(card, "Approve", "ben")
    await world.result("Verified")
    await world.quiet()
    return running


def trail(world: World) -> list[Any]:
    return world.rows(f"SELECT {COLUMNS} FROM audit ORDER BY seq")  # noqa: S608


def seq_of(world: World, what: str) -> int:
    """The number of the first row of that kind."""
    return next(int(row["seq"]) for row in trail(world) if row["kind"] == what)


async def posted(world: World, running: Bot, clock: RunningClock) -> str:
    """The head that the bot posts when the day is over."""
    clock.forward(DAY)
    await running.service.upkeep.close_audit_day()
    message = await world.slack.wait_for(
        lambda: next((m for m in world.slack.messages(ALERTS) if kind(m) == "audit_head"), None),
        why="the head of the day",
    )
    return message.text.rpartition("head `")[2].partition("`")[0]


def write_row(world: World, row: Any, seq: int) -> None:
    values = [row[name] for name in COLUMNS.split(", ")]
    markers = ", ".join("?" * len(values))
    world.store.tamper(
        f"INSERT INTO audit ({COLUMNS}) VALUES ({markers})",  # noqa: S608
        seq,
        *values[1:],
    )


async def test_nobody_attacks_and_the_whole_way_is_on_record_and_proved(
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


async def test_what_strangers_and_forged_buttons_are_refused_is_on_record(
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


async def test_a_policy_that_is_changed_while_the_bot_runs_is_on_record(
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


async def test_a_row_is_edited(world: World, bot: StartBot) -> None:
    await decided(world, bot)
    seq = seq_of(world, "voted")
    assert world.store.tamper("UPDATE audit SET actor = ? WHERE seq = ?", CHLOE, seq)
    assert await verify(world) == (1, f"✗ row {seq} was edited.\n")


async def test_a_row_is_deleted(world: World, bot: StartBot) -> None:
    await decided(world, bot)
    seq = seq_of(world, "refused")
    assert world.store.tamper("DELETE FROM audit WHERE seq = ?", seq)
    code, output = await verify(world)
    assert (code, output) == (1, f"✗ row {seq} is missing: row {seq + 1} comes instead.\n")


async def test_a_row_is_deleted_and_the_later_ones_are_numbered_anew(
    world: World, bot: StartBot
) -> None:
    await decided(world, bot)
    seq = seq_of(world, "refused")
    world.store.tamper("DELETE FROM audit WHERE seq = ?", seq)
    for row in trail(world)[seq - 1 :]:
        world.store.tamper("UPDATE audit SET seq = seq - 1 WHERE seq = ?", row["seq"])
    code, output = await verify(world)
    assert (code, output) == (1, f"✗ row {seq} is out of order: it was row {seq + 1}.\n")


async def test_rows_are_reordered(world: World, bot: StartBot) -> None:
    await decided(world, bot)
    first, second = seq_of(world, "voted"), seq_of(world, "dispatching")
    rows = {row["seq"]: row for row in trail(world)}
    world.store.tamper("DELETE FROM audit WHERE seq = ? OR seq = ?", first, second)
    write_row(world, rows[second], first)
    write_row(world, rows[first], second)
    assert await verify(world) == (1, f"✗ row {first} is out of order: it was row {second}.\n")


async def test_a_row_is_put_in_by_somebody_without_the_key(world: World, bot: StartBot) -> None:
    await decided(world, bot)
    last = trail(world)[-1]
    write_row(world, last, last["seq"] + 1)
    world.store.tamper(
        "UPDATE audit SET prev = ?, mac = ? WHERE seq = ?", last["mac"], "0" * 64, last["seq"] + 1
    )
    code, output = await verify(world)
    assert (code, output) == (1, f"✗ row {last['seq'] + 1} was edited.\n")


async def test_the_tail_is_cut_off(world: World, bot: StartBot) -> None:
    await decided(world, bot)
    seq, last = seq_of(world, "dispatching"), len(trail(world))
    world.store.tamper("DELETE FROM audit WHERE seq >= ?", seq)
    assert await verify(world) == (
        1,
        f"✗ cut off at the end: rows {seq} to {last} are missing.\n",
    )


async def test_the_tail_is_cut_off_and_the_anchor_moved_so_the_bot_builds_nothing_on_it(
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


async def test_the_tail_is_cut_off_and_an_older_anchor_put_back_but_slack_has_the_head(
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


async def test_the_whole_trail_is_rolled_back_to_an_older_copy(
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


async def test_the_day_after_an_edit_the_bot_says_so_in_the_ops_channel(
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


async def test_the_key_is_another_one(world: World, bot: StartBot) -> None:
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


async def test_the_clock_is_moved_back_to_before_an_approval_expired(
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


async def test_a_vote_is_written_into_the_store_by_hand(world: World, bot: StartBot) -> None:
    await decided(world, bot)
    world.store.tamper("UPDATE votes SET voter = ?", CHLOE)
    code, out, _ = await run_bot("store", "status", settings=world.settings(), folder=world.folder)
    assert code == 1
    assert f"✗ every vote is in the audit trail: not so for vote of {CHLOE}" in out
    assert "other votes are on record" in (await export_and_verify(world))[1]


async def approve_without_the_key(world: World) -> None:
    """Write the rows that `vote` writes, except the audit row, which takes the key."""
    (row,) = world.rows("SELECT * FROM approvals")
    at = row["requested_at"]
    world.store.tamper(
        "INSERT INTO votes (approval_id, voter, choice, at, reason) VALUES (?, ?, ?, ?, '')",
        row["id"],
        BEN,
        "approve",
        at,
    )
    world.store.tamper(
        "UPDATE approvals SET state = 'approved', decided_by = ?, decided_at = ?", BEN, at
    )
    world.store.tamper(
        "INSERT INTO executions (id, approval_id, incident_id, state, created_at)"
        " VALUES (?, ?, ?, 'approved', ?)",
        f"exec-{row['id']}",
        row["id"],
        row["incident_id"],
        at,
    )


async def test_an_approval_written_into_the_store_without_the_key_does_not_run(
    world: World, bot: StartBot, gateway: Gateway, caplog: pytest.LogCaptureFixture
) -> None:
    await bot()
    await world.alert()
    await world.approval_card("awaiting approval")
    await world.quiet()
    await approve_without_the_key(world)
    revoked = await world.approval_card("revoked")
    assert "its approval is not on record" in revoked.text
    await world.quiet()
    assert gateway.executions() == []
    assert any("was the store edited?" in record.getMessage() for record in caplog.records)


async def test_an_approval_of_something_else_put_in_its_place_does_not_run(
    world: World, bot: StartBot, gateway: Gateway
) -> None:
    await bot()
    await world.alert()
    card = await world.approval_card("awaiting approval")
    await world.quiet()
    (row,) = world.rows("SELECT * FROM approvals")
    world.store.tamper("UPDATE approvals SET preview = ?", row["preview"].replace('["', '["echo '))
    (changed,) = world.rows("SELECT * FROM approvals")
    assert changed["preview"] != row["preview"]
    # The digest takes no key: whoever edits the one makes the other fit.
    digest = digest_of(approval_from(changed, []))
    world.store.tamper("UPDATE approvals SET digest = ?", digest)
    await world.press(card, "Approve", "ben")
    revoked = await world.approval_card("revoked")
    assert "its approval is not on record" in revoked.text
    await world.quiet()
    assert gateway.executions() == []


async def test_a_bundle_is_proved_and_holds_no_secret(
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


async def test_a_bundle_holds_no_token_of_the_address_to_probe_and_is_proved(
    world: World, bot: StartBot
) -> None:
    world.write_sops(restart_sop(f"{world.probe_url}?token=s3cret-of-the-probe"))
    await decided(world, bot)
    code, output = await export_and_verify(world)
    assert code == 0, output
    text = (world.folder / "bundle.json").read_text(encoding="utf-8")
    assert "?token=" in text
    assert "s3cret" not in text


async def test_a_bundle_is_edited(world: World, bot: StartBot) -> None:
    await decided(world, bot)
    assert (await export_and_verify(world))[0] == 0
    file = world.folder / "bundle.json"
    file.write_text(file.read_text(encoding="utf-8").replace(BEN, CHLOE), encoding="utf-8")
    code, output = await verify(world, "--bundle", str(file))
    assert code == 1
    assert "was edited" in output


async def test_the_key_is_nowhere_to_be_found(world: World, bot: StartBot) -> None:
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


async def test_a_freeze_that_is_deleted_by_hand_still_blocks_and_is_reported(
    world: World, bot: StartBot, gateway: Gateway
) -> None:
    await bot()
    await world.alert()
    card = await world.approval_card("awaiting approval")
    await (await world.types("/incident freeze on a move", "ana")).response()
    world.store.tamper("DELETE FROM freezes")
    code, output = await verify(world)
    assert code == 1
    assert "everything is frozen by the trail, and the freeze is missing from the store" in output
    await world.press(card, "Approve", "ben", stale=True)
    await world.ephemeral("ben", "the store and the audit trail disagree about a freeze")
    shown = await (await world.types("/incident freeze", "chloe")).response()
    assert "disagree about a freeze" in shown.text
    await world.quiet()
    assert gateway.executions() == []
    await (await world.types("/incident unfreeze", "ben")).response()
    assert (await verify(world))[0] == 0
    await until(lambda: "Approve" in world.replies("approval")[0].buttons, why="it may again")
    await world.press(card, "Approve", "ben")
    await world.result("Verified")


@pytest.mark.parametrize(
    ("change", "text"),
    [
        ("DELETE FROM executions", "its execution is on record, and missing"),
        ("UPDATE executions SET state = 'failed'", "another state of its execution is on record"),
        (
            "UPDATE executions SET started_at = '2020-01-01T00:00:00.000000Z'",
            "another started_at of its execution is on record",
        ),
        ("UPDATE executions SET answer = '{}'", "another answer is on record"),
    ],
    ids=["deleted", "state", "start", "answer"],
)
async def test_an_execution_that_is_edited_by_hand_is_found_by_the_proof(
    world: World, bot: StartBot, change: str, text: str
) -> None:
    await decided(world, bot)
    world.store.tamper(change)
    code, sentence = await verify(world)
    assert code == 1
    assert text in sentence


async def test_an_execution_without_its_request_is_found_by_the_proof_and_by_status(
    world: World, bot: StartBot
) -> None:
    await decided(world, bot)
    for table, changed in (("approvals", ("id", "origin")), ("executions", ("id", "approval_id"))):
        (names,) = (known.columns for known in tables() if known.name == table)
        values = ("'forged'" if name in changed else name for name in names)
        world.store.tamper(f"INSERT INTO {table} SELECT {', '.join(values)} FROM {table}")  # noqa: S608
    code, text = await verify(world)
    assert code == 1
    assert "approval forged: it was answered, and its request is not on record" in text
    code, out, _ = await run_bot("store", "status", settings=world.settings(), folder=world.folder)
    assert code == 1
    assert (
        "✗ every answered execution has its request on record: not so for execution forged" in out
    )


async def test_an_execution_that_is_deleted_by_hand_so_that_a_limit_forgets_it_stops_everything(
    world: World, bot: StartBot, gateway: Gateway
) -> None:
    await decided(world, bot)
    world.store.tamper("DELETE FROM executions")
    await (await world.types("/incident fix INC-1 restart", "ana")).response()
    card = await world.reply("approval", "an earlier request is on record", which=2)
    assert "Approve" not in card.buttons
    assert len(gateway.executions()) == 1
