"""The facts of a person's Home tab, and the tabs that are due."""

from __future__ import annotations

from datetime import timedelta

import pytest

from bot.incidents.model import Severity
from store import Store
from store.operations import home
from store.operations.home import CHECKED_EVERY, OPEN_FOR
from store.statements import Operation
from tests.helpers.builders import ANA, BEN, CHANNEL, NOW, later, open_incident
from tests.helpers.query_plans import plan_of

HOURS_AGO = NOW - timedelta(hours=12)


async def test_the_lists_of_a_persons_tab(store: Store) -> None:
    numbers = {}
    for name, severity in [
        ("low", Severity.LOW),
        ("critical", Severity.CRITICAL),
        ("mine", Severity.MEDIUM),
        ("taken", Severity.HIGH),
        ("over", Severity.HIGH),
        ("mute", Severity.LOW),
    ]:
        item = await open_incident(
            store, severity=severity, service=name, fingerprint=name, name=name
        )
        numbers[name] = item.id
    await store.acknowledge(numbers["mine"], ANA, NOW)
    await store.acknowledge(numbers["taken"], BEN, NOW)
    await store.resolve(numbers["over"], BEN, NOW)
    await store.mute(numbers["mute"], BEN, None, NOW)
    message = await store.outbox_message(f"card:{numbers['mine']}")
    assert message is not None
    await store.outbox_sent(message, "17.1")

    facts = await store.home_facts(ANA, 3, HOURS_AGO, later(1))
    assert [item.id for item in facts.mine.incidents] == [numbers["mine"]]
    # The most severe first; not hers, not what is over, and no more than were asked for.
    assert [item.id for item in facts.others] == [
        numbers["critical"],
        numbers["taken"],
        numbers["mute"],
    ]
    assert sum(facts.severities.values()) == 5
    assert [item.id for item in facts.muted.incidents] == [numbers["mute"]]
    assert (facts.opened, facts.resolved.total) == (6, 1)
    assert facts.places == {numbers["mine"]: (CHANNEL, "17.1")}
    assert (await store.home_facts(BEN, 3, later(1), later(1))).opened == 0


async def test_a_tab_is_due_once_in_half_a_minute_until_half_an_hour_after_it_was_opened(
    store: Store,
) -> None:
    await store.home_opened(ANA, NOW)
    assert await store.claim_due_homes(later(1)) == {ANA: ""}
    assert await store.claim_due_homes(later(2)) == {}
    await store.home_published(ANA, "digest", later(3))
    due = later(3) + CHECKED_EVERY
    assert await store.claim_due_homes(due - timedelta(seconds=1)) == {}
    assert await store.claim_due_homes(due) == {ANA: "digest"}
    # A press in it: due at once, whatever Slack shows, until it was published.
    await store.home_opened(ANA, later(40), notice="Not counted.")
    assert (await store.home_facts(ANA, 3, NOW, later(41))).notice == "Not counted."
    assert (await store.home_facts(ANA, 3, NOW, later(161))).notice == ""
    assert await store.claim_due_homes(later(41)) == {ANA: ""}
    assert await store.claim_due_homes(later(41) + OPEN_FOR) == {}
    assert await store.claim_due_homes(later(41) + 2 * OPEN_FOR) == {}


@pytest.mark.parametrize("severity", ["critical", "low"])
async def test_the_most_severe_of_thousands_are_found_by_an_index(severity: str) -> None:
    def most_severe() -> Operation[None]:
        yield home.most_severe(severity, ANA, 8)

    plan = await plan_of(most_severe())
    assert plan == ["SEARCH incidents USING INDEX open_by_severity (severity=?)"]
