"""The catalogue of typed actions: the only requests that the bot sends to the gateway.

The bot knows some actions by itself; all others are the gateway's offers, and at least of high
risk. A target comes from an alert label, an SOP or a person, never from a model's text. `probe_url`
comes only from an SOP: the operator chooses the addresses that the bot calls. An operator's changes
of an action stand in the policy, under `remediate.actions`.
"""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Annotated, Any

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, HttpUrl, ValidationError

from bot.approvals.rules import fits_any
from bot.approvals.segment import Remediate
from bot.errors import InputError
from bot.incidents.addresses import NO_USERINFO
from bot.incidents.remediation import FROM_MODEL, Parameter, Proposal, Risk
from bot.language import N_, deferred
from bot.remediation.contract import OURSELVES
from bot.remediation.offers import OfferedAction, Offers
from bot.remediation.schemas import parameters_model
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

    @property
    def word(self) -> str:
        """Return the word by which a person asks for it."""
        return self.synonyms[0] if self.synonyms else self.id

    def titled(self, target: str) -> str:
        """Return the line that names it on its card."""
        return f"{self.verb} {target}" if self.synonyms else f"{self.verb} on {target}"


CATALOGUE: Mapping[str, Action] = {
    action.id: action
    for action in (
        Action(
            id="service.restart",
            verb="Restart",
            intent="restart the service",
            risk=Risk.MEDIUM,
            blast=N_("the service is away while it restarts"),
            reversible=N_("no, but the service keeps its version and its data"),
            cooldown=timedelta(minutes=5),
            parameters=StopParameters,
            synonyms=("restart", "reboot", "bounce"),
        ),
        Action(
            id="service.stop",
            verb="Stop",
            intent="stop the service",
            risk=Risk.HIGH,
            blast=N_("the service is away until somebody starts it"),
            reversible=N_("yes, by service.start"),
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
            blast=N_("the service takes work again"),
            reversible=N_("yes, by service.stop"),
            inverse="service.stop",
            cooldown=timedelta(minutes=1),
            parameters=StartParameters,
            synonyms=("start",),
        ),
    )
}


COOLDOWN = timedelta(minutes=5)
"""The cooldown of an action that only the gateway knows."""


def actions_with(offers: Offers) -> Mapping[str, Action]:
    """Return the bot's own actions and the gateway's, by id.

    Of an action that both know the bot's entry counts. A gateway cannot lower a risk: its own
    action is HIGH.
    """
    offered = {
        action.id: _offered(action)
        for action in offers.actions.values()
        if action.mutating and action.fields is not None and action.id not in CATALOGUE
    }
    return {**CATALOGUE, **offered}


def _offered(action: OfferedAction) -> Action:
    inverse = action.inverse
    return Action(
        id=action.id,
        verb=action.title,
        intent=action.title,
        risk=Risk.HIGH,
        blast=action.blast or N_("the gateway does not say what else it does"),
        reversible=f"yes, by {inverse}" if inverse else N_("no, it cannot be undone"),
        inverse=inverse,
        cooldown=COOLDOWN,
        parameters=parameters_model(action.fields or {}, StartParameters),
        synonyms=(),
    )


def unknown_actions(policy: Remediate, actions: Iterable[str]) -> list[tuple[str, str]]:
    """Return (key, name) of each action in the policy that is none of `actions`."""
    names = list(actions)
    globs: dict[str, Sequence[str]] = {
        **{f"rules.{place}.actions": rule.actions for place, rule in enumerate(policy.rules)},
        "two_person_actions": policy.two_person_actions,
        "auto_approve": policy.auto_approve,
    }
    ids = [("actions", name) for name in policy.actions if name not in names]
    bad = [
        (key, glob)
        for key, entries in globs.items()
        for glob in entries
        if not any(fits_any(name, [glob]) for name in names)
    ]
    return [(f"remediate.{key}", word) for key, word in [*ids, *bad]]


def misspelt_actions(policy: Remediate) -> list[FieldProblem]:
    """Return each action in the policy that is all but one of the bot's own.

    Any other unknown one may be the gateway's: `check` compares it with the gateway's list.
    """
    problems = []
    for key, word in unknown_actions(policy, CATALOGUE):
        if close := difflib.get_close_matches(word, CATALOGUE, 1, _MISSPELT):
            reason = f"there is no action {word!r}; did you mean {close[0]}?"
            location = tuple(int(part) if part.isdigit() else part for part in key.split("."))
            problems.append(FieldProblem(location, reason, "unknown_action"))
    return problems


_MISSPELT = 0.9  # of difflib's likeness: a letter too many, or two exchanged


def risk_in(policy: Remediate, action_id: str) -> str:
    """Return the risk of an action in the operator's view; HIGH if only the gateway knows it."""
    changed = policy.actions.get(action_id)
    if changed and changed.risk:
        return changed.risk
    return CATALOGUE[action_id].risk if action_id in CATALOGUE else Risk.HIGH


