"""The catalogue of typed actions: the only requests that the bot sends to the gateway.

A target comes from an alert label, an SOP or a person, never from a model's text. `probe_url` comes
only from an SOP: the operator chooses the addresses that the bot calls. An operator's changes of an
action stand in the policy, under `remediate.actions`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Annotated, Any

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, HttpUrl, ValidationError

from bot.approvals.rules import fits_any
from bot.approvals.segment import Remediate
from bot.errors import InputError
from bot.incidents.addresses import NO_USERINFO
from bot.incidents.remediation import FROM_MODEL, Parameter, Proposal, Risk
from bot.remediation.contract import OURSELVES
from bot.validation import FieldProblem, field_problems, form

Target = Annotated[
    str,
    form(
        r"[A-Za-z0-9][A-Za-z0-9._-]{0,99}",
        "must be a service's name: letters, digits, '.', '_', '-', 1 to 100 of them",
    ),
]
Grace = Annotated[int, Field(ge=1, le=120)]


def _without_userinfo(url: HttpUrl) -> HttpUrl:
    if url.username or url.password:
        raise ValueError(NO_USERINFO)
    return url


ProbeUrl = Annotated[HttpUrl, AfterValidator(_without_userinfo)]

SOP_ONLY = frozenset({"probe_url"})


class StartParameters(BaseModel):
    """Parameters of every action on a service."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    target: Target
    probe_url: ProbeUrl | None = None


class StopParameters(BaseModel):
    """With `grace_seconds`: the time that the service has to stop before it is killed."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    target: Target
    grace_seconds: Grace = 10
    probe_url: ProbeUrl | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Action:
    """One entry of the catalogue.

    `intent` is the sentence that any gateway understands; it is also shown if a gateway cannot
    plan. `blast` names the damage while it runs. `inverse` is the action that undoes it, '' without
    one; then `reversible` names the lasting effects. `cooldown` is the time for
    which a target is left alone after any request to it.
    """

    id: str
    verb: str
    intent: str
    risk: Risk
    blast: str
    reversible: str
    inverse: str = ""
    cooldown: timedelta
    parameters: type[BaseModel]
    synonyms: tuple[str, ...]


CATALOGUE: Mapping[str, Action] = {
    action.id: action
    for action in (
        Action(
            id="service.restart",
            verb="Restart",
            intent="restart the service",
            risk=Risk.MEDIUM,
            blast="the service is away while it restarts",
            reversible="no, but the service keeps its version and its data",
            cooldown=timedelta(minutes=5),
            parameters=StopParameters,
            synonyms=("restart", "reboot", "bounce"),
        ),
        Action(
            id="service.stop",
            verb="Stop",
            intent="stop the service",
            risk=Risk.HIGH,
            blast="the service is away until somebody starts it",
            reversible="yes, by service.start",
            inverse="service.start",
            cooldown=timedelta(minutes=5),
            parameters=StopParameters,
            synonyms=("stop", "halt"),
        ),
        Action(
            id="service.start",
            verb="Start",
            intent="start the service",
            risk=Risk.MEDIUM,
            blast="the service takes work again",
            reversible="yes, by service.stop",
            inverse="service.stop",
            cooldown=timedelta(minutes=1),
            parameters=StartParameters,
            synonyms=("start",),
        ),
    )
}


def unknown_actions(policy: Remediate) -> list[FieldProblem]:
    """Return the policy's unknown actions: the key, the name, and the known ones."""
    known = ", ".join(CATALOGUE)
    globs: dict[tuple[str | int, ...], Sequence[str]] = {
        **{("rules", place, "actions"): rule.actions for place, rule in enumerate(policy.rules)},
        ("two_person_actions",): policy.two_person_actions,
        ("auto_approve",): policy.auto_approve,
    }
    ids = [(("actions",), name) for name in policy.actions if name not in CATALOGUE]
    bad = [
        (key, glob)
        for key, entries in globs.items()
        for glob in entries
        if not any(fits_any(name, [glob]) for name in CATALOGUE)
    ]
    return [
        FieldProblem(
            ("remediate", *key),
            f"no action of the catalogue is {word!r}; known: {known}",
            "unknown_action",
        )
        for key, word in [*ids, *bad]
    ]


