"""Submits a declared job to a Spark master: once for each key, and never beside its own run.

The key is a part of the application's name, so that the master itself knows which run it was.
"""

from __future__ import annotations

import asyncio
import hashlib
from collections.abc import Mapping
from dataclasses import dataclass

from pydantic import JsonValue

from bot.gateway.commands import arguments
from bot.gateway.errors import Cancelled, ExecutorError, NotAllowed, OutcomeLost, by_a_person
from bot.gateway.executors import Call, Result, failed, succeeded
from bot.gateway.executors.cluster_jobs import (
    POLL_SECONDS,
    Job,
    Manager,
    counted,
    ends,
    fits,
    keys_of,
)
from bot.gateway.executors.declared_values import declared_values
from bot.gateway.executors.json_api import Object
from bot.gateway.executors.progress import report_progress
from bot.gateway.executors.remote import REFUSED, label
from bot.gateway.executors.spark_master import (
    Applications,
    Cluster,
    Drivers,
    Master,
    create_path,
    kill_step,
)
from bot.gateway.executors.spark_target import SparkJob, SparkTarget
from bot.gateway.executors.watching import read_until
from bot.remediation.contract import Plan, PlannedRequest, canonical_json

_RAN_WELL = "FINISHED"


@dataclass(frozen=True, slots=True, kw_only=True)
class Submission:
    """One run of a job. `done` tells that this key runs or has run; then nothing is sent."""

    job: SparkJob
    app_name: str
    request: Object
    drivers: list[Job]
    applications: list[Job]
    done: str = ""


async def submission_plan(
    call: Call, target: SparkTarget, master: Master, cluster: Cluster, base: Plan
) -> Plan:
    """Bind the plan to the whole request and to the runs of the job that are there.

    NotAllowed: no such job, or values that do not fit. ExecutorError: a run of it is there.
    """
    version = await master.version()
    made = _submission(call, target, cluster, version)
    job = made.job
    # `_replaced` waits for the drivers, then for the applications.
    wait = target.kill_seconds * (bool(made.drivers) + bool(made.applications))
    replaced = [*made.drivers, *made.applications]
    kills = [
        *(kill_step(driver, "driver") for driver in made.drivers),
        *(kill_step(application, "application") for application in made.applications),
    ]
    goal = "runs" if job.until == "running" else "has ended well"
    steps = (
        *kills,
        *([f"wait up to {wait:g} s until they have ended"] if kills else []),
        f"POST {create_path()} {canonical_json(made.request).decode()}",
        f"wait up to {job.seconds:g} s until {made.app_name} {goal}",
    )
    return base.model_copy(
        update={
            "display": f"submit {made.app_name} ({job.main_class}) to {cluster.url}",
            "request": PlannedRequest(method="POST", path=create_path()),
            "steps": (f"nothing: {made.done}",) if made.done else steps,
            "binding": base.binding | _binding(made),
            "touches": (
                f"1 submission: {made.app_name}",
                *([f"kills {counted(len(replaced), 'job')} first"] if replaced else []),
                *(old.line for old in replaced),
            ),
            "deadline_seconds": int(
                job.seconds + wait + (len(replaced) + 8) * target.timeout_seconds
            )
            + 10,
        }
    )


def _binding(made: Submission) -> dict[str, JsonValue]:
    return {
        "request": made.request,
        "replaced": keys_of([*made.drivers, *made.applications]),
        "done": bool(made.done),
    }


async def submit(call: Call, plan: Plan, target: SparkTarget, master: Master) -> Result:
    """End the planned runs, submit the planned request, and wait until its application runs.

    ExecutorError: nothing was changed. OutcomeLost: something was sent and its end is unknown.
    """
    cluster, version = await master.cluster(), await master.version()
    made = _submission(call, target, cluster, version)
    if any(plan.binding[name] != value for name, value in _binding(made).items()):
        raise ExecutorError("PLAN_DRIFT", f"The runs of {made.job.name} changed since the plan")
    if made.done:
        return succeeded(made.done)
    if problem := await _replaced(made, target, master):
        return failed(f"{call.target}: {problem}. {made.app_name} was not submitted")
    try:
        driver = await master.submit(made.request)
    except ExecutorError as error:
        if made.drivers or made.applications:
            return failed(f"{call.target}: the old run was killed. Then: {error.message}")
        raise
    return await _awaited(made, driver, master, call.target)


def _submission(call: Call, target: SparkTarget, cluster: Cluster, version: str) -> Submission:
    chosen = call.parameters
    job = target.jobs.get(chosen["job"])
    if job is None:
        known = ", ".join(target.jobs) or "none"
        raise NotAllowed(
            REFUSED, f"{call.target} has no job {label(chosen['job'])}. It has: {known}"
        )
    declared = declared_values(job.parameters, chosen["values"].split(), "values")
    values = {name: str(value) for name, value in declared.items()}
    drivers = [driver for driver in cluster.drivers if driver.name == job.main_class]
    applications = [app for app in cluster.applications if fits(app.name, [f"{job.name}.*"])]
    runs = sorted([j.id for j in [*drivers, *applications]] + _ended_runs(job, cluster))
    key = (
        chosen["key"]
        or hashlib.sha256(canonical_json([chosen["job"], values, runs])).hexdigest()[:12]
    )
    app_name = f"{job.name}.{key}"
    done = _known(app_name, cluster) if chosen["key"] else ""
    if (drivers or applications) and not done:
        if chosen["running"] == "refuse":
            running = ", ".join(j.id for j in [*drivers, *applications])
            raise ExecutorError(REFUSED, f"A run of {job.name} is there: {running}. Kill it first")
        _killable(target, drivers, applications)
    return Submission(
        job=job,
        app_name=app_name,
        request=_request(job, app_name, {**values, "key": key}, cluster.url, version),
        drivers=[] if done else drivers,
        applications=[] if done else applications,
        done=done,
    )


