"""The requirements of a remediation: the policy's rules applied to one case."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import timedelta
from fnmatch import fnmatchcase
from itertools import chain
from typing import TypeVar

from bot.approvals.segment import Remediate, Rule
from bot.incidents.environments import UNKNOWN
from bot.incidents.remediation import risk_of
from bot.validation import FieldProblem

T = TypeVar("T")


@dataclass(frozen=True, slots=True, kw_only=True)
class PolicyInput:
    """The facts that the rules depend on.

    `seen`: this incident's own alerts name the target. `environment` is the target's in the
    gateway's config, '' if the gateway does not return it; `alert_environment` is that of the
    incident's alerts, which can make an answer stricter and never looser. `targets` is the number
    of things that it would touch, None if unknown. `asked_by` is the Slack user who asked, '' for
    an SOP. `fits`: the SOP's own keys chose this action for the alert, and would choose it in the
    target's environment too.

    No fact has a default: an approval is checked against the facts that its requirement was decided
    by, and a forgotten one would silently change the answer.
    """

    action_id: str
    risk: str
    environment: str
    alert_environment: str
    targets: int | None
    seen: bool
    fits: bool
    asked_by: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ApprovalRequirements:
    """The policy's requirement. `needed` 0 means that no vote is needed (see `auto_approve`)."""

    approvers: tuple[str, ...]
    needed: int
    ttl: timedelta
    reason_required: bool
    only_in_windows: bool


def demand(policy: Remediate, case: PolicyInput) -> ApprovalRequirements:
    """Return the requirement of the first rule that fits; keys that the rule omits come from the
    segment. An unknown number of targets is more than any number. If the environment is unknown, or
    the alert names another one than the target has, several rules may be the first: then the
    strictest of their answers holds for each key. If no approver is named by all of them, the
    approvers of a target with a known environment stay; otherwise nobody may approve.

    No rule makes a two-person action need fewer than two, or lets an approval in a critical
    environment live longer than `critical_ttl_seconds`.
    A rule that fits and needs votes overrides `auto_approve`, which counts only if alert and target
    name the same declared environment: otherwise the alert's text would choose an action in another
    environment.
    """
    environments = environments_of(policy, case)
    of_target, *of_alert = [list(_deciding(policy, case, name)) for name in environments]
    rules = [*of_target, *chain.from_iterable(of_alert)]
    needed = max(_or(rule.approvals_required, policy.approvals_required) for rule in rules)
    two_person = fits_any(case.action_id, policy.two_person_actions)
    if two_person:
        needed = max(needed, 2)
    seconds = min(_or(rule.approval_ttl_seconds, policy.approval_ttl_seconds) for rule in rules)
    if any(_may_be_in(policy, name, policy.critical_environments) for name in environments):
        seconds = min(seconds, policy.critical_ttl_seconds)
    approvers = _in_all(policy, rules)
    if not approvers and environments[0] != UNKNOWN:
        # An alert that names another environment must not leave a target without its approvers.
        approvers = _in_all(policy, of_target)
    by_itself = (
        fits_any(case.action_id, policy.auto_approve)
        and case.seen
        and case.fits
        and _is_one_environment(policy, case)
        and not case.asked_by
        and not two_person
        and not any(rule.wants_people for rule in rules)
    )
    return ApprovalRequirements(
        approvers=approvers,
        needed=0 if by_itself else needed,
        ttl=timedelta(seconds=seconds),
        reason_required=any(_or(r.reason_required, policy.reason_required) for r in rules),
        only_in_windows=any(_or(r.only_in_windows, policy.only_in_windows) for r in rules),
    )


def environments_of(policy: Remediate, case: PolicyInput) -> tuple[str, ...]:
    """Return the environments that choose the rule, as declared names or UNKNOWN: the target's,
    then the alert's if it differs. An alert without one changes nothing.
    """
    target = policy.declared.name_of(case.environment)
    name = policy.declared.name_of(case.alert_environment)
    return (target,) if not case.alert_environment.strip() or name == target else (target, name)


def _is_one_environment(policy: Remediate, case: PolicyInput) -> bool:
    """Return whether alert and target name the same environment, and it is a declared one."""
    of_target = policy.declared.name_of(case.environment)
    return of_target == policy.declared.name_of(case.alert_environment) != UNKNOWN


def _deciding(policy: Remediate, case: PolicyInput, environment: str) -> Iterator[Rule]:
    """Return the first rule that fits and all earlier rules that may fit: one if the environment is
    known."""
    for rule in policy.rules:
        if _may_fit(policy, rule, case, environment):
            yield rule
            if environment in _meant(policy, rule.environments):
                return
    yield Rule()


def _may_fit(policy: Remediate, rule: Rule, case: PolicyInput, environment: str) -> bool:
    """Return whether the rule may fit: an unknown environment may be any."""
    return (
        risk_of(case.risk).rank >= rule.risk_at_least.rank
        and (case.targets is None or case.targets >= rule.targets_at_least)
        and _may_be_in(policy, environment, rule.environments)
        and fits_any(case.action_id, rule.actions)
    )


def _may_be_in(policy: Remediate, environment: str, globs: tuple[str, ...]) -> bool:
    return bool(globs) and (environment == UNKNOWN or environment in _meant(policy, globs))


def _meant(policy: Remediate, globs: Iterable[str]) -> frozenset[str]:
    """Return the environments that the globs match."""
    return frozenset[str]().union(*(policy.declared.fitting(glob) for glob in globs))


def unknown_environments(policy: Remediate) -> list[FieldProblem]:
    """Yield the globs of the policy that can never fit: the key, the glob, and the declared
    names."""
    declared = ", ".join(policy.declared.names)
    globs: dict[tuple[str | int, ...], Sequence[str]] = {
        **{
            ("rules", place, "environments"): r.environments for place, r in enumerate(policy.rules)
        },
        ("critical_environments",): policy.critical_environments,
    }
    return [
        FieldProblem(
            ("remediate", *key),
            f"no declared environment is {glob!r}, so it can never match;"
            f" declare it under remediate.environments, which has: {declared}",
            "unknown_environment",
        )
        for key, item in globs.items()
        for glob in item
        if not policy.declared.fitting(glob)
    ]


def _in_all(policy: Remediate, rules: list[Rule]) -> tuple[str, ...]:
    """Return the approvers that every rule names, in the order of the first one."""
    first, *others = [_or(rule.approvers, policy.approvers) for rule in rules]
    return tuple(user for user in first if all(user in named for named in others))


def fits_any(name: str, globs: Iterable[str]) -> bool:
    """Return whether a name fits one of the globs, upper and lower case alike."""
    return any(fnmatchcase(name.strip().lower(), glob.strip().lower()) for glob in globs)


def _or(value: T | None, otherwise: T) -> T:
    return otherwise if value is None else value
