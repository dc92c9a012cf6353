"""Builds and reads the things that the settings name: for the composition root and `check`."""

from __future__ import annotations

import logging
from collections.abc import Callable
from contextlib import AsyncExitStack
from dataclasses import replace
from datetime import datetime, timedelta
from functools import partial
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING

import aiohttp
from slack_sdk.web.async_client import AsyncWebClient

from bot.backups.configuration_archive import ConfigurationFiles
from bot.backups.schedule import read_schedule
from bot.backups.scheduled import BackupPlan
from bot.configuration import Configuration
from bot.errors import InputError, SettingsError
from bot.incidents.service_file import parse_services
from bot.incidents.services import NO_SERVICES, Catalogue
from bot.intake.mappings import SourceMappings, load_mappings
from bot.nats.options import NatsOptions
from bot.observability.health import Health
from bot.observability.metrics import Metrics
from bot.policy import Policy, load_policy, read_policy
from bot.regular_files import read_regular
from bot.response import IncidentService
from bot.response.conversation_files import ConversationFiles
from bot.response.dependencies import ExportIncident
from bot.retrieval.library import RunbookLibrary
from bot.retrieval.model_vectors import MemoryVectors, ModelVectors, VectorStore
from bot.retrieval.ollama import OllamaEmbedder
from bot.serving.limits import ConnectionLimits
from bot.settings import Settings, StoreSettings
from bot.sop_files import read_sops
from bot.web.rate_limit import Buckets
from bot.web.server import WebAccess
from handlers.inbound.alert_receiver import AlertChannels
from store import Store
from store.admin.locations import file_of
from store.audit import whole_trail
from store.audit.sealing import AuditKey

if TYPE_CHECKING:
    from bot.nats.session import NatsSession

log = logging.getLogger(__name__)


def slack_client(settings: Settings, session: aiohttp.ClientSession) -> AsyncWebClient:
    """The SDK's client of the Slack that the settings name."""
    return AsyncWebClient(
        token=settings.slack_bot_token.get_secret_value(),
        base_url=settings.slack_api_url,
        session=session,
        retry_handlers=[],  # the SDK's own would post a message twice
    )


def nats_options(settings: Settings) -> NatsOptions:
    """Return how to reach the NATS servers that the settings name."""
    return NatsOptions(
        servers=settings.nats_servers,
        stream=settings.nats_stream,
        consumer=settings.nats_consumer,
        user=settings.nats_user,
        password=settings.nats_password.get_secret_value(),
        credentials=settings.nats_creds.get_secret_value(),
    )


async def nats_session_of(
    settings: Settings, service: IncidentService, clock: Callable[[], datetime], metrics: Metrics
) -> NatsSession | None:
    """The session with NATS, connected if the server can be reached; None without NATS_URL.

    The library is optional and loaded only here.
    """
    if not settings.nats_servers:
        return None
    try:
        from bot.nats.session import nats_session
    except ImportError as error:
        why = "NATS needs its library; install it with `make nats`"
        raise SettingsError([f"NATS_URL: {why}"]) from error
    channel = settings.slack_alert_channels[0]
    return await nats_session(nats_options(settings), service, channel, clock, metrics)


def alert_channels(settings: Settings, own_bot_id: str) -> AlertChannels:
    """The channels in which messages by apps are alerts."""
    return AlertChannels(
        channels=frozenset(settings.slack_alert_channels),
        sources=frozenset(settings.slack_alert_sources),
        own_bot_id=own_bot_id,
    )


def connection_limits(settings: Settings) -> ConnectionLimits:
    """The limits on connections of the HTTP server."""
    return ConnectionLimits(
        total=settings.http_max_connections,
        per_address=settings.http_max_connections_per_address,
    )


def web_access(settings: Settings) -> WebAccess:
    """The tokens and the rate of callers of the HTTP server."""
    per_minute = settings.http_requests_per_minute
    file = file_of(settings.store_url.get_secret_value())
    return WebAccess(
        tokens=settings.http_tokens,
        buckets=Buckets(per_minute) if per_minute else None,
        folder=file.parent if file else Path.cwd(),
    )


async def open_conversations(
    settings: Settings, store: Store, clock: Callable[[], datetime]
) -> ConversationFiles | None:
    """Read the conversations of QPROXY_CONV_ROOT that the store does not know; None without it."""
    if settings.qproxy_conv_root is None:
        return None
    files = ConversationFiles(settings.qproxy_conv_root, store, clock)
    count = await files.read_once()
    log.info("conversations read from QPROXY_CONV_ROOT: %d", count)
    return files


def http_session() -> aiohttp.ClientSession:
    """Return a session whose calls never wait for each other's connections.

    Its callers bound their own calls; a source that hangs must not hold up Slack and the gateway.
    """
    return aiohttp.ClientSession(connector=aiohttp.TCPConnector(limit=0))


async def open_runbooks(
    settings: Settings, parts: AsyncExitStack, health: Health
) -> RunbookLibrary:
    """Read the runbooks of RUNBOOK_DIR; `parts` closes them.

    `health` checks the server of their vectors, without which the bot still finds runbooks.
    """
    vectors = model_vectors(settings)
    if vectors is not None:
        health.register("vectors", vectors.check, vital=False)
    library = RunbookLibrary(settings.runbook_dir, settings.runbook_url, vectors)
    parts.push_async_callback(library.close)
    await library.load()
    return library


def model_vectors(settings: Settings) -> ModelVectors | None:
    """The ranking of runbooks by a model's vectors; None without RUNBOOK_EMBED_MODEL."""
    if not settings.runbook_embed_model:
        return None
    embedder = OllamaEmbedder(settings.runbook_embed_url, settings.runbook_embed_model)
    return ModelVectors(embedder, vector_store_of(settings))


