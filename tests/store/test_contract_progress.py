"""Every store shows the progress of an execution while its replica waits for the answer."""

from __future__ import annotations

from bot.incidents.remediation import RemediationStatus
from store import Store
from tests.helpers.builders import NOW, later, open_incident
from tests.helpers.executions import DONE, dispatching, finish, version_of
from tests.helpers.stores import Storage


async def test_progress_is_shown_while_it_runs_and_a_repeat_changes_nothing(store: Store) -> None:
    incident = await open_incident(store)
    execution = await dispatching(store, incident)
    card, approval = f"card:{incident.id}", f"approval:{execution.approval_id}"

    async def versions() -> tuple[int, int]:
        return await version_of(store, card), await version_of(store, approval)

    before = await versions()
    (running,) = (await store.card_content(incident.id)).running
    assert running.id == execution.approval_id, "before the gateway says how far it is"
    await store.note_progress(execution.id, "", cancellable=False, now=later(3))
    assert await versions() == (before[0], before[1] + 1)
    await store.note_progress(execution.id, "4 of 9 keys", cancellable=True, now=later(4))
    noted = await store.execution(execution.id)
    assert (noted.progress, noted.cancellable) == ("4 of 9 keys", True)
    assert await versions() == (before[0], before[1] + 2), "the card only names the action"
    await store.note_progress(execution.id, "4 of 9 keys", cancellable=True, now=later(5))
    assert await versions() == (before[0], before[1] + 2)

    await finish(store, execution, DONE, at=6)
    assert (await version_of(store, card)) == before[0] + 1, "nothing runs any more"
    assert (await store.card_content(incident.id)).running == []
    await store.note_progress(execution.id, "late", cancellable=True, now=later(7))
    assert (await store.execution(execution.id)).progress == "4 of 9 keys"


async def test_another_replica_says_nothing_about_an_execution(storage: Storage) -> None:
    here, there = await storage.open("bot-a"), await storage.open("bot-b")
    execution = await dispatching(here, await open_incident(here))
    await there.note_progress(execution.id, "mine", cancellable=True, now=NOW)
    unchanged = await here.execution(execution.id)
    assert (unchanged.progress, unchanged.cancellable) == (None, False)
    assert unchanged.state is RemediationStatus.DISPATCHING
