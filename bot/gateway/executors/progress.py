"""Progress of an execution: any executor reports it while it runs, and callers read the latest."""

from __future__ import annotations

from collections.abc import Callable
from contextvars import ContextVar

from bot.remediation.contract import Progress, capped, printable

_TEXT_CHARS = 200
Reporter = Callable[[Progress], None]

reporter: ContextVar[Reporter | None] = ContextVar("reporter", default=None)


def report_progress(text: str, *, done: int | None = None, total: int | None = None) -> None:
    """Say how far the running execution is: "deleted 4,000 of 10,000 keys", 4000, 10000.

    It costs next to nothing, so call it after each batch. Outside an execution it does nothing.
    """
    report = reporter.get()
    if report is not None:
        line = " ".join(capped(printable(text), _TEXT_CHARS).split())
        report(Progress(text=line, done=done, total=total))
