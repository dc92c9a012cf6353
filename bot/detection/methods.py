"""Says how far a value is from those that are usual. Pure.

z-score: the distance from the mean in standard deviations (NIST/SEMATECH e-Handbook of Statistical
Methods, 1.3.5.17). One outlier among the earlier values widens it.

MAD: the modified z-score 0.6745 (x - median) / MAD, where MAD is the median of the absolute
deviations from the median (Iglewicz and Hoaglin, "How to Detect and Handle Outliers", 1993; the
same page of the e-Handbook; they advise 3.5). Outliers among the earlier values hardly change it.
If more than half of the values are equal, MAD is 0; then it is (x - median) / (1.253314 mean
absolute deviation), as IBM SPSS defines its modified z-score.

EWMA: the distance from the exponentially weighted mean in the root of the exponentially weighted
variance (Finch, "Incremental calculation of weighted mean and variance", 2009, section 9), with
alpha = 0.3. It follows a slow change.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from statistics import fmean, median, pstdev
from typing import Literal

Method = Literal["zscore", "ewma", "mad"]

ALPHA = 0.3
_MAD_OF_NORMAL = 0.6745  # the MAD of the standard normal distribution
_MEAN_DEVIATION_FACTOR = 1.253314  # the root of pi / 2
_EQUAL = 1e-9  # relative; a smaller difference is the noise of floating point


@dataclass(frozen=True, slots=True)
class Usual:
    """The centre of the usual values, and the distance from it that counts as 1."""

    center: float
    spread: float

    def deviation(self, value: float) -> float:
        """Return how many spreads the value is above the centre; infinite without a spread."""
        distance = value - self.center
        if math.isclose(value, self.center, rel_tol=_EQUAL, abs_tol=_EQUAL):
            return 0.0
        return distance / self.spread if self.spread else math.copysign(math.inf, distance)


def zscore(values: Sequence[float]) -> Usual:
    """Return the mean and the standard deviation."""
    return Usual(fmean(values), pstdev(values))


def mad(values: Sequence[float]) -> Usual:
    """Return the median and MAD / 0.6745."""
    center = median(values)
    distances = [abs(value - center) for value in values]
    spread = median(distances) / _MAD_OF_NORMAL
    return Usual(center, spread or fmean(distances) * _MEAN_DEVIATION_FACTOR)


def ewma(values: Sequence[float]) -> Usual:
    """Return the exponentially weighted mean and standard deviation; the last values weigh most."""
    center, variance = values[0], 0.0
    for value in values[1:]:
        difference = value - center
        step = ALPHA * difference
        center += step
        variance = (1 - ALPHA) * (variance + difference * step)
    return Usual(center, math.sqrt(variance))


METHODS: Mapping[Method, Callable[[Sequence[float]], Usual]] = {
    "zscore": zscore,
    "ewma": ewma,
    "mad": mad,
}
