"""The exact change of a workload: what is sent, what it relies on, and what takes it back."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from pydantic import JsonValue

from bot.gateway import actions
from bot.gateway.errors import ExecutorError, NotAllowed
from bot.gateway.executors import Call
from bot.gateway.executors.kubernetes_api import NO_OBJECT, Object, Operation
from bot.gateway.executors.kubernetes_target import DELETE_POD, KubernetesTarget
from bot.gateway.executors.kubernetes_workload import Revision, Workload, images_of, name_of
from bot.gateway.executors.remote import REFUSED, allowed_replicas
from bot.remediation.contract import TypedAction, canonical_json, rfc3339

_RESTARTED_AT = "kubectl.kubernetes.io/restartedAt"


@dataclass(frozen=True, slots=True, kw_only=True)
class Change:
    """One change: a JSON patch of `path`, or an eviction of the pod `evicts`.

    `binding` is the state on which the approval relies; the patch tests the rest.
    """

    method: str
    path: str
    display: str
    step: str
    binding: dict[str, JsonValue]
    operations: tuple[Operation, ...] = ()
    evicts: Object | None = None
    inverse: TypedAction | None = None
    done: str = ""


def change_of(
    call: Call,
    target: KubernetesTarget,
    workload: Workload,
    *,
    pods: Sequence[Object],
    revisions: Sequence[Revision],
    now: datetime,
) -> Change:
    """Return the change that this call means for this state. ExecutorError refuses it."""
    if call.action is actions.SCALE:
        return _scale(call, target, workload)
    if call.action is DELETE_POD:
        return _eviction(call, target, pods)
    if reason := workload.unchangeable:
        raise ExecutorError(REFUSED, f"{call.target}: {reason}")
    if call.action is actions.ROLLBACK:
        return _rollback(call, target, workload, revisions)
    return _restart(target, workload, now)


def _scale(call: Call, target: KubernetesTarget, workload: Workload) -> Change:
    if workload.kind == "daemonset":
        raise NotAllowed(REFUSED, f"{call.target} has one pod on each node; it has no scale")
    replicas = allowed_replicas(call, target.min_replicas, target.max_replicas)
    before = workload.replicas
    # A scale of 0 is written without the field.
    as_before = _test("/spec/replicas", before) if before else _test("/spec", {})
    return Change(
        method="PATCH",
        path=f"{workload.path}/scale",
        display=f"kubectl scale {_named(target)} --replicas={replicas}",
        step=f"change {before} replicas to {replicas}",
        binding={"replicas": before, "images": images_of(workload.template)},
        operations=(
            _test("/metadata/uid", workload.uid),
            as_before,
            {"op": "add", "path": "/spec/replicas", "value": replicas},
        ),
        inverse=TypedAction(id=call.action.id, parameters={"replicas": before}),
        done=f"{call.target} had {replicas} replicas already" if replicas == before else "",
    )


def _restart(target: KubernetesTarget, workload: Workload, now: datetime) -> Change:
    timestamp = rfc3339(now)
    where = "/spec/template/metadata/annotations"
    if (workload.template.get("metadata") or {}).get("annotations"):
        name = _RESTARTED_AT.replace("/", "~1")
        annotate: Operation = {"op": "add", "path": f"{where}/{name}", "value": timestamp}
    else:
        annotate = {"op": "add", "path": where, "value": {_RESTARTED_AT: timestamp}}
    return Change(
        method="PATCH",
        path=workload.path,
        display=f"kubectl rollout restart {_named(target)}",
        step="replace the pods one after another, as its update strategy says",
        binding={"template": _digest(workload.template), "images": images_of(workload.template)},
        operations=(*_unchanged(workload), annotate),
    )


def _rollback(
    call: Call, target: KubernetesTarget, workload: Workload, revisions: Sequence[Revision]
) -> Change:
    if len(revisions) < 2:
        raise ExecutorError(REFUSED, f"{call.target} has no previous revision")
    present, previous = revisions[:2]
    return Change(
        method="PATCH",
        path=workload.path,
        display=f"kubectl rollout undo {_named(target)} --to-revision={previous.number}",
        step=f"go back from revision {present.number} ({present.images}) to revision "
        f"{previous.number} ({previous.images})",
        binding={
            "template": _digest(workload.template),
            "revision": present.number,
            "previous": previous.number,
            "previous_template": _digest(previous.template),
        },
        operations=(
            *_unchanged(workload),
            {"op": "replace", "path": "/spec/template", "value": previous.template},
        ),
        inverse=TypedAction(id=call.action.id),
    )


def _eviction(call: Call, target: KubernetesTarget, pods: Sequence[Object]) -> Change:
    name = str(call.parameters["pod"])
    pod = next((pod for pod in pods if name_of(pod) == name), None)
    if pod is None:
        raise ExecutorError(NO_OBJECT, f"{call.target} has no pod {name}")
    uid = str(pod["metadata"]["uid"])
    return Change(
        method="POST",
        path=f"/api/v1/namespaces/{target.namespace}/pods/{name}/eviction",
        display=f"kubectl delete pod --namespace={target.namespace} {name} (as an eviction)",
        step=f"evict pod {name}, if its disruption budget allows it",
        binding={"pod": name, "pod_uid": uid},
        evicts={
            "apiVersion": "policy/v1",
            "kind": "Eviction",
            "metadata": {"name": name, "namespace": target.namespace},
            "deleteOptions": {"preconditions": {"uid": uid}},
        },
    )


def _unchanged(workload: Workload) -> tuple[Operation, Operation]:
    """Return the tests that nobody has changed the workload since it was read."""
    return (
        _test("/metadata/uid", workload.uid),
        _test("/metadata/generation", workload.generation),
    )


def _test(path: str, value: JsonValue) -> Operation:
    return {"op": "test", "path": path, "value": value}


def _named(target: KubernetesTarget) -> str:
    return f"--namespace={target.namespace} {target.kind}/{target.workload}"


def _digest(template: Object) -> str:
    return hashlib.sha256(canonical_json(template)).hexdigest()[:16]
