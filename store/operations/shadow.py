"""Decides once more, by the shadow policy, about an alert that no open incident matched.

It only reads, and takes no lock: the answer is counted and stored beside the decision in force, in
the same transaction, and nothing else follows from it.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Protocol

from bot.configuration import Configuration
from bot.incidents.cascades import Calls
from bot.incidents.correlation import Candidate, Decision, IdentifiedAlert, Reason, Verdict
from bot.incidents.episodes import began_at, continue_or_open
from bot.incidents.planned_silences import planned_silences
from bot.incidents.routes import channel_of
from bot.incidents.services import Catalogue
from bot.incidents.shadow import Effect, ShadowOutcome, difference
from bot.incidents.silences import Silence, find_silence
from bot.observability.events import Event
from bot.policy import Policy
from store.log_events import log_event
from store.operations import cascades, ended_incidents
from store.operations.cascades import Placement
from store.operations.part import Part
from store.statements import Operation, from_db_time, query, to_db_time

MOST_LISTED = 1000


@dataclass(frozen=True, slots=True)
class Shadow:
    """The shadow policy, with the silences of its own that are in force now."""

    policy: Policy
    calls: Calls
    services: Catalogue
    silences: tuple[Silence, ...]


def of_configuration(current: Configuration, now: datetime) -> Shadow | None:
    """Return the shadow policy of that configuration, if there is one."""
    policy = current.shadow
    if policy is None:
        return None
    planned = planned_silences(policy.notify.maintenance, policy.notify.quiet_hours, now)
    return Shadow(policy, current.shadow_calls, current.services, planned)


@dataclass(frozen=True, slots=True)
class Live:
    """The decision by the policy in force, and the facts that it was made from."""

    decision: Decision
    placement: Placement | None
    candidates: Sequence[Candidate]
    arrival: ComparedContext


class ComparedContext(Protocol):
    """The parts of a delivery's context that the comparison needs; the context has the shadow."""

    @property
    def channel(self) -> str: ...
    @property
    def now(self) -> datetime: ...
    @property
    def posted(self) -> bool: ...
    @property
    def silences(self) -> tuple[Silence, ...]: ...
    @property
    def shadow(self) -> Shadow | None: ...


def compare(named: IdentifiedAlert, live: Live) -> Operation[Decision]:
    """Return the decision in force, with what the shadow policy would do instead, if it differs."""
    decision, shadow = live.decision, live.arrival.shadow
    is_suppressed = decision.reason is Reason.SUPPRESSED
    is_news = is_suppressed or decision.verdict in (Verdict.OPEN, Verdict.REOPEN)
    if shadow is None or not is_news:
        return decision
    channel = named.channel or live.arrival.channel
    outcome = yield from _of_shadow(named, live, shadow)
    facts = difference(_of_live(live, channel), outcome)
    if not facts:
        return decision
    yield log_event(
        Event.POLICY_DIFFERS,
        tracking_id=named.tracking_id,
        live=facts["live"],
        would_be=facts["would_be"],
    )
    return replace(decision, shadow=facts)


def _of_live(live: Live, channel: str) -> ShadowOutcome:
    if live.decision.reason is Reason.SUPPRESSED:
        return ShadowOutcome(Effect.SUPPRESSED)
    if live.decision.verdict is Verdict.REOPEN:
        return ShadowOutcome(Effect.REOPENED, live.decision.incident_id)
    root_id = live.placement.root_id if live.placement else None
    if root_id is not None:
        return ShadowOutcome(Effect.MERGED, root_id)
    return ShadowOutcome(Effect.OPENED, channel=channel)


def _of_shadow(named: IdentifiedAlert, live: Live, shadow: Shadow) -> Operation[ShadowOutcome]:
    """1. A silence. 2. An incident that it reopens. 3. A cascade that it joins. 4. Its channel."""
    arrival, policy = live.arrival, shadow.policy.for_scope(named.scope)
    own = (silence for silence in arrival.silences if not silence.is_of_policy)
    environments = policy.remediate.declared
    if find_silence((*own, *shadow.silences), named.alert, environments, named.subject):
        return ShadowOutcome(Effect.SUPPRESSED)
    within = timedelta(seconds=policy.correlate.reopen_within_seconds)
    ended = yield from ended_incidents.read_unlocked(
        named, began_at(named.alert, arrival.now) - within
    )
    scopes = (candidate.scope for candidate in live.candidates)
    decision = continue_or_open(named, ended, scopes, arrival.now, within)
    if decision.verdict is Verdict.REOPEN:
        return ShadowOutcome(Effect.REOPENED, decision.incident_id)
    routed = "" if arrival.posted else _routed(named, policy, shadow.services)
    channel = routed or arrival.channel
    if policy.features.cascades:
        placement = yield from cascades.read_unlocked(named, shadow.calls, arrival.now, within)
        if (root_id := placement.seen_in(channel, named).root_id) is not None:
            return ShadowOutcome(Effect.MERGED, root_id)
    return ShadowOutcome(Effect.OPENED, channel=channel)


def _routed(named: IdentifiedAlert, policy: Policy, services: Catalogue) -> str:
    """Return the channel of the shadow's routes, else that of the declared service; '' without."""
    routes, environments = policy.ingest.routes, policy.remediate.declared
    if channel := channel_of(routes, named.alert, environments, services):
        return channel
    service = services.find(named.subject.service) if named.subject.service else None
    return service.channel if service else ""


@dataclass(frozen=True, slots=True)
class PolicyDifference:
    """An alert about which the shadow policy would have decided otherwise."""

    at: datetime
    tracking_id: str
    incident_id: int | None
    facts: Mapping[str, str | int]
    """Those of `shadow.difference`."""


def differences(since: datetime) -> Operation[list[PolicyDifference]]:
    """The newest differences since then, oldest first."""
    rows = yield query(
        "SELECT received_at, tracking_id, incident_id, decision FROM alerts"
        " WHERE received_at >= ? AND decision LIKE '%\"shadow\":{%' ORDER BY id DESC LIMIT ?",
        to_db_time(since),
        MOST_LISTED,
    )
    return [
        PolicyDifference(
            from_db_time(row["received_at"]),
            row["tracking_id"],
            row["incident_id"],
            json.loads(row["decision"])["shadow"],
        )
        for row in reversed(rows)
    ]


class ShadowPart(Part):
    """The method of `Store` for the differences of a shadow policy."""

    async def policy_differences(self, since: datetime) -> list[PolicyDifference]:
        """The newest alerts since then about which the shadow policy differs, 1000 at most."""
        return await self._engine.read(differences, since)
