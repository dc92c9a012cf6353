"""The composition root: builds everything, starts it in order, stops it in reverse.

A test calls the same code with other settings; nothing else differs from the demo or production.
"""

from __future__ import annotations

import asyncio
import logging
import os
import secrets
from collections.abc import Callable, Coroutine
from contextlib import AsyncExitStack
from datetime import datetime
from functools import partial
from typing import Any, Self

import aiohttp
from aiohttp import web
from slack_sdk.web.async_client import AsyncWebClient

import handlers
from bot import diagnostics
from bot.advisors_from_settings import build_advisor
from bot.configuration import LiveConfiguration
from bot.errors import SettingsError
from bot.from_settings import (
    alert_channels,
    connection_limits,
    first_configuration,
    http_session,
    incident_exporter,
    nats_session_of,
    open_conversations,
    open_runbooks,
    read_configuration,
    slack_client,
    web_access,
)
from bot.gateways_from_settings import gateway_accesses, gateways_of, longest_timeout
from bot.health_checks import register_checks
from bot.observability.events import Event, emit
from bot.observability.health import Health
from bot.observability.metrics import Metrics
from bot.outside_steps import outside_steps
from bot.remediation.gateways import Gateways
from bot.response import Dependencies, IncidentService
from bot.response.gateway_watch import GatewayWatch
from bot.response.policy_reload import PolicyReload, record_policy
from bot.response.reload_notice import ReloadNotice
from bot.response.verify import http_probe
from bot.response.watchdog import Watchdog
from bot.serving.listening import listening
from bot.serving.logs import bind
from bot.settings import Settings
from bot.steps.heartbeat import heartbeat
from bot.steps.runner import StepRunner
from bot.steps.table import OtherParts, all_steps
from bot.tasks import cancel
from bot.web.ingest import IngestEndpoints
from bot.web.server import web_app
from bot.web.sns import FetchCertificate, SnsVerifier, certificate_fetcher
from bot.web.stats import StatsEndpoints
from handlers.inbound.alert_receiver import AlertReceiver
from handlers.inbound.bolt_app import bolt_app
from handlers.inbound.connection_pool import ConnectionPool
from handlers.inbound.dispatcher import EnvelopeDispatcher
from handlers.inbound.history_backfill import HistoryBackfill
from handlers.inbound.startup import Identity, connect, identify
from handlers.listeners.user_status import People
from handlers.outbound.digests import DigestSender
from handlers.outbound.home_tabs import HomeTabs
from handlers.outbound.metadata import Sender
from handlers.outbound.outbox import Outbox
from handlers.outbound.posted_head import compare_posted_heads
from handlers.outbound.rendering import Renderer
from handlers.outbound.slack_client import SlackClient
from store import Store, open_store
from store.audit.sealing import AuditKey
from store.engines.clocks import system_clock

log = logging.getLogger(__name__)

DRAIN = 5.0  # seconds that what is in flight gets at the end


