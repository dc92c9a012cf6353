"""`python -m bot`, with every step of its event loop timed.

At SIGUSR2 it writes `longest step: 0.0123 Name.of_coroutine` to stderr: the processor time in
seconds of the longest step in the loop's own thread since the last signal, and the step's
coroutine. Then it starts a new measurement.
"""

from __future__ import annotations

import asyncio
import signal
import sys
import time
from typing import Any

from bot.__main__ import main

MARK = b"longest step: "


class _Longest:
    seconds = 0.0
    step = ""


def _time_every_step(longest: _Longest) -> None:
    run_step: Any = asyncio.Handle._run  # noqa: SLF001 - the one place that every step passes

    def timed(handle: asyncio.Handle) -> None:
        began = time.thread_time()
        run_step(handle)
        took = time.thread_time() - began
        if took > longest.seconds:
            longest.seconds, longest.step = took, _name(handle)

    asyncio.Handle._run = timed  # type: ignore[assignment, method-assign] # noqa: SLF001


def _name(handle: asyncio.Handle) -> str:
    callback: Any = handle._callback  # type: ignore[attr-defined] # noqa: SLF001
    task = getattr(callback, "__self__", None)
    named = task.get_coro() if isinstance(task, asyncio.Task) else callback
    return str(getattr(named, "__qualname__", named))


def _say_at_signal(longest: _Longest) -> None:
    def say(*_: object) -> None:
        line = f"{MARK.decode()}{longest.seconds:.6f} {longest.step}"
        print(line, file=sys.stderr, flush=True)
        longest.seconds = 0.0

    signal.signal(signal.SIGUSR2, say)


if __name__ == "__main__":
    _longest = _Longest()
    _time_every_step(_longest)
    _say_at_signal(_longest)
    sys.exit(main([]))
