"""Connections with an incomplete first request: thousands are held, and cost little."""

from __future__ import annotations

import asyncio
import errno
import json
import socket
import sys
import time
from contextlib import closing
from dataclasses import replace

import pytest

from bot.serving import accepting
from bot.serving.accepting import TURN_SECONDS
from bot.serving.arrivals import Arrivals, PendingConnection
from bot.serving.gate import Gate, Phase
from tests.helpers.waiting import until
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


def arrival() -> PendingConnection:
    return PendingConnection(None, "", 0)  # type: ignore[arg-type]  # nothing is sent


def parts_until_whole(request: bytes) -> int:
    """Return the number of bytes after which the request is complete."""
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
def test_bytes_that_cannot_be_http_go_to_the_parser_at_once(first: bytes) -> None:
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


def test_a_chunk_of_zeros_byte_by_byte_takes_about_the_time_of_any_other_chunk() -> None:
    def cost(filler: bytes) -> float:
        waiting = arrival()
        waiting.add(BODY + b"Transfer-Encoding: chunked\r\n\r\n1000\r\n\r\n")
        began = time.thread_time()
        assert not any(waiting.add(filler) for _ in range(1_000))
        return time.thread_time() - began

    # The search for a last chunk looks at zeros; it was 300 times slower when it tried each twice.
    assert min(cost(b"0") for _ in range(3)) < 50 * max(cost(b"x") for _ in range(3))


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


async def test_bytes_that_are_not_http_are_answered_400_at_once(start: Start) -> None:
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


async def test_after_the_stop_no_connection_is_left(start: Start) -> None:
    server = await start(LONG)
    waiting = [await server.connect(UNFINISHED_HEAD) for _ in range(5)]
    assert await server.health() == b"HTTP/1.1 200 OK\r\n"
    await server.stack.aclose()
    async with enforced("the end of every connection with the server's"):
        for reader, _ in waiting:
            assert await everything(reader) == b""


class Slow:
    """The event loop's clock, on which each system call of a connection takes 2 ms."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        loop = asyncio.get_running_loop()
        time = loop.time
        self.ahead = 0.0
        monkeypatch.setattr(loop, "time", lambda: time() + self.ahead)

    def call(self) -> None:
        self.ahead += 0.002


class Caller(socket.socket):
    """The server's end of a connection whose caller began a request."""

    clock: Slow

    def send(self, data: bytes, *flags: int) -> int:  # type: ignore[override]
        self.clock.call()
        return super().send(data, *flags)


class Listener(socket.socket):
    """A listening socket at which ever more callers wait, until `waiting` have been accepted."""

    clock: Slow
    waiting = 40
    error: OSError | None = None

    def __init__(self) -> None:
        super().__init__(socket.AF_INET, socket.SOCK_STREAM)
        self.bind(("127.0.0.1", 0))
        self.listen()
        self.callers: list[socket.socket] = []
        self.tried = 0

    def accept(self) -> tuple[socket.socket, tuple[str, int]]:
        self.tried += 1
        if self.error:
            raise self.error
        if len(self.callers) == self.waiting:
            raise BlockingIOError
        self.clock.call()
        theirs, ours = socket.socketpair()
        theirs.send(UNFINISHED_HEAD)
        self.callers.append(theirs)
        caller = Caller(fileno=ours.detach())
        caller.clock = self.clock
        return caller, ("10.0.0.7", 1)


async def test_accepting_and_closing_many_takes_a_short_turn_of_the_event_loop_at_most(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    clock = Slow(monkeypatch)
    gate = Gate(replace(LONG, head=10, arrivals=1_000))
    waiting = Arrivals(gate, lambda _: "", lambda *_: None)
    most = int(TURN_SECONDS / 0.002) + 2  # calls
    with closing(Listener()) as listener:
        listener.clock = clock
        waiting._accept(listener)
        assert len(listener.callers) <= most, "others have to wait while callers are accepted"
        while len(listener.callers) < listener.waiting:
            waiting._accept(listener)
        assert gate.unfinished == 40
        clock.ahead += 11
        waiting._sweep()
        assert gate.unfinished >= 40 - most, "others have to wait while late callers are closed"
        async with enforced("the deadline of a head"):
            while gate.unfinished:  # noqa: ASYNC110 - a count is no event
                await asyncio.sleep(0)
        for caller in listener.callers:
            assert caller.recv(1_000).startswith(b"HTTP/1.1 408 ")
            caller.close()
    waiting.close()


async def test_without_a_descriptor_and_anybody_to_close_accepting_pauses(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(accepting, "PAUSE_SECONDS", 0.2)
    waiting = Arrivals(Gate(LONG), lambda _: "", lambda *_: None)
    listener = Listener()
    listener.setblocking(False)
    listener.error = OSError(errno.EMFILE, "Too many open files")
    with socket.create_connection(listener.getsockname()):
        waiting.listen(listener)
        for _ in range(30):
            await asyncio.sleep(0)
        assert listener.tried < 10, "the event loop does nothing but try to accept"
        tried = listener.tried
        async with enforced("that accepting goes on after the pause"):
            await until(lambda: listener.tried > tried, why="the next try")
        waiting.close()


FEW_DESCRIPTORS = """
import asyncio, resource, sys
from aiohttp import web
from bot.serving.limits import ConnectionLimits
from bot.serving.listening import listening

async def main():
    app = web.Application()
    app.add_routes([web.get("/health", lambda _: web.Response())])
    hard = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    before = int(sys.argv[1])
    if before:
        resource.setrlimit(resource.RLIMIT_NOFILE, (before, before))
    async with listening(app, "127.0.0.1", 0, ConnectionLimits(head=600)) as server:
        if not before:  # fewer than the limits were made for
            resource.setrlimit(resource.RLIMIT_NOFILE, (60, hard))
        print(server.url.rpartition(":")[2], server.gate.limits.arrivals, flush=True)
        await asyncio.get_running_loop().run_in_executor(None, sys.stdin.read)

asyncio.run(main())
"""


@pytest.mark.parametrize(("before", "arrivals_then"), [(300, 16), (0, None)])
async def test_a_server_with_few_descriptors_answers_the_newest_caller(
    before: int, arrivals_then: int | None
) -> None:
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-c", FEW_DESCRIPTORS, str(before)),
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
    )
    assert process.stdout is not None
    writers = []
    try:
        port, limit = (await process.stdout.readline()).split()
        assert arrivals_then in (None, int(limit)), "fewer than the process has descriptors for"
        async with enforced("that the oldest is closed for want of a descriptor"):
            for _ in range(100):
                _, writer = await asyncio.open_connection("127.0.0.1", int(port))
                writer.write(UNFINISHED_HEAD)
                writers.append(writer)
            reader, writer = await asyncio.open_connection("127.0.0.1", int(port))
            writers.append(writer)
            writer.write(ASKED)
            assert await reader.readline() == b"HTTP/1.1 200 OK\r\n"
    finally:
        for writer in writers:
            writer.close()
        await process.communicate(b"")
