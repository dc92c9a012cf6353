"""The first step: gives each alert of a delivery its identity."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from bot.incidents import correlation, keys
from bot.incidents.correlation import DeliveryPart, IdentifiedAlert
from bot.incidents.deploys import Deploy
from bot.incidents.known_services import with_known_service
from bot.incidents.model import BY_END, Alert, AlertStatus
from bot.incidents.routes import Route, channel_of
from bot.incidents.sops import SopLibrary
from bot.incidents.subject import Subject, scope_of
from bot.incidents.subject_reader import subject_of, with_service_of
from bot.intake.deploy_request import DeployRequest
from bot.intake.reading import Activity, IdentifiedActivity

ALERTS_A_STEP = 20  # alerts that are identified before the event loop may do other work


@dataclass(frozen=True, slots=True)
class Delivery:
    """One delivery: the alerts and the activity that a sender sends together.

    `key` is the same for a redelivery. `channel` is where a new incident's
    card goes; unless `posted`, a route of the policy may choose another one for each alert. With
    `repeats`, a sender repeats itself to say that an alert still fires (as webhooks do): the store
    counts an alert that it knows as a reminder. `edit_of` is how the keys of every version of the
    edited message begin, '' when this is not an edit. `sent_at` is the sender's time, where it is
    known: it orders two messages that come in the wrong order. `posted`: it is a message in that
    channel, which people can read. `sender` is who handed it over, as only the endpoint can know
    it: `slack:<bot id>` or `http:<source>`. `thread` is how the keys of every version of the
    message begin in whose thread this was posted, '' if it was not. `arrived_at` is when its first
    bytes came, where that was before the whole was read. Unless `routed`, no route of the policy
    changes the channel.
    """

    key: str
    channel: str
    alerts: Sequence[Alert]
    repeats: bool = False
    edit_of: str = ""
    sent_at: datetime | None = None
    posted: bool = False
    sender: str = ""
    activities: Sequence[Activity] = ()
    thread: str = ""
    arrived_at: datetime | None = None
    routed: bool = True


def identify_activities(
    delivery: Delivery, same_sender: Sequence[Sequence[str]] = ()
) -> list[IdentifiedActivity]:
    """Return every activity of the delivery with its idempotency key and its senders."""
    senders = _senders(delivery.sender, same_sender)
    return [
        IdentifiedActivity(activity, f"{delivery.key}#activity{place}", senders, delivery.thread)
        for place, activity in enumerate(delivery.activities)
    ]


def name_all(
    delivery: Delivery,
    sops: SopLibrary,
    now: datetime,
    same_sender: Sequence[Sequence[str]] = (),
    routes: Sequence[Route] = (),
) -> Iterator[IdentifiedAlert]:
    """Yield every alert of the delivery with its tracking id, incident key and SOP ID.

    `same_sender`: groups of senders that the operator declares to be one. `routes` choose the
    channel of alerts that stand in no channel yet. It costs as much as
    there are alerts times SOPs, so the event loop takes it in parts: `named_in_steps`.
    """
    senders = _senders(delivery.sender, same_sender)
    for index, alert in enumerate(delivery.alerts):
        yield _name(alert, delivery, index, sops, now, senders, routes)


def deploy_of(report: DeployRequest, sops: SopLibrary) -> Deploy:
    """Return the deploy, with its service and environment in the form of an incident's scope."""
    place = with_known_service(report.place, sops.known_services)
    subject = subject_of(place, sops.environments, sops.services)
    scope = scope_of(place, subject, sops.environments)
    return Deploy(
        service=scope.service,
        name=subject.service or place.service,
        env=scope.env,
        version=report.version,
        at=report.at,
        by=report.by,
        url=report.url,
        source="http",
    )


async def named_in_steps(names: Iterator[IdentifiedAlert]) -> list[IdentifiedAlert]:
    """All of them; the event loop does other work after every 20."""
    named = []
    for name in names:
        named.append(name)
        if len(named) % ALERTS_A_STEP == 0:
            await asyncio.sleep(0)
    return named


def _senders(sender: str, same_sender: Sequence[Sequence[str]]) -> tuple[str, ...]:
    """Return that sender, then the other names of the same sender."""
    if not sender:
        return ()
    others = (other for group in same_sender if sender in group for other in group)
    return tuple(dict.fromkeys((sender, *others)))


def _name(
    alert: Alert,
    delivery: Delivery,
    index: int,
    sops: SopLibrary,
    now: datetime,
    senders: tuple[str, ...],
    routes: Sequence[Route],
) -> IdentifiedAlert:
    if alert.read_from.get("status") == BY_END and alert.ends_at and alert.ends_at <= now:
        alert = replace(alert, status=AlertStatus.RESOLVED)
    alert = with_known_service(alert, sops.known_services)
    subject = subject_of(alert, sops.environments, sops.services)
    alert = with_service_of(subject, alert)
    incident_key = correlation.key_of(alert)
    sop = sops.match(alert, incident_key)
    series_key, dedup_key = "", str(DeliveryPart(delivery.key, index))
    if delivery.repeats and alert.starts_at:
        by = f"{delivery.sender} " if delivery.sender else ""
        series_key = f"{by}{alert.source}/{alert.fingerprint}/{alert.starts_at.timestamp()}/"
        dedup_key = f"{series_key}{alert.status}/{alert.severity}/{dedup_key}"
    return IdentifiedAlert(
        alert=alert,
        scope=scope_of(alert, subject, sops.environments),
        subject=subject,
        incident_key=incident_key,
        sop_id=sop.sop_id if sop else alert.sop_id or keys.sop_id_of(incident_key),
        tracking_id=alert.tracking_id or keys.new_tracking_id(now),
        dedup_key=dedup_key,
        sop_matched=sop is not None,
        series_key=series_key,
        edit_of=DeliveryPart(delivery.edit_of, index) if delivery.edit_of else None,
        sent_at=delivery.sent_at,
        senders=senders,
        channel=""
        if delivery.posted or not delivery.routed
        else _channel_of(alert, subject, routes, sops),
    )


def _channel_of(alert: Alert, subject: Subject, routes: Sequence[Route], sops: SopLibrary) -> str:
    """Return the channel that the policy's routes choose, else that of the declared service."""
    if channel := channel_of(routes, alert, sops.environments, sops.services):
        return channel
    service = sops.services.find(subject.service) if subject.service else None
    return service.channel if service else ""
