"""Two real Memcached servers."""

from __future__ import annotations

import itertools
import socket
from collections.abc import Iterator
from contextlib import contextmanager

from tests.faults.fault import Fault, State, System
from tests.helpers.gateway_servers import memcached_server

_KEYS = {"page:1", "page:2", "session:1"}


def _ask(port: int, *lines: str) -> list[str]:
    with socket.create_connection(("127.0.0.1", port), 10) as connection:
        connection.sendall("".join(f"{line}\r\n" for line in (*lines, "quit")).encode())
        with connection.makefile("rb") as answers:
            return answers.read().decode().splitlines()


def _set(port: int, **values: str) -> None:
    names = {"page_1": "page:1", "page_2": "page:2", "session_1": "session:1"}
    for name, value in values.items():
        _ask(port, f"set {names[name]} 0 0 {len(value)}\r\n{value}")


def _values(port: int) -> dict[str, str]:
    lines = _ask(port, f"get {' '.join(sorted(_KEYS))}")
    pairs = itertools.pairwise(lines)
    return {head.split()[1]: value for head, value in pairs if head.startswith("VALUE")}


@contextmanager
def memcached() -> Iterator[System]:
    """One server whose every value may go, and one of which a single key is wrong."""
    with memcached_server() as fragments, memcached_server() as profiles:
        for port in (fragments, profiles):
            _set(port, page_1="good", page_2="good", session_1="a basket")
        ports = {"fragment-cache": fragments, "profile-cache": profiles}

        def state() -> State:
            return {
                f"key {name}/{key}": value
                for name, port in ports.items()
                for key, value in _values(port).items()
            }

        yield System(
            name="memcached",
            targets={
                name: {
                    "executor": "memcached", "host": "127.0.0.1", "port": port,
                    "prefixes": ["page:"],
                }
                for name, port in ports.items()
            },
            state=state,
            faults=(
                Fault(
                    id="memcached-full-of-old-pages",
                    what="The whole cache is older than the last deploy",
                    target="fragment-cache",
                    sender="alertmanager",
                    action="memcached.flush",
                    break_it=lambda: _set(fragments, page_1="old", page_2="old"),
                    is_healthy=lambda: "old" not in _values(fragments).values(),
                    changes=("memcached key fragment-cache/*",),
                ),
                Fault(
                    id="memcached-poisoned-key",
                    what="One page in the cache is broken",
                    target="profile-cache",
                    sender="grafana",
                    action="memcached.delete_key",
                    parameters={"key": "page:1"},
                    break_it=lambda: _set(profiles, page_1="<broken"),
                    is_healthy=lambda: _values(profiles).get("page:1") != "<broken",
                    changes=("memcached key profile-cache/page:1",),
                ),
            ),
        )  # fmt: skip
