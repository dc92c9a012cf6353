"""A lost or broken socket: the bot is back within half a minute, and no alert is lost."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import aiohttp
import pytest

from bot.simulator import RETRY_AFTER, Chaos
from tests.helpers.seeds import SEED
from tests.helpers.waiting import until
from tests.scenarios.burst.lab import Lab

REBUILT = 30  # simulated seconds
CROWDED = 75  # the same where Slack had no place: to ask again soon would be no help
GIVEN_UP = sum(RETRY_AFTER) + 60  # seconds after which Slack tries no more, with some to spare


@asynccontextmanager
async def connected(folder: Path) -> AsyncIterator[Lab]:
    """A lab with a bot that has been there for a minute."""
    async with Lab.open(folder, seed=SEED) as lab:
        await lab.start()
        await asyncio.sleep(60)
        yield lab


async def each_is_an_incident(lab: Lab, alerts: int, seconds: float = 60) -> None:
    """Assert that each alert is counted once, now and after Slack has redelivered everything."""
    await until(lambda: lab.incidents()[0] >= alerts, seconds, f"{alerts} incidents")
    # One post a second: a card, its advice, and the news that nobody acknowledged it.
    await lab.wait_until_done(GIVEN_UP + seconds + 3 * alerts)
    assert lab.incidents() == (alerts, alerts)
    assert len(lab.cards()) == alerts
    assert lab.repeated() == []


async def wait_until_rebuilt(lab: Lab, before: set[int], seconds: float = REBUILT) -> None:
    """Wait for a live link that was not there before."""
    await until(
        lambda: [n for n in lab.slack.links if n.number not in before and not n.half_open],
        seconds,
        "a new socket",
    )


def numbers(lab: Lab) -> set[int]:
    return {link.number for link in lab.slack.links}


def address(lab: Lab) -> str:
    """A fresh address for a Socket Mode link."""
    core = lab.slack.core
    return core.ws_url(core.links.ticket())


def fewest(lab: Lab) -> list[int]:
    """The fewest open sockets from now on, its only item."""
    seen = [lab.slack.connections]
    links = lab.slack.core.links
    before = links.on_change

    def record() -> None:
        seen[0] = min(seen[0], lab.slack.connections)
        before()

    links.on_change = record
    return seen


async def test_a_ticket_that_has_expired_is_not_tried_again(tmp_path: Path) -> None:
    async with connected(tmp_path) as lab:
        before = numbers(lab)
        lab.slack.script.refuse_sockets(408, times=len(before))
        lab.slack.drop_connections()
        await wait_until_rebuilt(lab, before)
        await lab.alert()
        await each_is_an_incident(lab, 1)


@pytest.mark.parametrize("status", [408, 500, 503])
async def test_sockets_that_are_refused_for_minutes_are_there_soon_after(
    tmp_path: Path, status: int
) -> None:
    async with connected(tmp_path) as lab:
        before = numbers(lab)
        refusal = lab.slack.script.refuse_sockets(status, times=None)
        lab.slack.drop_connections()
        await asyncio.sleep(300)
        opened = len([c for c in lab.slack.calls if c.method == "apps.connections.open"])
        assert opened < 300, "it does not run in circles"
        lab.slack.script.cancel(refusal)
        await wait_until_rebuilt(lab, before)
        await lab.alert()
        await each_is_an_incident(lab, 1)


async def test_a_half_open_socket_is_noticed(tmp_path: Path) -> None:
    async with connected(tmp_path) as lab:
        before = numbers(lab)
        lab.slack.half_open()
        for number in range(3):
            await lab.alert(f"svc-{number}")
        await wait_until_rebuilt(lab, before)
        await each_is_an_incident(lab, 3, seconds=75)


async def test_sockets_that_are_half_open_from_the_start_are_noticed(tmp_path: Path) -> None:
    async with connected(tmp_path) as lab:
        before = numbers(lab)
        dead = lab.slack.script.half_open_sockets(times=None)
        lab.slack.drop_connections()
        await asyncio.sleep(120)
        lab.slack.script.cancel(dead)
        before |= numbers(lab)
        await wait_until_rebuilt(lab, before)
        await lab.alert()
        await each_is_an_incident(lab, 1)


async def test_a_slow_answer_with_the_address_is_waited_for(tmp_path: Path) -> None:
    async with connected(tmp_path) as lab:
        before = numbers(lab)
        lab.slack.script.slow("apps.connections.open", 20, times=2)
        lab.slack.drop_connections()
        await asyncio.sleep(20)  # nobody can be there sooner
        await wait_until_rebuilt(lab, before)
        await lab.alert()
        await each_is_an_incident(lab, 1)


@pytest.mark.parametrize("error", ["internal_error", "ratelimited", "fatal_error"])
async def test_an_address_that_is_refused_for_a_while_is_asked_for_again(
    tmp_path: Path, error: str
) -> None:
    async with connected(tmp_path) as lab:
        before = numbers(lab)
        refusal = lab.slack.script.fail("apps.connections.open", error, times=None)
        lab.slack.drop_connections()
        await asyncio.sleep(120)
        lab.slack.script.cancel(refusal)
        await wait_until_rebuilt(lab, before)
        await lab.alert()
        await each_is_an_incident(lab, 1)


@pytest.mark.parametrize("reason", ["warning", "refresh_requested"])
async def test_a_refresh_leaves_no_moment_without_a_socket(tmp_path: Path, reason: str) -> None:
    async with connected(tmp_path) as lab:
        before, least = numbers(lab), fewest(lab)
        await lab.slack.disconnect(reason)
        for number in range(30):
            await lab.alert(f"svc-{number:02}")
            await asyncio.sleep(0.45)
        await each_is_an_incident(lab, 30)
        assert least[0] >= 1
        assert not numbers(lab) & before, "the old ones are gone"
        assert all(d.sends == 1 for d in lab.slack.deliveries), "nothing had to be sent twice"


async def test_there_are_two_sockets_and_one_that_is_cut_leaves_no_gap(tmp_path: Path) -> None:
    async with connected(tmp_path) as lab:
        before, least = numbers(lab), fewest(lab)
        assert len(before) == 2
        lab.slack.drop_connections(link=min(before))
        for number in range(5):
            await lab.alert(f"svc-{number}")
        await until(lambda: lab.incidents() == (5, 5), 1, "all are written at once")
        assert least[0] == 1
        await wait_until_rebuilt(lab, before)
        await each_is_an_incident(lab, 5)


async def test_socket_mode_that_is_switched_off_and_on_again_is_found_on(tmp_path: Path) -> None:
    async with connected(tmp_path) as lab:
        before = numbers(lab)
        off = lab.slack.script.fail("apps.connections.open", "internal_error", times=None)
        await lab.slack.disconnect("link_disabled")
        await asyncio.sleep(300)
        assert not lab.slack.connections
        lab.slack.script.cancel(off)
        await wait_until_rebuilt(lab, before)
        await lab.alert()
        await each_is_an_incident(lab, 1)


async def test_too_many_sockets_of_others_are_waited_out(tmp_path: Path) -> None:
    async with connected(tmp_path) as lab, aiohttp.ClientSession() as http:
        before = numbers(lab)
        refusal = lab.slack.script.refuse_sockets(503, times=None)
        lab.slack.drop_connections()
        await until(lambda: not lab.slack.connections, 10, "the bot has no socket")
        lab.slack.script.cancel(refusal)
        others = [await http.ws_connect(address(lab)) for _ in range(10)]
        await asyncio.sleep(60)
        before |= numbers(lab)
        for other in others:
            await other.close()
        await wait_until_rebuilt(lab, before, CROWDED)
        await lab.alert()
        await each_is_an_incident(lab, 1)


async def test_events_that_slack_withheld_are_read_back(tmp_path: Path) -> None:
    async with connected(tmp_path) as lab:
        lab.slack.withholds_events = True
        for number in range(5):
            await lab.alert(f"svc-{number}")
        lab.slack.withholds_events = False
        result = lab.slack.send_app_rate_limited()
        await each_is_an_incident(lab, 5, seconds=150)
        assert result.ack is not None, "it is acknowledged, else Slack repeats it"


async def test_events_that_slack_gave_up_without_a_socket_are_read_back(tmp_path: Path) -> None:
    async with connected(tmp_path) as lab:
        await lab.alert("before")
        refusal = lab.slack.script.refuse_sockets(503, times=None)
        lab.slack.drop_connections()
        for number in range(8):
            await lab.alert(f"svc-{number}")
            await asyncio.sleep(GIVEN_UP / 4)
        lab.slack.script.cancel(refusal)
        await each_is_an_incident(lab, 9, seconds=120)
        assert lab.slack.core.links.undelivered, "Slack did give some up"


async def test_a_resolve_by_an_edit_that_slack_gave_up_is_read_back(tmp_path: Path) -> None:
    async with connected(tmp_path) as lab:
        message = await lab.alert("web")
        await until(lab.cards, 10, "its card")
        refusal = lab.slack.script.refuse_sockets(503, times=None)
        lab.slack.drop_connections()
        edit = message.data["attachments"][0] | {"color": "good"}
        edit["title"] = edit["title"].replace("[FIRING:1]", "[RESOLVED]")
        edit["fallback"] = edit["fallback"].replace("[FIRING:1]", "[RESOLVED]")
        await lab.slack.edit_as_app(message, attachments=[edit])
        await asyncio.sleep(GIVEN_UP * 2)
        lab.slack.script.cancel(refusal)
        await until(lambda: "RESOLVED" in lab.cards()[0].text, 120, "the card says so")


async def test_events_from_before_the_start_are_read_back(tmp_path: Path) -> None:
    async with Lab.open(tmp_path, seed=SEED) as lab:
        await lab.start()
        await lab.alert("before")
        await lab.wait_until_done(60)
        await lab.stop()
        for number in range(5):
            await lab.alert(f"svc-{number}")
            await asyncio.sleep(GIVEN_UP / 2)
        await lab.start()
        await each_is_an_incident(lab, 6, seconds=120)
        assert lab.slack.core.links.undelivered, "Slack did give some up"


LENGTHS = [
    pytest.param(120, id="short"),
    pytest.param(1_800, id="long", marks=pytest.mark.chaos),
]


@pytest.mark.parametrize("seconds", LENGTHS)
async def test_a_bad_day_for_sockets_loses_nothing(tmp_path: Path, seconds: int) -> None:
    async with connected(tmp_path) as lab:
        lab.slack.chaos = Chaos(
            SEED, methods=(), cut_link=0.1, lose_envelope=0.1, refuse_socket=0.3, half_open=0.2
        )
        for number in range(seconds // 2):
            await lab.alert(f"svc-{number:04}")
            await asyncio.sleep(2)
        lab.slack.chaos = None
        await each_is_an_incident(lab, seconds // 2, seconds=GIVEN_UP)
