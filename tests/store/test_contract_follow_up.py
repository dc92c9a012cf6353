"""Post-mortems, actions and handovers: once for each press, and nothing is lost between two."""

from __future__ import annotations

import asyncio
from datetime import timedelta

import pytest

from bot.errors import NotFound, Refused
from bot.incidents.model import Severity
from bot.incidents.records import HandoverState
from store.operations.sop_usage import Place, SopUsage
from tests.helpers.builders import ANA, BEN, CAT, CHANNEL, NOW, alert, deliver, later, open_incident
from tests.helpers.executions import approved

CHANNELS = ("D0ANA", "D0BEN")


async def owned(store, user, service, severity=Severity.HIGH):
    """An incident of that person."""
    number = await deliver(
        store, alert(service=service, severity=severity, fingerprint=f"fp-{service}")
    )
    await store.acknowledge(number, user, NOW)
    return number


async def write(store, number, version, origin, *, exported=False):
    return await store.add_postmortem(
        number, version, f"# {version}", ANA, origin, NOW, exported=exported
    )


async def test_two_people_at_once_make_two_versions_and_a_redelivery_none(store):
    number = (await open_incident(store)).id
    first, second = await asyncio.gather(
        write(store, number, 1, "press-1"), write(store, number, 1, "press-2")
    )
    assert (first is None) != (second is None), "the other must read the incident again"
    late = "press-1" if first is None else "press-2"
    assert (await write(store, number, 2, late)).version == 2
    assert (await write(store, number, 3, late)).version == 2, "the same press"
    record = await store.incident_record(number)
    assert record.versions == 2
    assert [entry.kind for entry in record.timeline].count("postmortem") == 2
    assert (await store.outbox_message("postmortem:1")).in_thread
    with pytest.raises(NotFound):
        await store.incident_record(number + 1)


async def test_an_export_is_claimed_by_one_and_due_again_until_it_ended(store):
    number = (await open_incident(store)).id
    version = await write(store, number, 1, "press", exported=True)
    await write(store, number, 2, "another press")
    pause = timedelta(seconds=30)
    claims = await asyncio.gather(*(store.claim_export(NOW, pause) for _ in range(3)))
    assert [claim for claim in claims if claim] == [(version, 1)]
    assert await store.claim_export(later(29), pause) is None
    assert await store.claim_export(later(31), pause) == (version, 2)
    assert await store.claim_export(later(31 + 59), pause) is None, "the pause doubles"
    await store.end_export(version, later(40))
    assert await store.claim_export(later(9999), pause) is None


async def test_an_action_is_added_once_reminded_of_once_and_done_once(store):
    number = (await open_incident(store)).id
    item = await store.add_action(number, "Write the SOP", BEN, ANA, "press", NOW)
    assert await store.add_action(number, "Other", CAT, ANA, "press", NOW) == item
    assert await store.open_actions(BEN) == [item] == await store.open_actions()
    assert await store.open_actions(ANA) == []
    assert await store.remind_of_actions(later(-1), later(5)) == 0, "it is fresh"
    reminded = await asyncio.gather(
        *(store.remind_of_actions(later(10), later(20)) for _ in range(2))
    )
    assert sum(reminded) >= 1
    assert await store.remind_of_actions(later(10), later(30)) == 0
    reminder = await store.outbox_message(f"action_reminder:{item.id}/20261121")
    assert reminder.desired_version == 1
    ends = await asyncio.gather(
        *(store.finish_action(item.id, user, later(40)) for user in (BEN, CAT))
    )
    assert sorted(by_this for _, by_this in ends) == [False, True]
    assert await store.open_actions() == []
    reminder = await store.outbox_message(f"action_reminder:{item.id}/20261121")
    assert reminder.desired_version == 2, "its message follows"
    assert (await store.actions_of(number))[0].done_by in (BEN, CAT)
    with pytest.raises(NotFound):
        await store.finish_action(99, ANA, NOW)


