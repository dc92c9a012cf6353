"""The composition root: builds every object, starts them in order, stops them in reverse."""

from __future__ import annotations

import contextlib
import functools
import logging
import os
import ssl
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from aiohttp import web
from aiohttp.typedefs import Middleware

from bot.gateway.answering import unknown_after_restart
from bot.gateway.audit import AuditEvent, AuditFile
from bot.gateway.auth import Gatekeeper
from bot.gateway.catalogue import Catalogue
from bot.gateway.chooser import Chooser
from bot.gateway.config import GatewayConfig
from bot.gateway.dispatch import Dispatcher
from bot.gateway.errors import ConfigError
from bot.gateway.execution import Runner
from bot.gateway.executors import Executor, Setup
from bot.gateway.executors.registry import KINDS
from bot.gateway.health import HealthCheck
from bot.gateway.journal import Journal
from bot.gateway.metrics import Metrics
from bot.gateway.network import Visitors
from bot.gateway.plan_rate import PlanRate
from bot.gateway.probes import Probes
from bot.gateway.routes import Routes, errors_as_json
from bot.gateway.tracing import open_spans
from bot.remediation.contract import BODY_LIMIT_BYTES
from bot.serving.last_problems import last_problems
from bot.serving.limits import ConnectionLimits
from bot.serving.listening import Listening, listening

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class RunningGateway:
    """A gateway that answers at `url`."""

    url: str
    dispatcher: Dispatcher
    health: HealthCheck
    audit: AuditFile
    routes: Sequence[web.RouteDef]
    reload: Callable[[GatewayConfig], Awaitable[None]]

    async def dump(self) -> dict[str, Any]:
        """Return its health and running executions, without secrets and output."""
        return await _dump(self.health, self.dispatcher, self.audit)


async def _dump(health: HealthCheck, dispatcher: Dispatcher, audit: AuditFile) -> dict[str, Any]:
    return {
        "audit": {"seq": audit.head.seq, "hash": audit.head.hash},
        "health": (await health()).model_dump(mode="json"),
        "running": dispatcher.running(),
        "last_problems": last_problems(),
    }


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
    """Run a gateway until the block ends; then drain it and end its processes.

    Raises ConfigError when the state directory cannot be used, OSError when the address is in use.
    """
    async with contextlib.AsyncExitStack() as stack:
        journal = await Journal.open(config.state_dir)
        stack.push_async_callback(journal.close)
        audit = await AuditFile.open(config.audit_path, clock)
        stack.push_async_callback(audit.close)
        await _give_up_interrupted(journal, config, clock)
        executors: dict[str, Executor] = {}
        stack.push_async_callback(_stop_all, executors)
        await _fit_executors(executors, config, journal=journal, environ=environ)
        metrics = Metrics(config.sources)
        gatekeeper = Gatekeeper(config.callers, journal, clock)
        runner = Runner(
            executors=executors,
            journal=journal,
            audit=audit,
            metrics=metrics,
            clock=clock,
            spans=open_spans(environ, metrics, stack),
        )
        dispatcher = Dispatcher(
            catalogue=Catalogue(config.targets, config.commands, read_only=config.read_only),
            runner=runner,
            queue_seconds=config.limits.queue_seconds,
            concurrent=config.limits.concurrent,
            chooser=_chooser_of(config),
        )
        for action in dispatcher.catalogue.listed().actions:
            metrics.operation.labels(action.verb)  # at 0, so that the first one is an increase
        probes = Probes(executors, lambda: dispatcher.catalogue.targets)
        stack.push_async_callback(probes.close)
        health = HealthCheck(probes, journal, clock, gatekeeper=gatekeeper, dispatcher=dispatcher)
        routes = Routes(
            dispatcher=dispatcher,
            gatekeeper=gatekeeper,
            journal=journal,
            health=health,
            metrics=metrics,
            plan_rate=PlanRate(config.limits.plans_per_minute, clock),
            dump=functools.partial(_dump, health, dispatcher, audit),
        )
        visitors = Visitors(config.listen, unsigned=gatekeeper.open)
        tls = config.listen.tls.context() if config.listen.tls else None
        server = await stack.enter_async_context(
            _listening(config, routes, errors_as_json(metrics, visitors), tls)
        )
        # Answers still go out while running executions are awaited; new connections are refused.
        stack.push_async_callback(dispatcher.drain, config.limits.drain_seconds)
        stack.push_async_callback(server.stop_accepting)
        if gatekeeper.open:
            log.warning("no source has a secret: unsigned requests from this machine are accepted")
        _warn_about_open_targets(config)
        if config.read_only:
            log.warning("read_only: every action that changes something is refused")
        fit = functools.partial(_fit_executors, executors, journal=journal, environ=environ)
        reload = _Reload(config, dispatcher, gatekeeper, audit, probes, tls, fit)
        yield RunningGateway(server.url, dispatcher, health, audit, routes.table(), reload)


