"""What every store promises of executions: claimed once, finished once, concluded once."""

from __future__ import annotations

import asyncio

import pytest

from bot.approvals.model import Choice, Execution
from bot.errors import NotFound
from bot.incidents.model import Incident
from bot.incidents.remediation import RemediationStatus
from store.contract import Store
from tests.store.shop import ANA, NOW, TEAM, Place, asked, later, opened, voter

DONE = RemediationStatus.SUCCEEDED
UNKNOWN = RemediationStatus.OUTCOME_UNKNOWN


async def approved(store: Store, incident: Incident, at: float = 1) -> Execution:
    """An execution that waits to be claimed."""
    one = await asked(store, incident.id)
    await store.vote(one.id, voter(ANA), Choice.APPROVE, TEAM, later(at))
    execution = await store.execution_of(one.id)
    assert execution is not None
    return execution


async def dispatching(store: Store, incident: Incident) -> Execution:
    """An execution that this store's owner has claimed."""
    await approved(store, incident)
    execution = await store.claim_execution(later(2), NOW)
    assert execution is not None
    return execution


async def finish(
    store: Store, one: Execution, state: RemediationStatus, at: float = 5, error: str = ""
) -> Execution:
    return await store.finish_execution(
        one,
        state,
        answer={"exit_code": 0, "stdout": "ok"},
        error=error,
        now=later(at),
        verify_until=later(at + 300) if state is DONE else None,
    )


async def kinds(store: Store, incident: Incident) -> list[str]:
    return [entry.kind for entry in await store.timeline(incident.id)]


async def wanted(store: Store, key: str) -> int:
    found = await store.outbox_message(key)
    return found.wanted if found else 0


# Claiming


async def test_the_oldest_approved_execution_is_claimed_by_its_owner(store: Store) -> None:
    incident = await opened(store)
    second = await approved(store, incident, at=4)
    first = await approved(store, incident, at=3)
    claimed = await store.claim_execution(later(9), NOW)
    assert claimed is not None
    assert claimed.id == first.id
    assert (claimed.state, claimed.owner) == (RemediationStatus.DISPATCHING, "bot-a")
    assert claimed.started_at == later(9)
    assert await store.execution(first.id) == claimed
    again = await store.claim_execution(later(10), NOW)
    assert again is not None
    assert again.id == second.id
    assert await store.claim_execution(later(11), NOW) is None


async def test_an_execution_is_claimed_by_exactly_one_of_many(place: Place) -> None:
    here, there = await place.open("bot-a"), await place.open("bot-b")
    incident = await opened(here)
    execution = await approved(here, incident)
    claims = await asyncio.gather(
        *(store.claim_execution(later(2), NOW) for store in (here, there) for _ in range(25))
    )
    won = [claim for claim in claims if claim]
    assert [claim.id for claim in won] == [execution.id]


async def test_the_claim_is_shown_on_the_approval_card(store: Store) -> None:
    incident = await opened(store)
    execution = await dispatching(store, incident)
    assert await wanted(store, f"approval:{execution.approval_id}") == 3


async def test_an_orphan_is_adopted_by_exactly_one(
    place: Place,
) -> None:
    dead = await place.open("bot-a")
    heirs = [await place.open("bot-b"), await place.open("bot-c")]
    incident = await opened(dead)
    execution = await dispatching(dead, incident)
    assert await dead.orphaned_executions(NOW, NOW) == []
    found = [await heir.orphaned_executions(NOW, NOW) for heir in heirs]
    assert found == [[execution], [execution]]
    adopted = await asyncio.gather(*(heir.adopt_execution(execution, later(3)) for heir in heirs))
    assert sorted(adopted) == [False, True]
    winner = heirs[adopted.index(True)]
    assert (await dead.execution(execution.id)).owner == winner.owner
    assert await winner.orphaned_executions(NOW, NOW) == []


async def test_what_we_claimed_long_ago_is_an_orphan_too_for_the_claims_answer_may_be_lost(
    store: Store,
) -> None:
    execution = await dispatching(store, await opened(store))
    assert await store.orphaned_executions(later(2), NOW) == []
    assert await store.orphaned_executions(later(3), NOW) == [execution]
    assert await store.adopt_execution(execution, later(9))
    assert await store.orphaned_executions(later(9), NOW) == [], "it began anew"


async def test_a_former_owner_can_neither_end_nor_revoke_what_its_heir_sends(place: Place) -> None:
    former, heir = await place.open("bot-a"), await place.open("bot-b")
    execution = await dispatching(former, await opened(former))
    assert await heir.adopt_execution(execution, later(3))
    failed = await former.finish_execution(
        execution, RemediationStatus.FAILED, answer=None, error="not reached", now=later(4)
    )
    assert failed.state is RemediationStatus.DISPATCHING
    await heir.resolve(execution.incident_id, "U0ANA", later(5))
    assert not await former.still_wanted(execution, later(5), NOW)
    ended = await finish(heir, await heir.execution(execution.id), DONE)
    assert ended.state is DONE


