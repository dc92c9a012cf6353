"""Home tabs are published when they change, and by no failure of one person's tab less."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import timedelta
from typing import Any

import pytest

from bot.errors import Refused, SlackRefused
from handlers.listeners.approvals import approval_of_press
from handlers.listeners.incidents import incident_of_press
from handlers.outbound.home_tabs import HomeTabs
from store import open_store
from store.operations.home import CHECKED_EVERY
from tests.helpers.builders import ANA, AUDIT_KEY, BEN, open_incident, pending_approval
from tests.helpers.incident_bench import Bench


class Direct:
    """Publishes for nobody, and remembers for whom; `error` is raised for its user once."""

    def __init__(self) -> None:
        self.published: list[str] = []
        self.errors: dict[str, Exception] = {}

    async def publish_home(self, user: str, view: dict[str, Any]) -> None:
        if error := self.errors.pop(user, None):
            raise error
        assert view["type"] == "home"
        self.published.append(user)


@pytest.fixture
async def bench() -> AsyncIterator[Bench]:
    store = await open_store("sqlite://", owner="bot-a", audit_key=AUDIT_KEY)
    yield Bench(store)
    await store.close()


def tabs_of(bench: Bench) -> tuple[HomeTabs, Direct]:
    direct = Direct()
    return HomeTabs(bench.service, direct, bench.clock), direct  # type: ignore[arg-type]


def later(bench: Bench) -> None:
    bench.now += CHECKED_EVERY + timedelta(seconds=1)


async def test_a_tab_is_published_again_only_if_it_would_look_different(bench: Bench) -> None:
    tabs, direct = tabs_of(bench)
    await tabs.show(ANA)
    for _ in range(3):
        later(bench)
        await tabs.refresh()
    assert direct.published == [ANA]
    await open_incident(bench.store)
    await tabs.refresh()
    assert direct.published == [ANA], "half a minute has not passed"
    later(bench)
    await tabs.refresh()
    assert direct.published == [ANA, ANA]


async def test_a_tab_that_slack_did_not_take_is_published_later(bench: Bench) -> None:
    tabs, direct = tabs_of(bench)
    direct.errors[ANA] = SlackRefused("ratelimited", permanent=False)
    await tabs.show(ANA)
    assert direct.published == []
    # The next process knows it from the store.
    restarted, direct = tabs_of(bench)
    await restarted.refresh()
    assert direct.published == [ANA]


async def test_a_tab_that_fails_does_not_stop_the_tabs_of_others(bench: Bench) -> None:
    tabs, direct = tabs_of(bench)
    for user in (ANA, BEN):
        await bench.store.home_opened(user, bench.now)
    direct.errors[ANA] = RuntimeError("a bug")
    await tabs.refresh()
    assert direct.published == [BEN]


@pytest.mark.attack("ASI03")
async def test_a_press_in_a_home_tab_counts_only_for_a_button_of_that_tab(bench: Bench) -> None:
    incident = await open_incident(bench.store)
    approval = await pending_approval(bench.store, incident.id)
    for action_id, value, of_press in (
        ("sopbot.approve", approval.id, approval_of_press),
        ("sopbot.acknowledge", str(incident.id), incident_of_press),
    ):
        action = {"action_id": action_id, "value": value}
        block = {"type": "actions", "elements": [dict(action)]}
        tab = {"user": {"id": ANA}, "view": {"type": "home", "blocks": [block]}}
        assert (await of_press(tab, action, bench.service)).id in (approval.id, incident.id)
        for view in (
            {"type": "home", "blocks": []},
            {"type": "home", "blocks": [{**block, "elements": [action | {"value": "7"}]}]},
            {"type": "modal", "blocks": [block]},
        ):
            with pytest.raises(Refused):
                await of_press({"view": view}, action, bench.service)
