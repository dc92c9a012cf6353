"""The executor of Redis targets. Needs redis-py.

The server works on one command at a time. Each SCAN here looks at a bounded number of keys and each
UNLINK removes a bounded number, so that no command holds up the clients of the cache.
"""

from __future__ import annotations

import asyncio
import contextlib
import re
from collections import Counter
from collections.abc import AsyncIterator
from typing import Any, cast

from redis.asyncio import Redis
from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff
from redis.exceptions import RedisError, ResponseError

from bot.gateway.errors import Cancelled, ExecutorError, NotAllowed, OutcomeLost
from bot.gateway.executors import Call, Result, failed, succeeded
from bot.gateway.executors.progress import report_progress
from bot.gateway.executors.redis_target import RedisTarget
from bot.gateway.executors.remote import (
    REFUSED,
    TOO_MUCH,
    RemoteExecutor,
    label,
    size_text,
    unreachable,
)
from bot.remediation.contract import Plan, PlannedRequest

SCAN_COUNT = 1000
UNLINK_KEYS = 500
_SAMPLES = 100
_SPECIAL = re.compile(r"[\\*?\[\]^-]")

_Info = dict[str, Any]


class RedisExecutor(RemoteExecutor[RedisTarget]):
    """Acts only on keys that begin with a declared prefix."""

    async def probe(self, name: str, target: RedisTarget) -> str:
        """Ask the server for its version and role."""
        async with self._connected(name, target) as redis:
            info = await _info(redis, "server")
        return f"Redis {info.get('redis_version')} ({info.get('redis_mode')})"

    async def plan(self, call: Call) -> Plan:
        """Count the keys. The count is not bound: keys of a cache come and go by themselves."""
        target = _target(call)
        base = Plan(
            action=call.action.id,
            target=call.target,
            executor="redis",
            parameters=dict(call.parameters),
            display=f"INFO of {call.target}",
            request=PlannedRequest(method="REDIS", path="INFO"),
            binding={"server": f"{target.host}:{target.port}/{target.db}"},
            mutating=call.action.mutating,
            deadline_seconds=int(2 * target.timeout_seconds) + 5,
        )
        async with self._connected(call.target, target) as redis:
            server = await _info(redis, "server")
            if not base.mutating:
                return base
            prefix = _declared(call)
            if server.get("redis_mode") == "cluster":
                raise ExecutorError(REFUSED, f"{call.target} is a node of a cluster")
            if (await _info(redis, "replication")).get("role") != "master":
                raise ExecutorError(REFUSED, f"{call.target} is a replica, which is not written to")
            number, size = await _counted(redis, call, prefix)
        if number > target.max_keys:
            raise ExecutorError(
                TOO_MUCH,
                f"More than {target.max_keys} keys of {call.target} begin with {prefix}, and the "
                "target allows no more at once",
            )
        pattern = _pattern(prefix)
        return base.model_copy(
            update={
                "display": f"SCAN MATCH {pattern} and UNLINK on {call.target}",
                "request": PlannedRequest(method="REDIS", path=f"SCAN MATCH {pattern}; UNLINK"),
                "steps": (
                    f"SCAN the keyspace in steps of {SCAN_COUNT}",
                    f"UNLINK the keys that begin with {prefix}, {UNLINK_KEYS} at a time",
                ),
                "binding": base.binding | {"run_id": str(server.get("run_id"))},
                "deadline_seconds": target.scan_seconds + base.deadline_seconds,
                "touches": (f"{number:,} keys that begin with {prefix}, about {size_text(size)}",),
                "current": {"keys": number},
            }
        )

    async def run(self, call: Call, plan: Plan) -> Result:
        """Delete in batches in one pass over the keyspace."""
        target = _target(call)
        async with self._connected(call.target, target) as redis:
            if not plan.mutating:
                return succeeded(await _report(redis))
            prefix, deleted = _declared(call), 0
            planned = cast("int", plan.current["keys"])
            try:
                async for keys in _scan(redis, prefix):
                    for start in range(0, len(keys), UNLINK_KEYS):
                        deleted += await redis.unlink(*keys[start : start + UNLINK_KEYS])
                    report_progress(f"deleted {deleted:,} keys", done=deleted, total=planned)
                    if deleted > target.max_keys:
                        return failed(
                            f"{call.target}: deleted {deleted:,} keys, and more keep coming: "
                            "stopped at the target's limit"
                        )
            except asyncio.CancelledError:
                # The batch that was under way may be done too.
                raise Cancelled(f"At least {deleted:,} keys were deleted") from None
            except ResponseError as error:
                if deleted:
                    raise OutcomeLost(f"{deleted:,} keys were deleted, then: {error}") from error
                raise
            except (RedisError, OSError) as error:
                raise OutcomeLost(
                    f"{deleted:,} keys were deleted, then: {type(error).__name__}"
                ) from error
        return succeeded(f"{call.target}: deleted {deleted:,} keys that begin with {prefix}")

    @contextlib.asynccontextmanager
    async def _connected(self, name: str, target: RedisTarget) -> AsyncIterator[Redis]:
        """Open one connection. ExecutorError: it cannot be opened, or a command failed."""
        redis = Redis(
            host=target.host,
            port=target.port,
            db=target.db,
            username=target.user or None,
            password=self.secret(name) or None,
            ssl=target.tls,
            ssl_ca_certs=str(target.ca_file) if target.ca_file else None,
            socket_timeout=target.timeout_seconds,
            socket_connect_timeout=target.timeout_seconds,
            single_connection_client=True,
            retry=Retry(NoBackoff(), 0),  # a lost connection is reported, never retried
            protocol=2,
            driver_info=None,  # it would need the right to CLIENT SETINFO
        )
        try:
            async with redis:
                yield redis
        except (RedisError, OSError) as error:
            raise unreachable(name, error) from error


