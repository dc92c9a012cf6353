"""What the operator wrote, as it is now: a reload replaces all of it at once."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from bot.approvals.binding import Written, digest_of_text
from bot.approvals.limits import Limits
from bot.approvals.rules import in_window, windows_in_words
from bot.errors import Refused
from bot.incidents.sops import SopLibrary
from bot.policy import Policy
from bot.remediation.catalogue import cooldowns_in


@dataclass(slots=True)
class Rulebook:
    """Policy and SOPs."""

    policy: Policy
    sops: SopLibrary

    def written(self, sop_id: str) -> Written:
        """What a remediation of that SOP ID depends on, as digests."""
        sop = self.sops.get(sop_id)
        return Written(
            sop=digest_of_text(sop.model_dump_json()) if sop else "",
            policy=digest_of_text(self.policy.remediate.model_dump_json()),
        )

    def check_window(self, only_in_windows: bool, now: datetime, what: str) -> None:
        """Refused, beginning with `what` is not done, outside of the maintenance windows."""
        windows = self.policy.remediate.maintenance_windows
        if only_in_windows and not in_window(windows, now):
            raise Refused(
                f"{what}: this may run only in a maintenance window.",
                remedy=f"They are: {windows_in_words(windows)}.",
            )

    @property
    def limits(self) -> Limits:
        """What every dispatch is held to."""
        remediate = self.policy.remediate
        return Limits(
            cooldowns=cooldowns_in(remediate),
            breaker_failures=remediate.breaker_failures,
            breaker_span=timedelta(seconds=remediate.breaker_seconds),
            hourly_budget=remediate.hourly_budget,
            hourly_budget_per_sop=remediate.hourly_budget_per_sop,
            hourly_budget_per_target=remediate.hourly_budget_per_target,
        )
