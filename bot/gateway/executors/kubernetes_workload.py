"""The live state of one workload: replicas, images, revisions, pods, and how far a rollout is."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote

from bot.gateway.errors import ExecutorError
from bot.gateway.executors.kubernetes_api import BAD_REQUEST, NO_OBJECT, Api, Object, path_of
from bot.gateway.executors.kubernetes_target import KubernetesTarget
from bot.gateway.executors.remote import UNREACHABLE, label

_REVISION = "deployment.kubernetes.io/revision"
_HASH = "pod-template-hash"
_LOG_BYTES = 4_194_304


@dataclass(frozen=True, slots=True)
class Revision:
    """One earlier or the present version of a workload's pods."""

    number: int
    template: Object

    @property
    def images(self) -> str:
        """Return the images of its containers, for people."""
        return images_of(self.template)


@dataclass(frozen=True, slots=True)
class Workload:
    """One reading of a workload."""

    path: str
    kind: str
    value: Object

    @property
    def uid(self) -> str:
        """Return the id that no other object ever has."""
        return str(self.value["metadata"]["uid"])

    @property
    def generation(self) -> int:
        """Return the number that rises with each change of the specification."""
        return int(self.value["metadata"]["generation"])

    @property
    def template(self) -> Object:
        """Return the description of its pods."""
        return dict(self.value["spec"]["template"])

    @property
    def status(self) -> Mapping[str, Any]:
        """Return the state that its controller wrote."""
        return self.value.get("status") or {}

    @property
    def replicas(self) -> int:
        """Return how many pods there shall be; of a DaemonSet, one on each fitting node."""
        if self.kind == "daemonset":
            return self._count("desiredNumberScheduled")
        replicas = self.value["spec"].get("replicas")
        return 1 if replicas is None else int(replicas)

    @property
    def ready(self) -> int:
        """Return how many pods are ready."""
        return self._count("numberReady" if self.kind == "daemonset" else "readyReplicas")

    @property
    def selector(self) -> str:
        """Return its label selector, as a query has it."""
        selector = self.value["spec"].get("selector") or {}
        parts = [f"{name}={value}" for name, value in (selector.get("matchLabels") or {}).items()]
        for rule in selector.get("matchExpressions") or ():
            values = ",".join(rule.get("values") or ())
            key, operator = rule["key"], rule["operator"]
            parts.append(
                {
                    "In": f"{key} in ({values})",
                    "NotIn": f"{key} notin ({values})",
                    "Exists": key,
                }.get(operator, f"!{key}")
            )
        return ",".join(parts)

    def state(self) -> str:
        """Return its state as a part of one line."""
        return f"{self.ready} of {self.replicas} replicas ready, {images_of(self.template)}"

    def rolled_out(self) -> bool:
        """Return True if every pod is of the present version and available.

        The conditions are those of `kubectl rollout status`.
        """
        status = self.status
        if not self.observed:
            return False
        if self.kind == "daemonset":
            return (
                self._count("updatedNumberScheduled") == self.replicas
                and self._count("numberAvailable") >= self.replicas
            )
        total = self._count("replicas")
        if self.kind == "statefulset":
            same = status.get("updateRevision") == status.get("currentRevision")
            return same and total == self.ready == self.replicas
        updated, available = self._count("updatedReplicas"), self._count("availableReplicas")
        return total == updated == self.replicas and available >= self.replicas

    def scaled(self) -> bool:
        """Return True if it has as many pods as it shall, and all are ready."""
        return self.observed and self._count("replicas") == self.ready == self.replicas

    def given_up(self) -> str:
        """Return why its controller has stopped the rollout, '' while it goes on."""
        conditions = self.status.get("conditions") or () if self.observed else ()
        for condition in conditions:
            if condition.get("reason") == "ProgressDeadlineExceeded":
                return label(condition.get("message"), 300).rstrip(".")
        return ""

    @property
    def observed(self) -> bool:
        """Return True if its controller has seen the last change of the specification."""
        return int(self.status.get("observedGeneration") or 0) >= self.generation

    @property
    def unchangeable(self) -> str:
        """Return why it makes no new pods for a new version, '' if it does."""
        spec = self.value["spec"]
        if spec.get("paused"):
            return "its rollout is paused"
        if (spec.get("updateStrategy") or {}).get("type") == "OnDelete":
            return "its update strategy is OnDelete"
        return ""

    def progress(self) -> int:
        """Return how many pods have the present version."""
        name = "updatedNumberScheduled" if self.kind == "daemonset" else "updatedReplicas"
        return self._count(name)

    def _count(self, name: str) -> int:
        return int(self.status.get(name) or 0)


