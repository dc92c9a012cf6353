"""A standalone Spark master: its state as JSON, its REST server, and the two ways to kill.

The page of the master kills applications, its REST server drivers: neither can do the other.
https://spark.apache.org/docs/latest/spark-standalone.html
"""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from bot.gateway.errors import ExecutorError, OutcomeLost
from bot.gateway.executors.cluster_jobs import Job
from bot.gateway.executors.json_api import JsonApi, Object, form_of, path_of
from bot.gateway.executors.remote import REFUSED, UNREACHABLE, label, size_text
from bot.gateway.executors.spark_target import SparkTarget

_SUBMISSIONS = ("v1", "submissions")
_NO_SUCH = "sopbot-asks-for-the-version"
_NO_REST = "The target declares no rest_url; drivers are killed and submitted there"


@dataclass(frozen=True, slots=True, kw_only=True)
class Cluster:
    """The master's state at one moment."""

    url: str
    workers: Sequence[Object]
    cores: tuple[int, int]
    memory_mib: tuple[int, int]
    applications: Sequence[Job]
    drivers: Sequence[Job]
    ended_applications: dict[str, tuple[str, str]]
    ended_drivers: dict[str, str]

    def line(self) -> str:
        """Return the state for people."""
        alive = sum(worker.get("state") == "ALIVE" for worker in self.workers)
        return (
            f"master ALIVE, {alive} of {len(self.workers)} workers, {self.cores[0]} of "
            f"{self.cores[1]} cores used, {_mib(self.memory_mib[0])} of "
            f"{_mib(self.memory_mib[1])} used, {len(self.applications)} applications, "
            f"{len(self.drivers)} drivers"
        )


class Master:
    """Connections to one master."""

    def __init__(self, api: JsonApi, target: SparkTarget) -> None:
        self._api, self._target = api, target

    async def cluster(self) -> Cluster:
        """Return the state. ExecutorError: it is no master, or one that waits as a standby."""
        answer = await self._api.read(self._target.url, "json", "")
        status = answer.get("status")
        if status != "ALIVE":
            raise ExecutorError(UNREACHABLE, f"The master is {label(status or 'no Spark master')}")
        with form_of("The state of the master"):
            return _cluster(answer)

    async def version(self) -> str:
        """Return the version that the REST server has. ExecutorError: it is not there."""
        answer = await self._api.read(self._rest(), *_SUBMISSIONS, "status", _NO_SUCH)
        return str(answer.get("serverSparkVersion") or "")

    async def kill_application(self, job: Job) -> None:
        """Press the page's own button. The page does not tell whether it obeyed."""
        path = ("app", "kill", "")
        await self._api.change("POST", self._target.url, *path, body=None, **_kill_query(job))

    async def kill_driver(self, driver: str) -> None:
        """Ask the REST server. A driver that has ended by itself is no error."""
        await self._api.change("POST", self._rest(), *_SUBMISSIONS, "kill", driver)

    async def submit(self, request: Object) -> str:
        """Submit a driver and return its id. ExecutorError: the master refused it.

        OutcomeLost: it answered something else, and may have taken it.
        """
        answer = await self._api.change("POST", self._rest(), *_SUBMISSIONS, "create", body=request)
        reason = label(answer.get("message") or "no reason", 300)
        if answer.get("success") is False:
            raise ExecutorError(REFUSED, f"The master did not take the job: {reason}")
        if answer.get("success") is not True or not answer.get("submissionId"):
            raise OutcomeLost(f"The master may have taken the job; it gave no id: {reason}")
        return str(answer["submissionId"])

    async def problem_of(self, driver: str) -> str:
        """Return the first line of what the master knows of a driver's failure."""
        answer = await self._api.read(self._rest(), *_SUBMISSIONS, "status", driver)
        lines = [line.strip() for line in str(answer.get("message") or "").splitlines()]
        return label(" ".join(lines[:2]), 300)

    def _rest(self) -> str:
        if self._target.rest_url is None:
            raise ExecutorError(REFUSED, _NO_REST)
        return self._target.rest_url