class Bot:
    """The whole bot. `async with Bot(settings) as bot:` runs it; the parts are for tests to see."""

    service: IncidentService
    outbox: Outbox
    health: Health
    identity: Identity
    http_url: str
    web: web.Application
    runner: StepRunner

    def __init__(
        self,
        settings: Settings,
        *,
        clock: Callable[[], datetime] | None = None,
        fetch_certificate: FetchCertificate | None = None,
    ) -> None:
        self._settings = settings
        self._fetch_certificate = fetch_certificate
        self._given_clock, self._clock = clock, clock or system_clock
        self._parts = AsyncExitStack()
        self.metrics = Metrics()
        self.health = Health(lambda: self._clock(), interval=settings.health_check_interval)
        self.health.on_result = self.metrics.service_levels.part_checked

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
        if self._policy_reload.take():
            self._run_until_the_end(self._policy_reload.finish(), "record reload")

    async def dump(self) -> dict[str, Any]:
        """The state of every part, the queues and the running work: ids and counts, no secret."""
        return await diagnostics.dump(
            self.service, self.health, self._advisor, self._gateway_watch, self._clock
        )

    async def _start(self) -> None:
        """Each part stops in the reverse order: the last one that was started stops first."""
        settings = self._settings
        self._config = LiveConfiguration(first_configuration(settings))
        self._accesses = gateway_accesses(settings)
        store = await self._open_store()
        session = await self._parts.enter_async_context(http_session())
        gateways = gateways_of(settings, self._accesses, session, self._clock, self._config)
        client = slack_client(settings, session)
        self._gateway_watch = GatewayWatch(gateways, store, self._clock, settings.ops_channel)
        self.identity, _ = await asyncio.gather(
            identify(client),
            self._gateway_watch.start(),
        )
        await record_policy(store, self._config, self._clock())
        self._runbooks = await open_runbooks(settings, self._parts, self.health)
        slack = SlackClient(client, self.metrics, self._clock)
        self._conversations = await open_conversations(settings, store, self._clock)
        self._build_service(store, session, gateways, slack)
        await self.service.gateway_offers.start()
        await self._build_outbox(slack)
        receiver = AlertReceiver(self.service, alert_channels(settings, self.identity.bot_id))
        channels = settings.slack_alert_channels
        self._backfill = HistoryBackfill(
            slack, store, receiver, channels, self._clock, self.metrics, self._config
        )
        register_checks(
            self.health,
            takes_writes=lambda: self.service.store.ping(self._clock()),
            check_connections=lambda: self._connections.check(),
            backfill=self._backfill,
            outbox=self.outbox,
            watchdog=self._watchdog,
            advisor=self._advisor,
            gateways=gateways,
            gateway_watch=self._gateway_watch,
        )
        self._start_steps(session)
        await self._start_web(session)
        await self._connect(client, receiver, session)
        await self._start_nats()
        await self.health.check()
        self.runner.start_clock()
        self._parts.callback(self.runner.stop_clock)
        emit(Event.BOT_READY, url=self.http_url, team=self.identity.team_id)

    async def _open_store(self) -> Store:
        """Open the store, and be one of its replicas until the end."""
        settings, parts = self._settings, self._parts
        store = await open_store(
            settings.store_url.get_secret_value(),
            owner=f"{os.getpid()}-{secrets.token_hex(6)}",
            config=self._config,
            lease_seconds=settings.store_lease_seconds,
            exclusive=True,
            audit_key=AuditKey(settings.audit_key.get_secret_value()),
        )
        parts.push_async_callback(store.close)
        store.on_step(lambda step: self.metrics.logged(step.event, step.fields))
        bind(replica=store.owner)
        self._clock = self._given_clock or store.clock
        await store.replica.renew(self._clock())
        parts.push_async_callback(store.replica.leave_or_warn)
        self._run_until_the_end(heartbeat(store.replica, self._clock), "heartbeat")
        return store

    def _build_service(
        self,
        store: Store,
        session: aiohttp.ClientSession,
        gateways: Gateways,
        slack: SlackClient,
    ) -> None:
        """Build the incident service, and the parts that speak of the bot itself."""
        settings, ops = self._settings, self._settings.ops_channel
        self.metrics.watch_gateways(gateway.shown for gateway in gateways)
        self._advisor = build_advisor(settings, session, self.metrics, self._config)
        self._parts.push_async_callback(self._advisor.close)
        people = People(slack, self.identity.team_id, self._clock)
        self.service = IncidentService(
            Dependencies(
                store=store,
                config=self._config,
                advisor=self._advisor,
                gateways=gateways,
                probe=http_probe(session),
                user_status=people.user_status,
                directory=people,
                export_incident=incident_exporter(settings),
                clock=self._clock,
                metrics=self.metrics,
                ops_channel=ops,
                alert_channels=settings.slack_alert_channels,
                home_team=self.identity.team_id,
                dispatch_timeout=longest_timeout(self._accesses) + 30,
                session=session,
                runbooks=self._runbooks,
                conversations=self._conversations,
            )
        )
        self._policy_reload = PolicyReload(
            partial(read_configuration, settings),
            self._config,
            store,
            self._runbooks,
            self._clock,
            ReloadNotice(store, self.metrics, self._clock, ops),
        )
        self._watchdog = Watchdog(store, self.metrics, self._clock, ops)

    async def _build_outbox(self, slack: SlackClient) -> None:
        ops, language = self._settings.ops_channel, self._settings.message_language
        store = self.service.store
        sender = Sender(self.identity.bot_id, await store.identity(), self.identity.user_id)
        renderer = Renderer(self.service, self._gateway_watch, language=language)
        self.outbox = Outbox(
            slack, store, renderer, self._clock, config=self._config, ops_channel=ops, sender=sender
        )
        parts = (self.service, self.outbox.direct, self._clock)
        self.home_tabs, self._digests = HomeTabs(*parts, language=language), DigestSender(*parts)
        await compare_posted_heads(store, slack.call, ops, sender)

    def _start_steps(self, session: aiohttp.ClientSession) -> None:
        settings = self._settings
        outside = outside_steps(
            settings, session, self.service, self._clock, self.health, self.metrics, self._parts
        )
        parts = OtherParts(
            health=self.health,
            watchdog=self._watchdog,
            reload_notice=self._policy_reload.notice,
            backfill=self._backfill.periodic,
            refresh_homes=self.home_tabs.refresh,
            send_digests=self._digests.send_due,
            outside=outside,
        )
        advisors, interval = settings.qchat_max_concurrent, settings.health_check_interval
        steps = all_steps(self.service, parts, advisors=advisors, health_interval=interval)
        self.runner = StepRunner(steps, self.service.store, self._clock)
        self._parts.push_async_callback(self.outbox.drain, DRAIN)
        self._run_until_the_end(self.outbox.run(), "outbox")
        self.runner.start()
        self._parts.push_async_callback(self.runner.stop, DRAIN)

    async def _start_web(self, session: aiohttp.ClientSession) -> None:
        settings = self._settings
        ingest = IngestEndpoints(
            self.service,
            settings.slack_alert_channels[0],
            self._clock,
            settings.qchat_timeout,
            SnsVerifier(self._fetch_certificate or certificate_fetcher(session), self._clock),
        )
        self.web = web_app(
            store=self.service.store,
            ingest=ingest,
            stats=StatsEndpoints(self.service.store, self._config, self._clock),
            health=self.health,
            metrics=self.metrics,
            access=web_access(settings),
            dump=self.dump,
        )
        server = listening(
            self.web, settings.http_host, settings.http_port, connection_limits(settings)
        )
        try:
            self.http_url = (await self._parts.enter_async_context(server)).url
        except OSError as error:
            why = f"cannot listen on {settings.http_addr}: {error.strerror or error}"
            raise SettingsError([f"HTTP_ADDR: {why}"]) from error

    async def _connect(
        self, client: AsyncWebClient, receiver: AlertReceiver, session: aiohttp.ClientSession
    ) -> None:
        """Open the Socket Mode connections, and start the backfill of what they do not deliver."""
        settings, language = self._settings, self._settings.message_language
        app = bolt_app(client, self.identity)
        handlers.register(app, self.service, self.outbox, self.home_tabs, clock=self._clock)
        await self._backfill.set_first_cursors()
        dispatcher = EnvelopeDispatcher(app, receiver, self._backfill.request, language=language)
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
        self._run_until_the_end(self._backfill.run(), "backfill")

    async def _start_nats(self) -> None:
        """Consume and publish if NATS_URL is set, now or once the server can be reached."""
        nats = await nats_session_of(self._settings, self.service, self._clock, self.metrics)
        if nats is not None:
            self.health.register("nats", nats.check, vital=False)
            self._run_until_the_end(nats.run(), "nats")

    def _run_until_the_end(self, loop: Coroutine[Any, Any, None], name: str) -> None:
        task = asyncio.create_task(loop, name=name)
        self._parts.push_async_callback(cancel, task)