def risk_in(policy: Remediate, action: Action) -> str:
    """Return the risk of an action in the operator's view."""
    changed = policy.actions.get(action.id)
    return changed.risk if changed and changed.risk else action.risk


def cooldowns_in(policy: Remediate) -> dict[str, timedelta]:
    """Return the cooldown of each action as the operator set it."""
    cooldowns = {action.id: action.cooldown for action in CATALOGUE.values()}
    for action_id, changed in policy.actions.items():
        if changed.cooldown_seconds is not None:
            cooldowns[action_id] = timedelta(seconds=changed.cooldown_seconds)
    return cooldowns


def propose(
    action_id: str, inputs: Mapping[str, tuple[Any, str]], policy: Remediate | None = None
) -> Proposal:
    """Check values with their origins against the catalogue and build a proposal from them.

    `inputs` maps a parameter's name to (value, origin). InputError names the faulty parameter.
    """
    policy = policy or Remediate()
    action = _enabled(action_id, policy)
    for name, (value, origin) in inputs.items():
        if name in SOP_ONLY and not origin.startswith("SOP "):
            raise InputError(f"{name} can only come from an SOP", field=name)
        if name == "target" and origin == FROM_MODEL:
            raise InputError("a target never comes from a model", field=name)
        if name == "target" and str(value).strip().lower() in OURSELVES:
            raise InputError("the bot never acts on itself or its gateway", field=name)
    try:
        checked = action.parameters.model_validate(
            {name: value for name, (value, _) in inputs.items()}
        )
    except ValidationError as error:
        problem = field_problems(error, action.parameters)[0]
        if (problem.field, problem.kind) == ("target", "missing"):
            raise InputError(
                "A target is required.",
                field="target",
                remedy=f"Name the service, as in `{action.synonyms[0]} checkout-api`.",
            ) from error
        raise InputError(f"{action_id}: {problem}", field=problem.field) from error
    values = checked.model_dump(mode="json", exclude_none=True)
    target = str(values["target"])
    return Proposal(
        action_id=action.id,
        title=f"{action.verb} {target}",
        target=target,
        parameters=tuple(
            Parameter(name, value, inputs[name][1] if name in inputs else "default")
            for name, value in values.items()
        ),
        risk=risk_in(policy, action),
        reversible=action.reversible,
        intent=action.intent,
    )


def enabled_in(policy: Remediate) -> dict[str, Action]:
    """Return the actions that the operator allows at all, by their ids."""
    return {
        name: action
        for name, action in CATALOGUE.items()
        if name not in policy.actions or policy.actions[name].enabled
    }


def _enabled(action_id: str, policy: Remediate) -> Action:
    known = enabled_in(policy)
    if action_id not in known:
        raise InputError(
            f"{action_id} is not in the catalogue. Known: {', '.join(known)}", field="action"
        )
    return known[action_id]


def inverse_of(done: Proposal) -> dict[str, tuple[Any, str]] | None:
    """Return the values and origins of the action that undoes this one; None without one."""
    action = CATALOGUE.get(done.action_id)
    if action is None or not action.inverse:
        return None
    takes = CATALOGUE[action.inverse].parameters.model_fields
    return {p.name: (p.value, p.origin) for p in done.parameters if p.name in takes}


def editable(action_id: str) -> tuple[str, ...]:
    """Return the parameters that a person may change on a card; another target is another
    proposal.
    """
    action = CATALOGUE.get(action_id)
    fields = action.parameters.model_fields if action else {}
    return tuple(name for name in fields if name != "target" and name not in SOP_ONLY)
