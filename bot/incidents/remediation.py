"""A remediation as an incident knows it: what is proposed, with which values, how far it got."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from bot.incidents.addresses import without_values


class RemediationStatus(StrEnum):
    """Where a remediation stands; the only source of status words a person reads."""

    PROPOSED = "proposed"
    AWAITING_APPROVAL = "awaiting approval"
    APPROVED = "approved"
    REJECTED = "rejected"
    EXPIRED = "expired"
    REVOKED = "revoked"
    DISPATCHING = "dispatching"
    SUCCEEDED = "succeeded"
    FAILED = "failed"
    OUTCOME_UNKNOWN = "outcome unknown"
    VERIFIED = "verified"
    NOT_VERIFIED = "not verified"
    UNDONE = "undone"


class Risk(StrEnum):
    """How much an action can hurt; `rank` orders them, the least first."""

    LOW = "low"
    MEDIUM = "medium"
    HIGH = "high"
    CRITICAL = "critical"

    @property
    def rank(self) -> int:
        """0 for low … 3 for critical."""
        return list(Risk).index(self)


def risk_of(word: str) -> Risk:
    """The risk of that name; what nobody knows is the highest."""
    return Risk(word) if word in set(Risk) else Risk.CRITICAL


FROM_MODEL = "⚠ from model"
"""The origin of a value that a model wrote: shown as it is, and never a target's."""


@dataclass(frozen=True, slots=True)
class Parameter:
    """One value that will run, and where it comes from.

    `alert: service`, `SOP sop_…`, `asked by @U…`, `edited by @U…`, `default`, or FROM_MODEL.
    """

    name: str
    value: str | int | float | bool
    origin: str

    @property
    def shown(self) -> str | int | float | bool:
        """The value as people and the record see it: a token in an address is not for them."""
        return without_values(str(self.value)) if self.name == "probe_url" else self.value


@dataclass(frozen=True, slots=True)
class Preview:
    """What the gateway says it would do: the exact command, its digest, what it touches.

    `environment` is the target's, in the gateway's word. All empty when the gateway cannot plan.
    """

    command: str = ""
    digest: str = ""
    touches: str = ""
    environment: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Proposal:
    """An action ready to be put before people: catalogue id, target, parameters with origins."""

    action_id: str
    title: str
    target: str
    parameters: tuple[Parameter, ...]
    risk: str
    reversible: str
    intent: str
