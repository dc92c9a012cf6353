"""The query of an alert: its terms, each with the weight of the field it stands in. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from bot.retrieval.tokens import terms

NAME, TITLE, TEXT, DETAIL, LABEL, LABEL_NAME = 4.0, 3.0, 2.0, 1.0, 1.0, 1.0
FIELD_CHARS = 4_000  # of the titles, and of the other texts: a whole log comes later than that
LABEL_CHARS = 200
MOST_FIELDS = 60

_NAME_LABELS = frozenset(("alertname", "alert_name", "alert"))
_TITLE_ANNOTATIONS = frozenset(("summary", "title", "message", "subject"))
# Annotations that say in a sentence what is wrong; the others are details, such as a counter.
_TEXT_ANNOTATIONS = _TITLE_ANNOTATIONS | {"description", "text", "body", "details"}
# Labels whose values name one instance of a thing, not the kind of thing that a runbook is about.
_INSTANCE_TEXT = (
    "pod instance node host hostname ip address uid id pod_name node_name container_id image "
    "image_id namespace exported_namespace exported_instance exported_pod prometheus "
    "prometheus_replica replica cluster cluster_id region zone availability_zone env environment "
    "stage tier tenant severity priority level team owner endpoint revision version git_version "
    "from to url runbook_url dashboard generatorurl shard type"
)
_INSTANCE_LABELS = frozenset(_INSTANCE_TEXT.split())
# Names of labels that nearly every alert has: they say nothing about the fault.
_COMMON_LABELS = _INSTANCE_LABELS | {
    "job", "service", "app", "application", "component", "monitor", "rule_group", "name",
    "long_window", "short_window", "long", "short",
}  # fmt: skip
_LINK_ANNOTATIONS = ("url", "dashboard", "runbook", "link", "panel", "grafana", "query")


@dataclass(frozen=True, slots=True)
class Query:
    """An alert as retrieval sees it.

    `weights` are those of its terms. `text` is what the alert says in a sentence, for embedding,
    without the names of its instances. `core` are the terms of its name and texts, which decide
    whether a passage fits at all.
    """

    weights: Mapping[str, float]
    text: str
    core: frozenset[str] = field(default_factory=frozenset)


def build_query(
    *,
    name: str = "",
    title: str = "",
    text: str = "",
    labels: Mapping[str, str] | None = None,
    annotations: Mapping[str, str] | None = None,
) -> Query:
    """Return the query of an alert; a field that it lacks is left empty."""
    labels, annotations = labels or {}, annotations or {}
    name = name or next((labels[key] for key in labels if key.lower() in _NAME_LABELS), "")
    titles, texts, details = _texts(title, text, annotations)
    instances = _instances(labels, _INSTANCE_LABELS)
    weights: dict[str, float] = {}
    _add(weights, terms(name[:LABEL_CHARS]), NAME)
    _add(weights, _kept(titles, instances), TITLE)
    _add(weights, _kept(texts, instances), TEXT)
    core = frozenset(weights)
    _add(weights, _kept(details, instances), DETAIL)
    for key, value in list(labels.items())[:MOST_FIELDS]:
        lower = key.lower()
        if lower in _NAME_LABELS:
            continue
        if lower not in _COMMON_LABELS:
            _add(weights, terms(key[:LABEL_CHARS]), LABEL_NAME)
        if lower not in _INSTANCE_LABELS:
            _add(weights, terms(value[:LABEL_CHARS]), LABEL)
    return Query(weights, _sentence([name, *titles, *texts], _instances(labels)), core)


def _texts(
    title: str, text: str, annotations: Mapping[str, str]
) -> tuple[list[str], list[str], list[str]]:
    """Return the titles, the other texts, and the details. Without any text the details are it."""
    titles, texts = [title], [text]
    details: list[str] = []
    for key, value in list(annotations.items())[:MOST_FIELDS]:
        lower = key.lower()
        if any(word in lower for word in _LINK_ANNOTATIONS):
            continue
        kind = titles if lower in _TITLE_ANNOTATIONS else texts
        (kind if lower in _TEXT_ANNOTATIONS else details).append(value)
    if not any([*titles, *texts]):
        return titles, details, []
    return titles, texts, details


def _add(weights: dict[str, float], names: Iterable[str], weight: float) -> None:
    """Give each term the weight of the best field that it stands in."""
    for term in names:
        weights[term] = max(weights.get(term, 0.0), weight)


def _kept(texts: Iterable[str], instances: frozenset[str]) -> list[str]:
    """Return the terms of the texts without the words that are names of instances."""
    text = "\n".join(texts)[:FIELD_CHARS]
    return terms(" ".join(word for word in text.split() if _bare(word) not in instances))


def _instances(labels: Mapping[str, str], of: frozenset[str] | None = None) -> frozenset[str]:
    """Return the values of labels that look like names; only of the labels `of`, if given."""
    values = [
        value
        for key, value in list(labels.items())[:MOST_FIELDS]
        if (key.lower() in of if of is not None else key.lower() not in _NAME_LABELS)
    ]
    return frozenset(_bare(value) for value in values if "-" in value or _has_digit(value))


def _has_digit(text: str) -> bool:
    return any(character.isdigit() for character in text)


def _bare(word: str) -> str:
    return word.strip("`'\"()[]{}<>.,:;!?").casefold()


def _sentence(parts: Iterable[str], instances: frozenset[str]) -> str:
    """Return the parts without names of instances, which no vector knows."""
    kept = [
        " ".join(word for word in part.split() if _bare(word) not in instances) for part in parts
    ]
    return ". ".join(dict.fromkeys(part for part in kept if part))[:FIELD_CHARS]
