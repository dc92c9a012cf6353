"""What may be asked of the gateway: a short list of typed actions, nothing else.

A target comes from an alert label, an SOP or a person, never from model text. `probe_url` comes
from an SOP only: an address the bot calls is the operator's to choose. What an operator changes
about an action stands in the policy, under `remediate.actions`.
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
    """What every action on a service takes."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    target: Target
    probe_url: ProbeUrl | None = None


class StopParameters(BaseModel):
    """With `grace_seconds`: how long the service may take to stop before it is killed."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    target: Target
    grace_seconds: Grace = 10
    probe_url: ProbeUrl | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Action:
    """One entry of the catalogue.

    `intent` is the sentence any gateway understands, and what is shown where one cannot plan.
    `blast` says what it hurts while it runs. `inverse` is the action that takes it back, '' where
    none does; then `reversible` says what stays. `verified_by`: what decides whether it helped.
    `cooldown`: how long its target is left alone after anything was sent to it.
    """

    id: str
    verb: str
    intent: str
    risk: Risk
    blast: str
    reversible: str
    inverse: str = ""
    verified_by: str
    cooldown: timedelta
    parameters: type[BaseModel]
    words: tuple[str, ...]


_VERIFIED_BY = "the health check that the SOP names, else the alert that clears"

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
            verified_by=_VERIFIED_BY,
            cooldown=timedelta(minutes=5),
            parameters=StopParameters,
            words=("restart", "reboot", "bounce"),
        ),
        Action(
            id="service.stop",
            verb="Stop",
            intent="stop the service",
            risk=Risk.HIGH,
            blast="the service is away until somebody starts it",
            reversible="yes, by service.start",
            inverse="service.start",
            verified_by=_VERIFIED_BY,
            cooldown=timedelta(minutes=5),
            parameters=StopParameters,
            words=("stop", "halt"),
        ),
        Action(
            id="service.start",
            verb="Start",
            intent="start the service",
            risk=Risk.MEDIUM,
            blast="the service takes work again",
            reversible="yes, by service.stop",
            inverse="service.stop",
            verified_by=_VERIFIED_BY,
            cooldown=timedelta(minutes=1),
            parameters=StartParameters,
            words=("start",),
        ),
    )
}


def unknown_actions(policy: Remediate) -> list[FieldProblem]:
    """What the policy says of actions that are none: the key, the word, and the known ones."""
    known = ", ".join(CATALOGUE)
    globs: dict[tuple[str | int, ...], Sequence[str]] = {
        **{("rules", place, "actions"): rule.actions for place, rule in enumerate(policy.rules)},
        ("two_person_actions",): policy.two_person_actions,
        ("auto_approve",): policy.auto_approve,
    }
    ids = [(("actions",), name) for name in policy.actions if name not in CATALOGUE]
    bad = [
        (key, glob)
        for key, some in globs.items()
        for glob in some
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
    """How much the action can hurt, as the operator sees it."""
    changed = policy.actions.get(action.id)
    return changed.risk if changed and changed.risk else action.risk


def cooldowns_in(policy: Remediate) -> dict[str, timedelta]:
    """How long each action leaves its target alone, as the operator wants it."""
    found = {action.id: action.cooldown for action in CATALOGUE.values()}
    for action_id, changed in policy.actions.items():
        if changed.cooldown_seconds is not None:
            found[action_id] = timedelta(seconds=changed.cooldown_seconds)
    return found


def propose(
    action_id: str, given: Mapping[str, tuple[Any, str]], policy: Remediate | None = None
) -> Proposal:
    """Check values with their origins against the catalogue and make a proposal of them.

    `given` maps a parameter's name to (value, origin). InputError names the parameter at fault.
    """
    policy = policy or Remediate()
    action = _enabled(action_id, policy)
    for name, (value, origin) in given.items():
        if name in SOP_ONLY and not origin.startswith("SOP "):
            raise InputError(f"{name} can only come from an SOP", field=name)
        if name == "target" and origin == FROM_MODEL:
            raise InputError("a target never comes from a model", field=name)
        if name == "target" and str(value).strip().lower() in OURSELVES:
            raise InputError("the bot never acts on itself or its gateway", field=name)
    try:
        checked = action.parameters.model_validate(
            {name: value for name, (value, _) in given.items()}
        )
    except ValidationError as error:
        problem = field_problems(error, action.parameters)[0]
        if (problem.field, problem.kind) == ("target", "missing"):
            raise InputError(
                "A target is required.",
                field="target",
                remedy=f"Name the service, as in `{action.words[0]} checkout-api`.",
            ) from error
        raise InputError(f"{action_id}: {problem}", field=problem.field) from error
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
        risk=risk_in(policy, action),
        reversible=action.reversible,
        intent=action.intent,
    )


def enabled_in(policy: Remediate) -> dict[str, Action]:
    """The actions that the operator allows at all, by their ids."""
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
    """The values of the action that takes this one back, origins and all; None where none does."""
    action = CATALOGUE.get(done.action_id)
    if action is None or not action.inverse:
        return None
    takes = CATALOGUE[action.inverse].parameters.model_fields
    return {p.name: (p.value, p.origin) for p in done.parameters if p.name in takes}


def editable(action_id: str) -> tuple[str, ...]:
    """The parameters that a person may change on a card; the target is another proposal."""
    action = CATALOGUE.get(action_id)
    fields = action.parameters.model_fields if action else {}
    return tuple(name for name in fields if name != "target" and name not in SOP_ONLY)
