"""The policy's segment `remediate`: who approves which actions.

Closed by default: an omitted key allows less, not more. Unknown keys are errors.
"""

from __future__ import annotations

from functools import cached_property
from typing import Annotated, Literal

from pydantic import (
    AfterValidator,
    BaseModel,
    ConfigDict,
    Field,
    field_validator,
)

from bot.incidents.environments import DECLARED, Environments, environment_glob
from bot.incidents.remediation import Risk
from bot.incidents.time_windows import TimeWindow
from bot.validation import form

SLACK_ID = r"[UWS][A-Z0-9]{2,}"
ROLE = r"[a-z][a-z0-9_-]{0,40}"  # in lower case, so that it is no id

Approver = Annotated[
    str,
    form(
        SLACK_ID,
        "must be the Slack id of a person (U…, W…) or of a user group (S…)",
        schema_pattern=f"{SLACK_ID}|{ROLE}",
    ),
]
"""A Slack user id (U…, W…) or the id of a user group (S…)."""

GuestAction = Literal[
    "acknowledge",
    "assign",
    "resolve",
    "reopen",
    "severity",
    "note",
    "escalate",
    "ask",
    "fix",
    "silence",
    "mute",
    "open",
]
"""The things that people do to an incident, other than deciding on an approval."""

Seconds = Annotated[int, Field(ge=10, le=86_400)]
Needed = Annotated[int, Field(ge=1, le=10)]
# A rule with a glob that nothing can match would never apply.
Glob = Annotated[str, form(r"[\s\S]*\S[\s\S]*", "must not be empty")]
EnvironmentGlob = Annotated[str, AfterValidator(environment_glob)]


class _Part(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, hide_input_in_errors=True)


class Rule(_Part):
    """One rule: the remediations that it covers, and its requirement.

    Globs are compared in lower case; one of `environments` means a declared environment by any of
    its spellings. Keys that a rule omits come from the segment; an empty list could match nothing,
    so it is an error.
    """

    risk_at_least: Risk = Risk.LOW
    environments: tuple[EnvironmentGlob, ...] = Field(default=("*",), min_length=1)
    actions: tuple[Glob, ...] = Field(default=("*",), min_length=1)
    targets_at_least: int = Field(default=1, ge=1)
    approvers: tuple[Approver, ...] | None = None
    approvals_required: Needed | None = None
    approval_ttl_seconds: Seconds | None = None
    reason_required: bool | None = None
    only_in_windows: bool | None = None

    @property
    def wants_people(self) -> bool:
        """Return whether the rule asks for votes or a reason."""
        named = self.approvers is not None or self.approvals_required is not None
        return named or bool(self.reason_required or self.only_in_windows)


class ActionRule(_Part):
    """An operator's changes to one action of the catalogue."""

    enabled: bool = True
    risk: Risk | None = None
    cooldown_seconds: int | None = Field(default=None, ge=0, le=86_400)


class Remediate(_Part):
    """The approvers of each remediation, its limits, and how long its verification may take."""

    approvers: tuple[Approver, ...] = ()
    approvals_required: Needed = 1
    approval_ttl_seconds: Seconds = 900
    reason_required: bool = False
    only_in_windows: bool = False
    rules: tuple[Rule, ...] = ()
    environments: dict[str, tuple[str, ...]] = Field(default_factory=lambda: dict(DECLARED))
    critical_environments: tuple[EnvironmentGlob, ...] = ()
    critical_ttl_seconds: Seconds = 120
    two_person_actions: tuple[Glob, ...] = ()
    auto_approve: tuple[Glob, ...] = ()
    reading: tuple[Glob, ...] = ()
    maintenance_windows: tuple[TimeWindow, ...] = ()
    actions: dict[str, ActionRule] = Field(default_factory=dict)
    breaker_failures: int = Field(default=3, ge=1, le=100)
    breaker_seconds: int = Field(default=3600, ge=60, le=86_400)
    hourly_budget: int = Field(default=20, ge=0, le=10_000)
    hourly_budget_per_sop: int = Field(default=10, ge=0, le=10_000)
    hourly_budget_per_target: int = Field(default=6, ge=0, le=10_000)
    dispatches_at_once: int = Field(default=8, ge=1, le=64)
    propose_from_sop: bool = True
    guests_may: tuple[GuestAction, ...] = ()
    verify_deadline_seconds: int = Field(default=300, ge=5, le=86_400)
    verify_good_probes: int = Field(default=2, ge=1, le=20)

    @field_validator("environments")
    @classmethod
    def _can_be_told_apart(cls, value: dict[str, tuple[str, ...]]) -> dict[str, tuple[str, ...]]:
        Environments.of(value)
        return value

    @cached_property
    def declared(self) -> Environments:
        """Return the declared environments; every other word is unknown."""
        return Environments.of(self.environments)

    @property
    def everybody_who_may_approve(self) -> tuple[str, ...]:
        """Return every approver that the segment or a rule names."""
        named = (self.approvers, *(rule.approvers or () for rule in self.rules))
        return tuple(dict.fromkeys(item for entry in named for item in entry))
