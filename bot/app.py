"""The composition root: builds everything, starts it in order, stops it in reverse.

A test calls the same code with other settings; nothing else differs between the demo, a test and
production.
"""

from __future__ import annotations

import asyncio
import dataclasses
import hashlib
import logging
import os
import secrets
from collections import Counter
from collections.abc import Awaitable, Callable
from contextlib import AsyncExitStack
from datetime import datetime
from typing import Any, Self

import aiohttp
from aiohttp import web
from apscheduler.schedulers.asyncio import AsyncIOScheduler
from slack_bolt.async_app import AsyncApp
from slack_bolt.authorization import AuthorizeResult
from slack_sdk.web.async_client import AsyncWebClient

import handlers
from bot.advice.advisor import Advisor
from bot.configuration import Configuration, LiveConfiguration
from bot.errors import GatewayUnavailable, SettingsError, StoreError
from bot.from_settings import (
    advisor_command,
    gateway_client,
    log_problems,
    read_configuration,
    read_sops,
    task_instructions,
)
from bot.jobs import Job, all_jobs, scheduler_for
from bot.jobs.self_audit import SelfAudit
from bot.observability.events import Event, emit
from bot.observability.health import Health
from bot.observability.metrics import Metrics
from bot.policy import read_policy
from bot.remediation.client import GatewayClient
from bot.response import IncidentService
from bot.response.gateway_watch import GatewayWatch
from bot.response.reload_notice import ReloadNotice
from bot.response.verify import http_probe
from bot.serving.last_problems import last_problems
from bot.serving.limits import ConnectionLimits
from bot.serving.listening import listening
from bot.serving.logs import bind
from bot.settings import Settings
from bot.web.ingest import Ingest
from bot.web.server import web_app
from bot.web.sns import FetchCertificate, SnsVerifier, certificate_fetcher
from bot.workers import Workers, heartbeat
from handlers.inbound.alert_receiver import AlertChannels, AlertReceiver
from handlers.inbound.connection_pool import ConnectionPool
from handlers.inbound.dispatcher import EnvelopeDispatcher
from handlers.inbound.history_backfill import HistoryBackfill
from handlers.inbound.startup import Identity, connect, identify
from handlers.listeners.user_status import People
from handlers.outbound.metadata import Sender
from handlers.outbound.outbox import Outbox
from handlers.outbound.posted_head import compare_posted_heads
from handlers.outbound.rendering import Renderer
from handlers.outbound.slack_client import SlackCalls
from store import Store, open_store
from store.audit.sealing import AuditKey
from store.engines.clocks import system_clock
from store.operations.audit import Kind
from store.topics import Topic

log = logging.getLogger(__name__)

PLANS_AT_ONCE = 16  # incidents whose remediations the gateway is asked to plan at a time
DRAIN = 5.0  # seconds that what is in flight gets at the end