class _Reload:
    """Replaces all targets and sources, or raises ConfigError and replaces none."""

    def __init__(
        self,
        config: GatewayConfig,
        dispatcher: Dispatcher,
        gatekeeper: Gatekeeper,
        audit: AuditFile,
        probes: Probes,
        tls: ssl.SSLContext | None,
        fit: Callable[[GatewayConfig], Awaitable[None]],
    ) -> None:
        self._in_force = config
        self._dispatcher = dispatcher
        self._gatekeeper = gatekeeper
        self._audit = audit
        self._probes = probes
        self._tls = tls
        self._fit = fit

    async def __call__(self, config: GatewayConfig) -> None:
        if problems := _needs_a_restart(self._in_force, config):
            raise ConfigError(problems)
        if config.listen.tls and self._tls:
            config.listen.tls.load(self._tls)  # the files may be new ones
        await self._audit.reopen()
        await self._dispatcher.exchange(
            Catalogue(config.targets, config.commands, read_only=config.read_only),
            functools.partial(self._fit, config),
        )
        self._probes.forget()
        self._gatekeeper.callers = config.callers
        self._in_force = config
        await self._audit.record_end(
            AuditEvent.RELOADED,
            targets=len(config.targets),
            sources=sorted(config.sources),
            read_only=config.read_only,
        )
        _warn_about_open_targets(config)


def _listening(
    config: GatewayConfig, routes: Routes, middleware: Middleware, tls: ssl.SSLContext | None
) -> contextlib.AbstractAsyncContextManager[Listening]:
    app = web.Application(client_max_size=BODY_LIMIT_BYTES, middlewares=[middleware])
    app.add_routes(routes.table())
    limits = ConnectionLimits(
        total=config.limits.connections, per_address=config.limits.connections_per_address
    )
    return listening(app, config.listen.host, config.listen.port, limits, tls=tls)


def _chooser_of(config: GatewayConfig) -> Chooser | None:
    """Return what asks the model that the config declares."""
    token = config.model_token.get_secret_value()
    return Chooser(config.model, token) if config.model else None


async def _stop_all(executors: Mapping[str, Executor]) -> None:
    for executor in list(executors.values()):
        await executor.stop()


async def _fit_executors(
    executors: dict[str, Executor],
    config: GatewayConfig,
    journal: Journal,
    environ: Mapping[str, str],
) -> None:
    """Build one executor for each kind that the config uses, with its targets."""
    setups = _setups(config, journal, environ)
    for kind in executors.keys() - setups.keys():
        await executors.pop(kind).stop()
    for kind, setup in setups.items():
        if kind in executors:
            await executors[kind].exchange(setup)
        else:
            # Listed before it starts, so that anything it starts is also ended.
            executors[kind] = KINDS[kind].build(setup)
            await executors[kind].start()


def _needs_a_restart(old: GatewayConfig, new: GatewayConfig) -> list[str]:
    """Return one line for each changed field that a reload cannot change."""
    sections = (kind.name for kind in KINDS.values() if kind.section)
    fixed = ("listen", "state_dir", "audit_file", "limits", "model", *sections)
    problems = [
        f"{name}: can only be changed by a restart"
        for name in fixed
        if getattr(old, name) != getattr(new, name)
    ]
    if bool(old.callers) != bool(new.callers):
        problems.append("sources: secrets can only be switched on or off by a restart")
    return problems


def _warn_about_open_targets(config: GatewayConfig) -> None:
    if bare := [name for name, target in config.targets.items() if not target.environment]:
        log.warning("no environment, so the bot's strictest rule applies: %s", ", ".join(bare))
    alike = [name for name, target in config.targets.items() if target.runs_as_gateway]
    alike += [name for name, command in config.commands.items() if not command.user]
    if alike:
        log.warning(
            "without `user` these run as the gateway's own user and can read and write what is "
            "its own: %s",
            ", ".join(alike),
        )


def _setups(
    config: GatewayConfig, journal: Journal, environ: Mapping[str, str]
) -> dict[str, Setup]:
    """Return the setup of each kind that the config uses."""
    secrets = {
        target: {name: secret.get_secret_value() for name, secret in named.items()}
        for target, named in config.target_secrets.items()
    }
    used = {target.executor for target in config.targets.values()}
    if config.commands:
        used.add("command")
    return {
        kind: Setup(
            targets={n: t for n, t in config.targets.items() if t.executor == kind},
            section=config.section(kind),
            secrets={n: s for n, s in secrets.items() if config.targets[n].executor == kind},
            limits=config.limits,
            state_dir=config.state_dir,
            journal=journal,
            environ=environ,
        )
        for kind in KINDS
        if kind in used
    }


async def _give_up_interrupted(
    journal: Journal, config: GatewayConfig, clock: Callable[[], datetime]
) -> None:
    now = clock()
    interrupted = await journal.give_up_running(now, lambda row: unknown_after_restart(row, now))
    if interrupted:
        log.error("%d executions were running when the gateway ended: outcome unknown", interrupted)
    await journal.prune(now - timedelta(days=config.limits.keep_days))
