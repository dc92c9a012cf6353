"""Outcomes of executions in every store: finished once, verified once, concluded once."""

from __future__ import annotations

import asyncio
import json

import pytest

from bot.approvals.model import Choice
from bot.approvals.reasons import sent_before
from bot.errors import NotFound, Refused
from bot.incidents.model import Incident
from bot.incidents.remediation import RemediationStatus
from store import Store
from tests.helpers.builders import (
    ANA,
    BEN,
    NOW,
    TEAM,
    frozen_because,
    later,
    open_incident,
    revoke,
    voter,
)
from tests.helpers.executions import DONE, approved, dispatching, finish, version_of
from tests.helpers.stores import Storage, executions_of
from tests.helpers.trail import trail

UNKNOWN = RemediationStatus.OUTCOME_UNKNOWN


async def kinds(store: Store, incident: Incident) -> list[str]:
    return [entry.kind for entry in await store.timeline(incident.id)]


# Finishing


async def test_what_the_gateway_answered_counts_even_for_what_was_revoked_meanwhile(
    store: Store,
) -> None:
    incident = await open_incident(store)
    execution = await dispatching(store, incident)
    assert await revoke(store, execution.approval_id, "the plan drifted", later(3))
    no_answer = await store.finish_execution(
        execution, RemediationStatus.FAILED, answer=None, error="not reached", now=later(4)
    )
    assert no_answer.state is RemediationStatus.REVOKED
    shown = await version_of(store, f"approval:{execution.approval_id}")
    assert (await finish(store, execution, DONE)).state is DONE
    approval = await store.approval(execution.approval_id)
    assert approval.state is RemediationStatus.APPROVED
    assert approval.reason == sent_before(frozen_because("the plan drifted"))
    assert await version_of(store, f"approval:{execution.approval_id}") == shown + 1
    assert await version_of(store, f"result:{execution.id}") == 1
    assert [row.kind for row in await trail(store)][-2:] == ["revoked", "answer"]


async def test_what_was_revoked_before_it_was_claimed_has_no_answer(store: Store) -> None:
    execution = await approved(store, await open_incident(store))
    assert await revoke(store, execution.approval_id, "not what was shown", later(3))
    assert (await finish(store, execution, DONE)).state is RemediationStatus.REVOKED


async def test_while_an_heir_sends_its_target_stays_taken(storage: Storage) -> None:
    former, heir = await storage.open("bot-a"), await storage.open("bot-b")
    sent = await dispatching(former, await open_incident(former), target="web")
    assert await heir.adopt_execution(sent, later(3))
    assert not await revoke(former, sent.approval_id, "the plan drifted", later(4))
    other = await open_incident(former, service="api", fingerprint="fp-api")
    with pytest.raises(Refused, match="another action is running on web"):
        await approved(former, other, target="web")


async def test_a_person_may_say_that_it_did_not_run_and_its_target_is_free(store: Store) -> None:
    incident = await open_incident(store)
    execution = await dispatching(store, incident, target="web")
    assert not await store.mark_not_run(execution, BEN, later(4)), "it may be on its way"
    unknown = await store.finish_execution(
        execution, UNKNOWN, answer=None, error="no answer in 75 s", now=later(5)
    )
    with pytest.raises(Refused, match="the outcome of another action on web is unknown"):
        await approved(store, incident, at=6, target="web")
    assert await store.mark_not_run(unknown, BEN, later(7))
    after = await store.execution(execution.id)
    assert (after.state, after.by_hand) == (RemediationStatus.FAILED, BEN)
    assert await store.verifying() == []
    last = (await trail(store))[-1]
    assert (last.kind, last.actor) == ("marked by hand", BEN)
    assert json.loads(last.detail)["state"] == "failed"
    assert not await store.mark_by_hand(unknown, ANA, later(8), later(300))
    (waits,) = await store.approvals_waiting()
    await store.vote(waits.id, voter(ANA), Choice.APPROVE, TEAM, later(9))
    # It was a belief; what the gateway says is the truth.
    done = await finish(store, execution, DONE, at=10)
    assert (done.state, done.by_hand) == (DONE, "")


async def test_the_outcome_is_written_and_shown(store: Store) -> None:
    incident = await open_incident(store)
    execution = await dispatching(store, incident)
    done = await finish(store, execution, DONE, at=5, error="")
    assert done.state is DONE
    assert done.answer == {"exit_code": 0, "stdout": "ok"}
    assert (done.finished_at, done.verify_until, done.seconds) == (later(5), later(305), 3.0)
    assert await version_of(store, f"result:{execution.id}") == 1
    assert (await store.timeline(incident.id))[-1].text == "Remediation succeeded"
    assert await executions_of(store, incident.id) == [done]
    assert await store.execution_of(execution.approval_id) == done


async def test_a_finished_execution_is_not_finished_again_nor_told_again(store: Store) -> None:
    incident = await open_incident(store)
    execution = await dispatching(store, incident)
    done = await finish(store, execution, DONE)
    entries = await store.timeline(incident.id)
    assert await finish(store, execution, RemediationStatus.FAILED, at=9, error="late") == done
    assert await store.timeline(incident.id) == entries
    assert await version_of(store, f"result:{execution.id}") == 1


