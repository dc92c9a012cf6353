"""The pool of Socket Mode connections: the end of one leaves no gap, a failed try is repeated."""

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
from handlers.inbound.connection_pool import ConnectionPool
from handlers.inbound.socket_connection import Envelope, SocketConnection
from tests.helpers.waiting import until


class Bot:
    """A pool that records its envelopes, and acknowledges them while `acknowledges` is true."""

    def __init__(self, slack: LocalSlack, session: aiohttp.ClientSession, count: int) -> None:
        self.slack = slack
        self.received: list[Envelope] = []
        self.gaps: list[bool] = []
        self.acknowledges = True
        client = AsyncWebClient(
            token=slack.bot_token, base_url=slack.api_url, session=session, retry_handlers=[]
        )
        self.pool = ConnectionPool(
            client, session, slack.app_token, self.on_envelope, self.gaps.append, count=count
        )

    async def on_envelope(self, connection: SocketConnection, envelope: Envelope) -> None:
        self.received.append(envelope)
        if self.acknowledges:
            await self.pool.respond(connection, {"envelope_id": envelope["envelope_id"]})

    @property
    def texts(self) -> list[str]:
        return [envelope["payload"]["event"]["text"] for envelope in self.received]

    async def connected(self, links: int) -> None:
        await until(
            lambda: self.slack.connections == links and self.pool.live == links,
            why=f"{links} links",
        )

    async def reconnected(self, link: int = 1) -> None:
        await until(
            lambda: self.pool.live and self.slack.links and self.slack.links[-1].number > link,
            why=f"a link after number {link}",
        )

    async def says(self, text: str) -> None:
        await self.slack.post_as_app("Grafana", "alerts", text)


@asynccontextmanager
async def connected_bot(slack: LocalSlack, count: int = 2) -> AsyncIterator[Bot]:
    async with aiohttp.ClientSession() as session:
        bot = Bot(slack, session, count)
        try:
            yield bot
        finally:
            await bot.pool.close()


@pytest.fixture
async def slack() -> AsyncIterator[LocalSlack]:
    async with LocalSlack.start(seed=3) as running:
        yield running


async def test_the_pool_opens_the_configured_number_of_connections_and_reads_each(
    slack: LocalSlack,
) -> None:
    async with connected_bot(slack, 3) as bot:
        await bot.pool.start()
        await bot.connected(3)
        for n in range(12):
            await bot.says(f"{n}")
        await until(lambda: len(bot.received) == 12, why="all twelve")
        assert len({d.sent_on[0] for d in slack.deliveries}) == 3
        assert bot.gaps == [True, False, False], "only before the first link was a gap"


@pytest.mark.parametrize("reason", ["warning", "refresh_requested", "link_disabled"])
async def test_the_new_connection_is_open_before_the_old_one_closes(
    slack: LocalSlack, reason: str
) -> None:
    async with connected_bot(slack, 1) as bot:
        await bot.pool.start()
        fewest = 1
        for _ in range(3):
            before = slack.links[-1].number
            await slack.disconnect(reason)

            def renewed(before: int = before) -> bool:
                nonlocal fewest
                fewest = min(fewest, slack.connections)
                return slack.links[-1].number > before

            await until(renewed, why="another link in its place")
        await bot.connected(1)
        assert fewest == 1, "at no moment was there none"
        assert bot.gaps == [True, False, False, False]
        await bot.says("still here")
        await until(lambda: bot.texts == ["still here"], why="it is received")


async def test_a_cut_connection_is_replaced_and_slack_redelivers_its_envelopes_on_another(
    slack: LocalSlack,
) -> None:
    async with connected_bot(slack) as bot:
        await bot.pool.start()
        await bot.connected(2)
        bot.acknowledges = False
        for n in range(6):
            await bot.says(f"{n}")
        await until(lambda: len(bot.received) == 6, why="all are received once")
        bot.acknowledges = True
        slack.drop_connections(link=1)
        await until(
            lambda: (
                {d.acked_on is not None for d in slack.deliveries if d.sent_on[0] == 1} == {True}
            ),
            why="what the dead link left is acknowledged on the other",
        )
        await bot.connected(2)
        assert bot.gaps.count(True) == 1, "the other link was there all the while"


