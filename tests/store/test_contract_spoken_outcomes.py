"""Every store keeps the texts of an outcome as data, so that each reader has their language."""

from __future__ import annotations

from bot.incidents.remediation import RemediationStatus
from bot.language import deferred, speaking
from handlers.views.news import news
from handlers.views.result import result
from store import Store
from tests.helpers.builders import later, open_incident
from tests.helpers.executions import DONE, dispatching, finish


async def test_what_the_bot_says_of_a_failure_is_read_in_german_and_what_the_gateway_says_is_not(
    store: Store,
) -> None:
    execution = await dispatching(store, await open_incident(store))
    why = deferred("The gateway did not see how it ended: {why}. A person must look.", why="exit 9")
    ended = await finish(store, execution, RemediationStatus.OUTCOME_UNKNOWN, error=why)
    assert ended.error == "The gateway did not see how it ended: exit 9. A person must look."
    item = await store.news(1)
    assert item is not None
    incident = await store.incident(ended.incident_id)
    with speaking("de"):
        shown = str(result(ended, await store.approval(ended.approval_id)))
        assert "nicht gesehen, wie es ausging: exit 9. Jemand muss nachsehen." in shown
        assert "nicht gesehen, wie es ausging" in str(news(item, incident))


async def test_the_note_of_a_verification_is_read_in_german(store: Store) -> None:
    execution = await dispatching(store, await open_incident(store))
    done = await finish(store, execution, DONE)
    note = deferred("the health check answers {status}", status=503)
    await store.count_probe(done.id, False, note)
    checking = await store.execution(done.id)
    approval = await store.approval(done.approval_id)
    with speaking("de"):
        assert "der Health-Check antwortet 503" in str(result(checking, approval))
    many = deferred("{note}, {count} checks in a row", note=checking.verify_note, count=2)
    await store.conclude(done.id, RemediationStatus.VERIFIED, many, later(9))
    ended = await store.execution(done.id)
    assert ended.verify_note == "the health check answers 503, 2 checks in a row"
    with speaking("de"):
        text = "Verifiziert: der Health-Check antwortet 503, 2 Prüfungen in Folge"
        assert text in str(result(ended, approval))
