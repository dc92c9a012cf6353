"""How often and how soon a remediation may run, whoever said yes."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import timedelta


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """What the store holds every dispatch to, in the transaction that claims it.

    `cooldowns`: how long an action leaves its target alone after anything was sent to it, by
    action id. `breaker_failures` of one SOP within `breaker_span` stop it for that long.
    `hourly_budget`: dispatches within an hour, over all targets.
    """

    cooldowns: Mapping[str, timedelta] = field(default_factory=dict)
    breaker_failures: int = 3
    breaker_span: timedelta = timedelta(hours=1)
    hourly_budget: int = 20
