"""Rows edited in the store by hand are found, and nothing runs because of them."""

from __future__ import annotations

import pytest

from bot.approvals.binding import digest_of
from store.engines.tables import tables
from store.rows import approval_from
from tests.helpers.bot_processes import run_bot
from tests.helpers.waiting import until
from tests.scenarios.audit_commands import export_and_verify, verify
from tests.scenarios.audit_trails import decided
from tests.scenarios.starting import StartBot
from tests.scenarios.world import (
    BEN,
    CHLOE,
    Gateway,
    World,
)

pytestmark = pytest.mark.attack("ASI10")


async def test_a_vote_inserted_into_the_store_is_found(world: World, bot: StartBot) -> None:
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


async def test_an_approval_whose_content_was_replaced_does_not_run(
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
    # The digest takes no key: an attacker who edits the row can compute it.
    digest = digest_of(approval_from(changed, []))
    world.store.tamper("UPDATE approvals SET digest = ?", digest)
    await world.press(card, "Approve", "ben")
    revoked = await world.approval_card("revoked")
    assert "its approval is not on record" in revoked.text
    await world.quiet()
    assert gateway.executions() == []


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
        "✗ every answered execution has its request in the audit trail: not so for execution forged"
        in out
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
