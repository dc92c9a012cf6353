"""A standalone Spark master as a target, the jobs that it may be given, and its actions."""

from __future__ import annotations

import re
from typing import Annotated, Literal, Self

from pydantic import AfterValidator, Field, model_validator

from bot.gateway.actions import Action, Parameters
from bot.gateway.commands import CommandParameter, ParameterName, pieces
from bot.gateway.executors.cluster_jobs import JobGlob
from bot.gateway.executors.json_api import ManagerTarget, Origin
from bot.gateway.parts import Argument, EnvName, Name, Part
from bot.validation import form

_SECRET = re.compile(r"password|passwd|secret|token|credential|access[._-]?key", re.IGNORECASE)
_OURS = frozenset({"spark.app.name", "spark.master", "spark.jars", "spark.submit.deployMode"})
_KEY = r"[A-Za-z0-9_-]{0,64}"

ClassName = Annotated[
    str, form(r"[A-Za-z_$][\w$]*(\.[A-Za-z_$][\w$]*){0,30}", "must be the name of a class")
]
RunKey = Annotated[str, form(_KEY, "must be letters, digits, _ and -, at most 64")]


def _property(value: str) -> str:
    if not re.fullmatch(r"spark\.[A-Za-z0-9._-]{1,200}", value):
        raise ValueError("must be the name of a property that begins with spark.")
    if value in _OURS:
        raise ValueError("is set by the gateway")
    return _no_secret(value)


def _no_secret(value: str) -> str:
    if _SECRET.search(value):
        raise ValueError(
            "may hold a secret; a plan shows it, so let the cluster's own files set it"
        )
    return value


def _no_login(value: str) -> str:
    login, at, _ = value.partition("://")[2].partition("/")[0].rpartition("@")
    if at and ":" in login:  # abfss://container@account has none
        raise ValueError("has a login in it; a plan shows it")
    return value


Resource = Annotated[
    str,
    form(r"[a-z][a-z0-9+.-]*:/[!-~]{1,1000}", "must be an address such as hdfs://… or file:/…"),
    AfterValidator(_no_login),
]
PropertyName = Annotated[str, AfterValidator(_property)]
VariableName = Annotated[EnvName, AfterValidator(_no_secret)]


class SparkJob(Part):
    """One job that may be submitted: `{parameter}`, `{key}` and `{app_name}` stand in `args`.

    `main_class` tells its drivers, and `name` its applications, from all others.
    """

    name: Annotated[str, form(r"[A-Za-z0-9_-]{1,100}", "must be letters, digits, _ and -")]
    resource: Resource
    main_class: ClassName
    args: list[Argument] = Field(default_factory=list, max_length=100)
    properties: dict[PropertyName, Argument] = Field(default_factory=dict, max_length=200)
    env: dict[VariableName, Argument] = Field(default_factory=dict, max_length=50)
    parameters: dict[ParameterName, CommandParameter] = Field(default_factory=dict, max_length=20)
    until: Literal["running", "finished"] = "running"
    seconds: float = Field(default=120, gt=0, le=3600)

    @model_validator(mode="after")
    def _templates(self) -> Self:
        known = {"key", "app_name", *self.parameters}
        if reserved := {"key", "app_name"} & self.parameters.keys():
            raise ValueError(f"parameters: {min(reserved)} is a name that the gateway uses")
        for text in self.args:
            for _, name in pieces(text):
                if name and name not in known:
                    raise ValueError(f"args: {{{name}}} is no parameter; write {{{{ for a brace")
        return self


class SparkTarget(ManagerTarget):
    """One master: its web page, its REST server, and what may be killed and submitted there."""

    executor: Literal["spark"]
    rest_url: Origin | None = None
    applications: list[JobGlob] = Field(default_factory=list, max_length=100)
    main_classes: list[JobGlob] = Field(default_factory=list, max_length=100)
    max_kills: int = Field(default=1, ge=1, le=50)
    jobs: dict[Name, SparkJob] = Field(default_factory=dict, max_length=100)

    def addresses(self) -> tuple[str, ...]:
        """Return the addresses of the page and the REST server."""
        return (self.url, *([self.rest_url] if self.rest_url else []))

    @model_validator(mode="after")
    def _jobs_differ(self) -> Self:
        for field in ("name", "main_class"):
            values = [getattr(job, field) for job in self.jobs.values()]
            if len(set(values)) < len(values):
                raise ValueError(f"jobs: two have one {field}; the gateway tells runs apart by it")
        if self.jobs and not self.rest_url:
            raise ValueError("jobs: they are submitted to rest_url, which is not given")
        return self


class KillApplications(Parameters):
    """Selects the running applications that match every given field."""

    application: Annotated[
        str, form(r"(app-\d{14}-\d{1,10})?", "must be an id such as app-20260101120000-0001")
    ] = Field(default="", description="the exact id")
    name: str = Field(default="", max_length=200, description="the name; * stands for any text")
    min_seconds: int = Field(
        default=0, ge=0, le=31_536_000, description="running for at least so long"
    )


class KillDrivers(Parameters):
    """Selects the running drivers that match every given field."""

    driver: Annotated[
        str, form(r"(driver-\d{14}-\d{1,10})?", "must be an id such as driver-20260101120000-0001")
    ] = Field(default="", description="the exact id")
    main_class: str = Field(
        default="", max_length=200, description="the class; * stands for any text"
    )
    min_seconds: int = Field(
        default=0, ge=0, le=31_536_000, description="running for at least so long"
    )


class Resubmit(Parameters):
    """Names a declared job and the run. A key that has run is not submitted again."""

    job: str = Field(max_length=100, description="one of the target's jobs")
    key: RunKey = Field(
        default="", description="names this run; without one, it follows from the runs so far"
    )
    values: str = Field(
        default="", max_length=1000, description="the job's parameters: name=value name=value"
    )
    running: Literal["refuse", "kill"] = Field(
        default="refuse", description="what happens if a run of the job is still there"
    )


KILL_APPLICATIONS = Action(
    id="spark.kill_applications",
    verb="kill",
    title="Kill running Spark applications",
    mutating=True,
    parameters=KillApplications,
    blast="the work of these applications that is not yet stored is lost; a driver of the cluster "
    "may go on without its application",
    verified_by="the gateway waits until the master has ended them",
    cancellable=True,
)
KILL_DRIVERS = Action(
    id="spark.kill_drivers",
    verb="kill",
    title="Kill running Spark drivers, and their applications with them",
    mutating=True,
    parameters=KillDrivers,
    blast="the work of these drivers' applications that is not yet stored is lost",
    verified_by="the gateway waits until the master has ended them",
    cancellable=True,
)
RESUBMIT = Action(
    id="spark.resubmit",
    verb="submit",
    title="Submit a declared Spark job again",
    mutating=True,
    parameters=Resubmit,
    blast="the job does its work once more; with running=kill its present run ends first",
    verified_by="the gateway waits until its application runs, or has ended well",
    cancellable=True,
)
