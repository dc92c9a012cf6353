"""Nodes of a Kubernetes cluster: cordon, uncordon and status."""

from __future__ import annotations

from typing import cast

from bot.gateway import actions
from bot.gateway.errors import ExecutorError, OutcomeLost
from bot.gateway.executors import Call, Kind, Result, failed, succeeded
from bot.gateway.executors.kubernetes_api import NO_OBJECT, Api, Object, Operation, path_of
from bot.gateway.executors.kubernetes_cluster import ClusterExecutor
from bot.gateway.executors.kubernetes_target import CORDON, UNCORDON, NodesTarget
from bot.gateway.executors.kubernetes_workload import name_of
from bot.gateway.executors.remote import TOO_MUCH, label
from bot.remediation.contract import Plan, PlannedRequest

_PATH = "/api/v1/nodes"


class NodesExecutor(ClusterExecutor[NodesTarget]):
    """Acts only on nodes whose names match the target's patterns."""

    async def probe(self, name: str, target: NodesTarget) -> str:
        """Count the declared nodes."""
        nodes = await self._nodes(name, target)
        return f"{len(nodes)} nodes, {len(_cordoned(nodes))} cordoned"

    async def plan(self, call: Call) -> Plan:
        """Bind the plan to the node's uid and whether it takes new pods."""
        target = cast("NodesTarget", call.config)
        nodes = await self._nodes(call.target, target)
        base = Plan(
            action=call.action.id,
            target=call.target,
            executor="kubernetes-nodes",
            parameters=dict(call.parameters),
            display="kubectl get nodes",
            request=PlannedRequest(method="GET", path=_PATH),
            mutating=call.action.mutating,
            deadline_seconds=int(4 * target.timeout_seconds) + 5,
            current={"cordoned": ", ".join(name_of(node) for node in _cordoned(nodes)[:20])},
        )
        if not base.mutating:
            return base
        node = _chosen(call, target, nodes)
        path = path_of("api", "v1", "nodes", name_of(node))
        async with self.connected(call.target, target) as api:
            await api.patch(path, _operations(call, node), dry_run=True)
        return base.model_copy(
            update={
                "display": f"kubectl {call.action.verb} {name_of(node)}",
                "request": PlannedRequest(method="PATCH", path=path),
                "binding": {"uid": node["metadata"]["uid"], "cordoned": _is_cordoned(node)},
                "touches": (_line(node),),
            }
        )

    async def run(self, call: Call, plan: Plan) -> Result:
        """Set or remove `spec.unschedulable`, then read the node again."""
        target = cast("NodesTarget", call.config)
        nodes = await self._nodes(call.target, target)
        if not call.action.mutating:
            return succeeded("\n".join(map(_line, nodes[:100])) or "no such nodes")
        node = _chosen(call, target, nodes)
        name, cordons = name_of(node), call.action is CORDON
        if {"uid": node["metadata"]["uid"], "cordoned": _is_cordoned(node)} != plan.binding:
            raise ExecutorError("PLAN_DRIFT", f"node {name} has changed since the plan")
        if _is_cordoned(node) == cordons:
            return succeeded(f"node {name} was so already: {_line(node)}")
        path = path_of("api", "v1", "nodes", name)
        async with self.connected(call.target, target) as api:
            await api.patch(path, _operations(call, node))
            after = await _after(api, path, f"node {name} was told to {call.action.verb}")
        if _is_cordoned(after) != cordons:
            return failed(f"node {name} was told to {call.action.verb}, but: {_line(after)}")
        return succeeded(_line(after))

    async def _nodes(self, name: str, target: NodesTarget) -> list[Object]:
        async with self.connected(name, target) as api:
            nodes = await api.items(_PATH)
        return [node for node in nodes if target.covers(name_of(node))]


async def _after(api: Api, path: str, begun: str) -> Object:
    try:
        return await api.get(path)
    except ExecutorError as error:
        raise OutcomeLost(f"{begun}, then: {error.message}") from error


def _chosen(call: Call, target: NodesTarget, nodes: list[Object]) -> Object:
    """Return the node of the call. ExecutorError if it is not declared, or too many would be
    cordoned.
    """
    name = call.parameters["node"]
    node = next((node for node in nodes if name_of(node) == name), None)
    if node is None:
        raise ExecutorError(NO_OBJECT, f"{call.target} has no node {name}")
    others = [other for other in _cordoned(nodes) if other is not node]
    if call.action is CORDON and len(others) >= target.max_cordoned:
        raise ExecutorError(
            TOO_MUCH, f"{len(others)} nodes are cordoned; {call.target} allows no more"
        )
    return node


def _operations(call: Call, node: Object) -> tuple[Operation, ...]:
    """Return the patch: it holds only for the node that was read."""
    same: Operation = {"op": "test", "path": "/metadata/uid", "value": node["metadata"]["uid"]}
    value = call.action is CORDON
    return (same, {"op": "add", "path": "/spec/unschedulable", "value": value})


def _is_cordoned(node: Object) -> bool:
    return bool((node.get("spec") or {}).get("unschedulable"))


def _cordoned(nodes: list[Object]) -> list[Object]:
    return [node for node in nodes if _is_cordoned(node)]


def _line(node: Object) -> str:
    conditions = (node.get("status") or {}).get("conditions") or ()
    ready: Object = next((c for c in conditions if c.get("type") == "Ready"), {})
    state = "Ready" if ready.get("status") == "True" else f"NotReady {label(ready.get('reason'))}"
    return f"node {name_of(node)}: {state}{', cordoned' if _is_cordoned(node) else ''}"


KIND = Kind(
    name="kubernetes-nodes",
    target=NodesTarget,
    actions=(CORDON, UNCORDON, actions.STATUS),
    build=NodesExecutor,
)
