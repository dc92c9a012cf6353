"""The outcome ledger: what became of each action that was proposed under an SOP, by service. Pure.

The confidence of an action is the share of its runs that helped, with one good and one bad run
added (Laplace's rule of succession), so that one lucky run proves little. A run counts half after
`HALF_LIFE`: a service changes.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from bot.incidents.remediation import RemediationStatus

HALF_LIFE = timedelta(days=90)
HIGH, MEDIUM = 0.7, 0.4  # of a confidence, at least
_HELPED = frozenset({RemediationStatus.VERIFIED})
_DID_NOT = frozenset({RemediationStatus.NOT_VERIFIED, RemediationStatus.FAILED})


@dataclass(frozen=True, slots=True)
class Attempt:
    """One proposal of an action. `state` is that of its execution, None if it was not approved."""

    action_id: str
    service: str
    at: datetime
    state: RemediationStatus | None = None
    started: bool = False
    came_back: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcomes:
    """Counts of one action on one service. `confidence` is 0 to 1, None if no run is decided."""

    action_id: str
    service: str
    proposed: int = 0
    approved: int = 0
    ran: int = 0
    helped: int = 0
    did_not_help: int = 0
    confidence: float | None = None

    @property
    def word(self) -> str:
        """Return the confidence as low, medium or high; '' without one."""
        if self.confidence is None:
            return ""
        if self.confidence >= HIGH:
            return "high"
        return "medium" if self.confidence >= MEDIUM else "low"


def outcomes(attempts: Sequence[Attempt], now: datetime) -> list[Outcomes]:
    """Return the ledger: a row for each action and service, the most proposed first."""
    by_action: dict[tuple[str, str], list[Attempt]] = {}
    for attempt in attempts:
        by_action.setdefault((attempt.action_id, attempt.service), []).append(attempt)
    rows = [_row(action, service, of, now) for (action, service), of in by_action.items()]
    return sorted(rows, key=lambda row: (-row.proposed, row.action_id, row.service))


def _row(action_id: str, service: str, attempts: Sequence[Attempt], now: datetime) -> Outcomes:
    helped = [item for item in attempts if item.state in _HELPED and not item.came_back]
    did_not = [
        item
        for item in attempts
        if item.state in _DID_NOT or (item.state in _HELPED and item.came_back)
    ]
    good, bad = _weight(helped, now), _weight(did_not, now)
    return Outcomes(
        action_id=action_id,
        service=service,
        proposed=len(attempts),
        approved=sum(item.state is not None for item in attempts),
        ran=sum(item.started for item in attempts),
        helped=len(helped),
        did_not_help=len(did_not),
        confidence=(good + 1) / (good + bad + 2) if helped or did_not else None,
    )


def _weight(attempts: Sequence[Attempt], now: datetime) -> float:
    return sum(math.pow(0.5, (now - item.at) / HALF_LIFE) for item in attempts)
