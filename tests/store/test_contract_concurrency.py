"""Every store serialises what two processes do at once."""

from __future__ import annotations

import asyncio
from collections import Counter

import pytest

from bot.approvals.limits import Limits
from bot.approvals.model import Choice
from bot.errors import Refused
from bot.incidents.model import IncidentStatus, Severity
from bot.incidents.remediation import RemediationStatus
from store import Store
from tests.helpers.builders import (
    ANA,
    BEN,
    CAT,
    CHANNEL,
    NOW,
    TEAM,
    alert,
    claim_execution,
    deliver,
    identify,
    later,
    open_incident,
    pending_approval,
    resolved,
    voter,
)
from tests.helpers.stores import Storage, executions_of

ROUNDS = 8  # so that some of them meet in the middle; each about a service of its own

Two = tuple[Store, Store]


@pytest.fixture
async def two(storage: Storage) -> Two:
    """Two processes on one database."""
    return await storage.open("bot-a"), await storage.open("bot-b")


async def yes(store: Store, approval_id: str, user: str) -> object:
    return await store.vote(approval_id, voter(user), Choice.APPROVE, TEAM, later(1))


async def kinds(store: Store, incident_id: int) -> Counter[str]:
    return Counter(entry.kind for entry in await store.timeline(incident_id))


async def test_of_two_last_votes_at_once_each_counts_the_other(two: Two) -> None:
    here, there = two
    incident = await open_incident(here)
    for _ in range(ROUNDS):
        result = await pending_approval(here, incident.id, needed=2)
        await asyncio.gather(yes(here, result.id, ANA), yes(there, result.id, BEN))
        decided = await here.approval(result.id)
        assert decided.state is RemediationStatus.APPROVED
        assert {vote.user for vote in decided.votes} == {ANA, BEN}
        assert await here.execution_of(result.id) is not None
    assert len(await executions_of(here, incident.id)) == ROUNDS


async def test_of_an_approval_and_a_rejection_at_once_exactly_one_decides(two: Two) -> None:
    here, there = two
    incident = await open_incident(here)
    for _ in range(ROUNDS):
        result = await pending_approval(here, incident.id)
        outcomes = await asyncio.gather(
            yes(here, result.id, ANA),
            there.vote(result.id, voter(BEN), Choice.REJECT, TEAM, later(1)),
            return_exceptions=True,
        )
        assert [type(outcome) for outcome in outcomes].count(Refused) == 1
        decided = await here.approval(result.id)
        approved = decided.state is RemediationStatus.APPROVED
        assert decided.decided_by == (ANA if approved else BEN)
        assert len(decided.votes) == 1
        assert (await here.execution_of(result.id) is not None) == approved


async def test_one_persons_votes_at_once_count_once(two: Two) -> None:
    incident = await open_incident(two[0])
    result = await pending_approval(two[0], incident.id, needed=2)
    outcomes = await asyncio.gather(
        *(yes(store, result.id, ANA) for store in two for _ in range(10)), return_exceptions=True
    )
    assert Counter(map(type, outcomes))[Refused] == 19
    waiting = await two[0].approval(result.id)
    assert (waiting.state, len(waiting.votes)) == (RemediationStatus.AWAITING_APPROVAL, 1)


async def test_when_the_last_two_alerts_clear_at_once_their_incident_resolves_once(
    two: Two,
) -> None:
    here, there = two
    for service in map("web-{}".format, range(ROUNDS)):
        cpu, load = (
            alert(service=service),
            alert(service=service, name="HighLoad", fingerprint="fp-load"),
        )
        incident_id = await deliver(here, cpu)
        assert await deliver(here, load) == incident_id
        await asyncio.gather(
            deliver(here, resolved(service=service)),
            deliver(there, resolved(service=service, name="HighLoad", fingerprint="fp-load")),
        )
        incident = await here.incident(incident_id)
        assert (incident.status, incident.firing) == (IncidentStatus.RESOLVED, 0)
        assert (await kinds(here, incident_id))["resolved"] == 1
        shown = await here.outbox_message(f"resolved:{incident_id}")
        assert shown is not None
        assert shown.desired_version == 1


