"""A file is shared once, whatever becomes of Slack's answer or of the process."""

import sqlite3

import pytest

from store import open_store
from store.replica import LEASE
from tests.handlers.conftest import ALERTS
from tests.handlers.outbox_states import refusal
from tests.helpers.waiting import until

NAME = "INC-1-postmortem-v1.md"


async def postmortem_of(desk, body="# A draft\n"):
    """A version that waits in the outbox, its card posted."""
    number = await desk.open()
    async with desk.running():
        await desk.slack.wait_for(desk.ours, why="the card")
    return await desk.store.add_postmortem(
        number, 1, body, "U0ANA00001", "press", desk.clock(), exported=False
    )


def shared(desk):
    """The contents of the files in the card's thread."""
    thread = desk.slack.thread(ALERTS, desk.ours()[0].ts)
    ids = [file["id"] for message in thread for file in message.data.get("files", ())]
    return [desk.slack.core.files[number].content.decode() for number in ids]


async def is_recorded(desk, store=None):
    message = await (store or desk.store).outbox_message("postmortem:1")
    return message.ts if message.sent_version == message.desired_version else ""


async def test_a_file_is_shared_in_the_thread_with_its_text_above_it(desk):
    version = await postmortem_of(desk)
    assert version.file_name == NAME
    async with desk.running():
        await desk.slack.wait_for(lambda: shared(desk), why="the file")
    assert shared(desk) == ["# A draft\n"]
    posted = desk.slack.thread(ALERTS, desk.ours()[0].ts)[-1]
    assert "Post-mortem of INC-1, version 1" in posted.text
    assert posted.data["files"][0]["name"] == NAME


@pytest.mark.parametrize("step", ["files.getUploadURLExternal", "files.completeUploadExternal"])
async def test_a_file_whose_answer_was_lost_is_found_and_not_shared_again(desk, step):
    await postmortem_of(desk)
    desk.faults.drop_after[step] = 1
    async with desk.running():
        await until(lambda: step in [m for m, _ in desk.calls()], why="the lost answer")
    desk.clock.forward(5)
    async with desk.running():
        await until(lambda: is_recorded(desk), why="the file is recorded")
    assert len(shared(desk)) == 1


async def test_another_process_does_not_share_what_the_killed_one_shared(desk, tmp_path):
    await postmortem_of(desk)
    async with desk.running():
        await desk.slack.wait_for(lambda: shared(desk), why="the file")
    # As if the process had died between Slack's answer and its own note of it.
    with sqlite3.connect(f"{tmp_path}/desk.db") as raw:
        raw.execute("UPDATE outbox SET ts = NULL, sent_version = 0 WHERE kind = 'postmortem'")
    raw.close()
    second = await open_store(f"sqlite:///{tmp_path}/desk.db", owner="second")
    desk.clock.forward(LEASE + 1)
    await second.replica.renew(desk.clock())
    async with desk.running(desk.outbox_of(second)):
        await until(lambda: is_recorded(desk, second), why="the file is recorded")
    await second.close()
    assert len(shared(desk)) == 1


async def test_a_persons_file_of_the_same_name_is_not_taken_for_ours(desk):
    await postmortem_of(desk)
    root = desk.ours()[0]
    channel = desk.slack.core.workspace.channel(ALERTS)
    theirs = {"files": [{"id": "F0THEIRS", "name": NAME, "user": "U0EVE00001"}], "text": ""}
    author = {"user": "U0EVE00001", "team": "T1"}
    desk.slack.core.workspace.post(channel, author, theirs, thread_ts=root.ts)
    desk.faults.script["files.getUploadURLExternal"] = [refusal("internal_error")]
    for _ in range(2):
        async with desk.running():
            await until(
                lambda: "files.getUploadURLExternal" in [m for m, _ in desk.calls()], why="a try"
            )
            desk.wake(5)
    async with desk.running():
        await until(lambda: is_recorded(desk), why="the file is recorded")
    assert await is_recorded(desk) != "F0THEIRS"


async def test_a_missing_scope_is_said_in_the_ops_channel(desk):
    await postmortem_of(desk)
    desk.faults.script["files.getUploadURLExternal"] = [refusal("missing_scope")]
    async with desk.running():
        await desk.slack.wait_for(lambda: desk.ours("C0OPS00001"), why="the ops channel's copy")
    assert "Post-mortem of INC-1, version 1" in desk.ours("C0OPS00001")[0].text
