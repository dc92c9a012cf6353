"""The metrics and labels that a PromQL expression names."""

from __future__ import annotations

import re

from prometheus_client import CollectorRegistry

_WORDS = frozenset(
    {"sum", "min", "max", "avg", "count", "by", "without", "on", "ignoring", "and", "or", "unless"}
    | {"offset", "bool", "rate", "increase", "irate", "delta", "histogram_quantile", "absent"}
    | {"max_over_time", "min_over_time", "avg_over_time", "time", "vector", "clamp_min", "topk"}
)
_ENDS = {
    "counter": ("_total",),
    "histogram": ("_bucket", "_sum", "_count"),
    "gauge": ("",),
    "summary": ("_sum", "_count"),
}


def metrics_of(expression: str) -> set[str]:
    """Return each name that is no function, keyword, label or number."""
    bare = re.sub(r'"[^"]*"|\$\w+', "", expression)
    bare = re.sub(r"\{[^}]*\}|\[[^\]]*\]", "", bare)
    bare = re.sub(r"\b(?:by|without|on|ignoring)\s*\([^)]*\)", "", bare)
    return set(re.findall(r"\b[a-z_][a-z0-9_]*\b", bare)) - _WORDS


def labels_of(expression: str) -> set[str]:
    """Return each label that a selector or a grouping names."""
    selectors = re.findall(r"[{,]\s*(\w+)\s*(?:=~|!~|!=|=)", re.sub(r'"[^"]*"', '""', expression))
    groups = re.findall(r"\b(?:by|without|on|ignoring)\s*\(([^)]*)\)", expression)
    return {*selectors, *(name.strip() for group in groups for name in group.split(","))}


def exported(registry: CollectorRegistry) -> set[str]:
    """Return each name that Prometheus stores of what this registry can show."""
    return {
        family.name + end for family in registry.collect() for end in _ENDS.get(family.type, ("",))
    }
