"""The state of the machine and of this process, for `/health/detailed`. Linux has all of it."""

from __future__ import annotations

import os
import resource
import shutil
import time
from pathlib import Path
from typing import Any

_PAGE = resource.getpagesize()


class Machine:
    """Reads processor, memory and disk. `folder` is where the process writes."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._last = (time.monotonic(), time.process_time())

    def state(self) -> dict[str, Any]:
        """Return the shares in percent and the amounts in bytes; a value the system lacks is None.

        `process_cpu_percent` is the share of one processor since the last call, or since the start.
        """
        total, available = _memory()
        try:
            disk = shutil.disk_usage(self._folder)
        except OSError:
            disk = None
        return {
            "cpu_count": os.cpu_count(),
            "cpu_percent": _load_percent(),
            "process_cpu_percent": self._process_percent(),
            "memory_percent": _percent(total - available, total) if total else None,
            "memory_available_bytes": available if total else None,
            "process_memory_bytes": _resident(),
            "disk_usage": _percent(disk.used, disk.used + disk.free) if disk else None,
            "disk_free_bytes": disk.free if disk else None,
        }

    def _process_percent(self) -> float:
        now = (time.monotonic(), time.process_time())
        (wall, busy), self._last = self._last, now
        return _percent(now[1] - busy, max(now[0] - wall, 0.001))


def _load_percent() -> float | None:
    """Return the processes that ran in the last minute, as a share of the processors."""
    try:
        return _percent(os.getloadavg()[0], os.cpu_count() or 1)
    except OSError:
        return None


def _memory() -> tuple[int, int]:
    """Return (total, available) in bytes; zeros where /proc is missing."""
    try:
        lines = Path("/proc/meminfo").read_text("ascii").splitlines()
    except OSError:
        return 0, 0
    kibibytes = {line.partition(":")[0]: line.split()[1] for line in lines}
    return int(kibibytes["MemTotal"]) * 1024, int(kibibytes["MemAvailable"]) * 1024


def _resident() -> int | None:
    try:
        return int(Path("/proc/self/statm").read_text("ascii").split()[1]) * _PAGE
    except OSError:
        return None


def _percent(part: float, whole: float) -> float:
    return round(100 * part / whole, 1) if whole else 0.0
