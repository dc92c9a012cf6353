"""The subject of an alert: the service it is about, and where that runs. Pure.

An alert's labels often name what measured it instead of what is ill: the exporter, the scrape job,
a container called `app`. None of these is ever the subject. What cannot be told stays empty: a
split is better than a wrong merge.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from functools import lru_cache

from bot.incidents import names
from bot.incidents.environments import UNKNOWN, Environments
from bot.incidents.keys import normalise
from bot.incidents.model import Alert
from bot.incidents.services import Catalogue, Service, spelling

GUESS = "guess"


@dataclass(frozen=True, slots=True)
class Scope:
    """The normalised fields that two alerts of one incident share; '-' is unknown.

    `place` tells apart what has one name twice: the cluster, and the domain of a host; '' if
    unknown.
    """

    env: str
    region: str
    service: str
    category: str
    place: str = ""

    def is_at(self, other: Scope) -> bool:
        """Return True if environment, region and place of both are equal."""
        return (self.env, self.region, self.place) == (other.env, other.region, other.place)

    def narrowed_by(self, other: Scope) -> Scope:
        """Return this scope with the environment, region and place that only the other one knows.

        An incident whose region is unknown takes in one region, not each of them.
        """
        region = _known(self.region)
        is_vague = not region or (
            not names.cloud_region(region) and names.cloud_region(_known(other.region))
        )
        ours, theirs = _parts(self.place), _parts(other.place)
        place = "|".join(own or known for own, known in zip(ours, theirs, strict=True))
        return replace(
            self,
            env=other.env if self.env == "-" else self.env,
            region=other.region if is_vague and other.region != "-" else self.region,
            place="" if place == "|" else place,
        )

    def contradicts(self, other: Scope) -> bool:
        """Return True if the environment, region or place of both are known to differ."""
        return not self.is_at(other) and (
            ("-" not in (self.env, other.env) and self.env != other.env)
            or names.regions_contradict(_known(self.region), _known(other.region))
            or any(
                a and b and a != b
                for a, b in zip(_parts(self.place), _parts(other.place), strict=True)
            )
        )


def _known(part: str) -> str:
    return "" if part == "-" else part.replace("_", "-")


def _parts(place: str) -> tuple[str, str]:
    cluster, _, domain = place.partition("|")
    return cluster, domain


@dataclass(frozen=True, slots=True)
class Subject:
    """The subject of one alert. Every field is '' if unknown.

    `service` is the declared name, else the sender's word without its environment and region.
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
    read_from: Mapping[str, str] = field(default_factory=dict)

    @property
    def runs_on(self) -> str:
        """Return the short name of its node, else of its host; '' if unknown."""
        return names.host_of(self.node or self.host).name


_SERVICE_LABELS = (
    "service", "service_name", "svc", "app", "application", "app_kubernetes_io_name",
    "label_app_kubernetes_io_name", "app_kubernetes_io_instance", "k8s_app", "label_app",
    "destination_service_name", "dag_id", "component", "project", "monitor",
)  # fmt: skip
_WORKLOAD_LABELS = (
    "workload", "deployment", "statefulset", "daemonset", "rollout", "cronjob", "owner_name",
    "created_by_name", "kube_deployment", "kube_stateful_set", "kube_daemon_set",
    "k8s_deployment_name", "k8s_statefulset_name", "k8s_daemonset_name",
)  # fmt: skip
_POD_LABELS = ("pod", "pod_name", "kubernetes_pod_name", "k8s_pod_name", "exported_pod")
_NODE_LABELS = ("node", "node_name", "kubernetes_node", "k8s_node_name", "nodename")
_HOST_LABELS = ("host", "hostname", "host_name", "instance", "server", "InstanceId", "instance_id")
_NAMESPACE_LABELS = (
    "namespace", "kubernetes_namespace", "k8s_namespace_name", "kube_namespace",
    "exported_namespace",
)  # fmt: skip
_CLUSTER_LABELS = ("cluster", "kubernetes_cluster", "k8s_cluster_name", "kube_cluster_name")
_CONTAINER_LABELS = ("container", "container_name", "k8s_container_name")
_ENV_LABELS = ("env", "environment", "deployment_environment", "stage")
_STRONG_ENVS = frozenset({
    "prod", "production", "prd", "staging", "stg", "preprod", "preproduction", "uat",
})  # fmt: skip
_WEAK_ENVS = frozenset({"dev", "development", "test", "testing", "tst", "qa", "stage", "live"})
_CLUSTER_WORDS = frozenset({"k8s", "kube", "kubernetes", "eks", "gke", "aks", "cluster"})
_NOT = frozenset({"non", "not", "no"})  # non-prod
_EXPORTER_PORTS = range(9100, 10_000)


