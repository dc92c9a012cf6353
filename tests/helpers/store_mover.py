"""A process that stops in the middle of moving a store.

`python -m tests.helpers.store_mover copy|backup|restore FROM TO` prints `in the middle`, and goes
on when its stdin ends.
"""

from __future__ import annotations

import signal
import sys
from pathlib import Path

from store.admin import backups, moves


class HalfWay:
    """A Progress that waits half way through the first stage that counts."""

    def __init__(self) -> None:
        self._left: float | None = None

    def begin(self, stage: str, total: int, unit: str) -> None:
        if total and self._left is None:
            self._left = total / 2

    def advance(self, by: int) -> None:
        assert self._left is not None
        passed, self._left = self._left > 0, self._left - by
        if passed and self._left <= 0:
            print("in the middle", flush=True)
            sys.stdin.read()

    def decide(self) -> None:
        print("decided", flush=True)


if __name__ == "__main__":
    signal.signal(signal.SIGINT, signal.default_int_handler)  # a shell's background ignores it
    verb, source, target = sys.argv[1:]
    if verb == "copy":
        moves.copy(source, target, HalfWay())
    elif verb == "backup":
        backups.backup(source, Path(target), HalfWay())
    else:
        backups.restore(Path(source), target, HalfWay())
