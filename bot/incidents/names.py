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
_SEPARATORS = re.compile(r"[\s_\-/]+")


def parts_of(name: str) -> list[str]:
    """Return the parts of a name in lower case: `CheckoutApi`, `checkout_api` and `checkout-api`
    are equal.
    """
    split = _CAMEL.sub("-", name[:LONGEST]) if not name.islower() else name[:LONGEST]
    return [part for part in _SEPARATORS.split(split.lower()) if part]


# Regions

# A region in one spelling, by cloud: eu-west-1 (AWS), europe-west1 (Google Cloud), westeurope
# (Azure). A zone of it has a letter behind.
_REGION = re.compile(
    r"((?:us|eu|ap|sa|ca|me|af|il|mx|cn)(?:-gov|-iso[a-z]?)?-(?:north|south|east|west|central)"
    r"[a-z]{0,9}-[0-9])[a-f]?"
    r"|((?:us|europe|asia|australia|northamerica|southamerica|africa|me)-[a-z]{3,12}[0-9]{1,2})"
    r"(?:-[a-f])?"
)
# Amazon's own short codes: euw1, use1, apse2.
_SHORT = re.compile(r"(us|eu|ap|sa|ca|me|af)(ne|nw|se|sw|n|s|e|w|c)([0-9])")
_DIRECTIONS = {
    "n": "north", "s": "south", "e": "east", "w": "west", "c": "central", "ne": "northeast",
    "nw": "northwest", "se": "southeast", "sw": "southwest",
}  # fmt: skip
# An operator's own word for a part of the world: eu, eu1, us-2, eu-west.
_AREA = re.compile(
    r"(eu|us|ap|apac|emea|uk|de|fr|ca|sa|latam|me|af|au|asia|europe|jp|in|sg|ie)"
    r"-?(north|south|east|west|central)?-?([0-9]{0,2})"
)
_CONTINENT = {"europe": "eu", "emea": "eu", "asia": "ap", "apac": "ap", "australia": "au"}


@lru_cache(maxsize=2048)
def region_name(word: str) -> str:
    """Return a region in one spelling, a zone as its region; any other word in lower case."""
    text = _SEPARATORS.sub("-", word[:LONGEST].strip().lower())
    if region := cloud_region(text):
        return region
    # Azure writes `West Europe` and `westeurope`.
    return text if any(map(str.isdigit, text)) else text.replace("-", "")


@lru_cache(maxsize=2048)
def cloud_region(text: str) -> str:
    """Return the region if the text is a cloud's region, its zone or its short code; else ''."""
    if match := _REGION.fullmatch(text):
        return match[1] or match[2]
    if match := _SHORT.fullmatch(text):
        return f"{match[1]}-{_DIRECTIONS[match[2]]}-{match[3]}"
    return ""


def regions_contradict(first: str, second: str) -> bool:
    """Return True if no region can have both names. An unknown name contradicts nothing, nor does
    `eu` or `eu1` the region eu-west-1.
    """
    if "" in (first, second) or first == second:
        return False
    area, other = _area(first), _area(second)
    if area is None or other is None:
        return True
    clouds = cloud_region(first), cloud_region(second)
    if all(clouds):
        return True
    if area[0] != other[0]:
        return True
    if any(clouds):
        # The number of an operator's own word (eu1) is not that of the cloud's (eu-west-1).
        return bool(area[1] and other[1] and area[1] != other[1])
    return any(a and b and a != b for a, b in zip(area[1:], other[1:], strict=True))


@lru_cache(maxsize=2048)
def _area(region: str) -> tuple[str, str, str] | None:
    """Return (continent, direction, number) of a region's name."""
    match = re.match(r"(us|eu|ap|sa|ca|me|af|il|mx|cn|europe|asia|australia)-(.*)", region)
    if match and cloud_region(region):
        direction = re.match(r"[a-z]*", match[2].removeprefix("gov-"))
        return _CONTINENT.get(match[1], match[1]), direction[0] if direction else "", ""
    if match := _AREA.fullmatch(region):
        return _CONTINENT.get(match[1], match[1]), match[2] or "", match[3]
    return None


@lru_cache(maxsize=2048)
def is_area(text: str) -> bool:
    """Return True if the word is an operator's own word for a region: `eu1`, `us`, `eu-west`."""
    return _AREA.fullmatch(text) is not None


@lru_cache(maxsize=2048)
def region_inside(text: str) -> str:
    """Return the cloud region in an ARN or a host's name, between dots, colons or slashes."""
    for part in re.split(r"[.:/]", text[:LONGEST].lower()):
        if region := cloud_region(part):
            return region
    return ""


# Pods and workloads

# Kubernetes picks the letters of a hash so that they form no word.
_SAFE = "bcdfghjklmnpqrstvwxz2456789"
_HASH = re.compile(rf"(?=[a-z]*[0-9])[a-z0-9]{{6,10}}|[{_SAFE}]{{8,10}}")
_SUFFIX = re.compile(rf"(?=[a-z]*[0-9])[a-z0-9]{{5}}|[{_SAFE}]{{5}}")
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
    if len(parts) > 1 and _SUFFIX.fullmatch(parts[-1]):
        parts.pop()
        if len(parts) > 1 and (_HASH.fullmatch(parts[-1]) or _ORDINAL.fullmatch(parts[-1])):
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


# Exporters, scrape jobs and containers that say nothing about the service


def _terms(text: str) -> frozenset[str]:
    return frozenset(text.split())


_EXPORTERS = _terms(
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
_NO_NAMES = _terms(
    "app application main server service services svc container containers default unknown none"
    " null n/a na undefined pod pods node nodes instance instances target targets host hosts job"
    " jobs http https metrics http-metrics https-metrics grpc tcp scrape federate - _ prod"
    " production staging test dev"
)
_CONTAINERS = _NO_NAMES | _terms(
    "api web worker backend frontend proxy sidecar agent manager controller init operator daemon"
    " istio-proxy istio-init envoy linkerd-proxy linkerd-init kube-rbac-proxy oauth2-proxy"
    " cloud-sql-proxy cloudsql-proxy vault-agent vault-agent-init nginx config-reloader reloader"
    " daprd consul-connect-envoy-sidecar fluent-bit git-sync xray-daemon php-fpm gunicorn uwsgi"
    " celery puma java node python cron scheduler runner migrations job base"
)
_SOFTWARE = _terms(
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
