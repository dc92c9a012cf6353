"""Shows progress: a bar on a terminal, one plain line per stage elsewhere."""

from __future__ import annotations

import shutil
import signal
import time
from collections.abc import Callable
from typing import TextIO

_WIDTH = 24  # of the bar, in characters
_EVERY = 0.1  # seconds between two drawings


class Bar:
    """The `Progress` of `store.admin.transfer`, on `out`."""

    def __init__(self, out: TextIO, clock: Callable[[], float] = time.monotonic) -> None:
        self._out = out
        self._clock = clock
        self._draws = out.isatty()
        self._stage = ""
        self._unit = ""
        self._total = self._done = 0
        self._began = self._drawn_at = 0.0

    def begin(self, stage: str, total: int, unit: str) -> None:
        """See Progress."""
        self.end()
        self._stage, self._total, self._unit = stage, total, unit
        self._done = 0
        self._began = self._clock()
        if self._draws:
            self._draw()
        else:
            print(f"{stage} {total:,} {unit}" if total else stage, file=self._out, flush=True)

    def advance(self, by: int) -> None:
        """See Progress."""
        self._done += by
        if self._draws and self._clock() - self._drawn_at >= _EVERY:
            self._draw()

    def decide(self) -> None:
        """See Progress."""
        for name in (signal.SIGINT, signal.SIGTERM):
            signal.signal(name, signal.SIG_IGN)

    def end(self) -> None:
        """Free the line for other output."""
        if self._draws and self._stage:
            self._out.write("\r\x1b[K")
            self._out.flush()
        self._stage = ""

    def _draw(self) -> None:
        self._drawn_at = self._clock()
        width = shutil.get_terminal_size().columns - 1
        self._out.write("\r" + self.line()[:width] + "\x1b[K")
        self._out.flush()

    def line(self) -> str:
        """Return the bar's present text."""
        if not self._total:
            return f"{self._stage} …"
        part = min(1.0, self._done / self._total)
        filled = int(part * _WIDTH)
        bar = "█" * filled + "░" * (_WIDTH - filled)
        text = f"{self._stage} {bar} {part:4.0%}"
        seconds = self._clock() - self._began
        if not self._done or seconds < _EVERY:
            return text
        rate = self._done / seconds
        left = max(0, self._total - self._done) / rate
        return f"{text} · {rate:,.0f} {self._unit}/s · {_seconds(left)} left"


def _seconds(seconds: float) -> str:
    whole = round(seconds)
    return f"{whole} s" if whole < 100 else f"{whole // 60} min {whole % 60} s"
