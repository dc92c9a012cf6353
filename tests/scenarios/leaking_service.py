"""A small HTTP service that leaks: after enough requests to /work, /health is 503.

Run as `python -S -E leaking_service.py PORT FILE`. It writes its pid as a line into FILE when it
is up.
"""

import http.server
import os
import sys

MEBIBYTE = 1024 * 1024
MOST = 4  # MiB it bears
held: list[bytearray] = []


class Handler(http.server.BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        if self.path == "/work":
            held.append(bytearray(MEBIBYTE))
        well = len(held) <= MOST
        body = f"holds {len(held)} MiB\n".encode()
        self.send_response(200 if well or self.path == "/work" else 503)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        pass


if __name__ == "__main__":
    server = http.server.ThreadingHTTPServer(("127.0.0.1", int(sys.argv[1])), Handler)
    with open(sys.argv[2], "a") as starts:  # noqa: PTH123 - pathlib doubles the time to start
        starts.write(f"{os.getpid()}\n")
    server.serve_forever()
