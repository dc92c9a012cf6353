"""Measures a thread's waits for a processor, which a clock on the wall counts as its work."""

from __future__ import annotations

import os

_NANOSECOND = 1e-9


class ProcessorWaits:
    """The waits of the thread that makes this object, as Linux counts them.

    Where the kernel does not tell, the thread never waited.
    """

    def __init__(self) -> None:
        self._file: int | None
        try:
            # The name is resolved here: any thread may read on about this one.
            self._file = os.open("/proc/thread-self/schedstat", os.O_RDONLY | os.O_CLOEXEC)
        except OSError:
            self._file = None

    def seconds(self) -> float:
        """Return the seconds for which the thread was ready and no processor ran it.

        A call takes 2 µs.
        """
        if self._file is None:
            return 0.0
        # Nanoseconds on a processor, nanoseconds ready for one, times that it got one.
        return int(os.pread(self._file, 96, 0).split()[1]) * _NANOSECOND

    def close(self) -> None:
        """Close the file; from now on the thread never waited."""
        if self._file is not None:
            os.close(self._file)
            self._file = None
