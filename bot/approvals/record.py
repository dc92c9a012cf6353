"""The track record beside the button: the results of this SOP's action so far."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from statistics import median

from bot.incidents.remediation import RemediationStatus

REOPENED_WITHIN = timedelta(hours=1)
_FAILED = frozenset(
    {
        RemediationStatus.FAILED,
        RemediationStatus.NOT_VERIFIED,
        RemediationStatus.OUTCOME_UNKNOWN,
        RemediationStatus.UNDONE,
    }
)


@dataclass(frozen=True, slots=True)
class Run:
    """One earlier dispatch. `came_back`: its incident was reopened, or the same SOP's next one
    opened there, so soon.

    `recovered_at` is when it was verified.
    """

    state: RemediationStatus
    started_at: datetime
    recovered_at: datetime | None
    approved_by: str
    came_back: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class TrackRecord:
    """Counts, and the last time it went wrong. `median_recovery` in seconds, None without any."""

    runs: int = 0
    verified: int = 0
    came_back: int = 0
    median_recovery: float | None = None
    last_failed_at: datetime | None = None
    last_failed_by: str = ""


def track_record(runs: Sequence[Run]) -> TrackRecord:
    """Return the figures of the runs, which are given oldest first."""
    verified = [run for run in runs if run.state is RemediationStatus.VERIFIED]
    seconds = [
        (run.recovered_at - run.started_at).total_seconds() for run in verified if run.recovered_at
    ]
    failed = [run for run in runs if run.state in _FAILED]
    last = failed[-1] if failed else None
    return TrackRecord(
        runs=len(runs),
        verified=len(verified),
        came_back=sum(run.came_back for run in verified),
        median_recovery=median(seconds) if seconds else None,
        last_failed_at=last.started_at if last else None,
        last_failed_by=last.approved_by if last else "",
    )
