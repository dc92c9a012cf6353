"""One DAG of an Apache Airflow as a target, and its actions."""

from __future__ import annotations

from collections.abc import Collection
from pathlib import Path
from typing import Annotated, ClassVar, Literal, Self

from pydantic import Field, model_validator

from bot.gateway.actions import Action, LogsParameters, Parameters
from bot.gateway.commands import CommandParameter, ParameterName
from bot.gateway.executors.http_sending import WebHost
from bot.gateway.parts import Argument, EnvName
from bot.validation import form

# No id may begin with a dot: `..` would be a step up in the path of a request.
_ID = r"[A-Za-z0-9_\-][A-Za-z0-9_.\-]{0,249}"
_RUN = r"[A-Za-z0-9_~:+\-][A-Za-z0-9_.~:+\-]{0,249}"
DagId = Annotated[str, form(_ID, "must be the id of a DAG: letters, digits, _ - .")]
TaskId = Annotated[str, form(_ID, "must be the id of a task: letters, digits, _ - .")]
# The bot writes every default out, so that no run is an empty text too.
RunId = Annotated[
    str, form(f"(?:{_RUN})?", "must be the id of a run: letters, digits, _ - . ~ : +, or empty")
]
_BasePath = Annotated[
    str, form(r"(/[A-Za-z0-9_~\-]{1,50}){0,5}", "must be a path such as /airflow, without a / last")
]


class AirflowTarget(WebHost):
    """One DAG. The gateway logs in as `user`, or sends a token that somebody made for it."""

    secret_names: ClassVar[tuple[str, ...]] = ("password", "token")

    executor: Literal["airflow"]
    version: Literal[2, 3]
    base_path: _BasePath = ""
    dag: DagId
    user: Argument = Field(default="", max_length=200)
    password_env: EnvName | None = None
    password_file: Path | None = None
    token_env: EnvName | None = None
    token_file: Path | None = None
    conf: dict[ParameterName, CommandParameter] = Field(default_factory=dict, max_length=50)
    max_tasks: int = Field(default=50, ge=1, le=1000)
    wait_seconds: float = Field(default=300, gt=0, le=3600)

    @property
    def api(self) -> str:
        """Return the path of the REST API of this version."""
        return f"{self.base_path}/api/v{self.version - 1}"

    def acts_on_us(self, names: Collection[str]) -> str:
        """Refuse a host of one of these names, and a DAG of one."""
        ours = self.dag.lower() in names
        return "dag: is the bot, its gateway or a caller" if ours else super().acts_on_us(names)

    @model_validator(mode="after")
    def _one_login(self) -> Self:
        password = bool(self.password_env or self.password_file)
        if bool(self.user) != password:
            raise ValueError("user and its password_env or password_file belong together")
        if password == bool(self.token_env or self.token_file):
            raise ValueError("needs exactly one of a user with its password, and a token")
        return self


class RunsParameters(Parameters):
    """Says how many runs are listed."""

    runs: int = Field(default=10, ge=1, le=50, description="how many of the last runs")


class TaskLogParameters(LogsParameters):
    """Names one try of one task."""

    task: TaskId = Field(description="the exact id of a task of the DAG")
    run: RunId = Field(default="", description="the exact id of a run; else the last failed one")
    attempt: int = Field(default=0, ge=0, le=1000, description="which try; 0 is the last")
    index: int = Field(default=-1, ge=-1, le=100_000, description="of a mapped task")


class TriggerParameters(Parameters):
    """Holds the values of the new run."""

    conf: str = Field(
        default="", max_length=1000, description="declared values, such as region=eu,days=2"
    )


class ClearTaskParameters(Parameters):
    """Names the failed task."""

    task: TaskId = Field(description="the exact id of a failed task of the DAG")
    run: RunId = Field(default="", description="the exact id of a run; else the last failed one")


class ClearRunParameters(Parameters):
    """Names the run."""

    run: RunId = Field(default="", description="the exact id of a run; else the last failed one")
    only_failed: bool = Field(default=True, description="false: the tasks that succeeded run too")


_AWAITED = "the gateway waits until the run has ended, and reads its state and its tasks"
TRIGGER = Action(
    id="airflow.trigger",
    verb="trigger",
    title="Start a new run of the DAG",
    mutating=True,
    parameters=TriggerParameters,
    blast="every task of the DAG runs once more",
    verified_by=_AWAITED,
    cancellable=True,
)
CLEAR_TASK = Action(
    id="airflow.clear_task",
    verb="clear",
    title="Clear a task, so that it and those after it run again",
    mutating=True,
    parameters=ClearTaskParameters,
    risk="medium",
    blast="the task runs once more; one that is not idempotent does its work twice",
    verified_by=_AWAITED,
    cancellable=True,
)
CLEAR_RUN = Action(
    id="airflow.clear_run",
    verb="clear",
    title="Clear the tasks of a run, so that they run again",
    mutating=True,
    parameters=ClearRunParameters,
    risk="medium",
    blast="the tasks run once more; one that is not idempotent does its work twice",
    verified_by=_AWAITED,
    cancellable=True,
)
PAUSE = Action(
    id="airflow.pause",
    verb="pause",
    title="Let no new run of the DAG begin",
    mutating=True,
    inverse="airflow.unpause",
    risk="medium",
    blast="runs that are due do not begin until somebody unpauses it; what runs goes on",
    verified_by="the gateway reads the DAG again",
)
UNPAUSE = Action(
    id="airflow.unpause",
    verb="unpause",
    title="Let new runs of the DAG begin again",
    mutating=True,
    inverse="airflow.pause",
    risk="medium",
    blast="runs that are due begin at once",
    verified_by="the gateway reads the DAG again",
)
RUNS = Action(
    id="airflow.runs",
    verb="runs",
    title="Show the last runs of the DAG",
    mutating=False,
    parameters=RunsParameters,
    risk="low",
)
TASK_LOG = Action(
    id="airflow.task_log",
    verb="logs",
    title="Show the log of one task of a run",
    mutating=False,
    parameters=TaskLogParameters,
    risk="low",
)
