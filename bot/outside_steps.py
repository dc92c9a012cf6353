"""Builds the steps that ask systems outside of Slack and the gateway, and that of the backups."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from contextlib import AsyncExitStack
from datetime import datetime

import aiohttp

from bot.backups.scheduled import ScheduledBackups
from bot.errors import SettingsError
from bot.from_settings import backup_plan
from bot.notify.dead_man import DeadManSwitch
from bot.notify.outside import OutsideNotices
from bot.observability.health import Health
from bot.observability.metrics import Metrics
from bot.outside_targets import outside_targets
from bot.response import IncidentService
from bot.response.alertmanager_silences import AlertmanagerSilences
from bot.response.command_poller import CommandPollers
from bot.response.detectors import Detectors
from bot.response.log_poller import LogPoller
from bot.response.source_acknowledgements import PagingAccess, SourceAcknowledgements
from bot.response.traces import TraceExport
from bot.serving.span_export import SpanExport, otlp_sender
from bot.settings import Settings
from bot.steps.step import Replicas, Step

_FLUSH_SECONDS = 2.0  # that the collector gets at the end for spans that wait


def outside_steps(
    settings: Settings,
    session: aiohttp.ClientSession,
    service: IncidentService,
    clock: Callable[[], datetime],
    health: Health,
    metrics: Metrics,
    parts: AsyncExitStack,
) -> tuple[Step, ...]:
    """The steps for logs, programs, detectors, Alertmanager, paging services, backups and traces.

    Each does nothing unless the settings or the policy name something to ask. `parts` closes them.
    """
    channel = settings.slack_alert_channels[0]
    poller = LogPoller(service, service.config, clock, channel)
    commands = CommandPollers(service, service.config, clock, channel)
    silences = AlertmanagerSilences(
        session,
        service.store,
        service.config,
        clock,
        url=settings.alertmanager_url,
        token=settings.alertmanager_token.get_secret_value(),
        channel=settings.ops_channel,
    )
    acknowledgements = SourceAcknowledgements(
        session, service.store, clock, _paging_access(settings)
    )
    outside = OutsideNotices(
        service.store,
        service.config,
        clock,
        metrics,
        outside_targets(settings, session),
        names_of=service.names_of,
        language=settings.message_language,
    )
    heartbeat = DeadManSwitch(session, service.config, clock, health)
    detectors = Detectors(session, service, service.config, clock, channel)
    return (
        *_backup_steps(settings, clock, health, metrics),
        *_trace_steps(settings, service, clock, metrics, parts),
        Step("poll_logs", poller.poll, seconds=1, replicas=Replicas.EACH),
        Step("poll_commands", commands.poll, seconds=1, replicas=Replicas.EACH),
        Step("run_detectors", detectors.run, seconds=5, replicas=Replicas.ONE),
        Step("notify_outside", outside.send_due, seconds=5, replicas=Replicas.ONE),
        Step("send_heartbeat", heartbeat.beat, seconds=5, replicas=Replicas.EACH),
        Step("sync_silences", silences.sync, seconds=15, replicas=Replicas.ONE),
        Step("acknowledge_at_sources", acknowledgements.send_due, seconds=3, replicas=Replicas.ONE),
    )


def _backup_steps(
    settings: Settings, clock: Callable[[], datetime], health: Health, metrics: Metrics
) -> tuple[Step, ...]:
    plan = backup_plan(settings)
    if plan is None:
        return ()
    scheduled = ScheduledBackups(plan, clock, metrics)
    health.register("backup", scheduled.check, vital=False)
    return (Step("back_up", scheduled.run, seconds=60, replicas=Replicas.ONE),)


def _trace_steps(
    settings: Settings,
    service: IncidentService,
    clock: Callable[[], datetime],
    metrics: Metrics,
    parts: AsyncExitStack,
) -> tuple[Step, ...]:
    """The step that tells a collector about incidents; its library is optional, and loaded here."""
    endpoint = settings.otel_exporter_otlp_endpoint
    if not endpoint:
        return ()
    try:
        send = otlp_sender(
            endpoint, settings.otel_exporter_otlp_headers.get_secret_value(), "sopbot"
        )
    except ImportError as error:
        why = "traces need their library; install it with `make otel`"
        raise SettingsError([f"OTEL_EXPORTER_OTLP_ENDPOINT: {why}"]) from error
    spans = SpanExport(send, metrics.count_spans)
    parts.push_async_callback(asyncio.to_thread, spans.close, _FLUSH_SECONDS)
    traces = TraceExport(service.store, spans, clock)
    return (Step("export_traces", traces.export, seconds=5, replicas=Replicas.ONE),)


def _paging_access(settings: Settings) -> PagingAccess:
    return PagingAccess(
        pagerduty_url=settings.pagerduty_url.rstrip("/"),
        pagerduty_token=settings.pagerduty_token.get_secret_value(),
        pagerduty_from=settings.pagerduty_from,
        opsgenie_url=settings.opsgenie_url.rstrip("/"),
        opsgenie_api_key=settings.opsgenie_api_key.get_secret_value(),
    )