def _ended_runs(job: SparkJob, cluster: Cluster) -> list[str]:
    return [
        id_
        for id_, (name, _) in cluster.ended_applications.items()
        if fits(name, [f"{job.name}.*"])
    ]


def _known(app_name: str, cluster: Cluster) -> str:
    """Return the run that has this name, '' without one. ExecutorError: it ended badly."""
    for application in cluster.applications:
        if application.name == app_name:
            return f"{app_name} runs already as {application.id}"
    states = {
        id_: state for id_, (name, state) in cluster.ended_applications.items() if name == app_name
    }
    for id_, state in states.items():
        if state == _RAN_WELL:
            return f"{app_name} has run already as {id_}"
    if states:
        ended = ", ".join(f"{id_} {state}" for id_, state in states.items())
        raise ExecutorError(
            REFUSED, f"{app_name} ended badly ({ended}). Give the new run a new key"
        )
    return ""


def _killable(target: SparkTarget, drivers: list[Job], applications: list[Job]) -> None:
    """Check that what is replaced may be killed. NotAllowed: it may not."""
    kinds = ((drivers, target.main_classes), (applications, target.applications))
    for jobs, declared in kinds:
        for job in jobs:
            if not fits(job.name, declared):
                raise NotAllowed(REFUSED, f"{label(job.name)} may not be killed: not declared")
    if max(len(drivers), len(applications)) > target.max_kills:
        raise ExecutorError("TOO_MUCH", f"More than {target.max_kills} runs of the job are there")


def _request(
    job: SparkJob, app_name: str, values: Mapping[str, str], master: str, version: str
) -> Object:
    options = frozenset(name for name, p in job.parameters.items() if p.may_be_option)
    return {
        "action": "CreateSubmissionRequest",
        "appArgs": arguments(job.args, {**values, "app_name": app_name}, options),
        "appResource": job.resource,
        "clientSparkVersion": version,
        "environmentVariables": dict(job.env),
        "mainClass": job.main_class,
        "sparkProperties": {
            **job.properties,
            "spark.app.name": app_name,
            "spark.master": master,
            "spark.jars": job.resource,
            "spark.submit.deployMode": "cluster",
        },
    }


async def _replaced(made: Submission, target: SparkTarget, master: Master) -> str:
    """Kill the runs that are there; returns what is left of them, '' if all have ended."""
    left: list[str] = []
    sent: list[str] = []
    try:
        kinds: list[tuple[Manager, list[Job]]] = [
            (Drivers(master), made.drivers),
            (Applications(master), made.applications),
        ]
        for manager, jobs in kinds:
            for job in jobs:
                await _kill(manager, job, sent)
        for manager, jobs in kinds:
            states = await ends(manager, jobs, target.kill_seconds)
            left += [id_ for id_, state in states.items() if not state]
    except asyncio.CancelledError as cancel:
        names = ", ".join(sent) or "none"
        if not by_a_person(cancel):  # the gateway stops, or the deadline has passed
            raise OutcomeLost(
                f"Asked for the end of: {names}. The gateway did not see whether they ended."
                " Nothing was submitted"
            ) from None
        raise Cancelled(f"Asked for the end of: {names}. Nothing was submitted.") from None
    return f"still there: {', '.join(left)}" if left else ""


async def _kill(manager: Manager, job: Job, sent: list[str]) -> None:
    sent.append(job.id)  # a cancel may come before its answer
    try:
        await manager.kill(job)
    except ExecutorError as error:
        if len(sent) == 1:
            raise
        killed = ", ".join(sent[:-1])
        raise OutcomeLost(f"{killed} was killed, then: {error.message}") from error


async def _awaited(made: Submission, driver: str, master: Master, target: str) -> Result:
    """Wait for the goal of the job; if a person cancels, kill what was submitted."""
    loop = asyncio.get_running_loop()
    end = loop.time() + made.job.seconds

    async def read() -> Result | None:
        return await _verdict(made, driver, await master.cluster(), master, line)

    line = f"{target}: {driver} was submitted as {made.app_name}"
    try:
        while True:
            if result := await read_until(end, POLL_SECONDS, read):
                return result
            if loop.time() >= end:
                why = f"does not {'run' if made.job.until == 'running' else 'end'}"
                return failed(f"{line}, and {why} after {made.job.seconds:g} s")
            report_progress(f"{driver}: waits for {made.app_name}")
            await asyncio.sleep(POLL_SECONDS)
    except ExecutorError as error:
        raise OutcomeLost(f"{line}, then: {error.message}") from error
    except asyncio.CancelledError as cancel:
        if not by_a_person(cancel):  # the gateway stops; the run goes on
            raise
        try:
            await master.kill_driver(driver)
        except ExecutorError as error:
            raise OutcomeLost(f"{line}, and could not be ended: {error.message}") from error
        raise Cancelled(f"{line}, and {driver} was told to end.") from None


async def _verdict(
    made: Submission, driver: str, cluster: Cluster, master: Master, line: str
) -> Result | None:
    """Return the result once it is known, None until then."""
    live = next((app for app in cluster.applications if app.name == made.app_name), None)
    if state := cluster.ended_drivers.get(driver):
        if state == _RAN_WELL:
            return succeeded(f"{line} and has ended well")
        return failed(f"{line} and ended as {state}. {await master.problem_of(driver)}".strip())
    if live is None or made.job.until == "finished" or live.state != "RUNNING":
        return None
    return succeeded(f"{line} and runs: {live.line}")