def is_enabled(policy: Remediate, action_id: str) -> bool:
    """Return True unless the operator forbids the action."""
    return action_id not in policy.actions or policy.actions[action_id].enabled


def is_change(policy: Remediate, action_id: str) -> bool:
    """Return True if the bot knows the action, or the policy names it in full, not by a glob."""
    changed = policy.actions.get(action_id)
    named = {*policy.two_person_actions, *policy.auto_approve}
    named |= {name for rule in policy.rules for name in rule.actions}
    has_rule = changed is not None and (changed.risk or changed.cooldown_seconds is not None)
    return action_id in CATALOGUE or action_id in named or bool(has_rule)


def cooldowns_in(policy: Remediate) -> dict[str, timedelta]:
    """Return the cooldown of each action as the operator set it."""
    cooldowns = {action.id: action.cooldown for action in CATALOGUE.values()}
    for action_id, changed in policy.actions.items():
        if changed.cooldown_seconds is not None:
            cooldowns[action_id] = timedelta(seconds=changed.cooldown_seconds)
    return cooldowns


def propose(
    action_id: str,
    inputs: Mapping[str, tuple[Any, str]],
    policy: Remediate | None = None,
    actions: Mapping[str, Action] = CATALOGUE,
) -> Proposal:
    """Check values with their origins against the catalogue and build a proposal from them.

    `inputs` maps a parameter's name to (value, origin); `actions` are those of `actions_with`.
    InputError names the faulty parameter.
    """
    policy = policy or Remediate()
    action = _enabled(action_id, policy, actions)
    for name, (value, origin) in inputs.items():
        if name in SOP_ONLY and not origin.startswith("SOP "):
            raise InputError(deferred("{name} can only come from an SOP", name=name), field=name)
        if name == "target" and origin == FROM_MODEL:
            raise InputError(deferred("a target never comes from a model"), field=name)
        if name == "target" and str(value).strip().lower() in OURSELVES:
            raise InputError(deferred("the bot never acts on itself or its gateway"), field=name)
    try:
        checked = action.parameters.model_validate(
            {name: value for name, (value, _) in inputs.items()}
        )
    except ValidationError as error:
        problem = field_problems(error, action.parameters)[0]
        if (problem.field, problem.kind) == ("target", "missing"):
            raise InputError(
                deferred("A target is required."),
                field="target",
                remedy=deferred("Name the service, as in `{verb} checkout-api`.", verb=action.word),
            ) from error
        raise InputError(f"{action_id}: {problem}", field=problem.field) from error
    values = checked.model_dump(mode="json", exclude_none=True)
    target = str(values["target"])
    return Proposal(
        action_id=action.id,
        title=action.titled(target),
        target=target,
        parameters=tuple(
            Parameter(name, value, inputs[name][1] if name in inputs else "default")
            for name, value in values.items()
        ),
        risk=risk_in(policy, action.id),
        reversible=action.reversible,
        intent=action.intent,
    )


def enabled_in(policy: Remediate, actions: Mapping[str, Action] = CATALOGUE) -> dict[str, Action]:
    """Return those of `actions` that the operator does not forbid, by their ids."""
    return {name: action for name, action in actions.items() if is_enabled(policy, name)}


def _enabled(action_id: str, policy: Remediate, actions: Mapping[str, Action]) -> Action:
    known = enabled_in(policy, actions)
    if action_id not in known:
        raise InputError(
            deferred(
                "{action_id} is not in the catalogue. Known: {names}",
                action_id=action_id,
                names=", ".join(list(known)[:MOST_NAMED]),
            ),
            field="action",
        )
    return known[action_id]


MOST_NAMED = 20
"""Actions that an error names."""


def inverse_of(
    done: Proposal, answer: Mapping[str, Any]
) -> tuple[str, dict[str, tuple[Any, str]]] | None:
    """Return the action that undoes this one, with its values and origins; None without one.

    `answer` is the stored answer of the execution: only the gateway knows the earlier state of its
    own actions.
    """
    own = CATALOGUE.get(done.action_id)
    if own is not None:
        if not own.inverse:
            return None
        takes = CATALOGUE[own.inverse].parameters.model_fields
        kept = {p.name: (p.value, p.origin) for p in done.parameters if p.name in takes}
        return own.inverse, kept
    inverse = answer.get("inverse")
    if not isinstance(inverse, dict):
        return None
    values = {name: (v, "gateway: undo") for name, v in inverse["parameters"].items()}
    probes = {p.name: (p.value, p.origin) for p in done.parameters if p.name in SOP_ONLY}
    return inverse["id"], {**values, **probes, "target": (done.target, "the undone action")}


def editable(proposal: Proposal) -> tuple[str, ...]:
    """Return the parameters that a person may change on a card; another target is another
    proposal.
    """
    return tuple(
        parameter.name
        for parameter in proposal.parameters
        if parameter.name != "target" and parameter.name not in SOP_ONLY
    )
