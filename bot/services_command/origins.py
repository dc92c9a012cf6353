"""Reads services from other catalogues: Backstage's catalog-info.yaml, and Kubernetes' objects."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from typing import Any

import yaml

from bot.errors import InputError
from bot.incidents.names import is_exporter
from bot.incidents.services import spelling
from bot.services_command.draft import Seen, SeenService

_BACKSTAGE = ("component", "resource")
_WORKLOADS = ("deployment", "statefulset", "daemonset", "cronjob", "rollout")
_NAME_LABELS = ("app.kubernetes.io/name", "app", "k8s-app")


def from_backstage(text: str) -> Seen:
    """Read components and resources: names, titles, owners, `dependsOn` and namespaces.

    InputError if the text is not YAML.
    """
    try:
        documents = list(yaml.safe_load_all(text))
    except (yaml.YAMLError, RecursionError, ValueError) as error:
        raise InputError("not YAML") from error
    seen: Seen = {}
    for document in documents:
        entity = _mapping(document)
        if str(entity.get("kind", "")).lower() not in _BACKSTAGE:
            continue
        metadata, spec = _mapping(entity.get("metadata")), _mapping(entity.get("spec"))
        service = _named(seen, metadata.get("name"))
        if service is None:
            continue
        annotations = _mapping(metadata.get("annotations"))
        for alias in (metadata.get("title"), annotations.get("backstage.io/kubernetes-id")):
            if isinstance(alias, str) and alias.strip():
                service.names[alias.strip()] += 1
        if isinstance(namespace := annotations.get("backstage.io/kubernetes-namespace"), str):
            service.namespaces[namespace] += 1
        service.owner = _reference(spec.get("owner"))
        calls = spec.get("dependsOn")
        for item in calls if isinstance(calls, list) else ():
            if (name := _reference(item)) and spelling(name) != spelling(service.name):
                service.calls.add(name)
    return seen


def _reference(value: Any) -> str:
    """Return the name of a Backstage reference: `orders-db` of `resource:default/orders-db`."""
    return value.rpartition(":")[2].rpartition("/")[2].strip() if isinstance(value, str) else ""


def from_kubernetes(text: str) -> Seen:
    """Read workloads of `kubectl get deployments,statefulsets,… -A -o json`.

    InputError if the text is not JSON.
    """
    try:
        document = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise InputError("not JSON: use kubectl get … -o json") from error
    seen: Seen = {}
    labelled: dict[str, set[str]] = {}
    for item in _items(document):
        metadata = _mapping(item.get("metadata"))
        name = metadata.get("name")
        if str(item.get("kind", "")).lower() not in _WORKLOADS or not isinstance(name, str):
            continue
        service = None if is_exporter(name) else _named(seen, name)
        if service is None:
            continue
        if isinstance(namespace := metadata.get("namespace"), str):
            service.namespaces[namespace] += 1
        labels = _mapping(metadata.get("labels"))
        for label in _NAME_LABELS:
            if isinstance(alias := labels.get(label), str):
                labelled.setdefault(alias, set()).add(spelling(name))
    for alias, keys in labelled.items():
        # A label that several workloads share names a group of them, and none.
        if len(keys) == 1 and spelling(alias) not in seen:
            seen[next(iter(keys))].names[alias] += 1
    return seen


def _items(document: Any) -> Iterator[Mapping[str, Any]]:
    items = _mapping(document).get("items", [document])
    for item in items if isinstance(items, list) else ():
        yield _mapping(item)


def _named(seen: Seen, name: Any) -> SeenService | None:
    if not isinstance(name, str) or not name.strip():
        return None
    service = seen.setdefault(spelling(name), SeenService(own_name=name.strip()))
    service.names[name.strip()] += 1
    return service


def _mapping(value: Any) -> Mapping[str, Any]:
    return value if isinstance(value, Mapping) else {}
