"""Words in the names of services, hosts, pods and clusters: which part names which thing.

Every function takes one bare word from a stranger, reads at most `LONGEST` characters of it, and
returns '' if the word does not have the form.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import lru_cache

LONGEST = 300

_CAMEL = re.compile(r"(?<=[a-z0-9])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])")
SEPARATORS = re.compile(r"[\s_\-/.,;|()\[\]]+")


def terms_of(text: str) -> frozenset[str]:
    """Return the words of a text."""
    return frozenset(text.split())


def parts_of(name: str) -> list[str]:
    """Return the parts of a name in lower case: `CheckoutApi`, `checkout_api` and `checkout-api`
    are equal.
    """
    return list(_parts_of(name))


@lru_cache(maxsize=4096)  # the alerts of a burst share few names
def _parts_of(name: str) -> tuple[str, ...]:
    split = _CAMEL.sub("-", name[:LONGEST]) if not name.islower() else name[:LONGEST]
    return tuple(part for part in SEPARATORS.split(split.lower()) if part)


# Only words that are a severity and nothing else: `MemoryHigh` is a trouble.
_SEVERITY_AT_END = re.compile(
    r"(?<=[a-z0-9])(?:Critical|Crit|Warning|Warn)"
    r"|(?<![\s_\-:/|(\[])[\s_\-:/|(\[]{1,8}(?i:critical|crit|warning|warn)[)\]]?"
)


@lru_cache(maxsize=1024)
def without_severity(alert_name: str) -> str:
    """Return an alert's name without the severity at its end: `QueueLag` of `QueueLagCritical`."""
    for match in _SEVERITY_AT_END.finditer(alert_name[:LONGEST]):
        if match.end() == len(alert_name):
            return alert_name[: match.start()] or alert_name
    return alert_name


# Pods and workloads

# Kubernetes picks the letters of a hash so that they form no word.
_SAFE = "bcdfghjklmnpqrstvwxz2456789"
_HASH = re.compile(rf"(?=[a-z]*[0-9])[a-z0-9]{{6,10}}|[{_SAFE}]{{8,10}}")
_SUFFIX = re.compile(rf"(?=[a-z]*[0-9])[a-z0-9]{{5}}|[{_SAFE}]{{5}}")
_AFTER_HASH = re.compile(r"[a-z0-9]{5}")
_ORDINAL = re.compile(r"0|[1-9][0-9]{0,3}")
_SCHEDULED = re.compile(r"[0-9]{8,10}")


@lru_cache(maxsize=4096)
def workload_of_pod(pod: str) -> str:
    """Return the workload of a pod's name: `checkout-api` of `checkout-api-7d9f8b6c5-x2x9k`,
    `orders-db` of `orders-db-0`; a name without such an ending as it is.
    """
    parts = pod[:LONGEST].strip().lower().split("-")
    if len(parts) > 1 and _ORDINAL.fullmatch(parts[-1]):
        return "-".join(parts[:-1])
    has_hash = len(parts) > 2 and _HASH.fullmatch(parts[-2]) is not None
    if has_hash and _AFTER_HASH.fullmatch(parts[-1]):
        return "-".join(parts[:-2])
    if len(parts) > 1 and _SUFFIX.fullmatch(parts[-1]):
        parts.pop()
        if len(parts) > 1 and _ORDINAL.fullmatch(parts[-1]):
            parts.pop()
    return "-".join(parts)


@lru_cache(maxsize=2048)
def workload_of_job(job: str) -> str:
    """Return the cron job of a job's name: `backup` of `backup-28123456`; any other as it is."""
    name, dash, last = job[:LONGEST].strip().lower().rpartition("-")
    return name if dash and name and _SCHEDULED.fullmatch(last) else job[:LONGEST].strip().lower()


@lru_cache(maxsize=2048)
def workload_of_replicaset(name: str) -> str:
    """Return the deployment of a replica set's name: `web` of `web-7d9f8b6c5`."""
    text = name[:LONGEST].strip().lower()
    rest, dash, last = text.rpartition("-")
    return rest if dash and rest and _HASH.fullmatch(last) else text


# Hosts


@dataclass(frozen=True, slots=True)
class Host:
    """A host: its short name or address, its domain and the port, each '' if absent."""

    name: str
    domain: str = ""
    port: str = ""


_NO_HOST = Host("")
_IPV4 = re.compile(r"[0-9]{1,3}(?:\.[0-9]{1,3}){3}")
_AMAZON = re.compile(r"ip-([0-9]{1,3}(?:-[0-9]{1,3}){3})")
_HOST_NAME = re.compile(r"[a-z0-9](?:[a-z0-9_-]{0,62})(?:\.[a-z0-9_-]{1,63}){0,12}")
_OURSELVES = frozenset({"localhost", "0.0.0.0", "::1", "::"})  # noqa: S104 - compared, not bound
_PORT = re.compile(r"[0-9]{1,5}")


