"""A real Redis with a memory limit; each target is a group of keys in it."""

from __future__ import annotations

import contextlib
import itertools
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import redis

from tests.faults.fault import Fault, State, System
from tests.helpers.gateway_servers import redis_server

_MEMORY = 32  # MiB that the server may use
_BYSTANDERS = {f"session:{number}": "a person's basket" for number in range(50)}


@contextmanager
def redis_caches() -> Iterator[System]:
    """One server; `session:*` are keys of bystanders."""
    options = ("--maxmemory", f"{_MEMORY}mb", "--maxmemory-policy", "noeviction")
    with redis_server(*options) as port, redis.Redis(port=port) as server:
        server.mset(_BYSTANDERS)

        def target(prefix: str) -> dict[str, object]:
            return {"executor": "redis", "host": "127.0.0.1", "port": port, "prefixes": [prefix]}

        def state() -> State:
            groups: Counter[str] = Counter()
            for key in server.scan_iter(count=1000):
                text = key.decode()
                groups[text if text in _BYSTANDERS else text.partition(":")[0]] += 1
            return {f"keys {name}": count for name, count in groups.items()}

        yield System(
            name="redis",
            targets={
                "page-cache": target("page:"),
                "price-cache": target("price:"),
                "order-locks": target("lock:"),
                "login-limits": target("limit:"),
            },
            state=state,
            faults=_faults(server),
        )


def _faults(server: redis.Redis) -> tuple[Fault, ...]:
    def fault(
        id_: str,
        what: str,
        target: str,
        prefix: str,
        sender: str,
        break_it: Callable[[], None],
        is_healthy: Callable[[], bool],
    ) -> Fault:
        return Fault(
            id=id_,
            what=what,
            target=target,
            action="redis.delete_keys",
            parameters={"prefix": prefix},
            sender=sender,
            break_it=break_it,
            is_healthy=is_healthy,
            changes=(f"redis keys {prefix.partition(':')[0]}",),
        )

    def fill() -> None:
        for size in (2**18, 2**14, 2**8):  # smaller and smaller, until nothing fits
            with contextlib.suppress(redis.exceptions.OutOfMemoryError):
                for number in itertools.count():
                    server.set(f"page:{size}:{number}", b"x" * size)

    def takes_writes() -> bool:
        try:
            server.set("probe", b"x" * 2**16)
        except redis.exceptions.OutOfMemoryError:
            return False
        server.delete("probe")
        return True

    def is_gone(key: str) -> Callable[[], bool]:
        return lambda: not server.exists(key)

    return (
        fault(
            "redis-keys-without-expiry", "Keys without expiry fill Redis", "page-cache", "page:",
            "alertmanager", fill, takes_writes,
        ),
        fault(
            "redis-wrong-prices", "A bad import left wrong prices in the cache", "price-cache",
            "price:", "netdata",
            lambda: server.mset({f"price:{number}": "NaN" for number in range(3000)}),
            is_gone("price:2999"),
        ),
        fault(
            "redis-locks-of-a-dead-worker", "A dead worker left its locks behind", "order-locks",
            "lock:orders:", "newrelic",
            lambda: server.mset({f"lock:orders:{number}": "worker-7" for number in range(20)}),
            is_gone("lock:orders:1"),
        ),
        fault(
            "redis-counters-never-reset", "Login limits of a crashed job are never reset",
            "login-limits", "limit:", "pagerduty",
            lambda: server.mset({f"limit:{number}": 1000 for number in range(200)}),
            is_gone("limit:7"),
        ),
    )  # fmt: skip
