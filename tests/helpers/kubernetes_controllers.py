"""The work of the controllers and the kubelets of a cluster, one small step at a time.

A stand-in written from https://kubernetes.io/docs/concepts/workloads/controllers/: a Deployment
makes a ReplicaSet for each template and moves its pods one by one; a StatefulSet and a DaemonSet
keep ControllerRevisions and replace their pods in place.
"""

from __future__ import annotations

import hashlib
import json

from tests.helpers.kubernetes_objects import ClusterObjects, Object

REVISION = "deployment.kubernetes.io/revision"


def template_hash(template: Object) -> str:
    return hashlib.sha256(json.dumps(template, sort_keys=True).encode()).hexdigest()[:9]


def step(cluster: ClusterObjects) -> None:
    """Do one step for each workload."""
    for deployment in cluster.all("deployments"):
        _deployment(cluster, deployment)
    for kind in ("statefulsets", "daemonsets"):
        for workload in cluster.all(kind):
            _in_place(cluster, workload, kind)
    for pod in cluster.all("pods"):
        _kubelet(cluster, pod)


def _kubelet(cluster: ClusterObjects, pod: Object) -> None:
    if pod["metadata"].get("deletionTimestamp"):
        cluster.remove("pods", pod)
        return
    image = pod["spec"]["containers"][0]["image"]
    broken = image in cluster.broken_images
    waiting = {"waiting": {"reason": "ImagePullBackOff"}}
    container = {
        "name": "app", "ready": not broken, "restartCount": 0, "image": image,
        "state": waiting if broken else {"running": {}},
    }  # fmt: skip
    pod["status"] = {
        "phase": "Pending" if broken else "Running",
        "conditions": [{"type": "Ready", "status": str(not broken)}],
        "containerStatuses": [container],
    }


def _deployment(cluster: ClusterObjects, deployment: Object) -> None:
    spec, template = deployment["spec"], deployment["spec"]["template"]
    suffix, name = template_hash(template), deployment["metadata"]["name"]
    owned = [rs for rs in cluster.all("replicasets") if cluster.owns(deployment, rs)]
    newest = max((int(rs["metadata"]["annotations"][REVISION]) for rs in owned), default=0)
    new = next((rs for rs in owned if rs["metadata"]["name"] == f"{name}-{suffix}"), None)
    if new is None:
        labels = {**template["metadata"]["labels"], "pod-template-hash": suffix}
        new = cluster.create(
            "replicasets", deployment["metadata"]["namespace"], f"{name}-{suffix}",
            spec={"template": {**template, "metadata": {**template["metadata"], "labels": labels}}},
            owner=deployment, labels=labels, annotations={REVISION: str(newest + 1)},
        )  # fmt: skip
    elif int(new["metadata"]["annotations"][REVISION]) < newest:
        new["metadata"]["annotations"][REVISION] = str(newest + 1)
    pods = [pod for rs in [*owned, new] for pod in cluster.all("pods") if cluster.owns(rs, pod)]
    pods = list({pod["metadata"]["name"]: pod for pod in pods}.values())
    fresh = [pod for pod in pods if cluster.owns(new, pod)]
    old = [pod for pod in pods if not cluster.owns(new, pod)]
    ready, replicas = sum(map(cluster.is_ready, fresh)), spec["replicas"]
    if len(fresh) < replicas and len(pods) < replicas + 1:
        pod = f"{new['metadata']['name']}-{cluster.next_id():05d}"
        cluster.create_pod(new, pod, new["spec"]["template"])
    elif len(fresh) > replicas:
        cluster.terminate(fresh[-1])
    elif old and (ready > 0 or replicas == 0):
        cluster.terminate(old[0])
    is_pending = any(pod["status"].get("phase") == "Pending" for pod in fresh)
    reason = "ProgressDeadlineExceeded" if is_pending else "NewReplicaSetAvailable"
    text = f'ReplicaSet "{new["metadata"]["name"]}" has timed out progressing.'
    alive = [pod for pod in pods if cluster.is_ready(pod)]
    deployment["status"] = {
        "observedGeneration": deployment["metadata"]["generation"],
        "replicas": len(pods),
        "updatedReplicas": len(fresh),
        "readyReplicas": len(alive),
        "availableReplicas": len(alive),
        "conditions": [
            {"type": "Progressing", "reason": reason, "message": text if is_pending else ""}
        ],
    }


def _in_place(cluster: ClusterObjects, workload: Object, kind: str) -> None:
    """Step a StatefulSet or a DaemonSet."""
    template, name = workload["spec"]["template"], workload["metadata"]["name"]
    suffix = template_hash(template)
    owned = [r for r in cluster.all("controllerrevisions") if cluster.owns(workload, r)]
    newest = max((r["revision"] for r in owned), default=0)
    present = next((r for r in owned if r["metadata"]["name"] == f"{name}-{suffix}"), None)
    if present is None:
        present = cluster.create(
            "controllerrevisions", workload["metadata"]["namespace"], f"{name}-{suffix}",
            owner=workload, labels=dict(template["metadata"]["labels"]), revision=newest + 1,
            data={"spec": {"template": {**template, "$patch": "replace"}}},
        )  # fmt: skip
    elif present["revision"] < newest:
        present["revision"] = newest + 1
    nodes = [node["metadata"]["name"] for node in cluster.all("nodes")]
    daemon = kind == "daemonsets"
    names = nodes if daemon else [str(n) for n in range(workload["spec"]["replicas"])]
    pod_names = [f"{name}-{word}" for word in names]
    pods = {p["metadata"]["name"]: p for p in cluster.all("pods") if cluster.owns(workload, p)}
    updated = [p for p in pods.values() if p["metadata"]["labels"]["hash"] == suffix]
    missing = [word for word in pod_names if word not in pods]
    surplus = [pod for word, pod in pods.items() if word not in pod_names]
    old = [pod for pod in pods.values() if pod not in updated and pod not in surplus]
    if missing:
        cluster.create_pod(workload, missing[0], template, hash=suffix)
    elif surplus:
        cluster.terminate(surplus[-1])
    elif old and all(map(cluster.is_ready, updated)):
        cluster.terminate(old[-1])
    ready = sum(map(cluster.is_ready, pods.values()))
    done = not (missing or surplus or old)
    workload["status"] = {
        "observedGeneration": workload["metadata"]["generation"],
        "replicas": len(pods), "readyReplicas": ready, "updatedReplicas": len(updated),
        "updateRevision": suffix, "currentRevision": suffix if done else "older",
        "desiredNumberScheduled": len(pod_names), "numberReady": ready, "numberAvailable": ready,
        "updatedNumberScheduled": len(updated),
    }  # fmt: skip
