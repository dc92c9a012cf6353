"""A detector as the policy declares it, in the segment `detect`."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Annotated, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, field_validator, model_validator

from bot.detection.methods import Method
from bot.enrichment.segment import Access, Name, SourceUrl
from bot.incidents.severity_words import known_severity

MOST_POINTS = 10_000  # of one series; Prometheus answers 11,000 at most


@dataclass(frozen=True, slots=True)
class MethodDefaults:
    """The defaults of a method: the window of usual values, how many of them, the threshold."""

    window_seconds: int
    min_samples: int
    threshold: float


DEFAULTS: Mapping[Method, MethodDefaults] = {
    "zscore": MethodDefaults(1500, 10, 3.0),
    "ewma": MethodDefaults(300, 10, 3.0),
    "mad": MethodDefaults(600, 20, 3.5),
}


class Detector(BaseModel):
    """A query of Prometheus whose unusual values become alerts.

    The last `samples` values of each series are compared with those of `window_seconds` before
    them. `adapt_after_seconds` is how long a value may be unusual until it counts as usual.
    """

    model_config = ConfigDict(extra="forbid", frozen=True, hide_input_in_errors=True)

    name: Name
    url: SourceUrl
    access: Access = Access()
    query: Annotated[str, Field(min_length=1, max_length=2_000)]
    method: Method = "mad"
    direction: Literal["above", "below", "both"] = "both"
    threshold: float | None = Field(default=None, ge=1, le=100)
    least_change: float = Field(default=0.0, ge=0)
    window_seconds: int | None = Field(default=None, ge=60, le=86_400)
    step_seconds: int = Field(default=15, ge=1, le=3_600)
    min_samples: int | None = Field(default=None, ge=5, le=1_000)
    samples: int = Field(default=2, ge=1, le=100)
    every_seconds: int = Field(default=30, ge=5, le=3_600)
    adapt_after_seconds: int = Field(default=21_600, ge=60, le=604_800)
    severity: str = "medium"
    service: str = Field(default="", max_length=200)
    env: str = Field(default="", max_length=200)
    region: str = Field(default="", max_length=200)
    category: str = Field(default="", max_length=200)

    @field_validator("severity")
    @classmethod
    def _is_known(cls, value: str) -> str:
        if known_severity(value) is None:
            raise ValueError("must be a severity, such as critical, high, medium, low")
        return value

    @model_validator(mode="after")
    def _can_be_answered(self) -> Self:
        if (self.window + self.adapt_after_seconds) / self.step_seconds > MOST_POINTS:
            raise ValueError(
                f"step_seconds: window_seconds and adapt_after_seconds have over {MOST_POINTS:,}"
                " steps"
            )
        if self.window / self.step_seconds < self.least:
            raise ValueError("window_seconds: has fewer than min_samples steps of step_seconds")
        return self

    @property
    def window(self) -> int:
        """Return the seconds of usual values."""
        return self.window_seconds or DEFAULTS[self.method].window_seconds

    @property
    def least(self) -> int:
        """Return how many usual values it needs."""
        return self.min_samples or DEFAULTS[self.method].min_samples

    @property
    def limit(self) -> float:
        """Return the deviation that is an anomaly."""
        return self.threshold or DEFAULTS[self.method].threshold
