"""A small cluster behind the Kubernetes API: tables, events, logs and nodes, as its documents say.

https://kubernetes.io/docs/reference/kubernetes-api/
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from aiohttp import web

NS = "shop"
POD = "web-7d9f8b6c5-x2x9k"
TOKEN = "t0k3n-of-the-cluster"
TABLE = "application/json;as=Table;v=v1;g=meta.k8s.io"


def container_state(**state: Any) -> dict[str, Any]:
    return {"name": "server", "ready": False, "restartCount": 7, **state}


POD_OBJECT: dict[str, Any] = {
    "metadata": {"name": POD, "namespace": NS},
    "spec": {
        "nodeName": "worker-01",
        "serviceAccountName": "web",
        "nodeSelector": {"disk": "ssd"},
        "containers": [
            {
                "name": "server",
                "image": "registry.example/web:v2",
                "ports": [{"containerPort": 8080}],
                "resources": {"limits": {"memory": "64Mi"}},
                "livenessProbe": {"httpGet": {"port": 8080, "path": "/healthz"}},
                "env": [
                    {"name": "DB_HOST", "value": "mysql"},
                    {
                        "name": "DB_PASSWORD",
                        "valueFrom": {"secretKeyRef": {"name": "db", "key": "password"}},
                    },
                ],
            }
        ],
        "volumes": [{"name": "data", "persistentVolumeClaim": {"claimName": "data-web"}}],
    },
    "status": {
        "phase": "Running",
        "conditions": [{"type": "Ready", "status": "False", "message": "not ready"}],
        "containerStatuses": [
            container_state(
                state={"waiting": {"reason": "CrashLoopBackOff", "message": "back-off 5m"}},
                lastState={"terminated": {"reason": "OOMKilled", "exitCode": 137}},
            )
        ],
    },
}


def table(columns: list[str], *rows: dict[str, Any]) -> dict[str, Any]:
    definitions = [{"name": name, "type": "string"} for name in columns]
    return {"kind": "Table", "apiVersion": "meta.k8s.io/v1", "columnDefinitions": definitions,
            "rows": list(rows)}  # fmt: skip


@dataclass
class Cluster:
    """Answers GET requests that carry the token, and remembers every request."""

    requests: list[str] = field(default_factory=list)
    broken: dict[str, web.Response] = field(default_factory=dict)

    async def answer(self, request: web.Request) -> web.Response:
        self.requests.append(f"{request.method} {request.path_qs}")
        if request.headers.get("Authorization") != f"Bearer {TOKEN}":
            return web.Response(status=401, text="Unauthorized")
        path = request.path.removeprefix("/api/v1/")
        if path in self.broken:
            return self.broken[path]
        if path == f"namespaces/{NS}/pods" and request.headers["Accept"] == TABLE:
            cells = [POD, "0/1", "CrashLoopBackOff", "7 (2m ago)", "41d", "10.0.0.9", "worker-01"]
            columns = ["Name", "Ready", "Status", "Restarts", "Age", "IP", "Node"]
            with_object = request.query.get("includeObject") == "Object"
            shown = POD_OBJECT if with_object else {"metadata": POD_OBJECT["metadata"]}
            return web.json_response(table(columns, {"cells": cells, "object": shown}))
        if path == f"namespaces/{NS}/events" and request.headers["Accept"] == TABLE:
            columns = ["Last Seen", "Type", "Reason", "Object", "Subobject", "Source", "Message",
                       "First Seen", "Count", "Name"]  # fmt: skip
            cells = ["2m", "Warning", "BackOff", f"pod/{POD}", "spec.containers{server}", "kubelet",
                     "Back-off restarting failed container", "9m", "26", "web.17"]  # fmt: skip
            return web.json_response(table(columns, {"cells": cells}))
        if path == f"namespaces/{NS}/pods/{POD}/log":
            return web.Response(text="starting\nERROR java heap space: out of memory\n" * 3)
        if path == "nodes":
            conditions = [{"type": "Ready", "status": "Unknown",
                           "message": "Kubelet stopped posting node status."}]  # fmt: skip
            items = [{"metadata": {"name": "worker-01"}, "status": {"conditions": conditions}}]
            return web.json_response({"items": items})
        return web.Response(status=404, text="not found")
