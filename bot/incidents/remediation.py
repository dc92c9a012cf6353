"""The remediation types of an incident: proposal, parameters, status."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from bot.incidents.addresses import without_values


class RemediationStatus(StrEnum):
    """The status of a remediation; people read no other status words."""

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
    """The risk of an action; `rank` orders them, the least first."""

    LOW = "low"
    MEDIUM = "medium"
    HIGH = "high"
    CRITICAL = "critical"

    @property
    def rank(self) -> int:
        """0 for low … 3 for critical."""
        return list(Risk).index(self)


def risk_of(word: str) -> Risk:
    """Return the risk of that name; an unknown name is the highest risk."""
    return Risk(word) if word in set(Risk) else Risk.CRITICAL


FROM_MODEL = "⚠ from model"
"""The origin of a value that a model wrote: shown as it is, and never a target's."""


@dataclass(frozen=True, slots=True)
class Parameter:
    """One value that will run, and its origin.

    `alert: service`, `SOP sop_…`, `asked by @U…`, `edited by @U…`, `default`, or FROM_MODEL.
    """

    name: str
    value: str | int | float | bool
    origin: str

    @property
    def shown(self) -> str | int | float | bool:
        """Return the value for people and the audit trail, without a token in an address."""
        return without_values(str(self.value)) if self.name == "probe_url" else self.value


@dataclass(frozen=True, slots=True)
class Preview:
    """The gateway's dry run: the exact command, its digest, the objects that it touches.

    `environment` is the target's, in the gateway's spelling. All are empty if the gateway cannot
    plan. `gateway` names the one that planned it, and will run it: '' is that of the settings.
    """

    command: str = ""
    digest: str = ""
    touches: str = ""
    environment: str = ""
    gateway: str = ""

    @property
    def values(self) -> list[str]:
        """Return the fields in order, as they are stored and as the approval's digest covers them.

        Without `gateway` where it is '': so an approval from before there were several keeps its
        digest.
        """
        named = [self.gateway] if self.gateway else []
        return [self.command, self.digest, self.touches, self.environment, *named]


@dataclass(frozen=True, slots=True, kw_only=True)
class Proposal:
    """An action ready for approval: catalogue id, target, parameters with origins."""

    action_id: str
    title: str
    target: str
    parameters: tuple[Parameter, ...]
    risk: str
    reversible: str
    intent: str