class Applications:
    """The live applications, as `cluster_jobs` kills them."""

    noun = "application"

    def __init__(self, master: Master) -> None:
        self._master = master

    async def live(self) -> Sequence[Job]:
        """Return those that the master calls active."""
        return (await self._master.cluster()).applications

    async def kill(self, job: Job) -> None:
        """Press the page's button."""
        await self._master.kill_application(job)

    async def end_of(self, job: Job) -> str:
        """Return the state in which the master keeps it, 'gone' if it keeps it no more."""
        cluster = await self._master.cluster()
        ended = {id_: state for id_, (_, state) in cluster.ended_applications.items()}
        return _end_of(job, cluster.applications, ended)


class Drivers:
    """The live drivers, as `cluster_jobs` kills them."""

    noun = "driver"

    def __init__(self, master: Master) -> None:
        self._master = master

    async def live(self) -> Sequence[Job]:
        """Return those that the master calls active."""
        return (await self._master.cluster()).drivers

    async def kill(self, job: Job) -> None:
        """Ask the REST server."""
        await self._master.kill_driver(job.id)

    async def end_of(self, job: Job) -> str:
        """Return the state in which the master keeps it, 'gone' if it keeps it no more."""
        cluster = await self._master.cluster()
        return _end_of(job, cluster.drivers, cluster.ended_drivers)


def create_path() -> str:
    """Return the path to which a job is submitted."""
    return path_of(*_SUBMISSIONS, "create")


def kill_step(job: Job, noun: str) -> str:
    """Return the request that kills it."""
    if noun == "driver":
        return f"POST {path_of(*_SUBMISSIONS, 'kill', job.id)}"
    return f"POST {path_of('app', 'kill', '', **_kill_query(job))}"


def _kill_query(job: Job) -> dict[str, str]:
    return {"id": job.id, "terminate": "true"}


def _cluster(answer: Object) -> Cluster:
    return Cluster(
        url=str(answer["url"]),
        workers=answer["workers"],
        cores=(int(answer["coresused"]), int(answer["cores"])),
        memory_mib=(int(answer["memoryused"]), int(answer["memory"])),
        applications=[_application(row) for row in answer["activeapps"]],
        drivers=[_driver(row) for row in answer["activedrivers"]],
        ended_applications={
            str(row["id"]): (str(row["name"]), str(row["state"])) for row in answer["completedapps"]
        },
        ended_drivers={str(row["id"]): str(row["state"]) for row in answer["completeddrivers"]},
    )


def _application(row: Object) -> Job:
    id_, name, seconds = str(row["id"]), str(row["name"]), int(row["duration"]) / 1000
    memory = row.get("memoryperexecutor") or row.get("memoryperslave") or 0
    return Job(
        id=id_,
        name=name,
        state=str(row["state"]),
        key=f"{id_} {row['starttime']}",
        seconds=seconds,
        line=f"{label(id_)} {label(name)} of {label(row.get('user'))}: {label(row['state'])} for "
        f"{seconds:.0f} s, {row['cores']} cores, {_mib(memory)} for each executor",
    )


def _driver(row: Object) -> Job:
    id_, name = str(row["id"]), str(row["mainclass"])
    seconds = max(0.0, time.time() - int(row["starttime"]) / 1000)
    return Job(
        id=id_,
        name=name,
        state=str(row["state"]),
        key=f"{id_} {row['starttime']}",
        seconds=seconds,
        line=f"{label(id_)} {label(name)}: {label(row['state'])} for {seconds:.0f} s, "
        f"{row['cores']} cores, {_mib(row['memory'])}",
    )


def _end_of(job: Job, live: Sequence[Job], ended: Mapping[str, str]) -> str:
    """Return the state in which it ended, '' while it lives, 'gone' if nothing is known of it."""
    if any(other.id == job.id for other in live):
        return ""
    return ended.get(job.id, "gone")


def _mib(number: Any) -> str:
    return size_text(int(number) * 1_048_576)
