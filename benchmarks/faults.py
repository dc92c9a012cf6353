"""Real faults on real systems, from the alert to the probe: see docs/faults.md.

The figure is the p50 of the time from the press to "Verified", less that of the system.
"""

from __future__ import annotations

from benchmarks.results import Bar, Result
from tests.faults import run as faults
from tests.faults.systems import SYSTEMS, missing

ONLY: tuple[str, ...] = ()
NAMES: tuple[str, ...] = tuple(SYSTEMS)


async def run() -> list[Result]:
    """Run the faults of the systems that this machine has; the detail names the others."""
    absent = {name: reason for name in NAMES if (reason := missing(name))}
    verdicts = await faults.run([name for name in NAMES if name not in absent], only=ONLY)
    number, bar = len(verdicts), Bar(0)
    counts = {
        "repaired": (sum(verdict.is_good for verdict in verdicts), Bar(number, at_least=True)),
        "right_target": (sum(v.right_target for v in verdicts), Bar(number, at_least=True)),
        "wrong_actions": (sum(len(verdict.wrong) for verdict in verdicts), bar),
        "untrue": (sum(verdict.untrue for verdict in verdicts), bar),
    }
    seconds = Bar(faults.BAR_SECONDS, "s")
    detail = {
        "own_seconds": {v.fault.id: round(v.own_seconds, 2) for v in verdicts},
        "absent": absent,
    }
    return [
        Result("gateway.faults", faults.median(verdicts), "s", None, seconds, detail),
        *[Result(f"gateway.faults.{n}", value, "", None, b) for n, (value, b) in counts.items()],
    ]
