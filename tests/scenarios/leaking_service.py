"""A small HTTP service that leaks: after enough requests to /work, /health is 503.

Run as `python -S -E leaking_service.py PORT FILE`. It writes its pid as a line into FILE when it
is up. Most scenarios start one, and `http.server` takes five times as long to import as all the
rest of the process takes, so it speaks HTTP by itself.
"""

import _socket
import _thread
import os
import sys

MEBIBYTE = 1024 * 1024
MOST = 4  # MiB it bears
held: list[bytearray] = []


def answer(descriptor: int) -> None:
    """Answer one request, and hang up."""
    line = _socket.socket(fileno=descriptor)
    try:
        head = b""
        while b"\r\n\r\n" not in head:
            more = line.recv(65536)
            if not more:
                return
            head += more
        line.sendall(response(head.split(b" ", 2)[1]))
    except OSError:
        pass  # the caller went away
    finally:
        line.close()


def response(path: bytes) -> bytes:
    if path == b"/work":
        held.append(bytearray(MEBIBYTE))
    well = len(held) <= MOST or path == b"/work"
    status = "200 OK" if well else "503 Service Unavailable"
    body = f"holds {len(held)} MiB\n"
    return f"HTTP/1.0 {status}\r\nContent-Length: {len(body)}\r\n\r\n{body}".encode()


if __name__ == "__main__":
    server = _socket.socket()
    server.setsockopt(_socket.SOL_SOCKET, _socket.SO_REUSEADDR, 1)
    server.bind(("127.0.0.1", int(sys.argv[1])))
    server.listen(128)
    with open(sys.argv[2], "a") as starts:  # noqa: PTH123 - pathlib doubles the time to start
        starts.write(f"{os.getpid()}\n")
    while True:
        _thread.start_new_thread(answer, (server._accept()[0],))