class Bot:
    """The whole bot. `async with Bot(settings) as bot:` runs it; the parts are for tests to see."""

    service: IncidentService
    outbox: Outbox
    health: Health
    identity: Identity
    http_url: str
    web: web.Application
    jobs: tuple[Job, ...]
    scheduler: AsyncIOScheduler

    def __init__(
        self,
        settings: Settings,
        *,
        clock: Callable[[], datetime] | None = None,
        fetch_certificate: FetchCertificate | None = None,
    ) -> None:
        self._settings = settings
        self._fetch_certificate = fetch_certificate
        self._given_clock = clock
        self._clock = clock or system_clock
        self._parts = AsyncExitStack()
        self.metrics = Metrics()
        self.health = Health(lambda: self._clock(), interval=settings.health_check_interval)

    async def __aenter__(self) -> Self:
        try:
            await self._start()
        except BaseException:
            await self._parts.aclose()
            raise
        return self

    async def __aexit__(self, *_reason: object) -> None:
        await self._parts.aclose()

    def reload(self) -> None:
        """Read policy and SOPs again: all of it, or nothing when a file has a problem."""
        try:
            current = read_configuration(self._settings)
        except SettingsError as error:
            emit(Event.POLICY_REFUSED, why=str(error))
            self._reload_notice.refused(error.problems)
            return
        self._config.current = current
        self._reload_notice.taken()
        recording = asyncio.create_task(self._record_reload(), name="record reload")
        self._parts.push_async_callback(_cancel, recording)
        emit(Event.POLICY_RELOADED, sops=len(current.sops.sops))

    async def dump(self) -> dict[str, Any]:
        """How every part is, what waits and what runs: ids and counts, no secret."""
        advisor, down_since = self._advisor.health(), self._gateway_watch.down_since
        return {
            "replica": self.service.store.owner,
            "health": self.health.report(),
            "breakers": {
                "advisor": dataclasses.asdict(advisor) if advisor else None,
                "gateway_down_since": down_since.isoformat() if down_since else None,
            },
            "stored": await self._stored(),
            "dispatching": self.service.dispatches.in_hand,
            "tasks": Counter(task.get_name().split("-")[0] for task in asyncio.all_tasks()),
            "last_problems": last_problems(),
        }

    async def _stored(self) -> dict[str, Any]:
        """The queues; the reason where the store does not say: a dump is for such times too."""
        store = self.service.store
        try:
            waiting, failed = await store.outbox_backlog()
            overdue = await store.overdue_work(self._clock())
            return {
                "outbox": {"waiting": waiting, "failed": failed},
                "incidents": await store.incident_counts(),
                "approvals_waiting": len(await store.approvals_waiting()),
                "verifying": len(await store.verifying()),
                "overdue": [{"what": work.what, "count": work.count} for work in overdue],
            }
        except StoreError as error:
            return {"error": str(error)}

    async def _start(self) -> None:
        """What is started last is stopped first."""
        settings, parts = self._settings, self._parts
        policy = read_policy(settings.policy_file)
        sops = read_sops(settings.sop_dir, policy.remediate.declared)
        log_problems(sops)
        self._config = LiveConfiguration(Configuration(policy, sops))
        if not settings.ai_command_gateway_secret.get_secret_value():
            log.warning("AI_COMMAND_GATEWAY_SECRET is empty: requests to the gateway are unsigned")
        store = await open_store(
            settings.store_url.get_secret_value(),
            owner=f"{os.getpid()}-{secrets.token_hex(6)}",
            config=self._config,
            lease_seconds=settings.store_lease_seconds,
            exclusive=True,
            audit_key=AuditKey(settings.audit_key.get_secret_value()),
        )
        parts.push_async_callback(store.close)
        bind(replica=store.owner)
        self._clock = self._given_clock or store.clock
        await self._join(store)
        session = await parts.enter_async_context(aiohttp.ClientSession())
        gateway = gateway_client(settings, session, self._clock)
        client = AsyncWebClient(
            token=settings.slack_bot_token.get_secret_value(),
            base_url=settings.slack_api_url,
            session=session,
            retry_handlers=[],  # the SDK's own would post a message twice
        )
        self._gateway_watch = GatewayWatch(gateway, store, self._clock, ops_channel(settings))
        self.identity, _ = await asyncio.gather(identify(client), self._first_look_at(gateway))
        await self._record_policy(store)
        calls = SlackCalls(client, self.metrics, self._clock)
        command = advisor_command(settings, self.metrics)
        self._advisor = Advisor(command, task_instructions(settings))
        self.service = IncidentService(
            store=store,
            config=self._config,
            advisor=self._advisor,
            gateway=gateway,
            probe=http_probe(session),
            standing=People(calls, self.identity.team_id, self._clock).standing,
            clock=self._clock,
            metrics=self.metrics,
            home_team=self.identity.team_id,
            dispatch_patience=settings.ai_command_gateway_timeout + 30,
        )
        renderer = Renderer(self.service, self._gateway_watch)
        ops = ops_channel(settings)
        sender = Sender(self.identity.bot_id, await store.identity())
        self.outbox = Outbox(
            calls,
            store,
            renderer,
            self._clock,
            config=self._config,
            ops_channel=ops,
            sender=sender,
        )
        await compare_posted_heads(store, calls.call, ops, sender)
        self._reload_notice = ReloadNotice(store, self.metrics, self._clock, ops)
        self._self_audit = SelfAudit(store, self.metrics, self._clock, ops)
        parts.push_async_callback(self.outbox.drain, DRAIN)
        await self._start_workers()
        await self._start_web(session)
        await self._connect(client, calls, session)
        self._register_health()
        await self.health.look()
        self._watch_store(store)
        self._start_jobs()
        emit(Event.BOT_READY, url=self.http_url, team=self.identity.team_id)

    async def _first_look_at(self, gateway: GatewayClient) -> None:
        """GatewayUnavailable stops the start, unless the gateway need not be there."""
        if self._settings.ai_command_gateway_required:
            await gateway.health()
            return
        try:
            await self._gateway_watch.check()
        except GatewayUnavailable as error:
            log.warning("nothing can run: %s", error)

    async def _record_policy(self, store: Store) -> None:
        """By which rules it is decided from now on. StoreError: the audit trail is not ours."""
        digest = hashlib.sha256(self._settings.policy_file.read_bytes()).hexdigest()
        await store.record(Kind.POLICY_LOADED, now=self._clock(), subject=digest)

    async def _record_reload(self) -> None:
        try:
            await self._record_policy(self.service.store)
        except StoreError as error:
            log.error("that the policy was reloaded is not on record: %s", error)

    async def _join(self, store: Store) -> None:
        """Be one of the store's replicas until the end."""
        await store.replica.renew(self._clock())
        self._parts.push_async_callback(_quietly, store.replica.leave)
        beat = asyncio.create_task(heartbeat(store.replica, self._clock), name="heartbeat")
        self._parts.push_async_callback(_cancel, beat)

    async def _start_workers(self) -> None:
        service = self.service
        signal = service.store.signal
        workers = Workers()
        advisors = self._settings.qchat_max_concurrent
        workers.start_pool(
            "advise", signal(Topic.ADVICE), service.claim_advice, service.advise, lambda: advisors
        )
        proposals, dispatches = service.proposal_queue, service.dispatches
        workers.start_pool(
            "propose", signal(Topic.PROPOSE), proposals.claim, proposals.work, lambda: PLANS_AT_ONCE
        )
        workers.start_pool(
            "dispatch",
            signal(Topic.DISPATCH),
            dispatches.claim,
            dispatches.send,
            lambda: service.policy.remediate.dispatches_at_once,
        )
        # By time alone the job `expire_approvals` looks.
        workers.start("approvals", signal(Topic.APPROVALS), service.decisions.redraw, poll=None)
        notice = self._reload_notice
        workers.start("reload notice", notice.changed, notice.write)
        sender = asyncio.create_task(self.outbox.run(), name="outbox")
        self._parts.push_async_callback(_cancel, sender)
        self._parts.push_async_callback(workers.stop, DRAIN)

    async def _start_web(self, session: aiohttp.ClientSession) -> None:
        settings = self._settings
        fetch = self._fetch_certificate or certificate_fetcher(session)
        ingest = Ingest(
            self.service,
            settings.slack_alert_channels[0],
            self._clock,
            settings.qchat_timeout,
            SnsVerifier(fetch, self._clock),
        )
        self.web = web_app(
            store=self.service.store,
            ingest=ingest,
            health=self.health,
            metrics=self.metrics,
            token=settings.http_token.get_secret_value(),
            dump=self.dump,
        )
        limits = ConnectionLimits(
            total=settings.http_max_connections,
            per_address=settings.http_max_connections_per_address,
        )
        server = listening(self.web, settings.http_host, settings.http_port, limits)
        try:
            self.http_url = (await self._parts.enter_async_context(server)).url
        except OSError as error:
            why = f"cannot listen on {settings.http_addr}: {error.strerror or error}"
            raise SettingsError([f"HTTP_ADDR: {why}"]) from error

    def _slack_app(self, client: AsyncWebClient) -> AsyncApp:
        identity = self.identity
        known = AuthorizeResult(
            enterprise_id=None,
            team_id=identity.team_id,
            bot_token=client.token,
            bot_id=identity.bot_id,
            bot_user_id=identity.user_id,
        )

        async def authorize() -> AuthorizeResult:
            # Asked once, at the start: Bolt would ask Slack during the first burst of events, and
            # drop events when Slack says no.
            return known

        # Without the token, which Bolt takes from `authorize` and warns of anywhere else.
        bolts = AsyncWebClient(
            base_url=client.base_url, session=client.session, retry_handlers=[], ssl=client.ssl
        )
        app = AsyncApp(
            name="sopbot",  # else Bolt looks for one in the source files of the whole call stack
            client=bolts,
            authorize=authorize,
            request_verification_enabled=False,
        )
        handlers.register(app, service=self.service, outbox=self.outbox, clock=self._clock)
        return app

    async def _connect(
        self, client: AsyncWebClient, calls: SlackCalls, session: aiohttp.ClientSession
    ) -> None:
        """Open the Socket Mode connections, and start the backfill of what they do not deliver."""
        settings, store = self._settings, self.service.store
        channels = AlertChannels(
            channels=frozenset(settings.slack_alert_channels),
            sources=frozenset(settings.slack_alert_sources),
            own_bot_id=self.identity.bot_id,
        )
        receiver = AlertReceiver(self.service, channels)
        self._backfill = HistoryBackfill(
            calls,
            store,
            receiver,
            settings.slack_alert_channels,
            self._clock,
            self.metrics,
            self._config,
        )
        await self._backfill.set_first_cursors()
        dispatcher = EnvelopeDispatcher(self._slack_app(client), receiver, self._backfill.request)
        self._connections = dispatcher.connections = ConnectionPool(
            client,
            session,
            settings.slack_app_token.get_secret_value(),
            dispatcher.dispatch,
            self._backfill.on_connect,
            count=settings.slack_sockets,
        )
        self.metrics.slack_sockets.set_function(lambda: self._connections.live)
        self._parts.push_async_callback(self._connections.close)
        self._parts.push_async_callback(dispatcher.drain, DRAIN)
        await connect(self._connections)
        backfilling = asyncio.create_task(self._backfill.run(), name="backfill")
        self._parts.push_async_callback(_cancel, backfilling)

    def _register_health(self) -> None:
        async def slack() -> None:
            self._connections.check()
            await self._backfill.check()

        async def store_takes_writes() -> None:
            await self.service.store.ping(self._clock())

        self.health.register(
            "store", store_takes_writes, events=(Event.STORE_UNAVAILABLE, Event.STORE_AVAILABLE)
        )
        self.health.register("slack", slack)
        self.health.register("outbox", self.outbox.check)
        self.health.register("audit trail", self._self_audit.check_trail, vital=False)
        self.health.register("work", self._self_audit.check, vital=False)
        if self._advisor.health() is not None:
            self.health.register("advisor", self._advisor.check, vital=False)
        self.health.register(
            "gateway",
            self._gateway_watch.check,
            vital=self._settings.ai_command_gateway_required,
        )

    def _watch_store(self, store: Store) -> None:
        """A store that fails is not ready at once, and neither is it later than it works again."""
        looking = self.health.look_when(store.signal(Topic.STORE), "store")
        watch = asyncio.create_task(looking, name="watch store")
        self._parts.push_async_callback(_cancel, watch)

    def _start_jobs(self) -> None:
        self.jobs = all_jobs(
            self.service,
            self.health,
            self._self_audit,
            self._backfill.periodic,
            self._clock,
            ops_channel(self._settings),
            self._settings.health_check_interval,
        )
        self.scheduler = scheduler_for(self.jobs, self.service.store.replica, self._clock)
        self.scheduler.start()
        self._parts.callback(self.scheduler.shutdown, wait=False)


def ops_channel(settings: Settings) -> str:
    """Where the bot speaks of itself."""
    return settings.slack_ops_channel or settings.slack_alert_channels[0]


async def _quietly(leave: Callable[[], Awaitable[None]]) -> None:
    """Without it others wait for our lease, which is no reason to end with an error."""
    try:
        await leave()
    except StoreError as error:
        log.warning("the other replicas have to wait for the lease: %s", error)


async def _cancel(task: asyncio.Task[None]) -> None:
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)