async def test_fifty_alerts_about_one_thing_at_once_open_one_incident(two: Two) -> None:
    severities = list(Severity)
    ids = await asyncio.gather(
        *(
            deliver(
                two[number % 2],
                alert(fingerprint=f"fp-{number}", severity=severities[number % len(severities)]),
            )
            for number in range(50)
        )
    )
    assert len(set(ids)) == 1
    (incident,) = await two[0].open_incidents()
    assert (incident.alert_count, incident.firing) == (50, 50)
    assert incident.severity is Severity.CRITICAL
    assert (await kinds(two[0], incident.id))["opened"] == 1
    assert await two[1].claim_advice(NOW) is not None
    assert await two[1].claim_advice(NOW) is None, "it is advised once"


async def test_alerts_about_one_thing_under_two_sop_ids_at_once_both_land(two: Two) -> None:
    here, there = two
    for number in range(ROUNDS):
        service = f"s{number}"
        ids = await asyncio.gather(
            deliver(
                here,
                alert(service=service, category="cpu", fingerprint=f"{service}-a"),
                sop_id="sop_one",
            ),
            deliver(
                there,
                alert(service=service, category="disk", fingerprint=f"{service}-b"),
                sop_id="sop_one",
            ),
        )
        assert len(set(ids)) == 1, "the same SOP ID about the same service is one incident"


async def test_an_alert_and_the_resolve_of_another_at_once_never_lose_what_fires(two: Two) -> None:
    here, there = two
    for service in map("web-{}".format, range(ROUNDS)):
        await deliver(here, alert(service=service))
        await asyncio.gather(
            deliver(here, resolved(service=service)),
            deliver(there, alert(service=service, name="HighLoad", fingerprint="fp-load")),
        )
        (incident,) = await here.open_incidents()
        assert incident.firing == 1
        # By a person: four changes of one scope may be flapping, which is held open.
        await here.resolve(incident.id, ANA, later(1))
        assert await there.open_incidents() == []


async def test_a_vote_against_a_close_leaves_nothing_that_could_run(two: Two) -> None:
    here, there = two
    for service in map("web-{}".format, range(ROUNDS)):
        incident = await open_incident(here, service=service)
        result = await pending_approval(here, incident.id)
        outcome, _ = await asyncio.gather(
            yes(here, result.id, ANA),
            there.resolve(incident.id, BEN, later(1)),
            return_exceptions=True,
        )
        after = await here.approval(result.id)
        assert after.state is RemediationStatus.REVOKED
        assert len(after.votes) == (0 if isinstance(outcome, Refused) else 1)
        execution = await here.execution_of(result.id)
        assert execution is None or execution.state is RemediationStatus.REVOKED
        assert (await here.incident(incident.id)).status is IncidentStatus.RESOLVED


async def test_a_vote_that_decides_nothing_is_not_counted_after_a_close(two: Two) -> None:
    here, there = two
    for service in map("web-{}".format, range(ROUNDS)):
        incident = await open_incident(here, service=service)
        result = await pending_approval(here, incident.id, needed=2)
        outcome, _ = await asyncio.gather(
            yes(here, result.id, ANA),
            there.resolve(incident.id, BEN, later(1)),
            return_exceptions=True,
        )
        after = await here.approval(result.id)
        assert after.state is RemediationStatus.REVOKED
        assert len(after.votes) == (0 if isinstance(outcome, Refused) else 1)


async def test_a_proposal_against_a_close_is_refused_or_revoked(two: Two) -> None:
    here, there = two
    for service in map("web-{}".format, range(ROUNDS)):
        incident = await open_incident(here, service=service)
        await asyncio.gather(
            pending_approval(here, incident.id),
            there.resolve(incident.id, BEN, later(1)),
            return_exceptions=True,
        )
        states = [approval.state for approval in await here.approvals_of(incident.id)]
        assert states in ([], [RemediationStatus.REVOKED])


async def test_two_that_close_at_once_are_told_apart(two: Two) -> None:
    here, there = two
    for service in map("web-{}".format, range(ROUNDS)):
        incident = await open_incident(here, service=service)
        outcomes = await asyncio.gather(
            here.resolve(incident.id, ANA, later(1)),
            there.resolve(incident.id, BEN, later(1)),
            return_exceptions=True,
        )
        assert [type(outcome) for outcome in outcomes].count(Refused) == 1
        assert (await kinds(here, incident.id))["resolved"] == 1


