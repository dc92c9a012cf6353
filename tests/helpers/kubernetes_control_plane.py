"""A stand-in for a cluster: an HTTP server of the Kubernetes API whose controllers do their work.

It is written from https://kubernetes.io/docs/reference/using-api/ and .../kubernetes-api/: bearer
tokens with rights by verb and resource, `Status` errors, JSON Patch with `test` (RFC 6902), uid,
resourceVersion and generation, dry runs, label selectors, lists with `limit` and `continue`, the
scale and eviction subresources with a disruption budget, logs with tailLines and limitBytes.
"""

from __future__ import annotations

import asyncio
import contextlib
import copy
import json
import re
import ssl
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

from aiohttp import web

from tests.helpers import kubernetes_controllers
from tests.helpers.kubernetes_objects import ClusterObjects, Object

TOKEN = "t0k3n-of-the-gateway"
READ = ("get", "list")
# The Role of docs/gateway-systems.md.
ROLE = {
    **dict.fromkeys(("pods", "replicasets", "controllerrevisions", "events", "pods/log"), READ),
    "deployments": (*READ, "patch"),
    "statefulsets": (*READ, "patch"),
    "daemonsets": (*READ, "patch"),
    "deployments/scale": ("patch",),
    "statefulsets/scale": ("patch",),
    "pods/eviction": ("create",),
    "nodes": (*READ, "patch"),
}
_PATH = re.compile(
    r"/(?:api|apis/apps)/v1(?:/namespaces/(?P<namespace>[^/]+))?/(?P<resource>[a-z]+)"
    r"(?:/(?P<name>[^/]+))?(?:/(?P<sub>scale|log|eviction))?"
)
_VERBS = {"GET": "get", "PATCH": "patch", "POST": "create"}


class StatusError(Exception):
    def __init__(self, code: int, message: str) -> None:
        self.code, self.message = code, message