@lru_cache(maxsize=4096)
def host_of(word: str) -> Host:
    """Return the host of `10.0.0.1:9100`, `web-1.example.org`, `https://web-1/health`; no name if
    the word is no host, and for localhost. Amazon's ip-10-0-0-1 is 10.0.0.1.
    """
    text = word[:LONGEST].strip().lower().rstrip(".")
    text = text.partition("://")[2].partition("/")[0] if "://" in text else text
    name, port = text, ""
    if text.startswith("["):
        name, _, rest = text[1:].partition("]")
        port = rest.removeprefix(":")
    elif text.count(":") == 1:
        name, _, port = text.partition(":")
    if (port and not _PORT.fullmatch(port)) or name in _OURSELVES or name.startswith("127."):
        return _NO_HOST
    if _IPV4.fullmatch(name) or (name.count(":") > 1 and re.fullmatch(r"[0-9a-f:.]+", name)):
        return Host(name, "", port)
    if not _HOST_NAME.fullmatch(name):
        return _NO_HOST
    short, _, domain = name.partition(".")
    if match := _AMAZON.fullmatch(short):
        return Host(match[1].replace("-", "."), domain, port)
    return Host(short, domain, port)


def is_address(word: str) -> bool:
    """Return True if the word is an address, or a host with a port."""
    host = host_of(word)
    return bool(host.port or host.name.replace(".", "").isdigit()) or ":" in word


# shop/checkout, but not checkout/v2.
_IN_NAMESPACE = re.compile(r"([a-z0-9-]{1,63})/(?!v?[0-9.]+$)([A-Za-z0-9_.-]{1,100})")


def qualified(service: str) -> tuple[str, str] | None:
    """Return (namespace, name) of `shop/checkout` and of `checkout.shop.svc.cluster.local`."""
    if match := _IN_NAMESPACE.fullmatch(service[:LONGEST]):
        return match[1], match[2]
    parts = service[:LONGEST].partition(":")[0].split(".")
    return (parts[1], parts[0]) if len(parts) >= 3 and parts[2] == "svc" else None


# Exporters, scrape jobs and containers that say nothing about the service


_EXPORTERS = terms_of(
    "kubelet cadvisor node prometheus pushgateway alertmanager grafana-agent alloy statsd telegraf"
    " netdata collectd fluentd promtail filebeat metricbeat node-problem-detector metrics-server"
    " otel-collector opentelemetry-collector datadog-agent vmagent victoria-metrics thanos windows"
    " kube-state-metrics snmp ipmi smartctl dcgm"
)
_SCRAPE_JOB = re.compile(
    r"kubernetes-(?:pods|nodes|services|service-endpoints|apiservers|cadvisor|ingresses)[\w-]*"
    r"|(?:servicemonitor|podmonitor|probe|scrapeconfig|integrations)/.*"
    r"|(?:ec2|consul|static|file|docker|gce|azure|dns)[-_]sd.*"
)
_NO_NAMES = terms_of(
    "app application main server service services svc container containers default unknown none"
    " null n/a na undefined pod pods node nodes instance instances target targets host hosts job"
    " jobs http https metrics http-metrics https-metrics grpc tcp scrape federate - _ prod"
    " production staging test dev"
)
_CONTAINERS = _NO_NAMES | terms_of(
    "api web worker backend frontend proxy sidecar agent manager controller init operator daemon"
    " istio-proxy istio-init envoy linkerd-proxy linkerd-init kube-rbac-proxy oauth2-proxy"
    " cloud-sql-proxy cloudsql-proxy vault-agent vault-agent-init nginx config-reloader reloader"
    " daprd consul-connect-envoy-sidecar fluent-bit git-sync xray-daemon php-fpm gunicorn uwsgi"
    " celery puma java node python cron scheduler runner migrations job base"
)
_SOFTWARE = terms_of(
    "mysql mysqld mariadb postgres postgresql redis memcached mongodb mongo kafka zookeeper"
    " rabbitmq nats nginx apache haproxy traefik elasticsearch opensearch cassandra clickhouse"
    " etcd consul vault jmx blackbox pgbouncer varnish ceph minio linux windows docker vm vms hosts"
    " servers machines baremetal"
)


@lru_cache(maxsize=4096)
def is_exporter(word: str) -> bool:
    """Return True for an exporter or scrape job: it measures other services."""
    text = word[:LONGEST].strip().lower()
    return (
        text in _EXPORTERS
        or "exporter" in text
        or "kube-prometheus" in text
        or text.startswith("blackbox")
        or text.endswith(("kube-state-metrics", "-prometheus"))
        or _SCRAPE_JOB.fullmatch(text) is not None
    )


@lru_cache(maxsize=4096)  # the alerts of a burst share few names
def is_service_name(word: str, label: str = "service") -> bool:
    """Return True if a word read from that label can name a service; `container` and `job` name
    many things that are none.
    """
    text = word[:LONGEST].strip().lower()
    if not text or not any(map(str.isalpha, text)) or is_exporter(text):
        return False
    if label in ("container", "container_name"):
        return text not in _CONTAINERS
    return text not in _NO_NAMES


def is_software(word: str) -> bool:
    """Return True for a scrape job that is named after the software or machines it measures."""
    return word[:LONGEST].strip().lower() in _SOFTWARE