async def test_the_first_connection_after_all_were_gone_reports_a_gap(slack: LocalSlack) -> None:
    async with connected_bot(slack) as bot:
        await bot.pool.start()
        await bot.connected(2)
        slack.script.refuse_sockets(503, times=2)
        slack.drop_connections()
        await until(lambda: not bot.pool.live, why="both are gone")
        with pytest.raises(SlackRefused, match="closed"):
            bot.pool.check()
        await bot.connected(2)
        bot.pool.check()
        assert bot.gaps.count(True) == 2, "at the start, and after the gap"


async def test_each_try_has_a_ticket_of_its_own(slack: LocalSlack) -> None:
    async with connected_bot(slack, 1) as bot:
        await bot.pool.start()
        slack.script.refuse_sockets(408)
        slack.drop_connections()
        await bot.reconnected()
        opened = [c for c in slack.calls if c.method == "apps.connections.open"]
        assert len(opened) == 3, "the first, the expired one, and a fresh one"


async def test_a_rate_limit_on_new_connections_is_waited_out(slack: LocalSlack) -> None:
    async with connected_bot(slack, 1) as bot:
        await bot.pool.start()
        slack.script.limit("apps.connections.open", retry_after=1)
        slack.drop_connections()
        await bot.reconnected()


async def test_a_bad_token_stops_the_start(slack: LocalSlack) -> None:
    async with connected_bot(slack, 1) as bot:
        slack.script.fail("apps.connections.open", "invalid_auth")
        with pytest.raises(SlackApiError, match="invalid_auth"):
            await bot.pool.start()


async def test_close_also_closes_an_old_connection_that_is_still_draining(
    slack: LocalSlack,
) -> None:
    async with connected_bot(slack, 1) as bot:
        await bot.pool.start()
        [old] = bot.pool._open
        await slack.disconnect("warning")
        await bot.reconnected()
        assert old.alive, "it still drains"
        await bot.pool.close()
        assert not old.alive


async def test_the_pool_keeps_its_connections_when_slack_refuses_one_more(
    slack: LocalSlack,
) -> None:
    async with connected_bot(slack, 10) as bot, connected_bot(slack, 1) as other:
        await bot.pool.start()
        await bot.connected(10)
        with pytest.raises(SlackRefused, match="too_many_websockets"):
            await other.pool.start()
        assert slack.connections == 10


async def test_no_log_line_holds_a_ticket(
    slack: LocalSlack, caplog: pytest.LogCaptureFixture
) -> None:
    async with connected_bot(slack, 1) as bot:
        await bot.pool.start()
        slack.script.refuse_sockets(408, times=2)
        slack.drop_connections()
        await bot.reconnected()
    assert "WSServerHandshakeError 408" in caplog.text
    assert "ticket=" not in caplog.text


async def test_frames_that_are_no_envelopes_are_ignored(slack: LocalSlack) -> None:
    async with connected_bot(slack, 1) as bot:
        await bot.pool.start()
        await bot.connected(1)
        [link] = slack.links
        wild: list[Any] = [{}, {"type": "hello"}, {"type": "news"}, {"type": "disconnect_later"}]
        for word in wild:
            link.send(word)
        await bot.says("after them")
        await until(lambda: bot.texts == ["after them"], why="it is received")


async def test_a_handler_without_a_free_slot_stops_the_reading(
    slack: LocalSlack,
) -> None:
    async with connected_bot(slack, 1) as bot:
        slot = asyncio.Event()
        handle = bot.on_envelope

        async def slowly(connection: SocketConnection, envelope: Envelope) -> None:
            await handle(connection, envelope)
            await slot.wait()

        bot.pool._on_envelope = slowly
        await bot.pool.start()
        await bot.connected(1)
        for n in range(5):
            await bot.says(f"{n}")
        await until(lambda: slack.links[0].sent == 5, why="all five are on their way")
        assert bot.texts == ["0"]
        slot.set()
        await until(lambda: len(bot.received) == 5, why="the others, once a slot is free")
