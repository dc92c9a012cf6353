"""A small HTTP service that really falls ill: each order leaks memory until the health check fails.

Only a new process cures it. Nothing of ours is imported: to the bot and the gateway it is a
stranger. It ends when its parent does, so a killed gateway leaves nothing behind.
"""

import argparse
import json
import os
import sys
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

MIB = 1024 * 1024
LIMIT_BYTES = 32 * MIB
LEAK_BYTES = 512 * 1024
STARTED = "takes orders"  # said once by each process

RUNBOOK = """checkout-api

Each order leaves half a MiB in a list that nothing empties. Past its limit the
service refuses orders and /healthz answers 503.

What helps: a restart. Nothing is lost by it: orders are not kept here.
"""


class Checkout:
    """Takes orders, and keeps `leak_bytes` of each for ever."""

    def __init__(self, limit_bytes: int = LIMIT_BYTES, leak_bytes: int = LEAK_BYTES) -> None:
        self.limit_bytes = limit_bytes
        self._leak_bytes = leak_bytes
        self._kept: list[bytes] = []
        self._lock = threading.Lock()

    @property
    def held_bytes(self) -> int:
        """What the leak holds."""
        return len(self._kept) * self._leak_bytes

    @property
    def well(self) -> bool:
        """Whether the leak is still under the limit."""
        return self.held_bytes <= self.limit_bytes

    def order(self) -> bool:
        """Take one order; False when there is no room for it."""
        with self._lock:
            if not self.well:
                return False
            # Random bytes are really in memory; zeros would cost the kernel nothing.
            self._kept.append(os.urandom(self._leak_bytes))
            if not self.well:
                _say(f"holds {self.held_bytes / MIB:.1f} MiB, over its limit: unhealthy from here")
            return True

    def status(self) -> dict[str, object]:
        """What /healthz tells."""
        return {
            "status": "ok" if self.well else "failing",
            "pid": os.getpid(),
            "orders": len(self._kept),
            "held_bytes": self.held_bytes,
            "limit_bytes": self.limit_bytes,
        }

    def metrics(self) -> str:
        """What /metrics tells, as Prometheus text."""
        return (
            f"checkout_orders_total {len(self._kept)}\n"
            f"checkout_held_bytes {self.held_bytes}\n"
            f"checkout_limit_bytes {self.limit_bytes}\n"
        )


def server_of(checkout: Checkout, port: int = 0) -> ThreadingHTTPServer:
    """The service on 127.0.0.1, not yet serving; port 0 picks a free one."""

    class Door(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            """Every path there is."""
            if self.path == "/checkout":
                taken = checkout.order()
                self._answer(200 if taken else 503, "taken\n" if taken else "out of memory\n")
            elif self.path == "/healthz":
                status = json.dumps(checkout.status()) + "\n"
                self._answer(200 if checkout.well else 503, status, "application/json")
            elif self.path == "/metrics":
                self._answer(200, checkout.metrics())
            elif self.path in ("/", "/runbook"):
                self._answer(200, RUNBOOK)
            else:
                self._answer(404, "there is /checkout, /healthz, /metrics, /runbook\n")

        def _answer(self, status: int, text: str, kind: str = "text/plain") -> None:
            body = text.encode()
            self.send_response(status)
            self.send_header("Content-Type", f"{kind}; charset=utf-8")
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the parent's name
            """Nothing for each request: the log is read when the service has failed."""

    return ThreadingHTTPServer(("127.0.0.1", port), Door)


def _say(text: str) -> None:
    print(f"checkout-api (pid {os.getpid()}): {text}", file=sys.stderr, flush=True)


def _end_with(parent: int) -> None:
    while os.getppid() == parent:
        time.sleep(0.5)
    os._exit(0)


def main() -> None:
    """Serve until ended."""
    parser = argparse.ArgumentParser(prog="python -m bot.demo.service", description=__doc__)
    parser.add_argument("--port", type=int, default=0, help="0 picks a free one")
    given = parser.parse_args()
    threading.Thread(target=_end_with, args=(os.getppid(),), daemon=True).start()
    with server_of(Checkout(), given.port) as server:
        _say(f"{STARTED} on port {server.server_port}")
        server.serve_forever()


if __name__ == "__main__":
    main()
