"""`python -m benchmarks [--only ID] [--quick]`: the table, and benchmarks/results.json."""

from __future__ import annotations

import argparse
import asyncio
import json
import logging
import os
import sys
import time
import traceback

from benchmarks import (
    advice_evidence,
    advice_faults,
    advice_load,
    advice_overhead,
    advice_retrieval,
    advisor_overhead,
    alert_to_card,
    alertmanager,
    approvals_aside,
    audit_verify,
    click_to_gateway,
    docker_share,
    fast_path,
    faults,
    held_back,
    noise_correlation,
    noise_enrichment,
    noise_f1,
    noise_stats,
    one_at_a_time,
    operate_memory,
    operate_upgrade,
    people_commands,
    people_home,
    quick,
    redis_delete,
    replicas,
    report,
    senders_batch,
    senders_read,
    servers,
    sixty_incidents,
    soak,
    start,
    storm,
    takeover,
    two_engines,
    unfinished_connections,
    worst_input,
)
from benchmarks.results import Result, table, write
from benchmarks.stage import HERE, machine
from tests.helpers import docker_engine

RESULTS = HERE / "results.json"
GROWTH = HERE / "growth.json"

BENCHES = {
    "advice.evidence": advice_evidence.run,
    "advice.faults": advice_faults.run,
    "advice.overhead": advice_overhead.run,
    "advice.retrieval": advice_retrieval.run,
    "advice.single_flight": advice_load.run_single_flight,
    "advice.incident_endpoint": advice_load.run_incident_endpoint,
    "spine.alert_to_card": alert_to_card.run,
    "spine.click_to_gateway": click_to_gateway.run,
    "approval.click_to_request": click_to_gateway.run_approval,
    "spine.storm": storm.run,
    "spine.start": start.run,
    "senders.read": senders_read.run,
    "senders.batch": senders_batch.run,
    "spine.advisor_overhead": advisor_overhead.run,
    "approval.audit_verify": audit_verify.run,
    "scale.two_engines": two_engines.run,
    "scale.takeover": takeover.run,
    "scale.replicas": replicas.run,
    "noise.correlation": noise_correlation.run,
    "noise.fast_path": fast_path.run,
    "noise.f1": noise_f1.run,
    "noise.posts": noise_f1.run_posts,
    "noise.enrichment": noise_enrichment.run,
    "noise.stats": noise_stats.run,
    "operate.memory": operate_memory.run,
    "operate.upgrade": operate_upgrade.run,
    "people.commands": people_commands.run,
    "people.home": people_home.run,
    "gateway.redis_delete": redis_delete.run,
    "gateway.docker_share": docker_share.run,
    "gateway.one_at_a_time": one_at_a_time.run,
    "gateway.faults": faults.run,
    "storm.sixty_incidents": sixty_incidents.run,
    "storm.soak": soak.run,
    "truth.approval_beside_card": approvals_aside.run_beside,
    "truth.held_back": held_back.run,
    "truth.parallel_dispatch": approvals_aside.run_parallel,
    "truth.unfinished_connections": unfinished_connections.run,
    "truth.worst_input": worst_input.run,
}


def missing(name: str) -> str:
    """Return why this machine cannot run a bench; '' if it can."""
    if (name.startswith("scale.") or name == "truth.held_back") and not servers.is_there():
        return "no PostgreSQL on this machine (make services)"
    if name == "storm.sixty_incidents" and not alertmanager.is_there():
        return "no Alertmanager on this machine (make services)"
    if name == "gateway.docker_share":
        return docker_engine.missing()
    return ""


def chosen(only: str) -> list[str]:
    """Return the benches of an id: itself, or the bench of that line; '' means all of them."""
    return [name for name in BENCHES if not only or f"{only}.".startswith(f"{name}.")]


def main(argv: list[str] | None = None) -> int:
    """Run benches; 0 if every bar holds, 1 if one fails or breaks, 2 for an unknown id.

    In the short form no bar decides, and benchmarks/results.json stays unchanged.
    """
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    parser.add_argument("--only", default="", metavar="ID", help="run the bench of this id alone")
    parser.add_argument("--quick", action="store_true", help="each in its short form: does it run?")
    parser.add_argument("--growth", action="store_true", help="storms of 1,000, 10,000 and 50,000")
    parser.add_argument(
        "--docs", action="store_true", help="write docs/performance.md, run nothing"
    )
    options = parser.parse_args(argv)
    if options.docs:
        report.write(RESULTS, GROWTH)
        return 0
    logging.getLogger("slack_bolt").setLevel(logging.ERROR)
    if options.growth:
        rows = asyncio.run(storm.growth())
        GROWTH.write_text(json.dumps(rows, indent=1) + "\n", encoding="utf-8")
        print(report.growth_table(rows))
        return 0
    names = chosen(options.only)
    if not names:
        print(f"no bench {options.only!r}; there are: {', '.join(BENCHES)}", file=sys.stderr)
        return 2
    if options.quick:
        quick.shorten()
    return run(names, keep=not options.quick)


def run(names: list[str], *, keep: bool = True) -> int:
    """Run these and print the table; `keep` writes the results, and lets their bars decide.

    A bench that breaks does not stop the others.
    """
    results: list[Result] = []
    broken: list[str] = []
    for name in names:
        began = time.monotonic()
        print(f"{name} … ", end="", file=sys.stderr, flush=True)
        if reason := missing(name):
            print(f"not run: {reason}", file=sys.stderr)
            if os.environ.get("REQUIRE_SERVICES") == "1":
                broken.append(name)
            continue
        try:
            results += asyncio.run(BENCHES[name]())
        except Exception:  # noqa: BLE001 - one failing bench must not stop the next
            traceback.print_exc()
            broken.append(name)
        print(f"{time.monotonic() - began:.0f} s, load {os.getloadavg()[0]:.1f}", file=sys.stderr)
    if keep:
        write(results, RESULTS, machine())
    print(table(results))
    if broken:
        print(f"did not run to their end: {', '.join(broken)}", file=sys.stderr)
    bar_missed = keep and any(result.holds is False for result in results)
    return 1 if broken or bar_missed else 0


if __name__ == "__main__":
    sys.exit(main())
