"""What an operator allows: policy.yaml as typed segments. Unknown keys are errors.

Closed by default: no approver named means that nobody may approve.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path, PurePath
from typing import Annotated, Any, Self

import yaml
from pydantic import BaseModel, ConfigDict, Field, TypeAdapter, ValidationError, model_validator

from bot.approvals.segment import Approver, Remediate
from bot.errors import InputError, SettingsError
from bot.remediation.catalogue import unknown_actions


class _Segment(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, hide_input_in_errors=True)


class Correlate(_Segment):
    """How repeats change the card."""

    card_update_seconds: float = Field(default=1.0, ge=0, le=60)


class Notify(_Segment):
    """How fast a channel is spoken to: Slack allows one post a second, and a few at once."""

    post_interval_seconds: float = Field(default=1.0, ge=0, le=60)
    post_burst: int = Field(default=10, ge=1, le=100)
    storm_limit: int = Field(default=10, ge=1, le=1000)


class Ingest(_Segment):
    """How far back Slack's own history is read for what was missed, in hours."""

    read_back_hours: float = Field(default=24.0, gt=0, le=168)


class Retention(_Segment):
    """How long rows are kept after an incident is resolved, in days."""

    alerts_days: int = Field(default=30, ge=1)
    deliveries_days: int = Field(default=7, ge=1)
    audit_days: int = Field(default=365, ge=1)


class Policy(_Segment):
    """The whole policy."""

    schema_version: str = "3.0"
    ingest: Ingest = Ingest()
    correlate: Correlate = Correlate()
    notify: Notify = Notify()
    remediate: Remediate = Remediate()
    retention: Retention = Retention()

    @model_validator(mode="after")
    def _remembers_what_it_reads(self) -> Self:
        days = min(self.retention.deliveries_days, self.retention.alerts_days)
        if self.ingest.read_back_hours > days * 24:
            raise ValueError(
                "ingest.read_back_hours: alerts that are forgotten by then would come again;"
                " keep it below retention.deliveries_days and retention.alerts_days"
            )
        return self


APPROVERS_FILE = "approvers.yaml"
RoleName = Annotated[str, Field(pattern=r"^[a-z][a-z0-9_-]{0,40}$")]
"""A role's name; in lower case, so that it is no id."""


class _Twice(yaml.MarkedYAMLError):
    """A key that stands twice in one mapping."""


class _Loader(yaml.SafeLoader):
    """YAML keeps the last of two equal keys: a line left behind could undo a stricter one."""

    def compose_mapping_node(self, anchor: dict[Any, yaml.Node]) -> yaml.MappingNode:
        # Here and not when it is constructed: by then `<<` has brought in what may be overridden.
        node = super().compose_mapping_node(anchor)
        seen: set[tuple[str, str]] = set()
        for key, _ in node.value:
            name = (key.tag, key.value) if isinstance(key, yaml.ScalarNode) else None
            if name in seen:
                raise _Twice(problem=f"{key.value} is there twice", problem_mark=key.start_mark)
            if name:
                seen.add(name)
        return node


Roles = Mapping[str, tuple[str, ...]]
"""Slack user ids and user groups, by the name of their role."""


def parse_policy(text: str, *, file: str, roles: Roles | None = None) -> Policy:
    """Read policy.yaml's text. InputError names the file and the key, one problem a line.

    Where it names a role as an approver, the people of `roles` are meant.
    """
    name = PurePath(file).name
    raw = _with_people(_mapping(text, name, "segments"), roles or {})
    try:
        policy = Policy.model_validate(raw)
    except ValidationError as error:
        lines = [
            ": ".join([name, *_where(problem), problem["msg"].removeprefix("Value error, ")])
            for problem in error.errors(include_url=False, include_input=False)
        ]
        raise InputError("\n".join(lines), field="policy") from error
    if unknown := unknown_actions(policy.remediate):
        raise InputError("\n".join(f"{name}: {one}" for one in unknown), field="policy")
    return policy


def parse_roles(text: str, *, file: str) -> Roles:
    """Read approvers.yaml's text: ids by role. InputError names the file and the role."""
    name = PurePath(file).name
    try:
        return TypeAdapter(dict[RoleName, tuple[Approver, ...]]).validate_python(
            _mapping(text, name, "roles")
        )
    except ValidationError as error:
        lines = [
            ": ".join([name, *_where(problem), problem["msg"]])
            for problem in error.errors(include_url=False, include_input=False)
        ]
        raise InputError("\n".join(lines), field="policy") from error


def _mapping(text: str, name: str, of: str) -> dict[Any, Any]:
    try:
        loader = _Loader(text)
        try:
            raw = loader.get_single_data()
        finally:
            loader.dispose()
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        line = f":{mark.line + 1}" if mark else ""
        why = error.problem if isinstance(error, _Twice) else "not YAML"
        raise InputError(f"{name}{line}: {why}", field="policy") from error
    if raw is None:
        return {}
    if not isinstance(raw, dict):
        raise InputError(f"{name}: must be a mapping of {of}", field="policy")
    return raw


def _with_people(raw: dict[Any, Any], roles: Roles) -> dict[Any, Any]:
    """The policy with the people in their roles' place. What is no role stays, for the check."""
    remediate = raw.get("remediate")
    if not isinstance(remediate, dict):
        return raw

    def people(part: Any) -> Any:
        named = part.get("approvers") if isinstance(part, dict) else None
        if not isinstance(named, list):
            return part
        meant = [one for name in named for one in roles.get(str(name), (name,))]
        return {**part, "approvers": list(dict.fromkeys(meant))}

    rules = remediate.get("rules")
    full = people(remediate)
    if isinstance(rules, list):
        full = {**full, "rules": [people(rule) for rule in rules]}
    return {**raw, "remediate": full}


def _where(problem: Any) -> list[str]:
    return [".".join(map(str, problem["loc"]))] if problem["loc"] else []


def read_policy(path: Path) -> Policy:
    """The policy file, with the roles of approvers.yaml beside it, where that is there.

    A missing policy is an error: nothing is allowed by accident.
    """
    approvers = path.with_name(APPROVERS_FILE)
    try:
        text = path.read_text(encoding="utf-8")
        roles = approvers.read_text(encoding="utf-8") if approvers.is_file() else ""
    except (OSError, UnicodeDecodeError) as error:
        raise SettingsError([f"POLICY_FILE: {path} cannot be read"]) from error
    return parse_policy(text, file=str(path), roles=parse_roles(roles, file=str(approvers)))
