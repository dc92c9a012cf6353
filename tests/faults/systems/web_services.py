"""A real HTTP server of the shop: a CDN, a consumer, a breaker, and feature flags."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from tests.faults.fault import Fault, State, System

_FLAGS = {"new-checkout": False, "fraud-check": True, "maintenance": False}
_CALLS = {
    "shop-cdn": ("purge", "/cdn/purge"),
    "order-consumer": ("resume", "/consumer/resume"),
    "payment-breaker": ("reset", "/breaker/reset"),
}


class _Shop:
    """The state of the server. A request changes one thing."""

    def __init__(self) -> None:
        self.flags = dict(_FLAGS)
        self.things: dict[str, Any] = {
            "shop-cdn": "version 2", "order-consumer": "running", "payment-breaker": "closed",
        }  # fmt: skip
        self.good = dict(self.things)

    def answer(self, method: str, path: str, body: Any) -> Any:
        """Return the JSON of an answer, None for an unknown path."""
        for name, (_, call) in _CALLS.items():
            if (method, path) == ("POST", call):
                self.things[name] = self.good[name]
                return {"now": self.good[name]}
        name = path.removeprefix("/flags/")
        if name not in self.flags:
            return None
        if method == "PUT":
            self.flags[name] = bool(body["enabled"])
        return {"enabled": self.flags[name]}

    def state(self) -> State:
        flags = {f"flag {name}": value for name, value in self.flags.items()}
        return flags | {f"thing {name}": value for name, value in self.things.items()}


class _Handler(BaseHTTPRequestHandler):
    shop: _Shop

    def do_GET(self) -> None:
        self._answer(None)

    def do_PUT(self) -> None:
        self._answer(self._body())

    def do_POST(self) -> None:
        self._answer(self._body())

    def _body(self) -> Any:
        length = int(self.headers.get("Content-Length") or 0)
        return json.loads(self.rfile.read(length) or b"null")

    def _answer(self, body: Any) -> None:
        answer = self.shop.answer(self.command, self.path, body)
        data = json.dumps(answer).encode()
        self.send_response(404 if answer is None else 200)
        self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        self.wfile.write(data)

    def log_message(self, *_: object) -> None:
        pass


@contextmanager
def web_services() -> Iterator[System]:
    """The server, until the block ends."""
    shop = _Shop()
    handler = type("Handler", (_Handler,), {"shop": shop})
    with ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        url = f"http://127.0.0.1:{server.server_address[1]}"
        try:
            yield System(name="http", targets=_targets(url), state=shop.state, faults=_faults(shop))
        finally:
            server.shutdown()
            thread.join()


def _targets(url: str) -> dict[str, Any]:
    def switch(name: str, on: bool) -> dict[str, Any]:
        return {"method": "PUT", "path": f"/flags/{name}", "body": {"enabled": on}}

    calls = {
        name: {"executor": "http", "url": url, "private": True, "calls": {call: {"path": path}}}
        for name, (call, path) in _CALLS.items()
    }
    flags = {
        name: {
            "executor": "feature-flag", "url": url, "private": True, "on": switch(name, True),
            "off": switch(name, False), "state": {"path": f"/flags/{name}", "field": "enabled"},
        }
        for name in _FLAGS
    }  # fmt: skip
    return {**calls, **flags}


def _faults(shop: _Shop) -> tuple[Fault, ...]:
    def call(id_: str, what: str, target: str, sender: str, bad: str) -> Fault:
        return Fault(
            id=id_,
            what=what,
            target=target,
            sender=sender,
            action="http.call",
            parameters={"call": _CALLS[target][0]},
            break_it=lambda: shop.things.update({target: bad}),
            is_healthy=lambda: bool(shop.things[target] == shop.good[target]),
            changes=(f"http thing {target}",),
        )

    def flag(id_: str, what: str, target: str, sender: str) -> Fault:
        good = _FLAGS[target]
        return Fault(
            id=id_,
            what=what,
            target=target,
            sender=sender,
            action="flag.on" if good else "flag.off",
            break_it=lambda: shop.flags.update({target: not good}),
            is_healthy=lambda: shop.flags[target] == good,
            changes=(f"http flag {target}",),
        )

    return (
        call("cdn-serves-old-pages", "The CDN serves pages of the last version", "shop-cdn",
             "cloudwatch", "version 1"),
        call("consumer-paused", "The consumer of orders was left paused", "order-consumer",
             "zabbix", "paused"),
        call("breaker-stays-open", "A circuit breaker stays open", "payment-breaker", "newrelic",
             "open"),
        flag("flag-breaks-checkout", "A new feature breaks the checkout", "new-checkout",
             "datadog"),
        flag("flag-switched-off", "The fraud check was switched off by mistake", "fraud-check",
             "pagerduty"),
        flag("flag-left-on", "The maintenance page was left on", "maintenance", "grafana"),
    )  # fmt: skip
