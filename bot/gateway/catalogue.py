"""The gateway's actions, and the function that resolves a request to one of them or refuses it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from bot.gateway.config import DockerTarget, ProcessTarget
from bot.gateway.errors import Invalid
from bot.gateway.intents import read_intent
from bot.remediation.contract import ActionInfo, ExecuteRequest
from bot.validation import field_problems


class _Parameters(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, strict=True, hide_input_in_errors=True)


class NoParameters(_Parameters):
    """The action has no parameters."""


class StopParameters(_Parameters):
    """Parameters of a stop, alone or before a restart."""

    grace_seconds: int = Field(
        default=10, ge=1, le=120, description="seconds between SIGTERM and SIGKILL"
    )


class LogsParameters(_Parameters):
    """Parameters of reading the log."""

    lines: int = Field(default=50, ge=1, le=500, description="how many of the last lines")


@dataclass(frozen=True, slots=True)
class Action:
    """One entry. `verb` is its name in the metrics; `inverse` is the action that undoes it."""

    id: str
    verb: str
    title: str
    mutating: bool
    parameters: type[BaseModel]
    inverse: str = ""


ACTIONS: Mapping[str, Action] = {
    action.id: action
    for action in (
        Action("service.restart", "restart", "Restart the service", True, StopParameters),
        Action("service.stop", "stop", "Stop the service", True, StopParameters, "service.start"),
        Action("service.start", "start", "Start the service", True, NoParameters, "service.stop"),
        Action("service.status", "status", "Show whether it runs", False, NoParameters),
        Action("service.stats", "stats", "Show its memory and CPU usage", False, NoParameters),
        Action("service.logs", "logs", "Show its last log lines", False, LogsParameters),
    )
}

TargetConfig = ProcessTarget | DockerTarget


@dataclass(frozen=True, slots=True)
class Call:
    """A request that is in the catalogue: every value checked, the target declared."""

    action: Action
    target: str
    config: TargetConfig
    parameters: Mapping[str, Any]


def resolve(request: ExecuteRequest, targets: Mapping[str, TargetConfig]) -> Call:
    """Return the one call that a request means. Invalid names the problem; nothing is guessed."""
    name = request.target_resource.name
    config = targets.get(name)
    if config is None:
        raise Invalid("UNKNOWN_SERVICE", f"Unknown logical service name: {name}")
    typed = request.action_request.action
    if typed is not None:
        action_id, parameters = typed.id, dict(typed.parameters)
    else:
        action_id, parameters = read_intent(
            request.action_request.intent, request.action_request.context, name
        )
    action = ACTIONS.get(action_id)
    if action is None:
        known = ", ".join(ACTIONS)
        raise Invalid("UNKNOWN_ACTION", f"No action {action_id}. There are: {known}")
    try:
        checked = action.parameters.model_validate(parameters)
    except ValidationError as error:
        problems = "; ".join(map(str, field_problems(error, action.parameters)[:5]))
        raise Invalid("INVALID_PARAMETERS", f"{action.id}: {problems}") from None
    return Call(action, name, config, checked.model_dump())


def action_list(targets: Mapping[str, TargetConfig]) -> list[ActionInfo]:
    """Return the catalogue as GET /actions shows it."""
    return [
        ActionInfo(
            id=action.id,
            title=action.title,
            mutating=action.mutating,
            reversible=bool(action.inverse),
            parameters=action.parameters.model_json_schema(),
            targets=tuple(targets),
        )
        for action in ACTIONS.values()
    ]