def vector_store_of(settings: Settings) -> Callable[[], VectorStore]:
    """Return how to open the place of the vectors. SettingsError if its library is missing."""
    url = settings.runbook_qdrant_url
    needed = "qdrant_client" if url else "numpy"
    if find_spec(needed) is None:
        name, extra = ("QDRANT_URL", "qdrant") if url else ("EMBED_MODEL", "retrieval")
        why = f"vectors need {needed}; install it with `make {extra}`"
        raise SettingsError([f"RUNBOOK_{name}: {why}"])
    if not url:
        return MemoryVectors
    from bot.retrieval.qdrant import QdrantPassages  # the library is optional, and large

    return partial(QdrantPassages, url)


def read_mappings(folder: Path) -> SourceMappings:
    """Every *.yaml of the folder, in order of their names; bad files are its problems."""
    texts: list[tuple[str, str]] = []
    unreadable: list[str] = []
    for file in sorted(folder.glob("*.yaml")) if folder.is_dir() else []:
        try:
            texts.append((file.name, read_regular(file, "replace")))
        except OSError as error:
            unreadable.append(f"{file.name}: cannot be read: {error.strerror}")
    mappings = load_mappings(texts)
    return replace(mappings, problems=(*unreadable, *mappings.problems))


def has_sources_dir(settings: Settings) -> bool:
    """Return False if SOURCES_DIR names a missing folder; the default one may be missing."""
    return settings.sources_dir.is_dir() or "sources_dir" not in settings.model_fields_set


def read_catalogue(settings: StoreSettings) -> Catalogue:
    """The declared services; none if the default file does not exist.

    SettingsError for a file that SERVICES_FILE names and that cannot be read; InputError for what
    it says.
    """
    path = settings.services_file
    if not path.exists() and "services_file" not in settings.model_fields_set:
        return NO_SERVICES
    return read_services(path)


def read_services(path: Path) -> Catalogue:
    """The services that the file declares. SettingsError if it cannot be read."""
    try:
        text = read_regular(path)
    except (OSError, UnicodeDecodeError) as error:
        raise SettingsError([f"SERVICES_FILE: {path} cannot be read"]) from error
    return parse_services(text, file=str(path))


def _shadow(settings: Settings) -> Policy | None:
    """The shadow policy, if one is named. SettingsError or InputError for its problems."""
    if settings.policy_shadow_file is None:
        return None
    try:
        return read_policy(settings.policy_shadow_file)
    except (SettingsError, InputError) as error:
        lines = error.message.splitlines()
        raise SettingsError([f"POLICY_SHADOW_FILE: {line}" for line in lines]) from error


def first_configuration(settings: Settings) -> Configuration:
    """The configuration of a start: a bad line of an SOP file is logged, and the rest is used."""
    loaded = load_policy(settings.policy_file)
    policy = loaded.policy
    services = read_catalogue(settings)
    services = services.with_called(policy.correlate.depends_on)
    sops = read_sops(settings.sop_dir, policy.remediate.declared, services)
    for problem in sops.problems:
        log.warning("SOP not loaded: %s", problem)
    mappings = read_mappings(settings.sources_dir)
    for line in mappings.problems:
        log.warning("mapping not loaded: %s", line)
    return Configuration(policy, sops, mappings, loaded.digest, _shadow(settings))


def read_configuration(settings: Settings) -> Configuration:
    """The configuration for a reload. SettingsError names every problem of all, one a line.

    A start loses only the line that is bad. A reload must not: it would take an SOP away that is
    in use, and revoke the approvals that wait for it.
    """
    policy, digest, services, problems = Policy(), "", NO_SERVICES, []
    shadow: Policy | None = None
    try:
        shadow = _shadow(settings)
    except (SettingsError, InputError) as error:
        problems += error.message.splitlines()
    try:
        loaded = load_policy(settings.policy_file)
        policy, digest = loaded.policy, loaded.digest
    except (SettingsError, InputError) as error:
        problems += error.message.splitlines()
    try:
        services = read_catalogue(settings)
    except (SettingsError, InputError) as error:
        problems += error.message.splitlines()
    services = services.with_called(policy.correlate.depends_on)
    sops = read_sops(settings.sop_dir, policy.remediate.declared, services)
    if not settings.sop_dir.is_dir():
        problems.append(f"SOP_DIR: there is no folder {settings.sop_dir}")
    problems += map(str, sops.problems)
    mappings = read_mappings(settings.sources_dir)
    if not has_sources_dir(settings):
        problems.append(f"SOURCES_DIR: there is no folder {settings.sources_dir}")
    problems += mappings.problems
    if problems:
        raise SettingsError(problems)
    return Configuration(policy, sops, mappings, digest, shadow)


def backup_plan(settings: Settings) -> BackupPlan | None:
    """The plan of the bot's own backups; None without BACKUP_DIR."""
    if settings.backup_dir is None:
        return None
    return BackupPlan(
        folder=settings.backup_dir,
        schedule=read_schedule(settings.backup_schedule),
        keep=settings.backup_keep,
        max_age=timedelta(hours=settings.backup_max_age_hours),
        store_url=settings.store_url.get_secret_value(),
        key=AuditKey(settings.audit_key.get_secret_value()),
        files=ConfigurationFiles(
            policy=settings.policy_file,
            shadow_policy=settings.policy_shadow_file,
            services=settings.services_file,
            sops=settings.sop_dir,
            sources=settings.sources_dir,
            gateways=settings.gateways_file,
        ),
        secrets=settings.secrets(),
    )


def incident_exporter(settings: Settings) -> ExportIncident:
    """The function that exports an incident of this store, with the proof by this key."""
    key = AuditKey(settings.audit_key.get_secret_value())
    return partial(whole_trail.export, settings.store_url.get_secret_value(), key)
