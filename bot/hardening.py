"""What this process keeps from other programs of its own user."""

from __future__ import annotations

import ctypes
import sys

_PR_SET_DUMPABLE = 4  # <linux/prctl.h>


def hide_memory() -> None:
    """Make the process not dumpable, where the system can (Linux).

    Then nobody but root reads its memory or /proc/<pid>/environ, which shows the environment it
    was started with, secrets included, whatever os.environ forgets later.
    """
    if sys.platform != "linux":
        return
    try:
        ctypes.CDLL(None).prctl(_PR_SET_DUMPABLE, 0, 0, 0, 0)
    except (OSError, AttributeError):  # another libc: a safeguard less is no reason not to start
        return
