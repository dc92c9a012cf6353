"""The Socket Mode links: one that goes leaves no gap, one that cannot be had is tried anew."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import aiohttp
import pytest
from slack_sdk.errors import SlackApiError
from slack_sdk.web.async_client import AsyncWebClient

from bot.errors import SlackRefused
from bot.simulator import LocalSlack
from handlers.inbound.connection_pool import Sockets
from handlers.inbound.socket_connection import Envelope, Socket
from tests.scenarios.children import until


class Phone:
    """Links with somebody who takes what comes, and remembers it."""

    def __init__(self, slack: LocalSlack, session: aiohttp.ClientSession, count: int) -> None:
        self.slack = slack
        self.taken: list[Envelope] = []
        self.touched: list[bool] = []
        self.answering = True
        client = AsyncWebClient(
            token=slack.bot_token, base_url=slack.api_url, session=session, retry_handlers=[]
        )
        self.sockets = Sockets(
            client, session, slack.app_token, self.take, self.touched.append, count=count
        )

    async def take(self, socket: Socket, envelope: Envelope) -> None:
        self.taken.append(envelope)
        if self.answering:
            await self.sockets.answer(socket, {"envelope_id": envelope["envelope_id"]})

    @property
    def texts(self) -> list[str]:
        return [one["payload"]["event"]["text"] for one in self.taken]

    async def connected(self, links: int) -> None:
        await until(
            lambda: self.slack.connections == links and self.sockets.live == links,
            why=f"{links} links",
        )

    async def reconnected(self, link: int = 1) -> None:
        await until(
            lambda: self.sockets.live and self.slack.links and self.slack.links[-1].number > link,
            why=f"a link after number {link}",
        )

    async def says(self, text: str) -> None:
        await self.slack.post_as_app("Grafana", "alerts", text)


@asynccontextmanager
async def phone(slack: LocalSlack, count: int = 2) -> AsyncIterator[Phone]:
    async with aiohttp.ClientSession() as session:
        one = Phone(slack, session, count)
        try:
            yield one
        finally:
            await one.sockets.close()


@pytest.fixture
async def slack() -> AsyncIterator[LocalSlack]:
    async with LocalSlack.start(seed=3) as running:
        yield running


async def test_as_many_links_are_opened_as_were_asked_for_and_each_is_listened_to(
    slack: LocalSlack,
) -> None:
    async with phone(slack, 3) as one:
        await one.sockets.start()
        await one.connected(3)
        for n in range(12):
            await one.says(f"{n}")
        await until(lambda: len(one.taken) == 12, why="all twelve")
        assert len({d.sent_on[0] for d in slack.deliveries}) == 3
        assert one.touched == [True, False, False], "only before the first link was a gap"


@pytest.mark.parametrize("reason", ["warning", "refresh_requested", "link_disabled"])
async def test_the_new_link_is_open_before_the_old_one_is_left(
    slack: LocalSlack, reason: str
) -> None:
    async with phone(slack, 1) as one:
        await one.sockets.start()
        fewest = 1
        for _ in range(3):
            before = slack.links[-1].number
            await slack.disconnect(reason)

            def renewed(before: int = before) -> bool:
                nonlocal fewest
                fewest = min(fewest, slack.connections)
                return slack.links[-1].number > before

            await until(renewed, why="another link in its place")
        await one.connected(1)
        assert fewest == 1, "at no moment was there none"
        assert one.touched == [True, False, False, False]
        await one.says("still here")
        await until(lambda: one.texts == ["still here"], why="it is heard")


async def test_a_link_that_is_cut_is_replaced_and_what_it_left_is_heard_on_another(
    slack: LocalSlack,
) -> None:
    async with phone(slack) as one:
        await one.sockets.start()
        await one.connected(2)
        one.answering = False
        for n in range(6):
            await one.says(f"{n}")
        await until(lambda: len(one.taken) == 6, why="all are heard once")
        one.answering = True
        slack.drop_connections(link=1)
        await until(
            lambda: (
                {d.acked_on is not None for d in slack.deliveries if d.sent_on[0] == 1} == {True}
            ),
            why="what the dead link left is acknowledged on the other",
        )
        await one.connected(2)
        assert one.touched.count(True) == 1, "the other link was there all the while"


async def test_when_every_link_was_gone_that_is_told(slack: LocalSlack) -> None:
    async with phone(slack) as one:
        await one.sockets.start()
        await one.connected(2)
        slack.script.refuse_sockets(503, times=2)
        slack.drop_connections()
        await until(lambda: not one.sockets.live, why="both are gone")
        with pytest.raises(SlackRefused, match="closed"):
            one.sockets.check()
        await one.connected(2)
        one.sockets.check()
        assert one.touched.count(True) == 2, "at the start, and after the gap"


async def test_each_try_has_a_ticket_of_its_own(slack: LocalSlack) -> None:
    async with phone(slack, 1) as one:
        await one.sockets.start()
        slack.script.refuse_sockets(408)
        slack.drop_connections()
        await one.reconnected()
        opened = [c for c in slack.calls if c.method == "apps.connections.open"]
        assert len(opened) == 3, "the first, the expired one, and a fresh one"


async def test_a_limit_on_opening_links_is_waited_out(slack: LocalSlack) -> None:
    async with phone(slack, 1) as one:
        await one.sockets.start()
        slack.script.limit("apps.connections.open", retry_after=1)
        slack.drop_connections()
        await one.reconnected()


async def test_a_bad_token_is_told_at_the_start(slack: LocalSlack) -> None:
    async with phone(slack, 1) as one:
        slack.script.fail("apps.connections.open", "invalid_auth")
        with pytest.raises(SlackApiError, match="invalid_auth"):
            await one.sockets.start()


async def test_an_old_link_that_is_still_listened_to_is_closed_with_the_others(
    slack: LocalSlack,
) -> None:
    async with phone(slack, 1) as one:
        await one.sockets.start()
        [old] = one.sockets._open
        await slack.disconnect("warning")
        await one.reconnected()
        assert old.alive, "it lingers"
        await one.sockets.close()
        assert not old.alive


async def test_without_room_for_another_link_those_that_are_there_are_kept(
    slack: LocalSlack,
) -> None:
    async with phone(slack, 10) as one, phone(slack, 1) as other:
        await one.sockets.start()
        await one.connected(10)
        with pytest.raises(SlackRefused, match="too_many_websockets"):
            await other.sockets.start()
        assert slack.connections == 10


async def test_no_log_line_holds_a_ticket(
    slack: LocalSlack, caplog: pytest.LogCaptureFixture
) -> None:
    async with phone(slack, 1) as one:
        await one.sockets.start()
        slack.script.refuse_sockets(408, times=2)
        slack.drop_connections()
        await one.reconnected()
    assert "WSServerHandshakeError 408" in caplog.text
    assert "ticket=" not in caplog.text


async def test_words_that_are_no_envelope_are_passed_over(slack: LocalSlack) -> None:
    async with phone(slack, 1) as one:
        await one.sockets.start()
        await one.connected(1)
        [link] = slack.links
        wild: list[Any] = [{}, {"type": "hello"}, {"type": "news"}, {"type": "disconnect_later"}]
        for word in wild:
            link.send(word)
        await one.says("after them")
        await until(lambda: one.texts == ["after them"], why="it is heard")


async def test_a_taker_without_room_makes_slack_wait_and_nothing_is_read_meanwhile(
    slack: LocalSlack,
) -> None:
    async with phone(slack, 1) as one:
        room = asyncio.Event()
        taken = one.take

        async def slowly(socket: Socket, envelope: Envelope) -> None:
            await taken(socket, envelope)
            await room.wait()

        one.sockets._take = slowly
        await one.sockets.start()
        await one.connected(1)
        for n in range(5):
            await one.says(f"{n}")
        await until(lambda: slack.links[0].sent == 5, why="all five are on their way")
        assert one.texts == ["0"]
        room.set()
        await until(lambda: len(one.taken) == 5, why="the others, once there is room")