class Reader:
    """Reads what belongs to one target's workload."""

    def __init__(self, api: Api, target: KubernetesTarget) -> None:
        self._api = api
        self._target = target
        self._apps = path_of("apis", "apps", "v1", "namespaces", target.namespace)
        self._core = path_of("api", "v1", "namespaces", target.namespace)

    def pod_path(self, pod: str) -> str:
        """Return the path of a pod of the target's namespace."""
        return self._core + path_of("pods", pod)

    async def workload(self) -> Workload:
        """Read the workload; ExecutorError NO_OBJECT if it does not exist."""
        path = self._apps + path_of(f"{self._target.kind}s", self._target.workload)
        workload = Workload(path, self._target.kind, await self._api.get(path))
        try:
            _ = workload.uid, workload.generation, workload.template, workload.selector
        except (KeyError, TypeError, ValueError, AttributeError):
            raise ExecutorError(UNREACHABLE, "Kubernetes' workload lacks a field") from None
        return workload

    async def pods(self, workload: Workload) -> list[Object]:
        """Return the pods whose controller is this workload, by name."""
        owners = {workload.uid}
        if workload.kind == "deployment":
            owners = {
                owned["metadata"]["uid"] for owned in await self._owned(workload, "replicasets")
            }
        pods = await self._api.items(self._core + "/pods", labelSelector=workload.selector)
        owned = [pod for pod in pods if _owner_of(pod) in owners]
        return sorted(owned, key=name_of)

    async def unready(self, workload: Workload) -> list[Object]:
        """Return the pods that are not ready."""
        return [pod for pod in await self.pods(workload) if not is_ready(pod)]

    async def revisions(self, workload: Workload) -> list[Revision]:
        """Return the workload's versions, the present one first."""
        if workload.kind == "deployment":
            revisions = [
                Revision(int(number), _without_hash(owned["spec"]["template"]))
                for owned in await self._owned(workload, "replicasets")
                if (number := (owned["metadata"].get("annotations") or {}).get(_REVISION))
            ]
        else:
            revisions = [
                Revision(int(owned["revision"]), _without_directive(owned))
                for owned in await self._owned(workload, "controllerrevisions")
            ]
        return sorted(revisions, key=lambda revision: revision.number, reverse=True)

    async def events(self, workload: Workload, pods: Sequence[Object]) -> list[Object]:
        """Return the events of the workload, its replica sets and its pods, the oldest first."""
        names = {name_of(pod) for pod in pods} | {self._target.workload}
        if workload.kind == "deployment":
            names |= {name_of(owned) for owned in await self._owned(workload, "replicasets")}
        events = await self._api.items(self._core + "/events")
        ours = [event for event in events if event.get("involvedObject", {}).get("name") in names]
        return sorted(ours, key=_seen_at)

    async def logs(self, pods: Sequence[Object], lines: int, most_chars: int) -> str:
        """Return the last lines of these pods, each under its name, and the end of a long log.

        The server's own limit keeps the beginning of the lines that were asked for.
        """
        container = self._target.container
        more = f"&container={quote(container, safe='')}" if container else ""
        query = f"?tailLines={lines}&limitBytes={_LOG_BYTES}{more}"
        paths = [self.pod_path(name_of(pod)) + f"/log{query}" for pod in pods]
        texts = await asyncio.gather(*(self._log(path) for path in paths))
        return "\n".join(
            f"== {name_of(pod)}\n{text.rstrip()[-most_chars:]}"
            for pod, text in zip(pods, texts, strict=True)
        )

    async def _log(self, path: str) -> str:
        try:
            return await self._api.text(path)
        except ExecutorError as error:  # a pod that waits for its image has no log yet
            if error.code in (BAD_REQUEST, NO_OBJECT):
                return error.message
            raise

    async def _owned(self, workload: Workload, resource: str) -> list[Object]:
        path = f"{self._apps}/{resource}"
        items = await self._api.items(path, labelSelector=workload.selector)
        return [item for item in items if _owner_of(item) == workload.uid]


def name_of(thing: Object) -> str:
    """Return an object's name."""
    return str(thing["metadata"]["name"])


def images_of(template: Object) -> str:
    """Return the images of a pod's containers, for people."""
    containers = (template.get("spec") or {}).get("containers") or ()
    return ", ".join(label(container.get("image")) for container in containers)


def troubles(pods: Sequence[Object]) -> str:
    """Return why pods are not ready: "web-1: CrashLoopBackOff", at most five of them."""
    lines = []
    for pod in pods:
        status = pod.get("status") or {}
        for container in status.get("containerStatuses") or ():
            state = container.get("state") or {}
            halted = state.get("waiting") or state.get("terminated")
            if halted:
                lines.append(f"{name_of(pod)}: {label(halted.get('reason'))}")
        if not status.get("containerStatuses"):
            lines.append(f"{name_of(pod)}: {label(status.get('phase'))}")
    return "; ".join(lines[:5])


def event_line(event: Object) -> str:
    """Return one event as a line."""
    about = event.get("involvedObject") or {}
    count = event.get("count") or 1
    return (
        f"{_seen_at(event)} {label(event.get('type'))} {label(event.get('reason'))} "
        f"{label(about.get('kind'))}/{label(about.get('name'), 253)}: "
        f"{label(event.get('message'), 300)}" + (f" ({count} times)" if count != 1 else "")
    )


def is_ready(pod: Object) -> bool:
    """Return True if the pod takes requests."""
    conditions = (pod.get("status") or {}).get("conditions") or ()
    return any(c.get("type") == "Ready" and c.get("status") == "True" for c in conditions)


def _owner_of(thing: Object) -> str:
    for owner in thing["metadata"].get("ownerReferences") or ():
        if owner.get("controller"):
            return str(owner.get("uid"))
    return ""


def _without_hash(template: Object) -> Object:
    metadata = dict(template.get("metadata") or {})
    labels = {name: v for name, v in (metadata.get("labels") or {}).items() if name != _HASH}
    return {**template, "metadata": {**metadata, "labels": labels}}


def _without_directive(revision: Object) -> Object:
    template = revision["data"]["spec"]["template"]
    return {name: value for name, value in template.items() if name != "$patch"}


def _seen_at(event: Object) -> str:
    created = event["metadata"].get("creationTimestamp")
    return str(event.get("lastTimestamp") or event.get("eventTime") or created or "")
