"""What may be asked of the gateway: a short list of typed actions, nothing else.

A target comes from an alert label, an SOP or a person, never from model text. `probe_url` comes
from an SOP only: an address the bot calls is the operator's to choose.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, Field, HttpUrl, ValidationError

from bot.errors import InputError
from bot.incidents.remediation import Parameter, Proposal

Target = Annotated[str, Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]{0,99}$")]

SOP_ONLY = frozenset({"probe_url"})


class RestartParameters(BaseModel):
    """Parameters of service.restart. `grace_seconds`: how long the service may take to stop."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    target: Target
    grace_seconds: int = Field(default=10, ge=1, le=120)
    probe_url: HttpUrl | None = None


@dataclass(frozen=True, slots=True)
class Action:
    """One entry of the catalogue. `intent` is the sentence any gateway understands."""

    id: str
    verb: str
    intent: str
    risk: str
    reversible: str
    parameters: type[BaseModel]
    words: tuple[str, ...]


CATALOGUE: Mapping[str, Action] = {
    action.id: action
    for action in (
        Action(
            id="service.restart",
            verb="Restart",
            intent="restart the service",
            risk="medium",
            reversible="no, but the service keeps its version and its data",
            parameters=RestartParameters,
            words=("restart", "reboot", "bounce"),
        ),
    )
}


def propose(action_id: str, given: Mapping[str, tuple[Any, str]]) -> Proposal:
    """Check values with their origins against the catalogue and make a proposal of them.

    `given` maps a parameter's name to (value, origin). InputError names the parameter at fault.
    """
    action = CATALOGUE.get(action_id)
    if action is None:
        known = ", ".join(CATALOGUE)
        raise InputError(f"{action_id} is not in the catalogue. Known: {known}", field="action")
    for name in SOP_ONLY & given.keys():
        if not given[name][1].startswith("SOP "):
            raise InputError(f"{name} can only come from an SOP", field=name)
    try:
        checked = action.parameters.model_validate(
            {name: value for name, (value, _) in given.items()}
        )
    except ValidationError as error:
        first = error.errors(include_url=False, include_input=False)[0]
        name = ".".join(map(str, first["loc"]))
        raise InputError(f"{action_id}: {name}: {first['msg']}", field=name) from error
    values = checked.model_dump(mode="json", exclude_none=True)
    target = str(values["target"])
    return Proposal(
        action_id=action.id,
        title=f"{action.verb} {target}",
        target=target,
        parameters=tuple(
            Parameter(name, value, given[name][1] if name in given else "default")
            for name, value in values.items()
        ),
        risk=action.risk,
        reversible=action.reversible,
        intent=action.intent,
    )
