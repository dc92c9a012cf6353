"""Several links of one app: who gets what, and where it goes when a link dies."""

from __future__ import annotations

import asyncio
import signal
import sys
from collections import Counter

import aiohttp
import pytest

from ..clock import ForwardClock, ManualClock
from ..local import LocalSlack
from . import PACKAGE, ROOT, client
from .client import ack, connect, link, next_of, read


async def spread(seed: int) -> list[int]:
    """On which of three links each of thirty envelopes goes."""
    async with LocalSlack.start(seed=seed) as slack, aiohttp.ClientSession() as http:
        for _ in range(3):
            await link(slack, http)
        for n in range(30):
            await slack.post_as_app("Grafana", "alerts", f"{n}")
        return [number for delivery in slack.deliveries for number in delivery.sent_on]


async def test_the_seed_decides_which_link_an_envelope_takes() -> None:
    first, repeat, other = await spread(1), await spread(1), await spread(2)
    assert first == repeat
    assert first != other
    assert set(first) == {1, 2, 3}
    assert first != sorted(first), "it is not one after the other either"


async def test_envelopes_that_a_dead_link_did_not_acknowledge_go_out_on_another_at_once(
    timed: LocalSlack, http: aiohttp.ClientSession
) -> None:
    sockets = [await link(timed, http) for _ in range(2)]
    for n in range(8):
        await timed.post_as_app("Grafana", "alerts", f"{n}")
    on_first = [d for d in timed.deliveries if d.sent_on == [1]]
    assert 0 < len(on_first) < 8
    message = await read(sockets[0])
    await ack(timed, sockets[0], message)
    timed.drop_connections(link=1)
    await timed.wait_for(lambda: timed.connections == 1, why="the link is gone")
    due = {d.envelope_id for d in on_first} - {message["envelope_id"]}

    def repeated() -> set[str]:
        return {d.envelope_id for d in timed.deliveries if d.sent_on == [1, 2]}

    await timed.wait_for(lambda: repeated() == due, why="the others go out on the second link")
    got = [await read(sockets[1]) for _ in range(8 - len(on_first) + len(due))]
    repeats = [e for e in got if e["retry_attempt"]]
    assert {(e["retry_attempt"], e["retry_reason"]) for e in repeats} == {(1, "timeout")}
    assert {e["envelope_id"] for e in repeats} == repeated() == due


async def test_a_second_and_a_third_death_wait_one_and_five_minutes(
    timed: LocalSlack, clock: ManualClock, http: aiohttp.ClientSession
) -> None:
    await link(timed, http)
    await timed.post_as_app("Grafana", "alerts", "down")
    (delivery,) = timed.deliveries

    async def dies() -> None:
        timed.drop_connections()
        await timed.wait_for(lambda: not timed.connections, why="the link is gone")

    await dies()
    second = await link(timed, http)
    assert (await read(second))["retry_attempt"] == 1, "at once on the next link"
    for wait, attempt in ((60, 2), (300, 3)):
        await dies()
        second = await link(timed, http)
        clock.advance(wait - 1)
        assert delivery.attempt == attempt - 1
        clock.advance(1)
        assert (await read(second))["retry_attempt"] == attempt
    await dies()
    assert timed.core.links.undelivered == [delivery]


async def test_a_link_that_is_closed_politely_hands_on_its_envelopes_too(
    timed: LocalSlack, http: aiohttp.ClientSession
) -> None:
    socket = await link(timed, http)
    await timed.post_as_app("Grafana", "alerts", "down")
    other = await link(timed, http)
    await socket.close()
    assert (await read(other))["retry_attempt"] == 1


async def test_a_link_that_acknowledges_nothing_keeps_nothing(
    timed: LocalSlack, clock: ManualClock, http: aiohttp.ClientSession
) -> None:
    sockets = [await link(timed, http) for _ in range(3)]
    await timed.post_as_app("Grafana", "alerts", "down")
    frozen, envelope = await next_of(sockets)
    clock.advance(3)
    other, repeat = await next_of([s for s in sockets if s is not frozen])
    assert repeat["envelope_id"] == envelope["envelope_id"]
    assert (repeat["retry_attempt"], repeat["retry_reason"]) == (1, "timeout")
    await ack(timed, other, repeat)
    (delivery,) = timed.deliveries
    assert delivery.acked_on == delivery.sent_on[1] != delivery.sent_on[0]
    assert timed.connections == 3, "nobody hung up"


async def test_a_press_is_not_repeated_when_its_link_dies_but_may_be_answered_on_another(
    timed: LocalSlack, clock: ManualClock, http: aiohttp.ClientSession
) -> None:
    sockets = {1: await link(timed, http), 2: await link(timed, http)}
    press, ignored = (timed.deliver("interactive", {"type": "block_actions"}) for _ in range(2))
    for delivery in (press, ignored):
        timed.drop_connections(link=delivery.sent_on[0])
    await timed.wait_for(lambda: timed.connections < 2, why="a link is gone")
    sockets[3] = await link(timed, http)
    await sockets[3].send_json({"envelope_id": press.envelope_id})
    assert await press.outcome() is not None
    assert press.acked_on == 3
    clock.advance(3)
    assert await ignored.outcome() is None
    assert ignored.failure == "operation_timeout"
    assert (press.sends, ignored.sends) == (1, 1)


