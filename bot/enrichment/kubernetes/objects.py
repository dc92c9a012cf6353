"""Writes a pod that the Kubernetes API returns as JSON in the form of `kubectl describe`."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

Object = Mapping[str, Any]
MOST_CONTAINERS = 20
MOST_VARIABLES = 60
_STATE_FIELDS = {
    "reason": "Reason",
    "message": "Message",
    "exitCode": "Exit Code",
    "signal": "Signal",
    "startedAt": "Started",
    "finishedAt": "Finished",
}
_PROBES = {"livenessProbe": "Liveness", "readinessProbe": "Readiness", "startupProbe": "Startup"}
_PROBE_KINDS = {"httpGet": "http-get", "tcpSocket": "tcp-socket", "grpc": "grpc", "exec": "exec"}
_REFERENCES = {"secretKeyRef": "secret", "configMapKeyRef": "config map"}
_VOLUMES = {"persistentVolumeClaim": "claimName", "secret": "secretName", "configMap": "name"}


def pod_text(pod: Object) -> str:
    """Return the description of a pod: its state, its containers, its conditions, its volumes."""
    metadata, spec, status = (_map(pod.get(name)) for name in ("metadata", "spec", "status"))
    states = {
        state.get("name"): state
        for field in ("initContainerStatuses", "containerStatuses")
        for state in _maps(status.get(field))
    }
    lines = [
        f"Name: {metadata.get('name', '')}",
        f"Service Account: {spec.get('serviceAccountName', '')}",
        f"Node: {spec.get('nodeName', '<none>')}",
        f"Start Time: {status.get('startTime', '')}",
        f"Status: {status.get('phase', '')}",
    ]
    why = [name for name in ("reason", "message") if status.get(name)]
    lines += [f"{name.capitalize()}: {status[name]}" for name in why]
    for title, field in (("Init Containers", "initContainers"), ("Containers", "containers")):
        containers = _maps(spec.get(field))[:MOST_CONTAINERS]
        if containers:
            lines.append(f"{title}:")
        for container in containers:
            lines += _container(container, states.get(container.get("name"), {}))
    lines.append("Conditions:")
    for condition in _maps(status.get("conditions")):
        parts = (condition.get("type"), condition.get("message"), condition.get("status"))
        lines.append("  " + " ".join(str(part) for part in parts if part))
    lines += _placement(spec)
    return "\n".join(lines)


def _container(container: Object, status: Object) -> Iterator[str]:
    yield f"  {container.get('name', '')}:"
    yield f"    Image: {container.get('image', '')}"
    ports = _maps(container.get("ports"))
    texts = [f"{port.get('containerPort')}/{port.get('protocol', 'TCP')}" for port in ports]
    yield f"    Port: {', '.join(texts) or '<none>'}"
    for field in ("command", "args"):
        if tokens := _list(container.get(field)):
            yield f"    {field.capitalize()}: {' '.join(map(str, tokens))}"
    for name, field in (("State", "state"), ("Last State", "lastState")):
        yield from _state(name, _map(status.get(field)))
    yield f"    Ready: {status.get('ready', False)}"
    yield f"    Restart Count: {status.get('restartCount', 0)}"
    resources = _map(container.get("resources"))
    for field in ("limits", "requests"):
        if amounts := _map(resources.get(field)):
            yield f"    {field.capitalize()}:"
            yield from (f"      {kind}: {amount}" for kind, amount in amounts.items())
    for field, name in _PROBES.items():
        if probe := _map(container.get(field)):
            yield f"    {name}: {_probe(probe)}"
    variables = _maps(container.get("env"))[:MOST_VARIABLES]
    if variables:
        yield "    Environment:"
        yield from (f"      {_variable(variable)}" for variable in variables)


def _state(name: str, state: Object) -> Iterator[str]:
    for kind, value in state.items():
        yield f"    {name}: {str(kind).capitalize()}"
        for field, label in _STATE_FIELDS.items():
            if field in _map(value):
                yield f"      {label}: {_map(value)[field]}"


def _probe(probe: Object) -> str:
    kind = next((kind for kind in _PROBE_KINDS if kind in probe), "")
    target = _map(probe.get(kind))
    where = f":{target.get('port', '')}{target.get('path', '')}"
    if kind == "exec":
        where = f"[{' '.join(map(str, _list(target.get('command'))))}]"
    return (
        f"{_PROBE_KINDS.get(kind, kind)} {where} delay={probe.get('initialDelaySeconds', 0)}s"
        f" timeout={probe.get('timeoutSeconds', 1)}s period={probe.get('periodSeconds', 10)}s"
        f" #failure={probe.get('failureThreshold', 3)}"
    )


def _variable(variable: Object) -> str:
    """Return `NAME: value`, or the name of the secret or config map that holds it."""
    name, source = variable.get("name", ""), _map(variable.get("valueFrom"))
    for kind, noun in _REFERENCES.items():
        if reference := _map(source.get(kind)):
            key, holder = reference.get("key"), reference.get("name")
            return f"{name}: <set to the key '{key}' in {noun} '{holder}'>"
    return f"{name}: {variable.get('value', '')}"


def _placement(spec: Object) -> Iterator[str]:
    yield "Volumes:"
    for volume in _maps(spec.get("volumes")):
        for kind, field in _VOLUMES.items():
            if kind in volume:
                yield f"  {volume.get('name')}: {kind} {_map(volume[kind]).get(field, '')}"
    selectors = _map(spec.get("nodeSelector"))
    texts = ", ".join(f"{key}={value}" for key, value in selectors.items())
    yield f"Node-Selectors: {texts or '<none>'}"


def node_text(node: Object) -> str:
    """Return the control plane's view of a node: whether its kubelet reports, and its pressures."""
    lines = []
    for condition in _maps(_map(node.get("status")).get("conditions")):
        kind, is_true = condition.get("type", ""), condition.get("status") == "True"
        message = condition.get("message", "")
        if kind == "Ready":
            lines.append(f"kubelet status: {'running' if is_true else 'NotReady'} {message}")
        elif is_true:
            lines.append(f"kubelet status: unhealthy, {kind}: {message}")
    if _map(node.get("spec")).get("unschedulable"):
        lines.append("scheduling status: stopped, the node is cordoned")
    return "\n".join(lines)


def _map(value: object) -> Object:
    return value if isinstance(value, Mapping) else {}


def _list(value: object) -> list[Any]:
    return value if isinstance(value, list) else []


def _maps(value: object) -> list[Object]:
    return [item for item in _list(value) if isinstance(item, Mapping)]
