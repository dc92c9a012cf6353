"""Spark in standalone mode: state, killing applications and drivers, submitting declared jobs."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import cast

from bot.gateway import actions
from bot.gateway.executors import Call, Kind, Result, succeeded
from bot.gateway.executors.cluster_jobs import Filter, keys_of, kill_all, listed
from bot.gateway.executors.json_api import JsonApi, form_of
from bot.gateway.executors.remote import RemoteExecutor, label, size_text, strings
from bot.gateway.executors.spark_master import Applications, Cluster, Drivers, Master, kill_step
from bot.gateway.executors.spark_submission import submission_plan, submit
from bot.gateway.executors.spark_target import (
    KILL_APPLICATIONS,
    KILL_DRIVERS,
    RESUBMIT,
    SparkTarget,
)
from bot.remediation.contract import Plan, PlannedRequest

_SHOWN = 20


class SparkExecutor(RemoteExecutor[SparkTarget]):
    """Kills only live jobs with declared names, and submits only declared jobs."""

    async def probe(self, name: str, target: SparkTarget) -> str:
        """Read the master's state, and ask its REST server if one is declared."""
        async with self._connected(name, target) as master:
            line = (await master.cluster()).line()
            return f"{line}, REST {label(await master.version())}" if target.rest_url else line

    async def plan(self, call: Call) -> Plan:
        """Bind the plan to the ids and start times of the jobs, or to the whole submission."""
        target = cast("SparkTarget", call.config)
        async with self._connected(call.target, target) as master:
            cluster = await master.cluster()
            base = Plan(
                action=call.action.id,
                target=call.target,
                executor="spark",
                parameters=dict(call.parameters),
                display=f"read the state of {cluster.url}",
                request=PlannedRequest(method="GET", path="/json/"),
                binding={"master": cluster.url},
                mutating=call.action.mutating,
                deadline_seconds=int(4 * target.timeout_seconds) + 5,
                current={"state": cluster.line()},
            )
            if not call.action.mutating:
                return base
            if call.action is RESUBMIT:
                return await submission_plan(call, target, master, cluster, base)
            return _kill_plan(call, target, cluster, base)

    async def run(self, call: Call, plan: Plan) -> Result:
        """Carry out the plan on what of it still is as it was."""
        target = cast("SparkTarget", call.config)
        async with self._connected(call.target, target) as master:
            if call.action is RESUBMIT:
                return await submit(call, plan, target, master)
            if call.action is KILL_APPLICATIONS or call.action is KILL_DRIVERS:
                manager = Drivers(master) if call.action is KILL_DRIVERS else Applications(master)
                planned = strings(plan.binding["jobs"])
                return await kill_all(manager, planned, target.kill_seconds, call.target)
            cluster = await master.cluster()
            stats = call.action is actions.STATS
            with form_of("The state of the master"):
                return succeeded(_stats(cluster) if stats else _status(call.target, cluster))

    @asynccontextmanager
    async def _connected(self, name: str, target: SparkTarget) -> AsyncIterator[Master]:
        async with JsonApi(target, self.secret(name, "token"), {}) as api:
            yield Master(api, target)


def _kill_plan(call: Call, target: SparkTarget, cluster: Cluster, base: Plan) -> Plan:
    chosen, drivers = call.parameters, call.action is KILL_DRIVERS
    noun = Drivers.noun if drivers else Applications.noun
    job_filter = Filter(
        declared=target.main_classes if drivers else target.applications,
        most=target.max_kills,
        id=chosen["driver" if drivers else "application"],
        name=chosen["main_class" if drivers else "name"],
        min_seconds=chosen["min_seconds"],
    )
    jobs = job_filter.chosen(cluster.drivers if drivers else cluster.applications, noun)
    requests = tuple(kill_step(job, noun) for job in jobs)
    path = "/v1/submissions/kill" if drivers else "/app/kill/"
    wait = target.kill_seconds
    return base.model_copy(
        update={
            "display": f"kill {', '.join(job.id for job in jobs) or f'no {noun}'} of {cluster.url}",
            "request": PlannedRequest(
                method="POST", path=requests[0].partition(" ")[2] if len(jobs) == 1 else path
            ),
            "steps": (*requests, f"wait up to {wait:g} s until the master has ended them"),
            "binding": base.binding | {"jobs": keys_of(jobs)},
            "touches": listed(jobs, noun),
            "deadline_seconds": int(wait + (len(jobs) + 4) * target.timeout_seconds) + 10,
        }
    )


def _status(name: str, cluster: Cluster) -> str:
    dead = [worker for worker in cluster.workers if worker.get("state") != "ALIVE"]
    lines = [f"{name}: {cluster.line()}"]
    lines += [f"  {label(worker['id'])}: {label(worker.get('state'))}" for worker in dead[:_SHOWN]]
    for title, jobs in (("applications", cluster.applications), ("drivers", cluster.drivers)):
        lines.append(f"{title}: {len(jobs)}")
        lines += [f"  {job.line}" for job in sorted(jobs, key=lambda j: -j.seconds)[:_SHOWN]]
    return "\n".join(lines)


def _stats(cluster: Cluster) -> str:
    return "\n".join(
        [
            cluster.line(),
            *(
                f"{label(worker['id'])}: {label(worker.get('state'))}, {worker['coresused']} of "
                f"{worker['cores']} cores, {size_text(int(worker['memoryused']) * 1_048_576)} of "
                f"{size_text(int(worker['memory']) * 1_048_576)}"
                for worker in cluster.workers[:50]
            ),
        ]
    )


KIND = Kind(
    name="spark",
    target=SparkTarget,
    actions=(KILL_APPLICATIONS, KILL_DRIVERS, RESUBMIT, actions.STATUS, actions.STATS),
    build=SparkExecutor,
)
