"""Guesses values that a sender did not state, from its labels and words. All tables are here."""

from __future__ import annotations

import re
from collections.abc import Mapping
from functools import lru_cache

from bot.incidents.environments import folded
from bot.incidents.names import is_exporter
from bot.incidents.places import cloud_region
from bot.incidents.severity_words import known_severity
from bot.intake.cleaning import parse_words

# The first category of this list with a word of the name wins. Things come before symptoms, so that
# PostgresDown is about the database and ServiceDown about availability.
_CATEGORIES: tuple[tuple[str, str], ...] = (
    ("certificate", "certificate cert certs tls ssl x509"),
    ("cpu", "cpu load throttling throttled"),
    ("memory", "memory mem oom oomkilled oomkill ram swap heap"),
    ("disk", "disk disks filesystem volume inode inodes storage pvc persistentvolume space"),
    ("queue", "queue queues kafka rabbitmq nats sqs consumer lag backlog messages"),
    (
        "database",
        (
            "database databases db postgres postgresql pg mysql mariadb mongo mongodb redis sql rds"
            " replication deadlock deadlocks cassandra clickhouse oracle"
        ),
    ),
    ("auth", "auth login logins oauth iam ldap sso authentication unauthorized"),
    ("security", "security intrusion malware vulnerability bruteforce"),
    ("network", "network packet packets dns bandwidth interface nic tcp bgp vpn"),
    ("pipeline", "dag dags airflow etl spark pipeline"),
    ("deploy", "deploy deployment deployments rollout release imagepullbackoff replicas"),
    ("latency", "latency slow slowness duration response p50 p90 p95 p99 timeout timeouts"),
    ("errors", "error errors exception exceptions failure failures 5xx 4xx 500 panic crash"),
    (
        "availability",
        (
            "down unavailable unreachable up absent health healthcheck unhealthy crashloop looping"
            " crashlooping restart restarts restarting notready probe outage offline heartbeat"
            " target availability alive dead"
        ),
    ),
)
_CATEGORY_OF = {
    word: (rank, category)
    for rank, (category, synonyms) in enumerate(_CATEGORIES)
    for word in synonyms.split()
}
_CATEGORY_NAMES = frozenset(category for category, _ in _CATEGORIES)
# Words of an alert's name that do not identify a service.
_FILLER = parse_words(
    "alarm alert alerts high low critical warning too many is on for of the rate usage utilization "
    "utilisation percent count total threshold check monitor status"
)
_WORD = re.compile(r"[A-Z]+(?=[A-Z][a-z])|[A-Z]?[a-z]+[0-9]*|[A-Z]+[0-9]*|[0-9]+[a-z]*")

ENV_LABELS = ("env", "environment", "deployment_environment", "deployment.environment", "stage")
# These hold an environment only if their value has the form of one.
_ENV_HINTS = (
    "cluster",
    "cluster_name",
    "kubernetes_cluster",
    "namespace",
    "kubernetes_namespace",
    "datacenter",
)
_ENV_SYNONYMS = {
    word: name
    for name, synonyms in {
        "prod": (
            "production produktion produktiv produktivumgebung produção producción"
            " produzione producao produccion esercizio 本番 本番環境 プロダクション 生产"
            " 生产环境 生產 生產環境 线上 正式环境"
        ),
        "staging": "stg stage recette homologação homologacao préproduction ステージング 预发",
        "dev": "development entwicklung desarrollo développement desenvolvimento sviluppo 開発",
        "test": "testing testumgebung pruebas collaudo 検証 検証環境 テスト 测试 测试环境 測試",
    }.items()
    for word in synonyms.split()
}
_ENV_NAMES = parse_words("prod staging preprod uat qa dev test sandbox")  # in any case of letters
# dev-portal and test-runner are services: behind these words the rest must be a place or a number.
_ENV_TOKEN = re.compile(
    r"(?:prod|production|staging|stage|stg|preprod|uat)(?:[-_.][a-z0-9_.-]+|[0-9]*)"
    r"|(?:dev|development|test|testing|qa|sandbox|int)"
    r"(?:[0-9]+|[-_.](?:[0-9]+|(?:eu|us|ap|uk|de|ca|sa|me|af|east|west|north|south|central)"
    r"[a-z0-9-]*))?",
    re.IGNORECASE,
)
_ENV_INSIDE = re.compile(
    r"(?:^|[-_.])(prod|production|staging|stg|preprod|uat|dev|qa)(?=[-_.]|$)", re.IGNORECASE
)

REGION_LABELS = ("region", "aws_region", "cloud_region", "location", "zone", "availability_zone")

