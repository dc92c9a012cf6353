"""The shape of an action, and the actions that several kinds of systems share."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field


class Parameters(BaseModel):
    """Base of every action's parameters: strict types, no unknown name."""

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True, hide_input_in_errors=True)


class NoParameters(Parameters):
    """The action has no parameters."""


class StopParameters(Parameters):
    """Parameters of a stop, alone or before a restart."""

    grace_seconds: int = Field(
        default=10, ge=1, le=120, description="seconds between SIGTERM and SIGKILL"
    )


class LogsParameters(Parameters):
    """Parameters of reading the log."""

    lines: int = Field(default=50, ge=1, le=500, description="how many of the last lines")


class ScaleParameters(Parameters):
    """Parameters of another number of replicas."""

    replicas: int = Field(ge=0, le=1000, description="how many shall run")


@dataclass(frozen=True, slots=True, kw_only=True)
class Action:
    """One entry of the catalogue.

    `verb` is its name in the metrics. `inverse` is the action that undoes it, '' without one.
    `blast` names the damage while it runs, `verified_by` the check that the executor makes after
    it; both are for people. A `cancellable` action can be ended half-way by a person. `executor`
    is '' for an action that the target's own executor carries out.
    """

    id: str
    verb: str
    title: str
    mutating: bool
    parameters: type[BaseModel] = NoParameters
    inverse: str = ""
    risk: Literal["low", "medium", "high"] = "high"
    blast: str = ""
    verified_by: str = ""
    cancellable: bool = False
    executor: str = ""


RESTART = Action(
    id="service.restart",
    verb="restart",
    title="Restart the service",
    mutating=True,
    parameters=StopParameters,
    risk="medium",
    blast="the service is away while it restarts",
    verified_by="the gateway waits until it runs and is healthy",
)
STOP = Action(
    id="service.stop",
    verb="stop",
    title="Stop the service",
    mutating=True,
    parameters=StopParameters,
    inverse="service.start",
    blast="the service is away until somebody starts it",
    verified_by="the gateway checks that it does not run",
)
START = Action(
    id="service.start",
    verb="start",
    title="Start the service",
    mutating=True,
    inverse="service.stop",
    risk="medium",
    blast="the service takes work again",
    verified_by="the gateway waits until it runs and is healthy",
)
STATUS = Action(
    id="service.status",
    verb="status",
    title="Show whether it runs",
    mutating=False,
    risk="low",
)
STATS = Action(
    id="service.stats",
    verb="stats",
    title="Show its memory and CPU usage",
    mutating=False,
    risk="low",
)
LOGS = Action(
    id="service.logs",
    verb="logs",
    title="Show its last log lines",
    mutating=False,
    parameters=LogsParameters,
    risk="low",
)
SCALE = Action(
    id="service.scale",
    verb="scale",
    title="Run another number of replicas",
    mutating=True,
    parameters=ScaleParameters,
    inverse="service.scale",
    blast="fewer replicas take fewer requests; 0 is an outage",
    verified_by="the gateway waits until so many run",
)
ROLLOUT = Action(
    id="service.rollout",
    verb="rollout",
    title="Replace its replicas one after another",
    mutating=True,
    risk="medium",
    blast="one replica at a time is away, as the service's own update rule says",
    verified_by="the gateway waits until every replica is a new one",
)
ROLLBACK = Action(
    id="service.rollback",
    verb="rollback",
    title="Go back to its previous version",
    mutating=True,
    inverse="service.rollback",
    blast="the previous image and settings of the service come back",
    verified_by="the gateway waits until every replica has the previous version",
)
