"""Reads policy.yaml with its profile and the files that it includes, and approvers.yaml."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path, PurePath
from typing import Annotated, Any

from pydantic import TypeAdapter, ValidationError

from bot.approvals.rules import unknown_environments
from bot.approvals.segment import ROLE, Approver, Remediate
from bot.errors import InputError, SettingsError
from bot.incidents.environments import folded
from bot.incidents.planned_silences import dead_silences
from bot.incidents.routes import dead_routes
from bot.policy.includes import Includes, parse_mapping
from bot.policy.layers import SEGMENTS, Layer, Layers, Location, merge
from bot.policy.model import Policy
from bot.policy.profiles import PROFILES
from bot.regular_files import read_regular
from bot.remediation.catalogue import misspelt_actions
from bot.validation import FieldProblem, field_problems, form, in_file

APPROVERS_FILE = "approvers.yaml"
RoleName = Annotated[str, form(ROLE, "a role's name is lower case: letters, digits, '_', '-'")]

Roles = Mapping[str, tuple[str, ...]]
"""Slack user ids and user groups, by the name of their role."""


@dataclass(frozen=True, slots=True)
class LoadedPolicy:
    """A policy with the layers that it was read from. `digest` is the SHA-256 of its files."""

    policy: Policy
    layers: Layers
    digest: str


def parse_policy(text: str, *, file: str, roles: Roles | None = None) -> Policy:
    """Parse policy.yaml's text; the files that it includes are read beside `file`.

    InputError names the file, the line and the key, one problem a line. A role among the approvers
    stands for its users in `roles`.
    """
    return _load(text, Path(file), roles or {}).policy


def _load(text: str, file: Path, roles: Roles) -> LoadedPolicy:
    includes = Includes(file.parent)
    files = includes.layers_of(text, PurePath(file).name)
    layers = merge([*_profile(files), *files])
    policy = _validated(layers, roles)
    problems = [line for layer in files for line in _problems_hidden_in(layer, layers, roles)]
    if problems:
        raise InputError("\n".join(problems), field="policy")
    digest = hashlib.sha256("".join(includes.texts).encode()).hexdigest()
    return LoadedPolicy(policy, layers, digest)


def _profile(files: list[Layer]) -> Iterator[Layer]:
    """Yield the layer of the profile that the last file names; an unknown one is an error later."""
    named = [layer.values["profile"] for layer in files if "profile" in layer.values]
    for name, values in PROFILES.items():
        if named[-1:] == [name]:
            yield Layer(f"profile {name}", values)


def _validated(layers: Layers, roles: Roles) -> Policy:
    raw = _with_people(layers.values, roles)
    try:
        policy = Policy.model_validate(raw)
    except ValidationError as error:
        problems = [*field_problems(error, Policy), *_unknown_beside(raw, error)]
        raise _refused(problems, layers) from error
    problems = _unknown_names(policy.remediate)
    problems += dead_routes(policy.ingest.routes, policy.remediate.declared)
    problems += dead_silences(
        policy.notify.maintenance, policy.notify.quiet_hours, policy.remediate.declared
    )
    problems += _dead_overrides(policy)
    if problems:
        raise _refused(problems, layers)
    return policy


def _refused(problems: list[FieldProblem], layers: Layers) -> InputError:
    lines = [f"{_place(problem.location, layers)}: {problem}" for problem in problems]
    return InputError("\n".join(lines), field="policy")


def _place(location: Location, layers: Layers) -> str:
    """Return the file and the line; an item of a list of people has another index than in the file
    after a role is replaced.
    """
    layer = layers.layer_of(location) or layers.main
    lists = [location.index(key) + 1 for key in _PEOPLE if key in location]
    known = min([*lists, len(location)])
    return layer.place_of(location[:known])


def _problems_hidden_in(layer: Layer, layers: Layers, roles: Roles) -> Iterator[str]:
    """Yield the problems of values that a later file replaces: they are mistakes all the same."""
    hidden = layers.hidden(layer)
    hidden.pop("includes", None)  # checked when they were followed
    try:
        Policy.model_validate(_with_people(hidden, roles))
    except ValidationError as error:
        for problem in field_problems(error, Policy):
            is_of_a_key = len(problem.location) > (problem.location[:1] in {(s,) for s in SEGMENTS})
            if is_of_a_key:
                yield f"{layer.place_of(problem.location)}: {problem}"


def _unknown_names(remediate: Remediate) -> list[FieldProblem]:
    return [*misspelt_actions(remediate), *unknown_environments(remediate)]


def _dead_overrides(policy: Policy) -> Iterator[FieldProblem]:
    """Yield a problem for each override's name that is used twice, or environment that is
    undeclared.
    """
    declared, names = policy.remediate.declared, set[str]()
    for place, override in enumerate(policy.overrides):
        if override.name in names:
            reason = f"{override.name!r} is the name of another one"
            yield FieldProblem(("overrides", place, "name"), reason, "repeated_name")
        names.add(override.name)
        for glob in override.match.get("env", ()):
            if not declared.fitting(folded(glob)):
                yield FieldProblem(
                    ("overrides", place, "match", "env"),
                    f"no declared environment is {glob!r}, so it can never match;"
                    " declare it under remediate.environments",
                    "unknown_environment",
                )


def _unknown_beside(raw: dict[Any, Any], error: ValidationError) -> list[FieldProblem]:
    """Return unknown names in the keys of `remediate` without errors, so that one check reports
    everything.

    Environments cannot be checked while `environments` itself has an error.
    """
    remediate = raw.get("remediate")
    if not isinstance(remediate, dict):
        return []
    places = [problem["loc"] for problem in error.errors(include_url=False)]
    bad = {key for at in places if at[:1] == ("remediate",) for key in at[1:2]}
    try:
        usable = Remediate.model_validate({k: v for k, v in remediate.items() if k not in bad})
    except ValidationError:  # the keys contradict each other, which `error` reports
        return []
    return misspelt_actions(usable) if "environments" in bad else _unknown_names(usable)


def parse_roles(text: str, *, file: str) -> Roles:
    """Parse approvers.yaml's text: ids by role.

    InputError names the file, the line and the role.
    """
    name = PurePath(file).name
    document = parse_mapping(text, name, "roles")
    try:
        return TypeAdapter(dict[RoleName, tuple[Approver, ...]]).validate_python(
            document.value or {}
        )
    except ValidationError as error:
        lines = in_file(name, field_problems(error), document.line_of)
        raise InputError("\n".join(lines), field="policy") from error


_PEOPLE = ("approvers", "mentions")
"""The keys whose lists may name roles."""


def _with_people(raw: dict[Any, Any], roles: Roles) -> dict[Any, Any]:
    """Replace roles by their users in the policy. Any other name stays, for the check."""

    def replaced(part: Any) -> Any:
        if isinstance(part, list):
            return [replaced(item) for item in part]
        if not isinstance(part, dict):
            return part
        return {
            key: _users(value, roles) if key in _PEOPLE else replaced(value)
            for key, value in part.items()
        }

    people = {key: replaced(raw[key]) for key in ("remediate", "notify", "overrides") if key in raw}
    return {**raw, **people}


def _users(named: Any, roles: Roles) -> Any:
    if not isinstance(named, list):
        return named
    users = [user for name in named for user in roles.get(str(name), (name,))]
    return list(dict.fromkeys(users)) if all(isinstance(user, str) for user in users) else users


def read_policy(path: Path) -> Policy:
    """Read the policy as `load_policy` does."""
    return load_policy(path).policy


def load_policy(path: Path) -> LoadedPolicy:
    """Read the policy file, with the roles of approvers.yaml beside it, if that exists.

    A missing policy is an error: nothing is allowed by accident.
    """
    approvers = path.with_name(APPROVERS_FILE)
    try:
        text = read_regular(path)
        roles = read_regular(approvers) if approvers.exists() else ""
    except (OSError, UnicodeDecodeError) as error:
        raise SettingsError([f"POLICY_FILE: {path} cannot be read"]) from error
    return _load(text, path, parse_roles(roles, file=str(approvers)))
