"""`python flood.py HOST PORT COUNT KIND`: hold unfinished connections until the input ends.

What the server closes is opened again. To 127.0.0.1 they come from several loopback addresses,
because one has too few ports. Prints `ready` once COUNT have been opened, and at the end how many
were opened in all. `flooding` runs it beside a test or a benchmark.
"""

from __future__ import annotations

import asyncio
import resource
import selectors
import socket
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from urllib.parse import urlsplit

_POST = b"POST /execute HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: application/json\r\n"

KINDS = {
    "head": b"POST /alerts/generic HTTP/1.1\r\nHost: 127.0.0.1\r\nX-Slow: ",
    "body": _POST + b"Content-Length: 900000\r\n\r\n{",
    "chunks": _POST + b"Transfer-Encoding: chunked\r\n\r\n1\r\n{\r\n",
    "expect": _POST + b"Expect: 100-continue\r\nContent-Length: 900000\r\n\r\n",
    "silent": b"",
}
SOURCES = 8  # loopback addresses
BIND_ADDRESS_NO_PORT = 24  # Linux: the port is chosen by connect, of those free to that address
AT_ONCE = 200  # of those that were closed, opened again before we look at the input


class Flood:
    """So many connections to one address that never finish what they began."""

    def __init__(self, address: tuple[str, int], count: int, first: bytes) -> None:
        self._address, self._count, self._first = address, count, first
        self._waits = selectors.DefaultSelector()
        self._waits.register(sys.stdin, selectors.EVENT_READ)
        self._open = 0
        self._begun = 0
        self.opened = 0

    def run(self) -> None:
        value = False
        while True:
            for _ in range(min(AT_ONCE, self._count - self._open)):
                self._begin()
            if self.opened >= self._count and not value:
                value = True
                print("ready", flush=True)
            for key, _ in self._waits.select(0.05):
                if key.fileobj is sys.stdin:
                    return
                self._check_socket(key.fileobj, key.data)

    def _begin(self) -> None:
        sock = socket.socket()
        sock.setblocking(False)
        if self._address[0] == "127.0.0.1":
            sock.setsockopt(socket.IPPROTO_IP, BIND_ADDRESS_NO_PORT, 1)
            sock.bind((f"127.0.0.{1 + self._begun % SOURCES}", 0))
        self._begun += 1
        sock.connect_ex(self._address)
        self._waits.register(sock, selectors.EVENT_WRITE, "connecting")
        self._open += 1

    def _check_socket(self, sock: socket.socket, state: str) -> None:
        try:
            if state == "connecting":
                sock.send(self._first)
                self.opened += 1
                self._waits.modify(sock, selectors.EVENT_READ, "open")
                return
            if sock.recv(1000):
                return
        except BlockingIOError:
            return
        except OSError:
            pass
        self._waits.unregister(sock)
        sock.close()
        self._open -= 1


@asynccontextmanager
async def flooding(url: str, count: int, kind: str) -> AsyncIterator[None]:
    """So many unfinished connections by another process, until the block ends."""
    address = urlsplit(url)
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, __file__, str(address.hostname), str(address.port), str(count), kind),
        env={},
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
    )
    assert process.stdout is not None
    try:
        assert (await process.stdout.readline()).strip() == b"ready"
        yield
    finally:
        await process.communicate(b"")


if __name__ == "__main__":
    hard = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    flood = Flood((sys.argv[1], int(sys.argv[2])), int(sys.argv[3]), KINDS[sys.argv[4]])
    flood.run()
    print(flood.opened)