async def test_what_the_gateway_answered_is_true_whoever_asked(place: Place) -> None:
    former, heir = await place.open("bot-a"), await place.open("bot-b")
    execution = await dispatching(former, await opened(former))
    assert await heir.adopt_execution(execution, later(3))
    assert (await finish(former, execution, DONE)).state is DONE


async def test_what_is_finished_is_no_orphan_and_cannot_be_adopted(place: Place) -> None:
    dead, heir = await place.open("bot-a"), await place.open("bot-b")
    incident = await opened(dead)
    execution = await dispatching(dead, incident)
    await finish(dead, execution, DONE)
    assert await heir.orphaned_executions(NOW, NOW) == []
    assert not await heir.adopt_execution(execution, later(3))


async def test_a_yes_that_was_not_sent_is_revoked_with_its_incident_and_shown(
    store: Store,
) -> None:
    incident = await opened(store)
    execution = await approved(store, incident)
    shown = await wanted(store, f"approval:{execution.approval_id}")
    await store.resolve(incident.id, ANA, later(2))
    assert (await store.execution(execution.id)).state is RemediationStatus.REVOKED
    one = await store.approval(execution.approval_id)
    assert (one.state, one.reason) == (RemediationStatus.REVOKED, "the incident resolved")
    assert (one.decided_by, one.decided_at) == (ANA, later(1)), "who said yes is not forgotten"
    assert await wanted(store, f"approval:{execution.approval_id}") == shown + 1
    assert await store.claim_execution(later(3), NOW) is None


async def test_an_old_yes_is_revoked_and_the_next_one_claimed(store: Store) -> None:
    incident = await opened(store)
    old = await approved(store, incident, at=1)
    fresh = await approved(store, incident, at=2)
    claimed = await store.claim_execution(later(9), later(1))
    assert claimed is not None
    assert claimed.id == fresh.id
    one = await store.approval(old.approval_id)
    assert (one.state, one.reason) == (RemediationStatus.REVOKED, "approved too long ago")
    assert (await store.execution(old.id)).state is RemediationStatus.REVOKED


async def test_what_is_under_way_is_only_sent_again_while_its_yes_holds(store: Store) -> None:
    first, second = await opened(store), await opened(store, service="api", fingerprint="fp-api")
    over, open_still = await dispatching(store, first), await dispatching(store, second)
    await store.resolve(first.id, ANA, later(3))
    assert (await store.execution(over.id)).state is RemediationStatus.DISPATCHING
    assert not await store.still_wanted(over, later(4), NOW)
    assert await store.still_wanted(open_still, later(4), NOW)
    assert not await store.still_wanted(open_still, later(4), later(1))
    for execution, why in (
        (over, "the incident resolved"),
        (open_still, "approved too long ago"),
    ):
        one = await store.approval(execution.approval_id)
        assert (one.state, one.reason) == (RemediationStatus.REVOKED, why)


# Finishing


async def test_the_outcome_is_written_and_shown(store: Store) -> None:
    incident = await opened(store)
    execution = await dispatching(store, incident)
    done = await finish(store, execution, DONE, at=5, error="")
    assert done.state is DONE
    assert done.answer == {"exit_code": 0, "stdout": "ok"}
    assert (done.finished_at, done.verify_until, done.seconds) == (later(5), later(305), 3.0)
    assert await wanted(store, f"result:{execution.id}") == 1
    assert (await store.timeline(incident.id))[-1].text == "Remediation succeeded"
    assert await store.executions_of(incident.id) == [done]
    assert await store.execution_of(execution.approval_id) == done


async def test_a_finished_execution_is_not_finished_again_nor_told_again(store: Store) -> None:
    incident = await opened(store)
    execution = await dispatching(store, incident)
    done = await finish(store, execution, DONE)
    story = await store.timeline(incident.id)
    assert await finish(store, execution, RemediationStatus.FAILED, at=9, error="late") == done
    assert await store.timeline(incident.id) == story
    assert await wanted(store, f"result:{execution.id}") == 1


async def test_an_unknown_outcome_may_still_become_known_once(store: Store) -> None:
    incident = await opened(store)
    execution = await dispatching(store, incident)
    unknown = await finish(store, execution, UNKNOWN, at=4, error="no answer in 75 s")
    assert (unknown.state, unknown.error) == (UNKNOWN, "no answer in 75 s")
    known = await finish(store, execution, RemediationStatus.FAILED, at=6, error="exit 1")
    assert known.state is RemediationStatus.FAILED
    assert (await finish(store, execution, DONE, at=7)).state is RemediationStatus.FAILED