@dataclass
class ControlPlane(ClusterObjects):
    """One cluster, and how its parts behave."""

    rights: dict[str, dict[str, tuple[str, ...]]] = field(default_factory=lambda: {TOKEN: ROLE})
    budget_is_used: bool = False
    stopped: bool = False
    padding: str = ""
    just_before_a_change: Callable[[], object] = lambda: None
    requests: list[str] = field(default_factory=list)
    url: str = ""

    @property
    def changes(self) -> list[str]:
        """Return the requests that were not reads or dry runs."""
        return [r for r in self.requests if not r.startswith("GET") and "dryRun" not in r]

    async def control(self) -> None:
        while True:
            if not self.stopped:
                kubernetes_controllers.step(self)
            await asyncio.sleep(0.005)

    async def answer(self, request: web.Request) -> web.Response:
        self.requests.append(f"{request.method} {request.path_qs}")
        try:
            return await self._answer(request)
        except StatusError as error:
            body = {"kind": "Status", "status": "Failure", "message": error.message,
                    "code": error.code}  # fmt: skip
            return web.json_response(body, status=error.code)

    async def _answer(self, request: web.Request) -> web.Response:
        token = request.headers.get("Authorization", "").removeprefix("Bearer ")
        if token not in self.rights:
            raise StatusError(401, "Unauthorized")
        match = _PATH.fullmatch(request.path)
        if match is None:
            raise StatusError(404, "the server could not find the requested resource")
        namespace, resource, name, sub = match.group("namespace", "resource", "name", "sub")
        verb = "list" if request.method == "GET" and not name else _VERBS[request.method]
        full = f"{resource}/{sub}" if sub else resource
        if verb not in self.rights[token].get(full, ()):
            raise StatusError(403, f'{full} is forbidden: User "gateway" cannot {verb} it')
        if not name:
            return self._list(request, resource, namespace or "")
        thing = self.objects.get((resource, namespace or "", name))
        if thing is None:
            raise StatusError(404, f'{resource} "{name}" not found')
        dry = request.query.get("dryRun") == "All"
        if sub == "log":
            return self._log(request, thing)
        if sub == "eviction":
            return self._evict(await request.json(), thing, dry=dry)
        if request.method == "PATCH":
            return self._patch(request, await request.read(), thing, scale=sub == "scale", dry=dry)
        return web.json_response(thing)

    def _list(self, request: web.Request, resource: str, namespace: str) -> web.Response:
        selector = [
            p.partition("=")[::2] for p in request.query.get("labelSelector", "").split(",")
        ]
        items = [
            thing
            for (kind, place, _), thing in self.objects.items()
            if (kind, place) == (resource, namespace)
            and all(thing["metadata"]["labels"].get(key) == value for key, value in selector if key)
        ]
        limit = int(request.query.get("limit", "500"))
        more = {"continue": "more"} if len(items) > limit else {}
        return web.json_response({"metadata": more, "items": items[:limit]})

    def _log(self, request: web.Request, pod: Object) -> web.Response:
        if not self.is_ready(pod):
            raise StatusError(
                400, 'container "app" is waiting to start: trying and failing to pull'
            )
        lines = [f"{pod['metadata']['name']} {self.padding}line {n}" for n in range(1000)]
        text = "\n".join(lines[-int(request.query["tailLines"]) :])
        return web.Response(text=text[: int(request.query["limitBytes"])])

    def _evict(self, body: Object, pod: Object, *, dry: bool) -> web.Response:
        if body["deleteOptions"]["preconditions"]["uid"] != pod["metadata"]["uid"]:
            raise StatusError(409, "the uid in the precondition does not match")
        if self.budget_is_used:
            raise StatusError(429, "Cannot evict pod as it would violate the disruption budget.")
        if not dry:
            self.terminate(pod)
        return web.json_response({"kind": "Status", "status": "Success"}, status=201)

    def _patch(
        self, request: web.Request, body: bytes, thing: Object, *, scale: bool, dry: bool
    ) -> web.Response:
        if request.content_type != "application/json-patch+json":
            raise StatusError(415, "the body of the request was in an unknown format")
        if not dry:
            self.just_before_a_change()
        before = copy.deepcopy(thing)
        if scale:  # 0 is written without the field
            replicas = thing["spec"]["replicas"]
            before["spec"] = {"replicas": replicas} if replicas else {}
        after = copy.deepcopy(before)
        for operation in json.loads(body):
            _apply(after, operation)
        if dry or after == before:
            return web.json_response(after)
        if scale:
            thing["spec"]["replicas"] = after["spec"]["replicas"]
        else:
            thing.update(after)
        thing["metadata"]["resourceVersion"] = str(self.next_id())
        if scale or after["spec"] != before["spec"]:
            thing["metadata"]["generation"] += 1
        return web.json_response(thing)


def _apply(document: Object, operation: Object) -> None:
    *parents, last = [
        part.replace("~1", "/").replace("~0", "~") for part in operation["path"].split("/")[1:]
    ]
    place: Any = document
    for part in parents:
        if not isinstance(place, dict) or part not in place:
            raise StatusError(422, f"the path {operation['path']} does not exist")
        place = place[part]
    if operation["op"] == "test":
        if place.get(last) != operation["value"]:
            raise StatusError(422, f"testing value {operation['path']} failed")
    elif operation["op"] == "replace" and last not in place:
        raise StatusError(422, f"the path {operation['path']} does not exist")
    else:
        place[last] = operation["value"]


@asynccontextmanager
async def control_plane(tls: ssl.SSLContext | None = None) -> AsyncIterator[ControlPlane]:
    """A cluster of two nodes on a port of this machine, without workloads."""
    plane = ControlPlane()
    for node in ("worker-1", "worker-2"):
        made = plane.create("nodes", "", node, spec={})
        made["status"] = {"conditions": [{"type": "Ready", "status": "True"}]}
    app = web.Application()
    app.router.add_route("*", "/{path:.*}", plane.answer)
    runner = web.AppRunner(app, shutdown_timeout=0.1)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0, ssl_context=tls).start()
    plane.url = f"http{'s' if tls else ''}://127.0.0.1:{runner.addresses[0][1]}"
    controllers = asyncio.create_task(plane.control())
    try:
        yield plane
    finally:
        controllers.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await controllers
        await runner.cleanup()