def _target(call: Call) -> RedisTarget:
    return cast("RedisTarget", call.config)


def _declared(call: Call) -> str:
    """Return the requested prefix if it lies within a declared one."""
    prefix, declared = str(call.parameters["prefix"]), _target(call).prefixes
    if not any(prefix.startswith(allowed) for allowed in declared):
        allowed = ", ".join(map(label, declared))
        raise NotAllowed(
            REFUSED, f"{call.target} allows keys that begin with {allowed}, not {label(prefix)}"
        )
    return prefix


def _pattern(prefix: str) -> str:
    r"""Return the pattern of SCAN: every special character stands for itself, by a \ before it."""
    return _SPECIAL.sub(r"\\\g<0>", prefix) + "*"


async def _scan(redis: Redis, prefix: str) -> AsyncIterator[list[bytes]]:
    """Yield the keys of each step. A key that was there all the time is in one of them."""
    cursor, pattern = 0, _pattern(prefix).encode()
    begins = prefix.encode()
    while True:
        cursor, keys = await redis.scan(cursor, match=pattern, count=SCAN_COUNT)
        # The server matched them; the check here does not depend on its rules for patterns.
        yield [key for key in cast("list[bytes]", keys) if key.startswith(begins)]
        if cursor == 0:
            return


async def _counted(redis: Redis, call: Call, prefix: str) -> tuple[int, int]:
    """Return the number of keys, counted to just over the limit, and their estimated bytes."""
    target = _target(call)
    number, sample = 0, list[bytes]()
    async with asyncio.timeout(target.scan_seconds):
        async for keys in _scan(redis, prefix):
            number += len(keys)
            sample += keys[: _SAMPLES - len(sample)]
            if number > target.max_keys:
                break
    sizes = await _sizes(redis, sample)
    return number, sum(sizes) * number // max(1, len(sizes))


async def _sizes(redis: Redis, keys: list[bytes]) -> list[int]:
    """Return the bytes of each key: 0 for one that has gone or may not be read."""
    async with redis.pipeline(transaction=False) as pipeline:
        for key in keys:
            pipeline.memory_usage(key)
        sizes = await pipeline.execute(raise_on_error=False)
    return [size if isinstance(size, int) else 0 for size in sizes]


async def _info(redis: Redis, section: str) -> _Info:
    info: _Info = await redis.info(section)
    return info


async def _report(redis: Redis) -> str:
    memory, stats = await _info(redis, "memory"), await _info(redis, "stats")
    clients, keyspace = await _info(redis, "clients"), await _info(redis, "keyspace")
    limit = int(memory.get("maxmemory", 0))
    hits, misses = int(stats.get("keyspace_hits", 0)), int(stats.get("keyspace_misses", 0))
    used, peak = (size_text(memory.get(name, 0)) for name in ("used_memory", "used_memory_peak"))
    most = f"{size_text(limit)} ({memory.get('maxmemory_policy')})" if limit else "none"
    lines = [
        f"memory: {used} used, {peak} at its peak, limit {most}",
        f"fragmentation: {memory.get('mem_fragmentation_ratio')}",
        f"evicted: {stats.get('evicted_keys')} keys, expired: {stats.get('expired_keys')}",
        f"hits: {100 * hits / (hits + misses):.1f} %" if hits + misses else "hits: none yet",
        f"clients: {clients.get('connected_clients')} of {clients.get('maxclients')}",
    ]
    lines += [f"{name}: {db.get('keys')} keys" for name, db in keyspace.items()]
    return "\n".join([*lines, *await _largest_groups(redis)])


async def _largest_groups(redis: Redis) -> list[str]:
    """Return the groups of keys with the largest share of a sample, by the text before ':'."""
    async with redis.pipeline(transaction=False) as pipeline:
        for _ in range(_SAMPLES):
            pipeline.randomkey()
        keys = [key for key in await pipeline.execute() if key is not None]
    groups: Counter[str] = Counter()
    for key, size in zip(keys, await _sizes(redis, keys), strict=True):
        groups[key.decode(errors="replace").partition(":")[0]] += size
    total = sum(groups.values()) or 1
    return [
        f"of a sample of {len(keys)} keys, {label(name)}: {100 * size / total:.0f} % of the memory"
        for name, size in groups.most_common(5)
    ]
