"""Deploys of services: which of them are the probable cause of an incident. Pure."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

from bot.incidents.cascades import DEPLOY_WINDOW, happened_at, service_of
from bot.incidents.correlation import IdentifiedAlert
from bot.incidents.model import AlertStatus
from bot.incidents.troubles import Trouble, trouble_of

UNKNOWN = "-"
_FLUX_KINDS = frozenset({"helmrelease", "kustomization"})
_VERSION_LABELS = ("version", "revision", "tag", "image_tag", "sync_revision", "sha", "commit")
VERSION_CHARS = 100


@dataclass(frozen=True, slots=True, kw_only=True)
class Deploy:
    """One deploy of a service. `env` and `service` have the form of `Scope`; env may be `-`.

        `name` is the service as people write it, `by` a name for people, `url` leads to its page,
    `source` says who reported it; `version`, `by` and `url` may be ''.
    """

    service: str
    name: str
    env: str
    version: str
    at: datetime
    by: str
    url: str
    source: str


@dataclass(frozen=True, slots=True)
class Symptom:
    """The parts of an incident that a deploy which caused it shares."""

    service: str
    env: str
    trouble: Trouble
    at: datetime


def is_cause(deploy: Deploy, symptom: Symptom) -> bool:
    """Return True if the deploy is the probable cause: 15 min before an acute trouble at most."""
    return (
        symptom.trouble is Trouble.ACUTE
        and deploy.service == symptom.service
        and (deploy.env == symptom.env or UNKNOWN in (deploy.env, symptom.env))
        and symptom.at - DEPLOY_WINDOW <= deploy.at <= symptom.at
    )


def cause_among(deploys: Iterable[Deploy], symptoms: Iterable[Symptom]) -> Deploy | None:
    """Return the newest deploy that is the probable cause of one of the symptoms."""
    known = list(symptoms)
    causes = [deploy for deploy in deploys if any(is_cause(deploy, item) for item in known)]
    return max(causes, key=lambda deploy: deploy.at, default=None)


def deploy_in(identified_alert: IdentifiedAlert, now: datetime) -> Deploy | None:
    """Return the deploy that an alert of GitHub, GitLab, Argo CD, Flux or another reports, or None.

    One that failed counts too: it may have changed half of a service.
    """
    alert, service = identified_alert.alert, service_of(identified_alert.scope)
    if not service or trouble_of(alert) is not Trouble.DEPLOY:
        return None
    if alert.source == "argocd" and not (
        alert.name.endswith("sync failed") or "new version" in alert.text[:1_000].lower()
    ):
        return None  # the health of an application is a symptom
    if alert.source == "flux" and alert.labels.get("kind", "") not in _FLUX_KINDS:
        return None
    ended = alert.ends_at if alert.status is AlertStatus.RESOLVED else None
    version = next((alert.labels[name] for name in _VERSION_LABELS if alert.labels.get(name)), "")
    return Deploy(
        service=service,
        name=alert.service or service,
        env=identified_alert.scope.env,
        version=version[:VERSION_CHARS],
        at=min(ended or happened_at(identified_alert, now), now),
        by=alert.labels.get("author", "")[:VERSION_CHARS],
        url=alert.links[0].url if alert.links else "",
        source=alert.source,
    )
