"""Plays a stream line by line: the receivers, the incident service and the store are the live ones.

Only what is outside the bot is missing: Slack shows every message at once and nobody presses a
button, the advisor and the gateway are never asked, and the clock follows the stream.
"""

from __future__ import annotations

import itertools
import secrets
from collections import Counter
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import aiohttp

from bot.advice.advisor import Advisor
from bot.approvals.model import UNKNOWN
from bot.configuration import Configuration, LiveConfiguration
from bot.errors import NotFound, SettingsError
from bot.incidents.model import Incident
from bot.incidents.services import NO_SERVICES, Catalogue
from bot.incidents.sops import SopLibrary
from bot.observability.metrics import Metrics
from bot.policy import Policy, Retention
from bot.remediation.client import ActionCall, GatewayClient
from bot.remediation.contract import Plan
from bot.remediation.gateways import Gateways, NamedGateway
from bot.replay.channels import RecordedChannels
from bot.replay.clock import ReplayClock
from bot.replay.stream import StreamLine
from bot.response import Delivery, Dependencies, IncidentService
from bot.response.verify import http_probe
from bot.sop_files import read_sops
from bot.web.alert_bodies import AlertBodies
from bot.web.sns import SnsVerifier
from handlers.inbound.alert_receiver import AlertChannels, AlertReceiver
from store import Store, open_store
from store.audit.sealing import AuditKey
from store.receipts import AlertOutcome

CHANNEL = "C0REPLAY"
LONGEST_END = timedelta(hours=24)  # after the last line, while an incident is open
_NEVER_PRUNE = Retention(alerts_days=3650, deliveries_days=3650, audit_days=3650)


@dataclass(frozen=True, slots=True)
class IncidentAtEnd:
    """An incident as it is at the end. `alerts` counts those of the stream that belong to it.

    `posts` are its messages outside threads, `pages` those that mention people, `requests` the
    approvals that people are asked for.
    """

    incident: Incident
    alerts: int
    posts: int
    pages: int
    requests: int

    @property
    def parent_id(self) -> int | None:
        """Return the incident that this one is a part of; None for a root."""
        return self.incident.parent_id


class Player:
    """Plays lines. Build it with `player`."""

    def __init__(self, service: IncidentService, clock: ReplayClock) -> None:
        self._service = service
        self._clock = clock
        self._channels = RecordedChannels(service.store)
        self._bodies = AlertBodies(CHANNEL, SnsVerifier(_no_certificate, clock), service.config)
        self._last_settled = clock()
        notify = service.config.current.policy.notify
        self._keeps_nothing_back = not (notify.maintenance or notify.quiet_hours)
        self._alerts: Counter[int] = Counter()

    async def play(self, line: StreamLine) -> Sequence[AlertOutcome]:
        """Let time pass until the line, then receive it. Returns the outcome of each alert.

        InputError: the endpoint refuses the payload.
        """
        await self._pass_time(line.at)
        delivery = await self._delivery_of(line)
        return () if delivery is None else await self._receive(delivery)

    async def receive(self, delivery: Delivery, at: datetime) -> Sequence[AlertOutcome]:
        """Let time pass until then, and receive alerts that were parsed before."""
        await self._pass_time(at)
        return await self._receive(delivery)

    async def _receive(self, delivery: Delivery) -> Sequence[AlertOutcome]:
        receipt = await self._service.receive(delivery)
        await self._propose()
        await self._channels.show_due(self._clock())
        for outcome in receipt.outcomes:
            if outcome.incident_id is not None:
                self._alerts[outcome.incident_id] += 1
        return receipt.outcomes

    async def end(self) -> list[IncidentAtEnd]:
        """Let time pass until no incident is open, 24 hours at most. Returns every incident."""
        store = self._service.store
        for _ in self._clock.steps_until(self._clock() + LONGEST_END):
            if not await store.open_incidents(limit=1):
                break
            await self._settle()
        return [
            IncidentAtEnd(
                incident,
                self._alerts[incident.id],
                self._channels.posts[incident.id],
                self._channels.pages[incident.id],
                self._channels.requests[incident.id],
            )
            async for incident in _every_incident(store)
        ]

    async def _pass_time(self, until: datetime) -> None:
        for _ in self._clock.steps_until(until):
            await self._settle()
            if self._keeps_nothing_back and not await self._service.store.open_incidents(limit=1):
                break  # nothing can happen by time alone
        self._clock.move_to(until)
        if until - self._last_settled >= timedelta(minutes=1):
            await self._settle()

    async def _settle(self) -> None:
        self._last_settled = self._clock()
        await self._service.settle()
        await self._propose()
        await self._channels.show_due(self._clock())

    async def _propose(self) -> None:
        """Ask for the approvals of the SOPs' actions."""
        queue = self._service.proposal_queue
        if not self._service.sops.sops:
            return  # nothing is ever proposed
        while task := await queue.claim():
            await queue.work(task)

    async def _delivery_of(self, line: StreamLine) -> Delivery | None:
        if line.receiver == "http":
            key = f"http/replay/{line.number:08d}"
            _, delivery = await self._bodies.read(line.source, line.body, key)
            return delivery
        event = _as_event(line)
        channels = AlertChannels(frozenset({event["channel"]}), frozenset(), own_bot_id="")
        message = AlertReceiver(self._service, channels).delivery_of(event)
        # All cards are in one channel, as those of one team are.
        return replace(message, channel=CHANNEL) if message else None


