"""The context that the alerts of one delivery share."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from functools import partial

from bot.incidents.cascades import NO_CALLS, Calls
from bot.incidents.environments import DEFAULT, Environments
from bot.incidents.episodes import began_at
from bot.incidents.model import Alert
from bot.incidents.silences import Silence
from bot.incidents.subject import Scope
from bot.policy import Correlate, Policy
from store.operations.shadow import Shadow


def _no_override(_key: str) -> str:
    return ""


@dataclass(frozen=True, slots=True)
class DeliveryContext:
    """The context that the alerts of one delivery share.

    `channel` is where a card goes unless the policy routes its alert; `policy` is the one in
    force; `posted` says that the sender's own message is in that channel. `calls` are the declared
    calls between services. `silences` are in force now; `environments` are those that the policy
    declares, for their matchers.
    `shadow` is the policy that is compared with it, if there is one.
    `override_of` returns the name of the override that sets a key of `correlate`, '' for none.
    `arrived_at` is when its first bytes came, if that was before `now`; `clock` tells the time at
    which each alert is written.
    """

    channel: str
    now: datetime
    policy: Policy
    posted: bool = True
    calls: Calls = NO_CALLS
    silences: tuple[Silence, ...] = ()
    environments: Environments = DEFAULT
    override_of: Callable[[str], str] = _no_override
    shadow: Shadow | None = None
    arrived_at: datetime | None = None
    clock: Callable[[], datetime] | None = None

    @property
    def correlate(self) -> Correlate:
        """Return the policy's segment `correlate`."""
        return self.policy.correlate

    def of_scope(self, scope: Scope) -> DeliveryContext:
        """Return the context for an alert of that scope: overrides may match it."""
        policy = self.policy.for_scope(scope)
        if policy is self.policy:
            return self
        override_of = partial(self.policy.decided_by, scope, "correlate")
        return replace(self, policy=policy, override_of=override_of)

    def written_at(self) -> datetime | None:
        """Return the time now, while its alerts are written; None without a clock."""
        return self.clock() if self.clock else None

    @property
    def reopen_within(self) -> timedelta:
        """Return how long an incident that was resolved may be reopened by an alert."""
        return timedelta(seconds=self.correlate.reopen_within_seconds)

    def reopen_after(self, alert: Alert) -> datetime:
        """Return since when an incident was resolved so shortly before the alert began."""
        return began_at(alert, self.now) - self.reopen_within
