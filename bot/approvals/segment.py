"""The policy's segment `remediate`: what an operator may write about who approves what.

Closed by default: what is left out allows less, not more. Unknown keys are errors.
"""

from __future__ import annotations

from datetime import time
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field

from bot.incidents.remediation import Risk

Approver = Annotated[str, Field(pattern=r"^[UWS][A-Z0-9]{2,}$")]
"""A Slack user id (U…, W…) or the id of a user group (S…)."""

Seconds = Annotated[int, Field(ge=10, le=86_400)]
Needed = Annotated[int, Field(ge=1, le=10)]
Day = Literal["mon", "tue", "wed", "thu", "fri", "sat", "sun"]
EVERY_DAY: tuple[Day, ...] = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")


class _Part(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, hide_input_in_errors=True)


class Rule(_Part):
    """Which remediations it is for, and what it asks of them.

    Globs (`prod*`) are compared in lower case. What it leaves out comes from the segment itself.
    """

    risk_at_least: Risk = Risk.LOW
    environments: tuple[str, ...] = ("*",)
    actions: tuple[str, ...] = ("*",)
    targets_at_least: int = Field(default=1, ge=1)
    approvers: tuple[Approver, ...] | None = None
    approvals_required: Needed | None = None
    approval_ttl_seconds: Seconds | None = None
    reason_required: bool | None = None
    only_in_windows: bool | None = None


class Window(_Part):
    """A maintenance window in UTC. One that ends before it starts goes on past midnight."""

    days: tuple[Day, ...] = EVERY_DAY
    start: time
    end: time


class ActionRule(_Part):
    """What an operator changes about one action of the catalogue."""

    enabled: bool = True
    risk: Risk | None = None
    cooldown_seconds: int | None = Field(default=None, ge=0, le=86_400)


class Remediate(_Part):
    """Who may approve what, within which limits, and how long it is watched afterwards."""

    approvers: tuple[Approver, ...] = ()
    approvals_required: Needed = 1
    approval_ttl_seconds: Seconds = 900
    reason_required: bool = False
    only_in_windows: bool = False
    rules: tuple[Rule, ...] = ()
    critical_environments: tuple[str, ...] = ()
    critical_ttl_seconds: Seconds = 120
    two_person_actions: tuple[str, ...] = ()
    auto_approve: tuple[str, ...] = ()
    maintenance_windows: tuple[Window, ...] = ()
    actions: dict[str, ActionRule] = Field(default_factory=dict)
    breaker_failures: int = Field(default=3, ge=1, le=100)
    breaker_seconds: int = Field(default=3600, ge=60, le=86_400)
    hourly_budget: int = Field(default=20, ge=0, le=10_000)
    propose_from_sop: bool = True
    verify_deadline_seconds: int = Field(default=300, ge=5, le=86_400)
    verify_good_probes: int = Field(default=2, ge=1, le=20)