async def _every_incident(store: Store) -> AsyncIterator[Incident]:
    """In this store nothing else takes an id, so they have no gaps."""
    with suppress(NotFound):
        for number in itertools.count(1):
            yield await store.incident(number)


def _as_event(line: StreamLine) -> dict[str, Any]:
    """The event as Slack would deliver it: what the stream leaves out is filled in."""
    event = {"type": "message", **line.body}
    event["channel"] = str(event.get("channel") or CHANNEL)
    # Slack gives each message of a channel another ts.
    ts = f"{line.at.timestamp():.0f}.{line.number % 1_000_000:06d}"
    by_an_app = {"ts": ts, "bot_id": line.source}
    inner = event.get("message")
    if isinstance(inner, dict):
        event["message"] = _filled_in(inner, by_an_app)
    return _filled_in(event, by_an_app)


def _filled_in(message: dict[str, Any], values: dict[str, str]) -> dict[str, Any]:
    return {**message, **{name: message.get(name) or value for name, value in values.items()}}


async def _no_certificate(url: str) -> bytes:
    raise OSError(f"a replay fetches nothing: {url}")


async def _no_user_status(_user: str, _groups: object) -> Any:
    return UNKNOWN


@asynccontextmanager
async def player(
    policy: Policy,
    start: datetime,
    services: Catalogue = NO_SERVICES,
    sop_dir: Path | None = None,
) -> AsyncIterator[Player]:
    """A player whose clock begins at `start`; its store is gone afterwards.

    SettingsError names each problem of the SOPs below `sop_dir`; without it there are none.
    Whatever the policy says, nothing is pruned: the end must show every incident.
    """
    clock = ReplayClock(start)
    policy = policy.model_copy(update={"retention": _NEVER_PRUNE})
    services = services.with_called(policy.correlate.depends_on)
    sops = _sops(sop_dir, policy, services)
    config = LiveConfiguration(Configuration(policy, sops))
    store = await open_store(
        "sqlite://", owner="replay", config=config, audit_key=AuditKey(secrets.token_hex(16))
    )
    try:
        async with aiohttp.ClientSession() as session:
            yield Player(_service(store, config, clock, session), clock)
    finally:
        await store.close()


def _sops(folder: Path | None, policy: Policy, services: Catalogue) -> SopLibrary:
    if folder is None:
        return SopLibrary.load((), policy.remediate.declared, services)
    if not folder.is_dir():
        raise SettingsError([f"--sops: there is no folder {folder}"])
    library = read_sops(folder, policy.remediate.declared, services)
    if library.problems:
        raise SettingsError([str(problem) for problem in library.problems])
    return library


class UnplannedGateway(GatewayClient):
    """A gateway that cannot plan: the strictest requirements apply, and no address is called."""

    async def plan(self, call: ActionCall) -> Plan | None:  # noqa: ARG002 - no call has a plan
        """Return no plan."""
        return None


def _unplanned(session: aiohttp.ClientSession, clock: ReplayClock) -> UnplannedGateway:
    return UnplannedGateway(
        session,
        url="http://gateway.invalid",
        timeout=1.0,
        source_id="replay",
        secret="",
        clock=clock,
    )


def _service(
    store: Store, config: LiveConfiguration, clock: ReplayClock, session: aiohttp.ClientSession
) -> IncidentService:
    """The live service. Nothing is ever approved, so it never calls the gateway or a probe."""
    return IncidentService(
        Dependencies(
            store=store,
            config=config,
            advisor=Advisor(None),
            gateways=Gateways([NamedGateway(_unplanned(session, clock))]),
            probe=http_probe(session),
            user_status=_no_user_status,
            clock=clock,
            metrics=Metrics(),
            ops_channel="C0REPLAYOPS",
        )
    )
