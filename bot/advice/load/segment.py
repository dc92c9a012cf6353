"""The keys of policy.yaml that limit the questions to the advisors."""

from __future__ import annotations

from pydantic import BaseModel, ConfigDict, Field


class AdviceLimits(BaseModel):
    """The limits. 0 in a budget or a rate is no limit.

    An answer is used again for `cache_minutes`; 0 never uses one again.
    """

    model_config = ConfigDict(extra="forbid", frozen=True, hide_input_in_errors=True)

    cache_minutes: int = Field(default=45, ge=0, le=1440)
