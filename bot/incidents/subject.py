"""The subject of an alert: the service it is about, and where that runs. Pure.

An alert's labels often name what measured it instead of what is ill: the exporter, the scrape job,
a container called `app`. None of these is ever the subject. What cannot be told stays empty: a
split is better than a wrong merge.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import lru_cache

from bot.incidents import names, places
from bot.incidents.environments import UNKNOWN, Environments
from bot.incidents.keys import normalise
from bot.incidents.model import Alert
from bot.incidents.services import spelling
from bot.incidents.troubles import is_of_one_machine

GUESS = "guess"


@dataclass(frozen=True, slots=True)
class Scope:
    """The normalised fields that two alerts of one incident share; '-' is unknown.

    `place` tells apart what has one name twice: the cluster, the Kubernetes namespace, the domain
    of a host, and for a trouble of one machine that machine, as `cluster|namespace|domain|machine`
    (without the last part if it is unknown); '' if all are unknown.
    """

    env: str
    region: str
    service: str
    category: str
    place: str = ""

    def is_at(self, other: Scope) -> bool:
        """Return True if environment, region and place of both are equal."""
        return (self.env, self.region, self.place) == (other.env, other.region, other.place)

    @lru_cache(maxsize=1024)  # noqa: B019 - a scope is a value; the alerts of a burst have few
    def narrowed_by(self, other: Scope) -> Scope:
        """Return this scope with the environment, region and place that only the other one knows.

        An incident whose region is unknown takes in one region, not each of them.
        """
        region = _known(self.region)
        is_vague = not region or (
            not places.cloud_region(region) and places.cloud_region(_known(other.region))
        )
        ours, theirs = _parts(self.place), _parts(other.place)
        return Scope(
            other.env if self.env == "-" else self.env,
            other.region if is_vague and other.region != "-" else self.region,
            self.service,
            self.category,
            _place(*(own or known for own, known in zip(ours, theirs, strict=True))),
        )

    def contradicts(self, other: Scope, *, namespaces: bool = True) -> bool:
        """Return True if the environment, region or place of both are known to differ.

        Without `namespaces` it does not compare these: a service calls those of other namespaces.
        """
        return not self.is_at(other) and (
            self.is_of_another_region(other) or self._is_in_another_place(other, namespaces)
        )

    def is_of_another_region(self, other: Scope) -> bool:
        """Return True if the environment or region of both are known to differ."""
        if (self.env, self.region) == (other.env, other.region):
            return False
        return ("-" not in (self.env, other.env) and self.env != other.env) or (
            places.regions_contradict(_known(self.region), _known(other.region))
        )

    def _is_in_another_place(self, other: Scope, namespaces: bool) -> bool:
        cluster, namespace, domain, machine = (
            bool(a and b and a != b)
            for a, b in zip(_parts(self.place), _parts(other.place), strict=True)
        )
        return cluster or domain or machine or (namespaces and namespace)


def _known(part: str) -> str:
    return "" if part == "-" else part.replace("_", "-")


def _parts(place: str) -> tuple[str, str, str, str]:
    cluster, namespace, domain, machine = (*place.split("|"), "", "", "", "")[:4]
    return cluster, namespace, domain, machine


def _place(cluster: str, namespace: str, domain: str, machine: str) -> str:
    place = f"{cluster}|{namespace}|{domain}"
    if machine:
        return f"{place}|{machine}"
    return place if cluster or namespace or domain else ""


@dataclass(frozen=True, slots=True)
class Subject:
    """The subject of one alert. Every field is '' if unknown.

    `service` is the declared name if `is_declared`, else the sender's word without its environment
    and region.
    `read_from` says by field where it was read: `field`, `label NAME`, `title`, `service` (from
    the service's name), `catalogue`, `pod`, `host` or `guess`.
    """

    env: str = ""
    region: str = ""
    service: str = ""
    host: str = ""
    node: str = ""
    pod: str = ""
    workload: str = ""
    namespace: str = ""
    cluster: str = ""
    zone: str = ""
    is_declared: bool = False
    read_from: Mapping[str, str] = field(default_factory=dict)

    @property
    def runs_on(self) -> str:
        """Return the short name of its node, else of its host; '' if unknown."""
        return names.host_of(self.node or self.host).name


_READ = 200  # characters of a title
_NAME = re.compile(r"(?<![A-Za-z0-9])[A-Za-z0-9]++(?:[-_][A-Za-z0-9]++)+")


def _is_only_name(alert: Alert) -> bool:
    """Return True if the guessed service is the only word of several parts in the title, and the
    only value there that may name a service: else the guess may be that service's namespace.
    """
    values = (value for name, value in alert.labels.items() if name.startswith("value_"))
    if any("/" not in value and names.is_service_name(value) for value in values):
        return False
    named = {spelling(word) for word in _NAME.findall(alert.title[:_READ])}
    return named == {spelling(alert.service)}


def scope_of(alert: Alert, subject: Subject, environments: Environments) -> Scope:
    """Return the scope of an alert with that subject.

    Behind a guessed service stands `?` and who guessed, behind one of several words `??`.
    Without a service it is the workload, else the host or node. An alert without any of these has
    a scope of its own: nothing says that another one is about the same thing.
    """
    declared = environments.name_of(subject.env) if subject.env else UNKNOWN
    env = normalise(declared if declared != UNKNOWN else subject.env)
    host = names.host_of(subject.node or subject.host)
    namespace = places.without_env(subject.namespace, environments)
    domain = machine = ""
    if subject.service:
        service = spelling(subject.service)
        if subject.read_from.get("service") == GUESS:
            mark = "?" if _is_only_name(alert) else "??"
            service = f"{service}{mark}{normalise(alert.source)}"
        elif subject.is_declared:
            namespace = ""  # one name for one service, wherever it runs
        if host.name and is_of_one_machine(alert):
            machine = host.name  # the disks of two hosts fill for two reasons
    elif subject.workload:
        service = f"workload {spelling(subject.workload)}"
    elif host.name:
        service, namespace, domain = f"host {host.name}", "", host.domain
    else:
        service = f"{normalise(alert.name)} {alert.fingerprint}".strip()
    return Scope(
        env,
        normalise(subject.region),
        service,
        normalise(alert.category or names.without_severity(alert.name)),
        _place(subject.cluster, namespace, domain, machine),
    )
