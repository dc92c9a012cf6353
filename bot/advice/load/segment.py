"""The keys of policy.yaml that limit the questions to the advisors."""

from __future__ import annotations

from pydantic import BaseModel, ConfigDict, Field

_HOUR = 3600


class AdviceLimits(BaseModel):
    """The limits. In budgets and rates 0 is no limit.

    An answer is used again for `cache_minutes`; 0 never uses one again. `waiting` questions wait
    for an advisor. `questions_…` are those that people ask in an hour.
    """

    model_config = ConfigDict(extra="forbid", frozen=True, hide_input_in_errors=True)

    cache_minutes: int = Field(default=45, ge=0, le=1440)
    waiting: int = Field(default=100, ge=0, le=1000)
    runs_per_day: int = Field(default=1000, ge=0, le=1_000_000)
    seconds_per_day: int = Field(default=0, ge=0, le=100 * 24 * _HOUR)
    tokens_per_day: int = Field(default=0, ge=0, le=10**12)
    runs_per_incident: int = Field(default=50, ge=0, le=10_000)
    seconds_per_incident: int = Field(default=0, ge=0, le=100 * 24 * _HOUR)
    tokens_per_incident: int = Field(default=0, ge=0, le=10**12)
    questions_per_person: int = Field(default=30, ge=0, le=10_000)
    questions_per_channel: int = Field(default=120, ge=0, le=100_000)

    def for_alerts(self) -> AdviceLimits:
        """Return the limits of advice that nobody asked for: a fifth of the day is people's.

        Otherwise one sender of ever new alerts leaves nothing for those who handle them.
        """
        names = ("runs_per_day", "seconds_per_day", "tokens_per_day")
        return self.model_copy(update={name: _four_fifths(getattr(self, name)) for name in names})


def _four_fifths(limit: int) -> int:
    return limit - limit // 5