SERVICE_LABELS = (
    "service",
    "service_name",
    "service.name",
    "app",
    "application",
    "app_kubernetes_io_name",
    "app.kubernetes.io/name",
    "k8s.deployment.name",
    "deployment",
    "statefulset",
    "daemonset",
    "container",
    "container_name",
    "container.name",
    "dag_id",
    "job",
    "job_name",
    "component",
    "project",
    "repo",
    "repository",
    "monitor",
    "host",
    "hostname",
    "nodename",
    "instance",
    "device",
)
_ADDRESS = re.compile(r"\[?(?=[0-9A-Fa-f]*[.:])[0-9A-Fa-f:.]+(?:\](?::\d+)?)?|[\w.-]+:\d{2,5}")
LONGEST = 300  # characters of a stranger's word that are read; no meaningful word is longer

SEVERITY_LABELS = ("severity", "priority", "level", "sev", "criticality")
# "error", "high" and "page" are also plain words, so they count only alone.
_PLAIN_SEVERITY = re.compile(
    r"\b(critical|crit|fatal|disaster|emergency|warning|warn|major|minor|informational"
    r"|sev-?[1-4]|p[1-4])\b",
    re.IGNORECASE,
)
_LOUD_SEVERITY = re.compile(
    r"[\[(](critical|error|high|medium|low|info|notice)[\])]|\b(ERROR|HIGH|MEDIUM|LOW|INFO)\b"
    r"|^\W*(error|info|notice|high|low)\s*[:|-]",
    re.IGNORECASE,
)


def category_of(name: str) -> str:
    """Return the category of the first known word of `name` (CamelCase is split), or ''."""
    return _category_of(name[:300])


@lru_cache(maxsize=1024)  # the alerts of a burst have the same few names
def _category_of(name: str) -> str:
    best: tuple[int, str] | None = None
    for word in _WORD.findall(name):
        rank_and_category = _CATEGORY_OF.get(word.lower())
        if rank_and_category is not None and (best is None or rank_and_category < best):
            best = rank_and_category
    return best[1] if best else ""


def is_category(word: str) -> bool:
    """Return True if the word is a category's own name, such as `latency`."""
    return word.lower() in _CATEGORY_NAMES


_STORES = parse_words("db database postgres postgresql mysql mariadb redis mongo mongodb")


def subject_of(name: str) -> str:
    """Return the service in an alert's name: `shop-cart` for `prod-shop-cart-cpu-high`.

    Environment words at the start, and category or filler words at the end, are removed; but
    `orders-db` is a store, and not a fault of `orders`.
    """
    text = name[:LONGEST].strip()
    parts = [part for part in re.split(r"[-_\s/]+", text) if part]
    while parts and (parts[-1].lower() in _CATEGORY_OF or parts[-1].lower() in _FILLER):
        before = text[: text.rfind(parts[-1])]
        if parts[-1].lower() in _STORES and before.endswith(("-", "_")):
            break
        parts.pop()
    first = next(
        (at for at, part in enumerate(parts) if not _ENV_TOKEN.fullmatch(part)), len(parts)
    )
    return "-".join(parts[first:])


def looks_like_env(token: str) -> bool:
    """Return True if a bare word names an environment: `prod`, `prod-eu1`, `dev-2`; not
    `dev-portal`.
    """
    return len(token) <= LONGEST and _ENV_TOKEN.fullmatch(token) is not None


def looks_like_region(token: str) -> bool:
    """Return True if a bare word is a cloud region or zone, with its dashes."""
    return "-" in token and len(token) <= LONGEST and bool(cloud_region(token.lower()))


def looks_like_address(token: str) -> bool:
    """Return True if a bare word is an IP address or a host with a port."""
    if len(token) > LONGEST or not (":" in token or "." in token):
        return False
    return _ADDRESS.fullmatch(token) is not None


def env_word(value: str) -> str:
    """Return an environment in one spelling: production is prod, stage and stg are staging."""
    if len(value) > LONGEST:
        return value[:LONGEST].strip()
    name = folded(value)
    return _ENV_SYNONYMS.get(name, name if name in _ENV_NAMES else value.strip())


def env_of(labels: Mapping[str, str]) -> tuple[str, str]:
    """Return (environment, its label): the environment label, else a cluster, namespace or host
    with the form of one; ("", "") without either.
    """
    if not labels:
        return "", ""
    for name in ENV_LABELS:
        if (value := labels.get(name)) and not says_nothing(value):
            return env_word(value), name
    for name in _ENV_HINTS:
        if (value := labels.get(name)) and looks_like_env(value):
            return env_word(value), name
    for name in (*_ENV_HINTS, "host", "hostname", "instance"):
        if (value := labels.get(name)) and (inside := env_inside(value)):
            return inside, name
    return "", ""


