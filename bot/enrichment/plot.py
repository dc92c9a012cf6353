"""Draws the course of a metric as one line of text. Pure.

It is text and no picture: Slack shows it at once in the message, on a phone, in a notification and
to the advisor, and it needs neither an upload nor another scope of the app.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Sequence

COLUMNS = 30
_BARS = "▁▂▃▄▅▆▇█"


def plot(values: Sequence[float]) -> str:
    """Return a bar for each of at most 30 parts of the values, by its mean, and the range.

    '' if there are fewer than two values, or all are equal.
    """
    known = [value for value in values if math.isfinite(value)]
    if len(known) < 2:
        return ""
    lowest, highest = min(known), max(known)
    span = highest - lowest
    if span <= 0 or not math.isfinite(span):
        return ""
    columns = min(COLUMNS, len(known))
    edges = [round(n * len(known) / columns) for n in range(columns + 1)]
    means = [
        sum((value - lowest) / span for value in known[start:end]) / (end - start)
        for start, end in itertools.pairwise(edges)
    ]
    bars = "".join(_BARS[min(len(_BARS) - 1, int(mean * len(_BARS)))] for mean in means)
    return f"{bars} {lowest:.4g} to {highest:.4g}"
