"""A small HTTP service that really fails: each order leaks memory until the health check fails.

Only a new process fixes it. It imports nothing of ours: to the bot and the gateway it is a foreign
program. It ends with its parent, so a killed gateway leaves no process behind.
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
STARTED = "takes orders"  # printed once by each process

RUNBOOK = """checkout-api

Each order leaves half a MiB in a list that nothing empties. Past its limit the
service refuses orders and /healthz answers 503.

What helps: a restart. Nothing is lost by it: orders are not kept here.
"""


class Checkout:
    """Accepts orders, and keeps `leak_bytes` of each for ever."""

    def __init__(self, limit_bytes: int = LIMIT_BYTES, leak_bytes: int = LEAK_BYTES) -> None:
        self.limit_bytes = limit_bytes
        self._leak_bytes = leak_bytes
        self._kept: list[bytes] = []
        self._lock = threading.Lock()

    @property
    def held_bytes(self) -> int:
        """Return the size of the leak."""
        return len(self._kept) * self._leak_bytes

    @property
    def well(self) -> bool:
        """Return True if the leak is still below the limit."""
        return self.held_bytes <= self.limit_bytes

    def order(self) -> bool:
        """Accept one order; return False without free memory for it."""
        with self._lock:
            if not self.well:
                return False
            # Random bytes really occupy memory; zeros would cost the kernel nothing.
            self._kept.append(os.urandom(self._leak_bytes))
            if not self.well:
                _say(f"holds {self.held_bytes / MIB:.1f} MiB, over its limit: unhealthy from here")
            return True

    def status(self) -> dict[str, object]:
        """Return the JSON of /healthz."""
        return {
            "status": "ok" if self.well else "failing",
            "pid": os.getpid(),
            "orders": len(self._kept),
            "held_bytes": self.held_bytes,
            "limit_bytes": self.limit_bytes,
        }

    def metrics(self) -> str:
        """Return the Prometheus text of /metrics."""
        return (
            f"checkout_orders_total {len(self._kept)}\n"
            f"checkout_held_bytes {self.held_bytes}\n"
            f"checkout_limit_bytes {self.limit_bytes}\n"
        )


def server_of(checkout: Checkout, port: int = 0) -> ThreadingHTTPServer:
    """Return the service on 127.0.0.1, not yet serving; port 0 picks a free one."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            """Answer every path."""
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
            """Log no requests: the log is read after the service has failed."""

    return ThreadingHTTPServer(("127.0.0.1", port), Handler)


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
    options = parser.parse_args()
    threading.Thread(target=_end_with, args=(os.getppid(),), daemon=True).start()
    with server_of(Checkout(), options.port) as server:
        _say(f"{STARTED} on port {server.server_port}")
        server.serve_forever()


if __name__ == "__main__":
    main()