def _first(labels: Mapping[str, str], known: tuple[str, ...]) -> tuple[str, str]:
    for name in known:
        if value := labels.get(name, "").strip():
            return value, f"label {name}"
    return "", ""


class _Reader:
    """Reads one alert's subject, field by field; each step may use the steps before."""

    def __init__(self, alert: Alert, environments: Environments, catalogue: Catalogue) -> None:
        self.alert = alert
        self.labels = alert.labels
        self.environments = environments
        self.catalogue = catalogue
        self.read_from: dict[str, str] = {}
        self.env = self.region = ""
        self.remainder = ""  # of the cluster's or environment's name, without what it says

    def subject(self) -> Subject:
        labels = self.labels
        pod = self._pod()
        namespace = self._note("namespace", *_first(labels, _NAMESPACE_LABELS))
        workload = self._workload(pod)
        cluster = self._note("cluster", *_first(labels, _CLUSTER_LABELS))
        node = self._node()
        host = self._host()
        self._place(cluster)
        self._region_of_host(host or node)
        service = self._service(workload, namespace, bool(host or node))
        return Subject(
            env=self.env,
            region=self.region,
            service=service,
            host=host,
            node=node,
            pod=pod,
            workload=workload,
            namespace=namespace,
            cluster=self.remainder,
            read_from=self.read_from,
        )

    def _note(self, field: str, value: str, where: str) -> str:
        if value:
            self.read_from[field] = where
        return value

    # Where it runs

    def _pod(self) -> str:
        pod, where = _first(self.labels, _POD_LABELS)
        if names.is_exporter(names.workload_of_pod(pod)):
            return ""  # the pod that measures
        return self._note("pod", pod, where)

    def _workload(self, pod: str) -> str:
        labels = self.labels
        name, where = _first(labels, _WORKLOAD_LABELS)
        if name and not names.is_exporter(name):
            return self._note("workload", names.workload_of_replicaset(name), where)
        name, where = _first(labels, ("replicaset",))
        if name:
            return self._note("workload", names.workload_of_replicaset(name), where)
        if pod:
            return self._note("workload", names.workload_of_pod(pod), "pod")
        name, where = _first(labels, ("job_name",))
        if name and names.is_service_name(name, "job"):
            return self._note("workload", names.workload_of_job(name), where)
        return ""

    def _node(self) -> str:
        value, where = _first(self.labels, _NODE_LABELS)
        return self._note("node", _full(names.host_of(value)), where)

    def _host(self) -> str:
        if "state-metrics" in self.labels.get("job", ""):
            return ""  # its instance is the exporter's own pod
        for name in _HOST_LABELS:
            host = names.host_of(self.labels.get(name, ""))
            if host.name:
                return self._note("host", _full(host), f"label {name}")
        return ""

    def _region_of_host(self, host: str) -> None:
        if self.region:
            return
        for text, where in (
            (host, "host"),
            *((value, f"label {name}") for name, value in self.labels.items() if "arn:" in value),
        ):
            if region := names.region_inside(text):
                self.region = self._note("region", region, where)
                return

    # Environment and region

    def _place(self, cluster: str) -> None:
        alert = self.alert
        if alert.region:
            self.region = self._note(
                "region", names.region_name(alert.region), alert.read_from.get("region", "field")
            )
        if alert.env:
            self._read_env(alert.env, alert.read_from.get("env", "field"))
        if cluster:
            self._read_cluster(cluster)

    def _read_env(self, word: str, where: str) -> None:
        env, region, rest = split_place(word, self.environments)
        self.env = self._note("env", env or word, where)
        if region and not self.region:
            self.region = self._note("region", region, where)
        self.remainder = rest if env else ""

    def _read_cluster(self, cluster: str) -> None:
        env, region, rest = split_place(cluster, self.environments)
        if env and not self.env:
            self.env = self._note("env", env, self.read_from["cluster"])
        if region and not self.region:
            self.region = self._note("region", region, self.read_from["cluster"])
        self.remainder = rest or self.remainder

    # Service

    def _service(self, workload: str, namespace: str, has_host: bool) -> str:
        for word, where in self._service_names(workload, has_host):
            if service := self.catalogue.find(word):
                return self._declared(service, where)
            name = self._without_place(word)
            if service := self.catalogue.find(name):
                return self._declared(service, where)
            if name:
                return self._note("service", name, where)
        if namespace and (service := self.catalogue.of_namespace(namespace)):
            return self._declared(service, "label namespace")
        return ""

    def _service_names(self, workload: str, has_host: bool) -> Iterator[tuple[str, str]]:
        """Yield every word that may name the service, the surest first."""
        alert, labels = self.alert, self.labels
        where = alert.read_from.get("service", "field")
        label = where.removeprefix("label ")
        is_label = where.startswith("label ")
        if not is_label and where != GUESS and self._is_name(alert.service, "service"):
            yield alert.service, where
        for name in _SERVICE_LABELS:
            if (value := labels.get(name, "")) and self._is_name(value, name):
                yield value, f"label {name}"
        if workload and self._is_name(workload, "workload"):
            yield workload, self.read_from["workload"]
        for name in _CONTAINER_LABELS:
            if (value := labels.get(name, "")) and self._is_name(value, "container"):
                yield value, f"label {name}"
        if self._is_jobs_own(labels, has_host=has_host):
            yield labels["job"], "label job"
        if where == GUESS and self._is_name(alert.service, "service"):
            yield alert.service, GUESS
        elif is_label and label not in _KNOWN_LABELS and self._is_name(alert.service, label):
            yield alert.service, where

    def _is_name(self, word: str, label: str) -> bool:
        if self.catalogue.find(word):
            return True
        if not names.is_service_name(word, label):
            return False
        return not _looks_like_host(word, self.labels)

    def _is_jobs_own(self, labels: Mapping[str, str], *, has_host: bool) -> bool:
        """Return True if `job` names the service that is measured, and not what measures it."""
        job = labels.get("job", "")
        if not job or not self._is_name(job, "job"):
            return False
        if self.catalogue.find(job):
            return True
        port = names.host_of(labels.get("instance", "")).port
        if port and int(port) in _EXPORTER_PORTS:
            return False
        return not (has_host and names.is_software(job))

    def _declared(self, service: Service, where: str) -> str:
        if service.environment and not self.env:
            self.env = self._note("env", service.environment, "catalogue")
        return self._note("service", service.name, where if where != GUESS else "catalogue")

    def _without_place(self, word: str) -> str:
        """Return the name without the environment and region at its ends.

        They must be the alert's own, or the alert must say none: `checkout-staging` in production
        is another service than `checkout`.
        """
        text = word.strip()
        if match := _cluster_dns(text):
            text, namespace = match
            self._note("namespace", namespace, "service")
        elif "/" in text:
            text = text.rpartition("/")[2] or text
        parts = names.parts_of(text)
        kept = self._strip_ends(parts)
        if kept == parts:
            return text
        return "-".join(kept)

    def _strip_ends(self, parts: list[str]) -> list[str]:
        kept = list(parts)
        has_changed = True
        while has_changed and len(kept) > 1:
            has_changed = False
            for at in (-1, 0):
                if len(kept) > 1 and self._is_own_env(kept[at]):
                    kept.pop(at)
                    has_changed = True
            for size in (3, 2, 1):
                if len(kept) > size and self._is_own_region("-".join(kept[-size:])):
                    del kept[-size:]
                    has_changed = True
                    break
                if len(kept) > size and self._is_own_region("-".join(kept[:size])):
                    del kept[:size]
                    has_changed = True
                    break
        return kept if not (len(kept) == 1 and kept[0].isdigit()) else parts

    def _is_own_env(self, part: str) -> bool:
        if part not in _STRONG_ENVS and part not in _WEAK_ENVS:
            return False
        name = self.environments.name_of(part)
        own = self.environments.name_of(self.env) if self.env else ""
        if own and own == name != UNKNOWN:
            return True
        if not self.env and part in _STRONG_ENVS:
            self.env = self._note("env", name if name != UNKNOWN else part, "service")
            return True
        return False

    def _is_own_region(self, text: str) -> bool:
        region = names.cloud_region(text)
        if not region:
            return bool(self.region) and names.is_area(text) and text == self.region
        if not self.region:
            self.region = self._note("region", region, "service")
        return region == self.region


