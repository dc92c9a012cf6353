"""The composition root: every piece is built here, started in order, stopped in reverse."""

from __future__ import annotations

import contextlib
import logging
import os
from collections.abc import AsyncIterator, Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from aiohttp import web

from bot.gateway.auth import Gatekeeper
from bot.gateway.config import DockerTarget, GatewayConfig, ProcessTarget
from bot.gateway.dispatch import Dispatcher, unknown_after_restart
from bot.gateway.executors import Executor
from bot.gateway.executors.docker import DockerExecutor
from bot.gateway.executors.process import ProcessExecutor
from bot.gateway.health import HealthCheck
from bot.gateway.journal import Journal
from bot.gateway.metrics import Metrics
from bot.gateway.routes import Routes, errors_as_json
from bot.remediation.contract import BODY_LIMIT_BYTES
from bot.serving.limits import ConnectionLimits
from bot.serving.listening import listening

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class RunningGateway:
    """A gateway that answers at `url`."""

    url: str
    journal: Journal
    dispatcher: Dispatcher


def utc_now() -> datetime:
    """The wall clock."""
    return datetime.now(UTC)


@contextlib.asynccontextmanager
async def running(
    config: GatewayConfig,
    *,
    clock: Callable[[], datetime] = utc_now,
    environ: Mapping[str, str] = os.environ,
) -> AsyncIterator[RunningGateway]:
    """A gateway that listens, until the block ends: then it drains, and ends its processes.

    ConfigError when the state directory cannot be used, OSError when the address is taken.
    """
    async with contextlib.AsyncExitStack() as stack:
        journal = await Journal.open(config.state_dir)
        stack.push_async_callback(journal.close)
        await _look_back(journal, config, clock)
        executors = _executors(config, journal, environ)
        for executor in executors.values():
            stack.push_async_callback(executor.stop)
            await executor.start()
        metrics = Metrics(config.sources)
        gatekeeper = Gatekeeper(config.secrets, journal, clock)
        dispatcher = Dispatcher(
            targets=config.targets,
            executors=executors,
            journal=journal,
            metrics=metrics,
            clock=clock,
            queue_seconds=config.limits.queue_seconds,
        )
        routes = Routes(
            dispatcher=dispatcher,
            gatekeeper=gatekeeper,
            journal=journal,
            health=HealthCheck(executors, journal, clock, signed=not gatekeeper.open),
            metrics=metrics,
            targets=config.targets,
        )
        app = web.Application(
            client_max_size=BODY_LIMIT_BYTES, middlewares=[errors_as_json(metrics)]
        )
        app.add_routes(routes.table())
        limits = ConnectionLimits(
            total=config.limits.connections, per_address=config.limits.connections_per_address
        )
        server = await stack.enter_async_context(
            listening(app, config.listen.host, config.listen.port, limits)
        )
        # Answers still go out while what runs is waited for; new connections are not taken.
        stack.push_async_callback(dispatcher.drain, config.limits.drain_seconds)
        stack.push_async_callback(server.stop_accepting)
        if gatekeeper.open:
            log.warning("no source has a secret: unsigned requests from this machine are accepted")
        if bare := [name for name, target in config.targets.items() if not target.environment]:
            log.warning("no environment, so the bot's strictest rule applies: %s", ", ".join(bare))
        yield RunningGateway(server.url, journal, dispatcher)


def _executors(
    config: GatewayConfig, journal: Journal, environ: Mapping[str, str]
) -> dict[str, Executor]:
    """One executor for each kind that the config uses."""
    processes = {n: t for n, t in config.targets.items() if isinstance(t, ProcessTarget)}
    containers = {n: t for n, t in config.targets.items() if isinstance(t, DockerTarget)}
    executors: dict[str, Executor] = {}
    if processes:
        executors["process"] = ProcessExecutor(
            processes,
            state_dir=config.state_dir,
            log_bytes=config.limits.log_bytes,
            stop_seconds=config.limits.stop_seconds,
            journal=journal,
            environ=environ,
        )
    if containers:
        executors["docker"] = DockerExecutor(
            containers, url=config.docker.url, timeout_seconds=config.limits.docker_seconds
        )
    return executors


async def _look_back(
    journal: Journal, config: GatewayConfig, clock: Callable[[], datetime]
) -> None:
    now = clock()
    lost = await journal.give_up_running(now, lambda row: unknown_after_restart(row, now))
    if lost:
        log.error("%d executions were running when the gateway ended: outcome unknown", lost)
    await journal.prune(now - timedelta(days=config.limits.keep_days))
