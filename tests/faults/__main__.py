"""`make faults`: runs every fault, prints each verdict and writes docs/faults.md."""

from __future__ import annotations

import argparse
import asyncio
import sys

from tests.faults import run
from tests.faults.play import Verdict
from tests.faults.systems import SYSTEMS, missing


def main() -> int:
    """Return 0 if every fault was repaired and nothing else touched, else 1."""
    parser = argparse.ArgumentParser(prog="python -m tests.faults", description=__doc__)
    parser.add_argument("--system", action="append", choices=SYSTEMS, help="only this one")
    parser.add_argument("--fault", action="append", default=[], help="only the fault of this id")
    options = parser.parse_args()
    names = options.system or list(SYSTEMS)
    if absent := [f"{name}: {missing(name)}" for name in names if missing(name)]:
        print("\n".join(absent), file=sys.stderr)
        return 1
    verdicts = asyncio.run(run.run(names, only=options.fault, on_verdict=_show))
    print(run.summary(verdicts))
    print(f"p50 from the press to Verified, own time: {run.median(verdicts):.1f} s")
    if not options.system and not options.fault:
        run.write(verdicts)
    good = all(verdict.is_good for verdict in verdicts) and run.median(verdicts) <= run.BAR_SECONDS
    return 0 if good else 1


def _show(verdict: Verdict) -> None:
    mark = "✓" if verdict.is_good else "✗"
    times = f"{verdict.seconds:.1f} s, own {verdict.own_seconds:.1f} s"
    print(f"{mark} {verdict.fault.id}: {times}", flush=True)
    for line in (*verdict.wrong, verdict.problem):
        if line:
            print(f"    {line}", flush=True)
    if verdict.untrue:
        print("    the thread says Verified, and the system is ill", flush=True)


if __name__ == "__main__":
    sys.exit(main())
