"""The status of people is looked up once a minute; if Slack does not answer, no vote counts."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import pytest
from aiohttp import web
from slack_sdk.web.async_client import AsyncWebClient

from bot.approvals.model import UNKNOWN
from bot.approvals.reasons import VoteProblem
from bot.observability.metrics import Metrics
from bot.simulator import LocalSlack
from handlers.listeners import user_status
from handlers.listeners.user_status import People, problem_of
from handlers.outbound.slack_client import SlackClient
from tests.helpers.clocks import FixedClock
from tests.helpers.slack_faults import SlackHooks
from tests.scenarios.world import ANA, BEN, CHLOE

SRE, DBA = "S0SRE00001", "S0DBA00001"
HOME = "T0TEAM0001"


class Desk:
    """User status over a local Slack that counts its calls."""

    def __init__(self, slack: LocalSlack, faults: SlackHooks) -> None:
        self.slack, self.faults, self.clock = slack, faults, FixedClock()
        client = AsyncWebClient(token=slack.bot_token, base_url=slack.api_url, retry_handlers=[])
        self.people = People(SlackClient(client, Metrics(), self.clock), HOME, self.clock)

    def calls_of(self, method: str) -> int:
        return sum(call.method == method for call in self.slack.calls)

    def fail(self, method: str, answer: web.Response | None = None) -> None:
        async def on_call(called: str, _args: dict[str, Any]) -> web.StreamResponse | None:
            return (answer or web.Response(status=503)) if called == method else None

        self.faults.on_call = on_call


@pytest.fixture
async def desk() -> AsyncIterator[Desk]:
    faults = SlackHooks()
    async with LocalSlack.start(faults=faults) as slack:
        yield Desk(slack, faults)


async def test_a_person_is_one_of_the_groups_they_are_in(desk: Desk) -> None:
    ben = await desk.people.user_status(BEN, [SRE, DBA])
    assert (ben.problem, ben.groups, ben.unread) == (None, {SRE}, frozenset())
    assert (await desk.people.user_status(CHLOE, [SRE, DBA])).groups == {SRE, DBA}
    assert (await desk.people.user_status(BEN, [])).groups == frozenset()


async def test_an_answer_of_slack_is_cached_for_less_than_a_minute(desk: Desk) -> None:
    await desk.people.user_status(BEN, [SRE])
    desk.slack.change_group("sre", ANA)
    desk.slack.change_user("ben", is_guest=True)
    desk.clock.forward(59)
    assert (await desk.people.user_status(BEN, [SRE])).groups == {SRE}
    assert desk.calls_of("users.info") == desk.calls_of("usergroups.users.list") == 1
    desk.clock.forward(1)
    now = await desk.people.user_status(BEN, [SRE])
    assert (now.problem, now.groups) == (VoteProblem.GUEST, frozenset())


async def test_a_clock_moved_back_does_not_prolong_the_cache(desk: Desk) -> None:
    await desk.people.user_status(BEN, [SRE])
    desk.slack.change_group("sre", ANA)
    desk.clock.forward(-3_600)
    assert (await desk.people.user_status(BEN, [SRE])).groups == frozenset()


async def test_many_presses_at_once_ask_slack_once(desk: Desk) -> None:
    await asyncio.gather(*(desk.people.user_status(BEN, [SRE]) for _ in range(20)))
    assert desk.calls_of("users.info") == desk.calls_of("usergroups.users.list") == 1


async def test_a_slack_that_does_not_answer_is_not_asked_again_by_the_next_press(
    desk: Desk,
) -> None:
    desk.fail("users.info")
    await desk.people.user_status(BEN, [])
    desk.clock.forward(4)
    assert (await desk.people.user_status(BEN, [])).problem == UNKNOWN.problem
    assert desk.calls_of("users.info") == 1


async def test_a_second_caller_shares_the_answer_of_the_first(desk: Desk) -> None:
    reached, forever = asyncio.Event(), asyncio.Event()
    called: list[str] = []

    async def silent(method: str, _args: dict[str, Any]) -> web.StreamResponse | None:
        called.append(method)
        reached.set()
        await forever.wait()
        return None

    desk.faults.on_call = silent
    first = asyncio.create_task(desk.people.user_status(BEN, [SRE]))
    await reached.wait()
    gone = asyncio.create_task(desk.people.user_status(BEN, [SRE]))
    others = [asyncio.create_task(desk.people.user_status(CHLOE, [SRE])) for _ in range(3)]
    await asyncio.wait([first, gone, *others], timeout=0.1)
    gone.cancel()  # who gives up takes the answer from nobody
    for status in await asyncio.gather(first, *others):
        assert (status.problem, status.unread) == (UNKNOWN.problem, {SRE})
    assert sorted(called) == ["usergroups.users.list", "users.info", "users.info"]
    forever.set()


@pytest.mark.parametrize("method", ["users.info", "usergroups.users.list"])
async def test_if_slack_does_not_answer_nobody_counts_and_it_is_asked_again(
    desk: Desk, method: str
) -> None:
    desk.fail(method)
    status = await desk.people.user_status(BEN, [SRE])
    if method == "users.info":
        assert status.problem == UNKNOWN.problem
    else:
        assert (status.groups, status.unread) == (frozenset(), {SRE})
    desk.faults.on_call = None
    desk.clock.forward(5)
    later = await desk.people.user_status(BEN, [SRE])
    assert (later.problem, later.groups, later.unread) == (None, {SRE}, frozenset())


async def test_a_user_or_a_group_that_slack_does_not_know_is_nobody(desk: Desk) -> None:
    status = await desk.people.user_status("U0NOBODY", ["S0NOBODY"])
    assert status.problem == UNKNOWN.problem
    assert status.unread == {"S0NOBODY"}


async def test_the_bot_itself_never_counts(desk: Desk) -> None:
    status = await desk.people.user_status("U0SOPBOT01", [])
    assert status.problem is VoteProblem.BOT


GOOD = {
    "id": BEN,
    "team_id": HOME,
    "deleted": False,
    "is_bot": False,
    "is_restricted": False,
    "is_ultra_restricted": False,
}


@pytest.mark.parametrize(
    "change",
    [
        {"deleted": True},
        {"is_bot": True},
        {"is_restricted": True},
        {"is_ultra_restricted": True},
        {"team_id": "T0OTHER"},
        {"is_stranger": True},
        {"id": "USLACKBOT"},
        {"deleted": None},
        {"is_bot": "no"},
        {"is_restricted": 0},
        {"team_id": None},
    ],
    ids=str,
)
def test_an_unusual_answer_of_slack_is_a_reason_not_to_count(change: dict[str, Any]) -> None:
    assert problem_of(GOOD, HOME) is None
    assert problem_of(GOOD | change, HOME)


@pytest.mark.parametrize("name", [name for name in GOOD if name != "id"])
def test_a_field_missing_from_slacks_answer_is_a_reason_not_to_count(name: str) -> None:
    assert problem_of({key: value for key, value in GOOD.items() if key != name}, HOME)


@pytest.mark.parametrize(
    "name", ["is_restricted", "is_ultra_restricted", "is_bot", "deleted", "team_id"]
)
def test_a_field_missing_from_slacks_answer_makes_nobody_a_guest(name: str) -> None:
    left_out = {key: value for key, value in GOOD.items() if key != name}
    assert problem_of(left_out, HOME) is VoteProblem.GUEST_UNREAD
    assert problem_of(GOOD | {name: None}, HOME) is VoteProblem.GUEST_UNREAD


def test_a_stranger_with_few_fields_is_a_stranger() -> None:
    user = {"id": BEN, "team_id": "T0OTHER", "deleted": False, "is_stranger": True}
    assert problem_of(user, HOME) is VoteProblem.STRANGER


@pytest.mark.parametrize("user", [None, [], "U0BEN", {}])
def test_an_id_that_is_no_user_does_not_count(user: Any) -> None:
    assert problem_of(user, HOME)


async def test_a_name_is_the_last_one_that_slack_returned_while_it_does_not_answer(
    desk: Desk,
) -> None:
    before = await desk.people.names([BEN])
    assert before[BEN]
    desk.fail("users.info")
    desk.clock.forward(3600)
    assert await desk.people.names([BEN, CHLOE]) == before, "it never returned chloe"


async def test_only_the_oldest_of_too_many_names_is_forgotten(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(user_status, "MOST", 2)
    for person in (ANA, BEN, CHLOE):
        await desk.people.names([person])
    desk.fail("users.info")
    assert set(await desk.people.names([ANA, BEN, CHLOE])) == {BEN, CHLOE}
