"""The parts of an alert by which a cluster is asked."""

from __future__ import annotations

from dataclasses import dataclass

from bot.incidents.model import Alert
from bot.incidents.subject import Subject


@dataclass(frozen=True, slots=True)
class About:
    """The subject of the alert. `text` holds its title and all that may name a workload."""

    namespace: str
    service: str = ""
    pod: str = ""
    text: str = ""


def about_alert(alert: Alert, subject: Subject) -> About:
    """Return the parts of the alert's subject by which a cluster is asked."""
    texts = [alert.title, alert.name, *alert.labels.values(), *alert.annotations.values()]
    return About(
        namespace=alert.labels.get("namespace", "") or subject.namespace,
        service=subject.service,
        pod=subject.pod,
        text=" ".join(texts),
    )
