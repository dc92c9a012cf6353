"""The limits on how often and how soon any remediation may run."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import timedelta

from bot.incidents.time_windows import TimeWindow


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """The limits of every dispatch, which the store checks in the transaction that claims it.

    `cooldowns`: the pause of an action after the last request to its target, by action id;
    `other_cooldown` is that of every other action.
    `breaker_failures` of one SOP within `breaker_span` stop it for that long.
    Dispatches within an hour: `hourly_budget` over everything, `hourly_budget_per_sop` for one
    SOP ID and `hourly_budget_per_target` for one target, so that none of them can use it all up.
    `windows`: the maintenance windows, for actions that the policy allows only in one.
    """

    cooldowns: Mapping[str, timedelta] = field(default_factory=dict)
    other_cooldown: timedelta = timedelta()
    breaker_failures: int = 3
    breaker_span: timedelta = timedelta(hours=1)
    hourly_budget: int = 20
    hourly_budget_per_sop: int = 10
    hourly_budget_per_target: int = 6
    windows: tuple[TimeWindow, ...] = ()


DEFAULT_LIMITS = Limits()
"""The limits of an operator who configures none."""