async def test_an_unknown_outcome_may_still_become_known_once(store: Store) -> None:
    incident = await open_incident(store)
    execution = await dispatching(store, incident)
    unknown = await finish(store, execution, UNKNOWN, at=4, error="no answer in 75 s")
    assert (unknown.state, unknown.error) == (UNKNOWN, "no answer in 75 s")
    known = await finish(store, execution, RemediationStatus.FAILED, at=6, error="exit 1")
    assert known.state is RemediationStatus.FAILED
    assert (await finish(store, execution, DONE, at=7)).state is RemediationStatus.FAILED


async def test_what_was_never_claimed_cannot_be_finished(store: Store) -> None:
    incident = await open_incident(store)
    execution = await approved(store, incident)
    assert await finish(store, execution, DONE) == execution
    assert await version_of(store, f"result:{execution.id}") == 0


async def test_unknown_outcomes_are_found_by_when_they_were_sent(store: Store) -> None:
    incident = await open_incident(store)
    execution = await dispatching(store, incident)
    assert await store.unknown_outcomes(later(0), NOW) == []
    unknown = await finish(store, execution, UNKNOWN)
    assert await store.unknown_outcomes(later(2), NOW) == [unknown]
    assert await store.unknown_outcomes(later(3), NOW) == []


async def test_what_was_never_finished_is_found_after_a_while_by_everybody(
    storage: Storage,
) -> None:
    here, there = await storage.open("bot-a"), await storage.open("bot-b")
    execution = await dispatching(here, await open_incident(here))
    assert await here.unknown_outcomes(NOW, later(2)) == []
    assert await here.unknown_outcomes(NOW, later(3)) == [execution]
    assert await there.unknown_outcomes(NOW, later(3)) == [execution]


async def test_an_unknown_execution_is_not_found(store: Store) -> None:
    with pytest.raises(NotFound, match="not known here"):
        await store.execution("exec-feedbeef")
    assert await store.execution_of("feedbeef") is None
    assert await executions_of(store, 999) == []


# Verifying


async def test_what_succeeded_waits_to_be_verified_until_it_is_concluded(store: Store) -> None:
    incident = await open_incident(store)
    done = await finish(store, await dispatching(store, incident), DONE)
    assert await store.verifying() == [done]
    assert await store.conclude(done.id, RemediationStatus.VERIFIED, "200 twice", later(20))
    assert await store.verifying() == []


async def test_good_probes_count_in_a_row_and_a_bad_one_starts_again(store: Store) -> None:
    incident = await open_incident(store)
    done = await finish(store, await dispatching(store, incident), DONE)
    counts = [
        await store.count_probe(done.id, good, f"look {number}")
        for number, good in enumerate([True, True, False, True])
    ]
    assert counts == [1, 2, 0, 1]
    after = await store.execution(done.id)
    assert after.verify_note == "look 3"


async def test_probes_of_what_is_not_being_verified_do_not_count(store: Store) -> None:
    incident = await open_incident(store)
    execution = await dispatching(store, incident)
    assert await store.count_probe(execution.id, True, "early") == 0
    assert (await store.execution(execution.id)).verify_note == ""


async def test_a_verified_remediation_is_what_fixed_the_incident(store: Store) -> None:
    incident = await open_incident(store)
    done = await finish(store, await dispatching(store, incident), DONE)
    assert await store.conclude(done.id, RemediationStatus.VERIFIED, "200 twice", later(20))
    after = await store.execution(done.id)
    assert (after.state, after.verify_note) == (RemediationStatus.VERIFIED, "200 twice")
    assert (await store.incident(incident.id)).fixed_by == done.id
    assert (await kinds(store, incident))[-1] == "verified"
    assert await version_of(store, f"result:{done.id}") == 2


async def test_what_did_not_help_fixes_nothing(store: Store) -> None:
    incident = await open_incident(store)
    done = await finish(store, await dispatching(store, incident), DONE)
    assert await store.conclude(done.id, RemediationStatus.NOT_VERIFIED, "still 500", later(20))
    assert (await store.execution(done.id)).state is RemediationStatus.NOT_VERIFIED
    assert (await store.incident(incident.id)).fixed_by == ""


@pytest.mark.sqlite_file
async def test_an_execution_is_concluded_once_whoever_races(storage: Storage) -> None:
    here, there = await storage.open("bot-a"), await storage.open("bot-b")
    incident = await open_incident(here)
    done = await finish(here, await dispatching(here, incident), DONE)
    answers = await asyncio.gather(
        here.conclude(done.id, RemediationStatus.VERIFIED, "yes", later(20)),
        there.conclude(done.id, RemediationStatus.NOT_VERIFIED, "no", later(20)),
    )
    assert sorted(answers) == [False, True]
    event_kinds = await kinds(here, incident)
    assert event_kinds.count("verified") + event_kinds.count("not verified") == 1


async def test_a_verdict_after_the_resolve_is_shown_with_the_end_of_the_story(
    store: Store,
) -> None:
    incident = await open_incident(store)
    done = await finish(store, await dispatching(store, incident), DONE)
    await store.resolve(incident.id, ANA, later(10))
    assert await version_of(store, f"resolved:{incident.id}") == 1
    await store.conclude(done.id, RemediationStatus.VERIFIED, "200 twice", later(20))
    assert await version_of(store, f"resolved:{incident.id}") == 2