async def test_a_handover_moves_what_the_giver_still_owns(store):
    first, second = await owned(store, ANA, "web"), await owned(store, ANA, "db")
    await owned(store, CAT, "cache")
    offered = await store.offer_handover(ANA, BEN, CHANNELS, "press", NOW)
    assert offered.incidents == (first, second)
    assert await store.offer_handover(ANA, BEN, CHANNELS, "press", NOW) == offered
    with pytest.raises(Refused):
        await store.accept_handover(offered.id, ANA, NOW)
    with pytest.raises(Refused):
        await store.cancel_handover(offered.id, CAT, NOW)
    await store.assign(second, CAT, CAT, NOW)
    ends = await asyncio.gather(*(store.accept_handover(offered.id, BEN, later(1)) for _ in "ab"))
    assert sorted(by_this for _, by_this in ends) == [False, True]
    handover, incidents = await store.handover(offered.id)
    assert handover.moved == (first,)
    assert [incident.acknowledged_by for incident in incidents] == [BEN, CAT]
    handover, by_this = await store.cancel_handover(offered.id, ANA, later(2))
    assert (handover.state, by_this) == (HandoverState.ACCEPTED, False)
    with pytest.raises(Refused):
        await store.offer_handover(ANA, BEN, CHANNELS, "nothing left", NOW)


async def test_a_late_handover_is_reported_once_and_only_if_it_has_a_critical_incident(store):
    await owned(store, ANA, "web")
    await owned(store, CAT, "db", Severity.CRITICAL)
    await store.offer_handover(ANA, BEN, CHANNELS, "one", NOW)
    late = await store.offer_handover(CAT, BEN, CHANNELS, "two", NOW)
    assert await store.report_late_handovers(later(899)) == 0
    reported = await asyncio.gather(*(store.report_late_handovers(later(900)) for _ in range(2)))
    assert sorted(reported) == [0, 1]
    assert await store.outbox_message(f"handover_late:{late.id}")


async def test_an_export_is_enqueued_once_and_on_record(store):
    number = (await open_incident(store)).id
    names = [await store.request_export(number, ANA, "D0ANA", "press", NOW) for _ in range(2)]
    assert names[0] == names[1]
    record = await store.incident_record(number)
    assert [entry.kind for entry in record.timeline].count("exported") == 1
    with pytest.raises(NotFound):
        await store.request_export(number + 1, ANA, "D0ANA", "other press", NOW)


async def test_an_incident_is_linked_to_a_sop_once_unless_another_of_it_is_open(store):
    number = (await open_incident(store)).id
    former = (await store.incident(number)).sop_id
    assert await store.sop_usage([former, "sop_web"]) == {
        former: SopUsage(1, Place(number, CHANNEL, ""))
    }
    linked = await asyncio.gather(*(store.link_sop(number, "sop_web", BEN, NOW) for _ in "ab"))
    assert sorted(change.changed for change in linked) == [False, True]
    assert (await store.incident(number)).sop_id == "sop_web"
    timeline = await store.timeline(number)
    assert [entry.text for entry in timeline if entry.kind == "sop"] == [
        f"Linked to SOP sop_web by @{BEN}; it was {former}"
    ]
    assert (await store.claim_proposal(NOW, [])) is not None, "its actions are proposed"
    assert await store.sop_usage([former]) == {}
    await store.resolve(number, BEN, NOW)
    with pytest.raises(Refused):
        await store.link_sop(number, former, BEN, NOW)


async def test_the_runs_of_a_sop_are_counted_and_listed_newest_first(store):
    assert await store.sop_runs("sop_web") == ([], {})
    execution = await approved(store, await open_incident(store))
    sop_id = (await store.incident(execution.incident_id)).sop_id
    newest, counts = await store.sop_runs(sop_id)
    assert [(run.incident_id, run.title) for run in newest] == [
        (execution.incident_id, "Restart web")
    ]
    assert sum(counts.values()) == 1


async def test_an_update_is_posted_once_and_the_second_of_two_people_is_refused(store):
    number = (await open_incident(store)).id

    async def post(text, user, after, once):
        return await store.post_update(number, text, user, after, "C0STATUS", once, NOW)

    assert await store.stakeholder_update(number) is None
    first = await post("Slow", ANA, 0, "view-1")
    assert await post("Slow", ANA, 0, "view-1") == first
    results = await asyncio.gather(
        post("Fast", BEN, 1, "view-2"), post("Gone", CAT, 1, "view-3"), return_exceptions=True
    )
    assert sorted(isinstance(result, Refused) for result in results) == [False, True]
    shown = await store.stakeholder_update(number)
    assert (shown.version, shown.channel) == (2, "C0STATUS")
    message = await store.outbox_message(f"stakeholders:{number}")
    assert (message.channel, message.desired_version, message.in_thread) == ("C0STATUS", 2, False)
    kinds = [entry.kind for entry in await store.timeline(number)]
    assert kinds.count("stakeholders") == 2
