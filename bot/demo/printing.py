"""The demo's output: one line per step, then the thread as people read it."""

import os
import sys
import textwrap
import time
from collections.abc import Iterable
from dataclasses import dataclass
from typing import TextIO

from bot.simulator import printable

WIDTH = 100
BOLD, DIM, GREEN, RED, PLAIN = "1", "2", "32", "31", "0"


@dataclass(frozen=True)
class Entry:
    """One entry of the thread. `at` is Unix seconds; `depth` 0 is the channel, 1 the thread."""

    at: float
    who: str
    text: str
    depth: int = 1


class Printer:
    """Prints to `stream`; colours and waiting lines only on a terminal without NO_COLOR."""

    def __init__(self, stream: TextIO | None = None) -> None:
        self._stream = stream or sys.stdout
        self._terminal = self._stream.isatty()
        self._colours = self._terminal and not os.environ.get("NO_COLOR")
        self._began = time.monotonic()

    def plain(self, text: str = "") -> None:
        """Print an unchanged line."""
        self._over("")
        print(text, file=self._stream, flush=True)

    def waiting(self, text: str) -> None:
        """Print the awaited event; the next line replaces it."""
        if self._terminal:
            self._over(f"  …           {text}"[: WIDTH - 1])

    def done(self, text: str) -> None:
        """Print a completed step, with the seconds since the start."""
        self._step("✓", GREEN, text)

    def failed(self, text: str) -> None:
        """Print the failed step."""
        self._step("✗", RED, text)

    def thread(self, entries: Iterable[Entry], since: float) -> None:
        """Print the entries in order of time, with the seconds after `since`."""
        for entry in sorted(entries, key=lambda entry: entry.at):
            gap = "  " + "    │ " * entry.depth
            seconds = f"{entry.at - since:+6.1f} s"
            self.plain(f"{gap}{self._in(DIM, seconds)}  {self._in(BOLD, entry.who)}")
            for line in entry.text.split("\n") if entry.text else ():
                for part in _wrapped(printable(line), WIDTH - len(gap) - 10):
                    self.plain(f"{gap}          {part}".rstrip())

    def heading(self, text: str) -> None:
        """Print a highlighted line between blank lines."""
        self.plain(f"\n{self._in(BOLD, text)}\n")

    def _step(self, mark: str, colour: str, text: str) -> None:
        seconds = time.monotonic() - self._began
        time_text = f"{seconds:6.1f} s"
        indent = len(f"  {mark} {time_text}   ")
        first, *rest = _wrapped(printable(text), WIDTH - indent)
        self.plain(f"  {self._in(colour, mark)} {time_text}   {first}")
        for part in rest:
            self.plain(f"{'':{indent}}{part}")

    def _over(self, text: str) -> None:
        if self._terminal:
            print(f"\r\x1b[K{text}", end="", file=self._stream, flush=True)

    def _in(self, style: str, text: str) -> str:
        return f"\x1b[{style}m{text}\x1b[{PLAIN}m" if self._colours else text


def _wrapped(line: str, width: int) -> list[str]:
    """Split the line into parts of at most `width` characters; keep the indent of a quote or a
    list.
    """
    hang = "▌ " if line.startswith("▌ ") else "  "
    return textwrap.wrap(line, width, subsequent_indent=hang, break_on_hyphens=False) or [""]
