"""Linux tells how long a thread waited for a processor."""

from __future__ import annotations

import os
import subprocess
import sys

from store.engines.processor_waits import ProcessorWaits


def test_a_thread_that_shares_its_processor_waits() -> None:
    everywhere = os.sched_getaffinity(0)
    here = min(everywhere)
    waits = ProcessorWaits()
    busy = f"import os; os.sched_setaffinity(0, {{{here}}})\nwhile True: pass"
    other = subprocess.Popen([sys.executable, "-c", busy])
    try:
        os.sched_setaffinity(0, {here})
        before = waits.seconds()
        while waits.seconds() - before < 0.01:
            assert other.poll() is None
    finally:
        os.sched_setaffinity(0, everywhere)
        other.kill()
        other.wait()
        waits.close()
    assert waits.seconds() == 0.0