async def test_two_that_acknowledge_at_once_do_it_once(two: Two) -> None:
    here, there = two
    for service in map("web-{}".format, range(ROUNDS)):
        incident = await open_incident(here, service=service)
        await asyncio.gather(
            here.acknowledge(incident.id, ANA, later(1)),
            there.acknowledge(incident.id, CAT, later(1)),
        )
        assert (await kinds(here, incident.id))["acknowledged"] == 1
        await here.resolve(incident.id, ANA, later(2))


async def test_deliveries_that_name_the_same_things_in_opposite_orders_all_land(two: Two) -> None:
    here, there = two
    things = [alert(service=f"s{number}", fingerprint=f"fp-{number}") for number in range(6)]
    await asyncio.gather(
        *(deliver(here, *things) for _ in range(ROUNDS)),
        *(deliver(there, *reversed(things)) for _ in range(ROUNDS)),
    )
    incidents = await here.open_incidents()
    assert sorted(incident.service for incident in incidents) == [
        f"s{number}" for number in range(6)
    ]
    assert {incident.alert_count for incident in incidents} == {2 * ROUNDS}
    assert {incident.firing for incident in incidents} == {1}


async def test_the_same_delivery_handed_over_at_once_by_many_counts_once(two: Two) -> None:
    for number in range(ROUNDS):
        items = [
            identify(alert(fingerprint=f"fp-{part}"), dedup_key=f"d{number}#{part}")
            for part in range(3)
        ]
        receipts = await asyncio.gather(
            *(
                store.accept(f"delivery-{number}", items, channel=CHANNEL, now=NOW)
                for store in two
                for _ in range(4)
            )
        )
        assert sorted(receipt.accepted for receipt in receipts) == [0] * 7 + [3]
        ids = tuple(item.tracking_id for item in items)
        assert {receipt.tracking_ids for receipt in receipts} == {ids}, "all are told the same"
    (incident,) = await two[0].open_incidents()
    assert (incident.alert_count, incident.firing) == (3 * ROUNDS, 3)


async def test_the_same_alert_in_different_deliveries_at_once_counts_once(two: Two) -> None:
    for number in range(ROUNDS):
        result = identify(alert(), dedup_key=f"the-same-{number}")
        receipts = await asyncio.gather(
            *(
                store.accept(f"d-{number}-{store.owner}", [result], channel=CHANNEL, now=NOW)
                for store in two
            )
        )
        assert sorted(receipt.accepted for receipt in receipts) == [0, 1]
    (incident,) = await two[0].open_incidents()
    assert incident.alert_count == ROUNDS


async def test_twenty_that_claim_at_once_take_each_execution_once(two: Two) -> None:
    here, _ = two
    incident = await open_incident(here)
    ids = set()
    for _ in range(20):
        result = await pending_approval(here, incident.id)
        await yes(here, result.id, ANA)
        ids.add(f"exec-{result.id}")
    taken = await asyncio.gather(
        *(
            claim_execution(store, later(2), Limits(hourly_budget_per_sop=20))
            for store in two
            for _ in range(10)
        )
    )
    assert Counter(execution.id for execution in taken if execution) == dict.fromkeys(ids, 1)
    assert await claim_execution(here, later(2)) is None


async def test_a_claim_against_a_close_is_either_under_way_or_revoked(two: Two) -> None:
    here, there = two
    for service in map("web-{}".format, range(ROUNDS)):
        incident = await open_incident(here, service=service)
        result = await pending_approval(here, incident.id)
        await yes(here, result.id, ANA)
        claimed, _ = await asyncio.gather(
            claim_execution(here, later(2)), there.resolve(incident.id, BEN, later(2))
        )
        execution = await here.execution_of(result.id)
        assert execution is not None
        if claimed is None:
            assert execution.state is RemediationStatus.REVOKED
        else:
            assert execution == claimed
            assert not await here.still_wanted(claimed, later(3)), "seen before it is sent"


async def test_two_bots_that_start_at_once_on_a_new_store_know_it_by_one_id(two: Two) -> None:
    ids = await asyncio.gather(*(store.identity() for store in two for _ in range(ROUNDS)))
    assert len(set(ids)) == 1
    assert len(ids[0]) >= 16