_KNOWN_LABELS = frozenset({
    *_SERVICE_LABELS, *_WORKLOAD_LABELS, *_POD_LABELS, *_NODE_LABELS, *_HOST_LABELS,
    *_CONTAINER_LABELS, "job", "job_name", "device", "replicaset",
})  # fmt: skip


def _cluster_dns(text: str) -> tuple[str, str] | None:
    """Return (service, namespace) of `checkout.shop.svc.cluster.local`."""
    parts = text.partition(":")[0].split(".")
    if len(parts) >= 3 and parts[2] == "svc":
        return parts[0], parts[1]
    return None


def _full(host: names.Host) -> str:
    return f"{host.name}.{host.domain}" if host.domain else host.name


def _looks_like_host(word: str, labels: Mapping[str, str]) -> bool:
    """Return True if the word is an address, or the host that another label names."""
    host = names.host_of(word)
    if not host.name:
        return ":" in word
    if host.port or host.name.replace(".", "").isdigit():
        return True
    return any(
        names.host_of(labels[name]).name == host.name
        for name in (*_NODE_LABELS, *_HOST_LABELS)
        if labels.get(name)
    )


@lru_cache(maxsize=2048)
def split_place(word: str, environments: Environments) -> tuple[str, str, str]:
    """Return (environment, region, rest) of the name of an environment or a cluster.

    `prod-eu1` is (production, eu1, ''); `shop-prod-eu-west-1` is (production, eu-west-1, shop).
    The environment is a declared name, '' if the word holds none, or two.
    """
    parts = names.parts_of(word)
    env, parts = _take_env(parts, environments)
    region = ""
    for size in (3, 2, 1):
        for start in range(len(parts) - size + 1):
            piece = "-".join(parts[start : start + size])
            area = names.cloud_region(piece) or (piece if env and names.is_area(piece) else "")
            if area and not region:
                region = area
                parts = parts[:start] + parts[start + size :]
    rest = [part for part in parts if part not in _CLUSTER_WORDS]
    if not env and (name := environments.name_of("-".join(names.parts_of(word)))) != UNKNOWN:
        env = name
    return env, region, normalise("-".join(rest)) if rest else ""


