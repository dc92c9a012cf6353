"""Real faults on real systems, from the alert to the probe: see docs/faults.md.

The figure is the p50 of the time from the press to "Verified", less that of the system.
"""

from __future__ import annotations

import sys
from collections.abc import Mapping

from benchmarks.results import Bar, Result
from tests.faults import run as faults
from tests.faults.systems import FAULTS, SYSTEMS, missing

ONLY: tuple[str, ...] = ()
NAMES: tuple[str, ...] = tuple(SYSTEMS)


async def run() -> list[Result]:
    """Run the faults of the systems that this machine has, and name the others.

    The bars are those of the faults that were run.
    """
    absent = {name: reason for name in NAMES if (reason := missing(name))}
    print(how_many(absent), end=" … ", file=sys.stderr, flush=True)
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
        "how_many": how_many(absent),
    }
    return [
        Result("gateway.faults", faults.median(verdicts), "s", None, seconds, detail),
        *[Result(f"gateway.faults.{n}", value, "", None, b) for n, (value, b) in counts.items()],
    ]


def how_many(absent: Mapping[str, str]) -> str:
    """Return how many faults are run where these systems are missing, and which are not."""
    of_all = sum(FAULTS[name] for name in NAMES)
    number = of_all - sum(FAULTS[name] for name in absent)
    reasons = [f"{FAULTS[name]} of {name} ({reason})" for name, reason in absent.items()]
    not_run = f"; not run: {', '.join(reasons)}" if reasons else ""
    return f"{number} of {of_all} faults{not_run}"
