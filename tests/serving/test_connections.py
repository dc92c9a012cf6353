"""The server of bot and gateway against callers that do not finish, over real sockets."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from dataclasses import replace

import pytest

from bot.serving.gate import Phase, caller_of
from bot.serving.limits import ConnectionLimits
from tests.helpers.waiting import until
from tests.serving.conftest import (
    ASKED,
    LIMITS,
    LONG,
    LONG_BODY,
    UNFINISHED,
    UNFINISHED_BODY,
    UNFINISHED_CHUNKS,
    UNFINISHED_HEAD,
    Server,
    Start,
    enforced,
    everything,
    first_ended,
)

pytestmark = pytest.mark.attack("ASI08")


@asynccontextmanager
async def dripping(writer: asyncio.StreamWriter) -> AsyncIterator[None]:
    """Send a byte now and then until the block ends."""

    async def drip() -> None:
        with suppress(ConnectionError):
            while not writer.is_closing():
                writer.write(b"a")
                await asyncio.sleep(0.02)

    task = asyncio.create_task(drip())
    try:
        yield
    finally:
        task.cancel()


EACH = pytest.mark.parametrize("first", UNFINISHED.values(), ids=UNFINISHED.keys())


@EACH
async def test_an_unfinished_request_is_ended_at_its_deadline(start: Start, first: bytes) -> None:
    server = await start(LIMITS)
    reader, _ = await server.connect(first)
    async with enforced("the deadline of a head or body"):
        answer = await everything(reader)
    assert answer.startswith(b"HTTP/1.1 408 ")
    assert json.loads(answer.partition(b"\r\n\r\n")[2])["error"]["code"] == "too_slow"
    assert await server.health() == b"HTTP/1.1 200 OK\r\n"


@EACH
async def test_a_byte_now_and_then_does_not_move_the_deadline(start: Start, first: bytes) -> None:
    server = await start(LIMITS)
    reader, writer = await server.connect(first)
    async with enforced("the deadline of a head or body"), dripping(writer):
        await everything(reader)


KEPT_ALIVE = pytest.mark.parametrize(
    ("first", "limits"),
    [
        (UNFINISHED_HEAD, replace(LONG, head=0.3)),
        (UNFINISHED_BODY, replace(LONG, body=0.3)),
        (UNFINISHED_CHUNKS, replace(LONG, body=0.3)),
    ],
    ids=["head", "body", "chunks"],
)


@KEPT_ALIVE
async def test_the_second_request_of_a_connection_has_its_deadlines_too(
    start: Start, first: bytes, limits: ConnectionLimits
) -> None:
    server = await start(limits)
    reader, writer = await server.connect(ASKED)
    async with enforced("the deadline of a later head or body"):
        assert await reader.readuntil(b'{"status": "ok"}')
        writer.write(first)
        async with dripping(writer):
            answer = await everything(reader)
    assert answer.startswith(b"HTTP/1.1 408 "), "the caller is told why"


async def test_a_connection_that_asks_nothing_more_is_closed_at_the_idle_deadline(
    start: Start,
) -> None:
    server = await start(replace(LONG, idle=0.3))  # aiohttp's own keep-alive adds `head` to it
    reader, _ = await server.connect(ASKED)
    async with enforced("the deadline between two requests"):
        answer = await everything(reader)
    assert answer.startswith(b"HTTP/1.1 200 OK\r\n")


async def test_a_connection_that_asks_again_within_the_idle_deadline_stays_open(
    start: Start,
) -> None:
    server = await start(replace(LONG, head=0.3, body=0.3, write=0.3))
    reader, writer = await server.connect(ASKED)
    for _ in range(3):
        assert await reader.readuntil(b'{"status": "ok"}')
        await asyncio.sleep(0)
        writer.write(ASKED)


async def test_the_handler_of_a_body_that_never_ends_hears_that_its_caller_is_gone(
    start: Start, caplog: pytest.LogCaptureFixture
) -> None:
    server = await start(LIMITS)
    await server.connect(LONG_BODY)
    async with enforced("the deadline of a body whose handler has begun"):
        await server.gone.wait()
    assert [record.message for record in caplog.records if record.levelname == "ERROR"] == []


async def test_a_connection_that_says_nothing_is_closed(start: Start) -> None:
    server = await start(LIMITS)
    reader, _ = await server.connect()
    async with enforced("the deadline of the first byte"):
        assert await everything(reader) == b""


async def test_a_caller_that_does_not_read_its_answer_is_closed(start: Start) -> None:
    server = await start(LIMITS)
    await server.connect(b"GET /large HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n")
    async with enforced("the deadline of an answer that nobody reads"):
        await server.gone.wait()


async def test_a_caller_that_asks_again_and_again_and_reads_nothing_is_closed(
    start: Start,
) -> None:
    server = await start(LIMITS)
    _, writer = await server.connect(b"")
    async with enforced("the deadline of answers that nobody reads"):
        with suppress(ConnectionError):
            while True:
                writer.write(ASKED * 1_000)
                await writer.drain()
    assert await server.health() == b"HTTP/1.1 200 OK\r\n"


async def unread_answer(server: Server) -> asyncio.StreamReader:
    """Send requests until an answer stays unread in the server, though no handler waits for it."""
    reader, writer = await server.connect()
    gate = server.listening.gate
    async with enforced("that an answer which nobody reads stays with the server"):
        while True:
            writer.write(b"GET /some HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n")
            expected = server.answered + 1
            while server.answered < expected:  # noqa: ASYNC110 - an answer that is not read
                await asyncio.sleep(0)
            for _ in range(20):  # time for the caller's side to take what it takes
                await asyncio.sleep(0)
            if any(each.phase is Phase.WRITING for each in gate._waiting):
                return reader


async def test_a_caller_that_leaves_the_last_answer_unread_is_closed(start: Start) -> None:
    server = await start(replace(LONG, write=0.3))
    await unread_answer(server)
    async with enforced("the deadline of the last answer, which nobody reads"):
        await until(lambda: not server.listening.gate.open, why="the caller is closed")


async def test_a_caller_that_reads_its_answer_late_is_closed_at_the_idle_deadline(
    start: Start,
) -> None:
    server = await start(replace(LONG, write=1, idle=0.3))
    reader = await unread_answer(server)
    async with enforced("the deadline between two requests, after an answer was read late"):
        await everything(reader)


async def test_a_slow_honest_caller_is_answered(start: Start) -> None:
    server = await start(replace(LIMITS, head=30, body=30))
    reader, writer = await server.connect(b"POST /body HTTP/1.1\r\nHost: x\r\nContent-")
    for part in (b"Length: 4\r\n", b"\r\n", b"ab", b"cd"):
        writer.write(part)
        await writer.drain()
        await asyncio.sleep(0)
    assert await reader.readline() == b"HTTP/1.1 200 OK\r\n"


async def test_headers_without_end_are_refused(start: Start) -> None:
    server = await start(LONG)
    reader, writer = await server.connect(UNFINISHED_HEAD)
    async with enforced("the limit of a head's bytes"):
        with suppress(ConnectionError):
            for number in range(60):
                writer.write(b"a" * 2_000 + b"\r\nX-%d: " % number)
                await writer.drain()
        answer = await everything(reader)
    assert answer.startswith(b"HTTP/1.1 431 ")


@pytest.mark.parametrize(("headers", "status"), [(60, b"200"), (70, b"400")])
async def test_a_head_of_very_many_headers_is_refused(
    start: Start, headers: int, status: bytes
) -> None:
    server = await start(LONG)
    lines = b"".join(b"X-%d: a\r\n" % number for number in range(headers))
    reader, _ = await server.connect(b"GET /health HTTP/1.1\r\nHost: x\r\n" + lines + b"\r\n")
    async with enforced("the limit of the number of headers"):
        assert (await reader.readline()).split()[1] == status


@pytest.mark.parametrize("first", [b"", *UNFINISHED.values()], ids=["silent", *UNFINISHED.keys()])
async def test_however_many_are_unfinished_the_newest_caller_is_answered(
    start: Start, first: bytes
) -> None:
    server = await start(LONG)
    for number in range(300):
        await server.connect(first)
        if number % 50 == 49:
            assert await server.health() == b"HTTP/1.1 200 OK\r\n"
    gate = server.listening.gate
    assert gate.open <= LONG.total + 1
    assert gate.unfinished <= LONG.arrivals
    assert gate.evicted >= 260


async def test_while_every_connection_is_being_answered_the_next_one_gets_503(
    start: Start,
) -> None:
    server = await start(LONG)
    busy = [
        await server.connect(b"GET /waits HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n") for _ in range(16)
    ]
    reader, _ = await server.connect(ASKED)
    async with enforced("the cap on connections that are being answered"):
        head, _, body = (await everything(reader)).partition(b"\r\n\r\n")
    assert head.startswith(b"HTTP/1.1 503 ")
    assert b"Retry-After: " in head
    assert json.loads(body)["error"]["code"] == "busy"
    server.go_on.set()
    for answered, _ in busy:
        assert await answered.readline() == b"HTTP/1.1 200 OK\r\n"
    assert await server.health() == b"HTTP/1.1 200 OK\r\n"


async def test_one_address_is_answered_only_so_often_at_the_same_time(start: Start) -> None:
    server = await start(LONG, address_of=lambda peer: peer[0])
    request = b"GET /waits HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n"
    busy = [await server.connect(request, "127.0.0.2") for _ in range(LONG.per_address)]
    reader, _ = await server.connect(ASKED, "127.0.0.2")
    assert await reader.readline() == b"HTTP/1.1 503 Service Unavailable\r\n"
    assert await server.health("127.0.0.3") == b"HTTP/1.1 200 OK\r\n"
    server.go_on.set()
    for answered, _ in busy:
        assert await answered.readline() == b"HTTP/1.1 200 OK\r\n"


async def test_one_address_fills_only_its_own_share(start: Start) -> None:
    server = await start(LONG, address_of=lambda peer: peer[0])
    waiting = [await server.connect(UNFINISHED_HEAD, "127.0.0.3") for _ in range(3)]
    for _ in range(100):
        await server.connect(UNFINISHED_HEAD, "127.0.0.2")
    assert await server.health("127.0.0.2") == b"HTTP/1.1 200 OK\r\n"
    for reader, writer in waiting:
        writer.write(b"a\r\n\r\n")
        assert await reader.readline() == b"HTTP/1.1 200 OK\r\n", "another address is not closed"


async def test_unfinished_bodies_together_hold_only_so_much_memory(start: Start) -> None:
    server = await start(LONG)
    begun = [await server.connect(UNFINISHED_BODY + b"a" * 300_000) for _ in range(10)]
    reader, _ = await server.connect(
        b"POST /body HTTP/1.1\r\nHost: x\r\nContent-Length: 100000\r\n\r\n" + b"a" * 100_000
    )
    assert await reader.readline() == b"HTTP/1.1 200 OK\r\n"
    async with enforced("the cap on the bytes of all unfinished bodies"):
        await first_ended(begun, 8)  # what is left is below 400 kB


def test_this_machine_counts_only_in_all_and_ipv6_counts_by_network():
    assert caller_of(("127.0.0.1", 1)) == caller_of(("::1", 1, 0, 0)) == ""
    assert caller_of(("::ffff:127.0.0.1", 1, 0, 0)) == ""
    assert caller_of(("::ffff:10.0.0.7", 1, 0, 0)) == caller_of(("10.0.0.7", 2)) == "10.0.0.7"
    assert caller_of(("2001:db8::1", 1, 0, 0)) == caller_of(("2001:db8::ffff", 1, 0, 0))
    assert caller_of(("2001:db8::1", 1, 0, 0)) != caller_of(("2001:db8:0:1::1", 1, 0, 0))
    assert caller_of(("fe80::1%eth0", 1, 0, 2)) == "fe80::/64"