def _take_env(parts: list[str], environments: Environments) -> tuple[str, list[str]]:
    """Return the one environment that the parts name, and the other parts."""
    taken: dict[str, list[str]] = {}
    at = 0
    rest: list[str] = []
    while at < len(parts):
        for size in (2, 1):
            piece = parts[at : at + size]
            env = environments.declared("-".join(piece)) if len(piece) == size else ""
            if env and not (rest and rest[-1] in _NOT):
                taken.setdefault(env, []).extend(piece)
                at += size
                break
        else:
            rest.append(parts[at])
            at += 1
    if len(taken) != 1:
        return "", parts
    return next(iter(taken)), rest


def subject_of(alert: Alert, environments: Environments, catalogue: Catalogue) -> Subject:
    """Return what the alert is about, and where each part was read."""
    return _Reader(alert, environments, catalogue).subject()


def scope_of(alert: Alert, subject: Subject, environments: Environments) -> Scope:
    """Return the scope of an alert with that subject.

    Without a service it is the workload, else the host or node. An alert without any of these has
    a scope of its own: nothing says that another one is about the same thing.
    """
    declared = environments.name_of(subject.env) if subject.env else UNKNOWN
    env = normalise(declared if declared != UNKNOWN else subject.env)
    host = names.host_of(subject.node or subject.host)
    domain = ""
    if subject.service:
        service = spelling(subject.service)
        if subject.read_from.get("service") == GUESS:
            service = f"{service}?{normalise(alert.source)}"
    elif subject.workload:
        service = f"workload {spelling(subject.workload)}"
    elif host.name:
        service, domain = f"host {host.name}", host.domain
    else:
        service = f"{normalise(alert.name)} {alert.fingerprint}".strip()
    place = f"{subject.cluster}|{domain}" if subject.cluster or domain else ""
    return Scope(
        env,
        normalise(subject.region),
        service,
        normalise(alert.category or alert.name),
        place,
    )
