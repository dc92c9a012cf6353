"""The receipt of a delivery: what became of each of its alerts."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from bot.incidents.correlation import IdentifiedAlert


@dataclass(frozen=True, slots=True)
class AlertOutcome:
    """The incident that an alert belongs to, None without one, and the reason.

    `opened`: the alert opened it. Of a repeat it is the outcome of the message that it repeats.
    """

    incident_id: int | None
    reason: str
    opened: bool = False
    is_repeat: bool = False


@dataclass(frozen=True, slots=True)
class Receipt:
    """The receipt of a delivery: the alerts stored and folded, and the incidents touched.

    `outcomes` has one for each alert of the delivery, in its order. `activities` counts the stored
    activities, `unmatched` those of them that match no incident.
    """

    accepted: int
    duplicates: int
    tracking_ids: tuple[str, ...]
    incident_ids: tuple[int, ...]
    opened: tuple[int, ...]
    outcomes: tuple[AlertOutcome, ...] = ()
    activities: int = 0
    unmatched: int = 0


def receipt_of(
    named: Sequence[IdentifiedAlert],
    outcomes: Sequence[AlertOutcome],
    activities: int,
    unmatched: int,
) -> Receipt:
    """Return the receipt of these alerts with their outcomes, and of the activities."""
    written = [
        (item.tracking_id, outcome)
        for item, outcome in zip(named, outcomes, strict=True)
        if not outcome.is_repeat
    ]
    joined = [
        (outcome.incident_id, outcome.opened)
        for _, outcome in written
        if outcome.incident_id is not None
    ]
    return Receipt(
        accepted=len(written),
        duplicates=len(named) - len(written),
        tracking_ids=tuple(tracking_id for tracking_id, _ in written),
        incident_ids=tuple(incident_id for incident_id, _ in joined),
        opened=tuple(incident_id for incident_id, opened in joined if opened),
        outcomes=tuple(outcomes),
        activities=activities,
        unmatched=unmatched,
    )