async def test_a_half_open_link_answers_no_ping_and_its_envelopes_go_elsewhere(
    timed: LocalSlack, clock: ManualClock, http: aiohttp.ClientSession
) -> None:
    dead = await connect(timed, http, autoping=False)
    assert (await dead.receive_json())["type"] == "hello"
    await dead.ping(b"one")
    assert (await dead.receive(timeout=30)).data == b"one"
    timed.half_open(link=1)
    await dead.ping(b"two")
    with pytest.raises(asyncio.TimeoutError):
        await dead.receive(timeout=0.05)
    await timed.post_as_app("Grafana", "alerts", "down")
    other = await link(timed, http)
    clock.advance(3)
    assert (await read(other))["retry_attempt"] == 1


async def test_a_link_that_does_not_leave_when_asked_is_cut_after_ten_seconds(
    timed: LocalSlack, clock: ManualClock, http: aiohttp.ClientSession
) -> None:
    socket = await link(timed, http)
    await timed.disconnect("warning", link=1)
    assert (await read(socket))["reason"] == "warning"
    assert timed.connections == 1
    clock.advance(10)
    await timed.wait_for(lambda: not timed.connections, why="the link is cut")


class Bots:
    """Bare bots, each a process of its own; link n is bot n's."""

    def __init__(self, slack: LocalSlack) -> None:
        self._slack = slack
        self.processes: list[asyncio.subprocess.Process] = []

    async def start(self) -> None:
        number = len(self.processes) + 1
        keys = (self._slack.api_url, self._slack.app_token, self._slack.bot_token)
        self.processes.append(
            await asyncio.create_subprocess_exec(
                *(sys.executable, "-m", f"{PACKAGE}.tests.client", *keys, str(number)), cwd=ROOT
            )
        )
        await self._slack.wait_for(
            lambda: self._slack.connections == number, why=f"bot {number} connects"
        )

    def signal(self, number: int, what: signal.Signals) -> None:
        self.processes[number - 1].send_signal(what)

    async def end(self) -> None:
        for process in self.processes:
            if process.returncode is None:
                process.kill()
            await process.wait()


async def test_three_bots_share_the_work_and_one_killed_and_one_frozen_lose_none_of_it() -> None:
    clock = ForwardClock()
    async with LocalSlack.start(clock=clock, seed=3) as slack:
        bots = Bots(slack)
        try:
            for _ in range(3):
                await bots.start()
            alerts = [await slack.post_as_app("Grafana", "alerts", f"a{n}") for n in range(30)]
            await answered(slack, [alert.ts for alert in alerts])
            assert {d.acked_on for d in of_grafana(slack)} == {1, 2, 3}
            assert {d.sends for d in of_grafana(slack)} == {1}

            bots.signal(2, signal.SIGSTOP)
            frozen = [await slack.post_as_app("Grafana", "alerts", f"b{n}") for n in range(30)]
            bots.signal(3, signal.SIGKILL)
            await slack.wait_for(lambda: slack.connections == 2, why="the killed bot is noticed")
            for seconds in (3, 60):  # the frozen one's go to another, and what it then was given
                await slack.wait_for(
                    lambda: all(d.ack or d.sent_on[-1] == 2 for d in slack.deliveries),
                    why="bot 1 has acknowledged everything that it was given",
                )
                clock.advance(seconds)
            # A bot killed between its ack and its post has lost that post: that is its own affair.
            posted = [a.ts for a in frozen if acked_on(slack, a.ts) != 3]
            await answered(slack, posted)
            assert {d.acked_on for d in of_grafana(slack)[30:]} <= {1, 3}
            assert not slack.core.links.undelivered
        finally:
            await bots.end()


def of_grafana(slack: LocalSlack) -> list[client.Any]:
    return [d for d in slack.deliveries if d.payload["event"].get("subtype") == "bot_message"]


def acked_on(slack: LocalSlack, ts: str) -> int | None:
    return next(d.acked_on for d in of_grafana(slack) if d.payload["event"]["ts"] == ts)


async def answered(slack: LocalSlack, alerts: list[str]) -> None:
    """Each alert has its answer, and nobody answered one twice."""
    await slack.wait_for(
        lambda: all(slack.thread("alerts", ts) for ts in alerts), why="every alert is answered"
    )
    counts = Counter(len(slack.thread("alerts", ts)) for ts in alerts)
    assert set(counts) == {1}, counts


async def test_a_slack_that_is_down_refuses_everybody_and_comes_back_where_it_was(
    slack: LocalSlack, http: aiohttp.ClientSession
) -> None:
    socket = await link(slack, http)
    await slack.go_away()
    await slack.wait_for(lambda: not slack.connections, why="the link is gone")
    assert (await socket.receive(timeout=30)).type is not aiohttp.WSMsgType.TEXT
    with pytest.raises(aiohttp.ClientConnectorError):
        await http.post(f"{slack.api_url}api.test")
    await slack.post_as_app("Grafana", "alerts", "down")

    await slack.come_back()
    assert (await read(await link(slack, http)))["payload"]["event"]["text"] == "down"
    await slack.come_back()  # it is back already
    assert slack.connections == 1


async def test_withheld_events_are_delivered_to_nobody_and_are_in_the_history(
    slack: LocalSlack, http: aiohttp.ClientSession
) -> None:
    socket = await link(slack, http)
    slack.withholds_events = True
    await slack.post_as_app("Grafana", "alerts", "withheld")
    slack.withholds_events = False
    await slack.post_as_app("Grafana", "alerts", "told")
    assert (await read(socket))["payload"]["event"]["text"] == "told"
    assert [m.text for m in slack.messages("alerts")] == ["withheld", "told"]
