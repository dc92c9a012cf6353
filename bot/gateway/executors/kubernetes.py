"""Kubernetes workloads: scale, rolling restart, rollback, one pod, status, logs and events."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any, cast

from bot.gateway import actions
from bot.gateway.errors import ExecutorError, OutcomeLost
from bot.gateway.executors import Call, Kind, Result, failed, succeeded
from bot.gateway.executors.kubernetes_api import Api, Object
from bot.gateway.executors.kubernetes_change import Change, change_of
from bot.gateway.executors.kubernetes_cluster import POLL_SECONDS, ClusterExecutor
from bot.gateway.executors.kubernetes_target import DELETE_POD, EVENTS, KubernetesTarget
from bot.gateway.executors.kubernetes_workload import (
    Reader,
    Workload,
    event_line,
    is_ready,
    name_of,
    troubles,
)
from bot.gateway.executors.progress import report_progress
from bot.gateway.executors.remote import label
from bot.gateway.executors.watching import read_until
from bot.gateway.ourselves import SELF_TARGET
from bot.remediation.contract import Plan, PlannedRequest

_LOG_PODS = 5
_LOG_CHARS = 65_536


class KubernetesExecutor(ClusterExecutor[KubernetesTarget]):
    """Acts only on the declared workloads, each by its kind, namespace and exact name."""

    async def probe(self, name: str, target: KubernetesTarget) -> str:
        """Read the workload."""
        async with self.connected(name, target) as api:
            return (await Reader(api, target).workload()).state()

    async def plan(self, call: Call) -> Plan:
        """Bind the plan to the workload's uid and the state that the change relies on.

        The API server checks a change by a dry run: a right that the gateway lacks is an error of
        the plan already.
        """
        target = cast("KubernetesTarget", call.config)
        async with self.connected(call.target, target) as api:
            reader = Reader(api, target)
            workload = await reader.workload()
            pods = await reader.pods(workload)
            base = Plan(
                action=call.action.id,
                target=call.target,
                executor="kubernetes",
                parameters=dict(call.parameters),
                display=_display(call, target),
                request=PlannedRequest(method="GET", path=workload.path),
                binding={"uid": workload.uid},
                mutating=call.action.mutating,
                deadline_seconds=int(4 * target.timeout_seconds) + 5,
                current={"state": workload.state(), "pods": [name_of(pod) for pod in pods[:20]]},
            )
            if not call.action.mutating:
                return base
            change = await self._change(call, reader, workload, pods)
            await _send(api, change, dry_run=True)
        wait = target.rollout_seconds
        return base.model_copy(
            update={
                "display": change.display,
                "request": PlannedRequest(method=change.method, path=change.path),
                "steps": (change.step, f"wait up to {wait:g} s until all replicas are ready"),
                "binding": base.binding | change.binding,
                "inverse": change.inverse,
                "touches": (f"{target.kind} {target.workload}: {workload.state()}",),
                "deadline_seconds": int(wait + 4 * target.timeout_seconds) + 10,
            }
        )

    async def run(self, call: Call, plan: Plan) -> Result:
        """Send the planned change if the state is still the planned one, then await its pods."""
        target = cast("KubernetesTarget", call.config)
        async with self.connected(call.target, target) as api:
            reader = Reader(api, target)
            workload = await reader.workload()
            pods = await reader.pods(workload)
            if not call.action.mutating:
                return await _read(call, reader, workload, pods)
            change = await self._change(call, reader, workload, pods)
            if {"uid": workload.uid} | change.binding != plan.binding:
                raise ExecutorError("PLAN_DRIFT", f"{target.workload} has changed since the plan")
            if change.done:
                return succeeded(change.done)
            await _send(api, change, dry_run=False)
            try:
                return await self._awaited(call, target, reader, plan)
            except ExecutorError as error:
                raise OutcomeLost(
                    f"{call.target} was told to {call.action.verb}, then: {error.message}"
                ) from error

    async def _change(
        self, call: Call, reader: Reader, workload: Workload, pods: Sequence[Object]
    ) -> Change:
        if socket.gethostname() in map(name_of, pods):
            raise ExecutorError(SELF_TARGET, f"{call.target} runs the bot or its gateway")
        revisions = await reader.revisions(workload) if call.action is actions.ROLLBACK else []
        target = cast("KubernetesTarget", call.config)
        return change_of(
            call, target, workload, pods=pods, revisions=revisions, now=datetime.now(UTC)
        )

    async def _awaited(
        self, call: Call, target: KubernetesTarget, reader: Reader, plan: Plan
    ) -> Result:
        """Wait until the change has reached every pod."""
        loop = asyncio.get_running_loop()
        end = loop.time() + target.rollout_seconds

        async def read() -> tuple[Workload, bool]:
            workload = await reader.workload()
            return workload, await _reached(call, reader, workload, plan)

        while True:
            workload, reached = await read_until(end, POLL_SECONDS, read)
            if reached:
                return succeeded(f"{call.target} {call.action.verb}: {workload.state()}")
            given_up = workload.given_up()
            if given_up or loop.time() >= end:
                reason = given_up or f"not done after {target.rollout_seconds:g} s"
                why = troubles(await reader.unready(workload))
                line = f"{call.target} {call.action.verb}: {workload.state()}. {reason}. {why}"
                return failed(line.strip())
            report_progress(
                f"{workload.progress()} of {workload.replicas} pods are new, {workload.state()}",
                done=workload.progress(),
                total=workload.replicas,
            )
            await asyncio.sleep(POLL_SECONDS)


async def _send(api: Api, change: Change, *, dry_run: bool) -> None:
    if change.evicts is not None:
        await api.post(change.path, change.evicts, dry_run=dry_run)
    else:
        await api.patch(change.path, change.operations, dry_run=dry_run)


async def _reached(call: Call, reader: Reader, workload: Workload, plan: Plan) -> bool:
    if call.action is actions.SCALE:
        return workload.scaled()
    if call.action is not DELETE_POD:
        return workload.rolled_out()
    # The workload's own count of ready pods may be older than the list of its pods.
    pods = await reader.pods(workload)
    gone = all(pod["metadata"]["uid"] != plan.binding["pod_uid"] for pod in pods)
    return gone and sum(map(is_ready, pods)) >= workload.replicas


async def _read(call: Call, reader: Reader, workload: Workload, pods: Sequence[Object]) -> Result:
    if call.action is actions.LOGS:
        newest = sorted(pods, key=_created, reverse=True)[:_LOG_PODS]
        text = await reader.logs(newest, int(call.parameters["lines"]), _LOG_CHARS)
        return succeeded(text, tail=True)
    if call.action is EVENTS:
        events = await reader.events(workload, pods)
        last = events[-int(call.parameters["lines"]) :]
        return succeeded("\n".join(map(event_line, last)) or "no events", tail=True)
    lines = [f"{call.target}: {workload.state()}", *map(_pod_line, pods[:50])]
    if given_up := workload.given_up():
        lines.insert(1, given_up)
    return succeeded("\n".join(lines))


def _pod_line(pod: Object) -> str:
    statuses: list[dict[str, Any]] = (pod.get("status") or {}).get("containerStatuses") or []
    ready = sum(bool(status.get("ready")) for status in statuses)
    restarts = sum(int(status.get("restartCount") or 0) for status in statuses)
    node = label((pod.get("spec") or {}).get("nodeName") or "no node")
    phase = troubles([pod]).partition(": ")[2] or label((pod.get("status") or {}).get("phase"))
    containers = len((pod.get("spec") or {}).get("containers") or ())
    return f"{name_of(pod)}: {phase}, {ready}/{containers} ready, restarts: {restarts}, {node}"


def _created(pod: Object) -> str:
    return str(pod["metadata"].get("creationTimestamp") or "")


def _display(call: Call, target: KubernetesTarget) -> str:
    """Return the command of kubectl that reads the same."""
    where, what = f"--namespace={target.namespace}", f"{target.kind}/{target.workload}"
    if call.action is actions.LOGS:
        return f"kubectl logs {where} --tail={call.parameters['lines']} {what}"
    if call.action is EVENTS:
        return f"kubectl events {where} --for={what}"
    return f"kubectl get {where} {what}"


KIND = Kind(
    name="kubernetes",
    target=KubernetesTarget,
    actions=(
        actions.SCALE,
        actions.ROLLOUT,
        actions.ROLLBACK,
        DELETE_POD,
        actions.STATUS,
        actions.LOGS,
        EVENTS,
    ),
    build=KubernetesExecutor,
)
