"""Reads the subject of an alert from its fields, labels and names. Pure.

An alert's labels often name what measured it instead of what is ill: the exporter, the scrape job,
a container called `app`. None of these is ever the subject. What cannot be told stays empty: a
split is better than a wrong merge.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace

from bot.incidents import names, places
from bot.incidents import subject_labels as table
from bot.incidents.environments import UNKNOWN, Environments
from bot.incidents.model import Alert
from bot.incidents.services import Catalogue, Service
from bot.incidents.subject import GUESS, Subject
from bot.incidents.titles import service_in

_NAMESPACE = re.compile(r"[a-z0-9](?:[-a-z0-9]*[a-z0-9])?")


class _Reader:
    """Reads one alert's subject, field by field; each step may use the steps before."""

    def __init__(self, alert: Alert, environments: Environments, catalogue: Catalogue) -> None:
        self.alert = alert
        self.labels = alert.labels
        self.environments = environments
        self.catalogue = catalogue
        self.read_from: dict[str, str] = {}
        self.env = self.region = ""
        self.domains: list[str] = []  # of the hosts
        self.is_declared = False
        self.namespace = ""  # in the service's name
        self.remainder = ""  # of the cluster's or environment's name, without what it says

    def subject(self) -> Subject:
        labels = self.labels
        pod = self._pod()
        namespace = self._namespace()
        workload = self._workload(pod)
        cluster = self._note("cluster", *table.first_of(labels, table.CLUSTER_LABELS))
        node = self._node()
        host = self._host()
        self._place(cluster)
        self._region_of_host()
        service = self._service(workload, namespace, bool(host or node))
        return Subject(
            env=self.env,
            region=self.region,
            service=service,
            host=host,
            node=node,
            pod=pod,
            workload=workload,
            namespace=namespace or self.namespace,
            cluster=self.remainder,
            zone=places.zone_of(labels, self.region),
            is_declared=self.is_declared,
            read_from=self.read_from,
        )

    def _note(self, field: str, value: str, where: str) -> str:
        if value:
            self.read_from[field] = where
        return value

    # Where it runs

    def _pod(self) -> str:
        pod, where = table.first_of(self.labels, table.POD_LABELS)
        if names.is_exporter(names.workload_of_pod(pod)):
            return ""  # the pod that measures
        return self._note("pod", pod, where)

    def _namespace(self) -> str:
        value, where = table.first_of(self.labels, table.NAMESPACE_LABELS)
        # The namespace of a metric (AWS/ECS) is no place.
        is_place = _NAMESPACE.fullmatch(value.lower()) is not None
        if not is_place or value.lower() in table.SHARED_NAMESPACES:
            return ""
        return self._note("namespace", value, where)

    def _workload(self, pod: str) -> str:
        labels = self.labels
        name, where = table.first_of(labels, table.WORKLOAD_LABELS)
        is_static = labels.get("owner_kind", labels.get("created_by_kind")) == "Node"
        if name and not is_static and not names.is_exporter(name):
            return self._note("workload", names.workload_of_replicaset(name), where)
        if name := labels.get("replicaset", "").strip():
            return self._note("workload", names.workload_of_replicaset(name), "label replicaset")
        if pod:
            return self._note("workload", names.workload_of_pod(pod), "pod")
        name = labels.get("job_name", "").strip()
        if name and names.is_service_name(name, "job"):
            return self._note("workload", names.workload_of_job(name), "label job_name")
        return ""

    def _node(self) -> str:
        value, where = table.first_of(self.labels, table.NODE_LABELS)
        return self._note("node", self._full(names.host_of(value)), where)

    def _full(self, host: names.Host) -> str:
        """Return the host with its domain; of an address the domain says only where it is."""
        self.domains.append(host.domain)
        is_named = host.domain and not host.name.replace(".", "").isdigit()
        return f"{host.name}.{host.domain}" if is_named else host.name

    def _host(self) -> str:
        if any(word in self.labels.get("job", "") for word in ("state-metrics", "pushgateway")):
            return ""  # its instance is the exporter's own pod
        for name in _present(table.HOST_LABELS, self.labels):
            host = names.host_of(self.labels.get(name, ""))
            if host.name:
                return self._note("host", self._full(host), f"label {name}")
        return ""

    def _region_of_host(self) -> None:
        if self.region:
            return
        for text, where in (
            *((domain, "host") for domain in self.domains),
            *((value, f"label {name}") for name, value in self.labels.items() if "arn:" in value),
        ):
            if region := places.region_inside(text):
                self.region = self._note("region", region, where)
                return

    # Environment and region

    def _place(self, cluster: str) -> None:
        alert = self.alert
        if alert.region:
            self.region = self._note(
                "region", places.region_name(alert.region), alert.read_from.get("region", "field")
            )
        if alert.env:
            self._read_env(alert.env, alert.read_from.get("env", "field"))
        if cluster:
            self._read_cluster(cluster)

    def _read_env(self, word: str, where: str) -> None:
        env, region, rest = places.split_place(word, self.environments)
        self.env = self._note("env", env or word, where)
        if region and not self.region:
            self.region = self._note("region", region, where)
        self.remainder = rest if env else ""

    def _read_cluster(self, cluster: str) -> None:
        env, region, rest = places.split_place(cluster, self.environments)
        if env and not self.env:
            self.env = self._note("env", env, self.read_from["cluster"])
        if region and not self.region:
            self.region = self._note("region", region, self.read_from["cluster"])
        self.remainder = rest or self.remainder

    # Service

    def _service(self, workload: str, namespace: str, has_host: bool) -> str:
        if source := self._data_source():
            return source
        for word, where in self._service_names(workload, has_host):
            if service := self.catalogue.find(word):
                return self._declared(service, where)
            name = self._without_place(word)
            # The Kubernetes Service of a declared `checkout` is often called `checkout-svc`.
            if service := self.catalogue.find(name) or self.catalogue.find(_without_svc(name)):
                return self._declared(service, where)
            if name:
                return self._note("service", name, where)
        if namespace and (service := self.catalogue.of_namespace(namespace)):
            return self._declared(service, "label namespace")
        return ""

    def _data_source(self) -> str:
        """Return the data source that Grafana could not query; '' for any other alert.

        Such an alert has the labels of the rule that was not evaluated: each rule of that source
        fails, and none of their services is ill.
        """
        uid = self.labels.get("datasource_uid", "")
        if self.labels.get("alertname") != "DatasourceError" or not uid:
            return ""
        return self._note("service", f"datasource-{uid}", "label datasource_uid")

    def _service_names(self, workload: str, has_host: bool) -> Iterator[tuple[str, str]]:
        """Yield every word that may name the service, the surest first."""
        alert, labels = self.alert, self.labels
        where = alert.read_from.get("service", "field")
        label = where.removeprefix("label ")
        is_label = where.startswith("label ")
        if not is_label and where != GUESS and self._is_name(alert.service, "field"):
            yield alert.service, where
        for name in _present(table.SERVICE_LABELS, labels):
            value = labels.get(name, "")
            # The parser puts what it guesses among the values of a title into this label.
            is_guess = name == "service" and where == GUESS
            if value and not is_guess and self._is_name(value, name):
                yield value, f"label {name}"
        if workload and self._is_name(workload, "workload"):
            yield workload, self.read_from["workload"]
        for name in _present(table.CONTAINER_LABELS, labels):
            if (value := labels.get(name, "")) and self._is_name(value, "container"):
                yield value, f"label {name}"
        if self._is_jobs_own(labels, has_host=has_host):
            yield labels["job"], "label job"
        if where == GUESS and (value := self._declared_value()):
            yield value, "title"
        if named := service_in(alert.title, self.environments, self.catalogue):
            yield named, "title"
        if where == GUESS and self._is_name(alert.service, "service"):
            yield alert.service, GUESS
        elif is_label and label not in table.KNOWN_LABELS and self._is_name(alert.service, label):
            yield alert.service, where

    def _declared_value(self) -> str:
        """Return the only declared service among the values of a title whose labels are unknown."""
        values = (value for name, value in self.labels.items() if name.startswith("value_"))
        declared = {
            service.name
            for value in (self.alert.service, *values)
            if (service := self.catalogue.exactly(value)) is not None
        }
        return declared.pop() if len(declared) == 1 else ""

    def _is_name(self, word: str, label: str) -> bool:
        if self.catalogue.find(word):
            return True
        if not names.is_service_name(word, label):
            return False
        return not (names.is_address(word) or (label == "field" and self._is_host(word)))

    def _is_host(self, word: str) -> bool:
        """Return True if the sender's field repeats the host that a label names."""
        host = names.host_of(word).name
        known = (self.labels.get(name, "") for name in table.HOST_LABELS if name != "instance")
        return any(names.host_of(value).name == host for value in known if value)

    def _is_jobs_own(self, labels: Mapping[str, str], *, has_host: bool) -> bool:
        """Return True if `job` names the service that is measured, and not what measures it."""
        job = labels.get("job", "")
        if not job or not self._is_name(job, "job"):
            return False
        if self.catalogue.find(job):
            return True
        port = names.host_of(labels.get("instance", "")).port
        if port and int(port) in table.EXPORTER_PORTS:
            return False
        return not (has_host and names.is_software(job))

    def _declared(self, service: Service, where: str) -> str:
        self.is_declared = True
        if service.environment and not self.env:
            self.env = self._note("env", service.environment, "catalogue")
        return self._note("service", service.name, where if where != GUESS else "catalogue")

    def _without_place(self, word: str) -> str:
        """Return the name without the environment and region at its ends.

        They must be the alert's own, or the alert must say none: `checkout-staging` in production
        is another service than `checkout`.
        """
        text = word.strip()
        if qualified := names.qualified(text):
            self.namespace, text = qualified
        if not places.may_be_at_an_end(text):
            return text
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
                if len(kept) > 1 and self._is_own_env(kept[at], is_last=at == -1):
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

    def _is_own_env(self, part: str, *, is_last: bool) -> bool:
        # dev-portal and test-runner are services.
        if part not in table.STRONG_ENVS and not (is_last and part in table.WEAK_ENVS):
            return False
        name = self.environments.name_of(part)
        own = self.environments.name_of(self.env) if self.env else ""
        if own and own == name != UNKNOWN:
            return True
        if not self.env and part in table.STRONG_ENVS:
            self.env = self._note("env", name if name != UNKNOWN else part, "service")
            return True
        return False

    def _is_own_region(self, text: str) -> bool:
        region = places.cloud_region(text)
        if not region:
            return (
                bool(self.region)
                and places.is_area(text)
                and not places.regions_contradict(text, self.region)
            )
        if not self.region:
            self.region = self._note("region", region, "service")
        return region == self.region


def _present(known: Mapping[str, None], labels: Mapping[str, str]) -> Iterable[str]:
    return () if known.keys().isdisjoint(labels) else known


def _without_svc(name: str) -> str:
    parts = names.parts_of(name)
    return "-".join(parts[:-1] if len(parts) > 1 and parts[-1] == "svc" else parts)


def subject_of(alert: Alert, environments: Environments, catalogue: Catalogue) -> Subject:
    """Return what the alert is about, and where each part was read."""
    return _Reader(alert, environments, catalogue).subject()


def with_service_of(subject: Subject, alert: Alert) -> Alert:
    """Return the alert with its subject's service if its own word names none.

    Else the card, the incident key and the actions of an SOP would name the exporter that measured
    it, or `app`.
    """
    label = alert.read_from.get("service", "field").removeprefix("label ")
    where = subject.read_from.get("service", GUESS)
    if where == GUESS or names.is_service_name(alert.service, label):
        return alert
    read_from = {**alert.read_from, "service": where}
    return replace(alert, service=subject.service, read_from=read_from)
