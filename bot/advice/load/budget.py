"""The budget of runs, seconds and tokens: what was used, and which limit is reached."""

from __future__ import annotations

from dataclasses import dataclass

from bot.advice.load.segment import AdviceLimits


@dataclass(frozen=True, slots=True)
class Usage:
    """The use of the advisors. `tokens` are those that an advisor counted."""

    runs: int = 0
    seconds: float = 0.0
    tokens: int = 0


@dataclass(frozen=True, slots=True)
class Spent:
    """A limit that is reached. `key` is its name in the policy, `scope` what it limits."""

    key: str
    limit: int
    unit: str
    scope: str

    def __str__(self) -> str:
        until = " It begins anew at 00:00 UTC." if self.scope == "today" else ""
        return (
            f"The budget of {self.limit} {self.unit} for {self.scope} is spent.{until}"
            f" An operator can raise `llm.limits.{self.key}`."
        )


def spent(limits: AdviceLimits, about: str, of_day: Usage, of_incident: Usage) -> Spent | None:
    """Return the first limit that is reached; a limit of 0 never is."""
    for usage, name, scope in ((of_incident, "incident", about), (of_day, "day", "today")):
        for unit in ("runs", "seconds", "tokens"):
            key = f"{unit}_per_{name}"
            limit = getattr(limits, key)
            if limit and getattr(usage, unit) >= limit:
                return Spent(key, limit, unit, scope)
    return None