async def test_what_was_never_claimed_cannot_be_finished(store: Store) -> None:
    incident = await opened(store)
    execution = await approved(store, incident)
    assert await finish(store, execution, DONE) == execution
    assert await wanted(store, f"result:{execution.id}") == 0


async def test_unknown_outcomes_are_found_by_when_they_were_sent(store: Store) -> None:
    incident = await opened(store)
    execution = await dispatching(store, incident)
    assert await store.unknown_outcomes(later(0), NOW) == []
    unknown = await finish(store, execution, UNKNOWN)
    assert await store.unknown_outcomes(later(2), NOW) == [unknown]
    assert await store.unknown_outcomes(later(3), NOW) == []


async def test_what_was_never_finished_is_found_after_a_while_by_everybody(place: Place) -> None:
    here, there = await place.open("bot-a"), await place.open("bot-b")
    execution = await dispatching(here, await opened(here))
    assert await here.unknown_outcomes(NOW, later(2)) == []
    assert await here.unknown_outcomes(NOW, later(3)) == [execution]
    assert await there.unknown_outcomes(NOW, later(3)) == [execution]


async def test_an_unknown_execution_is_not_found(store: Store) -> None:
    with pytest.raises(NotFound, match="not known here"):
        await store.execution("exec-feedbeef")
    assert await store.execution_of("feedbeef") is None
    assert await store.executions_of(999) == []


# Verifying


async def test_what_succeeded_waits_to_be_verified_until_it_is_concluded(store: Store) -> None:
    incident = await opened(store)
    done = await finish(store, await dispatching(store, incident), DONE)
    assert await store.verifying() == [done]
    assert await store.conclude(done.id, RemediationStatus.VERIFIED, "200 twice", later(20))
    assert await store.verifying() == []


async def test_good_probes_count_in_a_row_and_a_bad_one_starts_again(store: Store) -> None:
    incident = await opened(store)
    done = await finish(store, await dispatching(store, incident), DONE)
    counts = [
        await store.count_probe(done.id, good, f"look {number}")
        for number, good in enumerate([True, True, False, True])
    ]
    assert counts == [1, 2, 0, 1]
    after = await store.execution(done.id)
    assert (after.good_probes, after.verify_note) == (1, "look 3")


async def test_probes_of_what_is_not_being_verified_do_not_count(store: Store) -> None:
    incident = await opened(store)
    execution = await dispatching(store, incident)
    assert await store.count_probe(execution.id, True, "early") == 0
    assert (await store.execution(execution.id)).verify_note == ""


async def test_a_verified_remediation_is_what_fixed_the_incident(store: Store) -> None:
    incident = await opened(store)
    done = await finish(store, await dispatching(store, incident), DONE)
    assert await store.conclude(done.id, RemediationStatus.VERIFIED, "200 twice", later(20))
    after = await store.execution(done.id)
    assert (after.state, after.verify_note) == (RemediationStatus.VERIFIED, "200 twice")
    assert (await store.incident(incident.id)).fixed_by == done.id
    assert (await kinds(store, incident))[-1] == "verified"
    assert await wanted(store, f"result:{done.id}") == 2


async def test_what_did_not_help_fixes_nothing(store: Store) -> None:
    incident = await opened(store)
    done = await finish(store, await dispatching(store, incident), DONE)
    assert await store.conclude(done.id, RemediationStatus.NOT_VERIFIED, "still 500", later(20))
    assert (await store.execution(done.id)).state is RemediationStatus.NOT_VERIFIED
    assert (await store.incident(incident.id)).fixed_by == ""


async def test_an_execution_is_concluded_once_whoever_races(place: Place) -> None:
    here, there = await place.open("bot-a"), await place.open("bot-b")
    incident = await opened(here)
    done = await finish(here, await dispatching(here, incident), DONE)
    answers = await asyncio.gather(
        here.conclude(done.id, RemediationStatus.VERIFIED, "yes", later(20)),
        there.conclude(done.id, RemediationStatus.NOT_VERIFIED, "no", later(20)),
    )
    assert sorted(answers) == [False, True]
    story = await kinds(here, incident)
    assert story.count("verified") + story.count("not verified") == 1


async def test_a_verdict_after_the_resolve_is_shown_with_the_end_of_the_story(
    store: Store,
) -> None:
    incident = await opened(store)
    done = await finish(store, await dispatching(store, incident), DONE)
    await store.resolve(incident.id, ANA, later(10))
    assert await wanted(store, f"resolved:{incident.id}") == 1
    await store.conclude(done.id, RemediationStatus.VERIFIED, "200 twice", later(20))
    assert await wanted(store, f"resolved:{incident.id}") == 2
