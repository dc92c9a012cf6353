"""A small HTTP service that falls ill on demand: POST /leak, /files, /deaf, /runaway.

Run as `python -S -E ill_service.py PORT PIDFILE`. GET /health answers 503 while it is ill.
"""

import http.server
import os
import resource
import signal
import sys
import threading
import time

resource.setrlimit(resource.RLIMIT_NOFILE, (64, 64))
held: list[object] = []
wedged = threading.Event()
MEBIBYTE = 2**20


def leak() -> None:
    held.append(bytearray(64 * MEBIBYTE))


def files() -> None:
    while len(held) < 64:
        try:
            held.append(open(os.devnull))  # noqa: PTH123, SIM115 - it shall stay open
        except OSError:
            return


def end(*_: object) -> None:
    if not wedged.is_set():
        os._exit(0)


def runaway() -> None:
    def spin() -> None:
        while True:
            time.sleep(0.001)
            held.append(0)

    threading.Thread(target=spin, daemon=True).start()


FAULTS = {"/leak": leak, "/files": files, "/runaway": runaway, "/deaf": wedged.set}


class Handler(http.server.BaseHTTPRequestHandler):
    def do_POST(self) -> None:
        FAULTS[self.path]()
        self._answer(200)

    def do_GET(self) -> None:
        try:
            open(os.devnull).close()  # noqa: PTH123 - pathlib doubles the time to start
        except OSError:
            self._answer(503)
            return
        self._answer(503 if held or wedged.is_set() else 200)

    def _answer(self, status: int) -> None:
        self.send_response(status)
        self.send_header("Content-Length", "0")
        self.end_headers()

    def log_message(self, *_: object) -> None:
        pass


if __name__ == "__main__":
    signal.signal(signal.SIGTERM, end)
    server = http.server.ThreadingHTTPServer(("127.0.0.1", int(sys.argv[1])), Handler)
    with open(sys.argv[2], "w") as pid:  # noqa: PTH123
        pid.write(str(os.getpid()))
    server.serve_forever()