def env_inside(name: str) -> str:
    """Return the environment word between the dashes of a name (`db-prod-02`: prod), or ''."""
    match = _ENV_INSIDE.search(name[:300])
    return env_word(match[1].lower()) if match else ""


def says_nothing(value: str) -> bool:
    """Return True for what templates write where they have no value: `unknown`, `n/a`, a bare tag's
    `true`.
    """
    return not value or (len(value) <= 10 and value.strip().lower() in _NOTHING)


_NOTHING = parse_words("- -- unknown n/a na none null true false") | {"", "<no value>"}


def region_of(labels: Mapping[str, str]) -> tuple[str, str]:
    """Return (region, its label), or ("", "")."""
    region, label = _first_of(REGION_LABELS, labels)
    return ("", "") if says_nothing(region) or looks_like_env(region) else (region, label)


def service_of(labels: Mapping[str, str]) -> tuple[str, str]:
    """Return (service, its label): the first of SERVICE_LABELS that is not an address.

    An exporter counts only if no other label names a service.
    """
    measured_by = ("", "")
    of_run = "" if _RUN_LABELS.isdisjoint(labels) else _project_of(labels)
    for name in SERVICE_LABELS:
        if of_run and name == "job":
            continue  # a step of a run of the project
        value = labels.get(name, "")
        if says_nothing(value) or looks_like_address(value):
            continue
        if not is_exporter(value):
            return (of_run, name) if of_run and name in _PROJECT_LABELS else (value, name)
        measured_by = measured_by if measured_by[0] else (value, name)
    return measured_by


_RUN_LABELS = frozenset(("branch", "workflow", "ref", "commit"))
_PROJECT_LABELS = ("project", "repo", "repository")


def _project_of(labels: Mapping[str, str]) -> str:
    """Return the name of the project of a run: `ledger` for the repository `acme/ledger`."""
    text = next((labels[name] for name in _PROJECT_LABELS if labels.get(name)), "")
    name = text.rstrip("/").rsplit("/", 1)[-1].removesuffix(".git")
    return "" if says_nothing(name) else name


# As for names; a token comes from the first 1,000 characters of a headline.
@lru_cache(maxsize=1024)
def is_service_word(token: str) -> bool:
    """Return True if a bare label value may be a service: no address, exporter, path or number."""
    if looks_like_address(token) or is_exporter(token):
        return False
    return token[:1].isalpha() and "/" not in token and token.lower() not in _PORT_NAMES


_PORT_NAMES = parse_words("http https metrics http-metrics https-metrics web grpc tcp")


def severity_in(labels: Mapping[str, str]) -> str:
    """Return the raw severity word of the labels, or ''."""
    if severity := _first_of(SEVERITY_LABELS, labels)[0]:
        return severity
    return next((labels[name] for name in labels if name.endswith(_SEVERITY_ENDINGS)), "")


_SEVERITY_ENDINGS = ("_severity", "_priority")  # "Trigger severity: High"


_WORDS_OF_SEVERITY = re.compile(r"[^\W\d_]+[ -]?[0-9]?")
_NUMBERED = re.compile(r"S([1-5])\b")  # "S1 Triggered"
_EMOJI_NAME = re.compile(r":[a-z0-9_+'-]{1,60}:", re.IGNORECASE)


@lru_cache(maxsize=1024)  # a burst repeats the same few words
def severity_spoken(text: str) -> str:
    """Return the known severity word inside a sender's text, else the text itself.

    `:octagonal_sign: Critical`, `P1 - Critical`, `SEV-2`, `Priority: High`, `WARNING!`.
    """
    text = text[:LONGEST].strip()
    if known_severity(text) is not None:
        return text
    if numbered := _NUMBERED.match(text):
        return f"sev{numbered[1]}"
    for match in _WORDS_OF_SEVERITY.finditer(_EMOJI_NAME.sub(" ", text)):
        word: str = match[0]
        for candidate in (word.replace(" ", "").replace("-", ""), word.rstrip(" -0123456789")):
            if known_severity(candidate) is not None:
                return candidate
    return text


def _first_of(names: tuple[str, ...], labels: Mapping[str, str]) -> tuple[str, str]:
    if not labels:
        return "", ""
    for name in names:
        if value := labels.get(name):
            return value, name
    return "", ""


def severity_word(text: str) -> str:
    """Return a word of a headline that can only be a severity, or ''."""
    text = text[:300]
    for pattern in (_PLAIN_SEVERITY, _LOUD_SEVERITY):
        if match := pattern.search(text):
            word = next(group for group in match.groups() if group)
            return word.replace("-", "").lower()
    return ""
