"""Connections whose first request is not whole: held by the thousand, understood in part only."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest

from bot.serving.arrivals import Arrival
from bot.serving.gate import Phase
from tests.serving.conftest import (
    ASKED,
    LONG,
    UNFINISHED_BODY,
    UNFINISHED_HEAD,
    Start,
    enforced,
    everything,
    first_ended,
)

pytestmark = pytest.mark.attack("ASI08")

BODY = b"POST /body HTTP/1.1\r\nHost: x\r\nConnection: close\r\n"


def arrival() -> Arrival:
    return Arrival(None, "", 0)  # type: ignore[arg-type]  # nothing is sent


def parts_until_whole(request: bytes) -> int:
    """How many single bytes of it make it whole."""
    waiting = arrival()
    return 1 + next(at for at in range(len(request)) if waiting.add(request[at : at + 1]))


@pytest.mark.parametrize(
    "request_",
    [
        ASKED,
        b"\r\n" + ASKED,
        b"GET / HTTP/1.1\nHost: x\n\n",
        BODY + b"Content-Length: 4\r\n\r\nabcd",
        BODY + b"content-length :4\r\n\r\nabcd",
        BODY + b"Transfer-Encoding: chunked\r\n\r\n4\r\nabcd\r\n0\r\n\r\n",
        BODY + b"Transfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
        BODY + b"Transfer-Encoding: chunked\r\n\r\n1;a=b\r\n0\r\n000\r\nX-Sum: 1\r\n\r\n",
    ],
)
def test_a_request_is_whole_with_its_last_byte_and_not_before(request_: bytes) -> None:
    assert parts_until_whole(request_) == len(request_)
    assert arrival().add(request_)


@pytest.mark.parametrize("first", [b"\x16\x03\x01\x02", b"{", b"GET\r\n", b"A" * 40, b"\0"])
def test_what_cannot_be_http_goes_to_the_parser_at_once(first: bytes) -> None:
    assert arrival().add(first)


@pytest.mark.parametrize(
    "first",
    [
        BODY + b"Transfer-Encoding: gzip\r\n\r\n",
        BODY + b"Transfer-Encoding: chunked\r\n\r\n{}",
        BODY + b"Content-Length: -1\r\n\r\n",
        b"GET / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n",
    ],
)
def test_a_body_whose_length_nobody_can_tell_goes_to_the_parser_at_once(first: bytes) -> None:
    assert arrival().add(first)


def test_a_long_request_gets_its_connection_before_it_is_whole() -> None:
    waiting = arrival()
    assert not waiting.add(UNFINISHED_BODY)
    assert not waiting.add(b"a" * 10_000)
    assert waiting.phase is Phase.BODY
    assert waiting.add(b"a" * 30_000)


async def test_while_there_are_descriptors_no_unfinished_caller_is_closed_for_another(
    start: Start,
) -> None:
    server = await start(replace(LONG, arrivals=1_000))
    waiting = [await server.connect(UNFINISHED_HEAD) for _ in range(300)]
    assert await server.health() == b"HTTP/1.1 200 OK\r\n"
    assert server.listening.gate.evicted == 0
    for reader, writer in waiting:  # many more than are served at the same time
        writer.write(b"a\r\nConnection: close\r\n\r\n")
        assert await reader.readline() == b"HTTP/1.1 200 OK\r\n"


async def test_unfinished_heads_together_hold_only_so_much_memory(start: Start) -> None:
    server = await start(replace(LONG, arrivals=1_000))
    begun = [await server.connect(UNFINISHED_HEAD + b"a" * 30_000) for _ in range(20)]
    assert await server.health() == b"HTTP/1.1 200 OK\r\n"
    async with enforced("the cap on the bytes of all unfinished requests"):
        await first_ended(begun, 7)  # what is left is below 400 kB


async def test_a_caller_that_waits_with_its_body_is_asked_for_it_once(start: Start) -> None:
    server = await start(LONG)
    reader, writer = await server.connect(
        BODY + b"Expect: 100-continue\r\nContent-Length: 4\r\n\r\n"
    )
    assert await reader.readline() == b"HTTP/1.1 100 Continue\r\n"
    writer.write(b"abcd")
    answer = await everything(reader)
    assert answer.startswith(b"\r\nHTTP/1.1 200 OK\r\n"), answer
    assert json.loads(answer.rpartition(b"\r\n\r\n")[2]) == {"size": 4}


async def test_what_is_not_http_is_answered_400_at_once(start: Start) -> None:
    server = await start(LONG)
    reader, _ = await server.connect(b"\x16\x03\x01\x02\x00\x01")
    assert b" 400 Bad Request\r\n" in await everything(reader)


async def test_a_request_that_was_begun_before_the_server_stops_accepting_is_answered(
    start: Start,
) -> None:
    server = await start(LONG)
    reader, writer = await server.connect(UNFINISHED_HEAD)
    assert await server.health() == b"HTTP/1.1 200 OK\r\n"
    await server.listening.stop_accepting()
    with pytest.raises(ConnectionError):
        await server.connect(ASKED)
    writer.write(b"a\r\n\r\n")
    assert await reader.readline() == b"HTTP/1.1 200 OK\r\n"


async def test_after_the_end_nobody_is_left_connected(start: Start) -> None:
    server = await start(LONG)
    waiting = [await server.connect(UNFINISHED_HEAD) for _ in range(5)]
    assert await server.health() == b"HTTP/1.1 200 OK\r\n"
    await server.stack.aclose()
    async with enforced("the end of every connection with the server's"):
        for reader, _ in waiting:
            assert await everything(reader) == b""
