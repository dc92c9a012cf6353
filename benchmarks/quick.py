"""The short form of each bench: `make bench QUICK=1` checks that it runs, not its speed."""

from __future__ import annotations

from types import ModuleType
from typing import Any

from benchmarks import (
    advice_evidence,
    advice_faults,
    advice_load,
    advice_overhead,
    advice_retrieval,
    advisor_overhead,
    alert_to_card,
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
    redis_delete,
    replicas,
    senders_batch,
    senders_read,
    sixty_incidents,
    soak,
    start,
    storm,
    takeover,
    two_engines,
    unfinished_connections,
    worst_input,
)

SHORT: dict[ModuleType, dict[str, Any]] = {
    advice_evidence: {"ROUNDS": 2, "LESSONS": 20},
    advice_faults: {"RUNS": 12, "DEADLINE": 2.0},
    advice_overhead: {"ROUNDS": 3, "WARM_UP": 1},
    advice_load: {"EQUAL": 20, "ROUNDS": 1, "CACHED": 3},
    advice_retrieval: {"PASSAGES": 500, "ROUNDS": 1},
    advisor_overhead: {"ROUNDS": 3, "WARM_UP": 1},
    alert_to_card: {"ROUNDS": 1, "ONE_BY_ONE": 5, "AT_50": 20, "WARM_UP": 2},
    approvals_aside: {"SECONDS": 1.0, "CARDS": 2},
    audit_verify: {"APPROVALS": 20, "ROUNDS": 1},
    click_to_gateway: {"ROUNDS": 1, "PRESSES": 3},
    docker_share: {"ROUNDS": 1, "RESTARTS": 3},
    fast_path: {"OPEN": 200, "SECONDS": 2, "ROUNDS": 1},
    faults: {"NAMES": ("process", "disk"), "ONLY": ("process-exited", "disk-logs")},
    held_back: {"SECONDS": 3.0, "SETTLED": 1.0},
    noise_enrichment: {"ROUNDS": 2},
    noise_stats: {"ALERTS": 2_000, "DAYS": 2, "ROUNDS": 1},
    noise_correlation: {"OPEN": (100, 1000), "DECISIONS": 60, "ROUNDS": 1},
    noise_f1: {"SEEDS": (901,), "SCENARIOS": 25},
    one_at_a_time: {"REQUESTS": 20},
    operate_memory: {"OPEN": 300, "ALERTS": 20, "SECONDS": 2.0},
    operate_upgrade: {"APPROVALS": 4, "SETTLED": 0.5},
    people_commands: {"OPEN": 300, "ROUNDS": 2},
    people_home: {"OPEN": 300, "ROUNDS": 2},
    replicas: {"ALERTS": 300, "WARM_UP": 100, "ROUNDS": 1, "REPLICAS": (1, 2)},
    redis_delete: {"KEYS": 20_000},
    senders_batch: {"BODIES": 5},
    senders_read: {"ROUNDS": 1, "CALLS": 5},
    sixty_incidents: {"WATCHED": 12.0},
    soak: {"SECONDS": 30, "WARM_UP": 20},
    start: {"STARTS": 1},
    storm: {"ALERTS": 500, "ROUNDS": 1},
    takeover: {"LEASES": {2.0: 1}},
    two_engines: {"ROUNDS": 1, "ONE_BY_ONE": 5, "AT_50": 20, "WARM_UP": 2},
    unfinished_connections: {"CONNECTIONS": 500, "SECONDS": 3.0, "SECONDS_ALONE": 1.0},
    worst_input: {"UNITS": ("a:",), "SOURCES": ("alertmanager", "generic"), "CANDIDATES": 1},
}
"""The sizes that the short form makes smaller, by bench."""


def shorten() -> None:
    """Make every bench of this process a short one."""
    for bench, sizes in SHORT.items():
        for name, size in sizes.items():
            if not hasattr(bench, name):
                raise AttributeError(f"{bench.__name__} has no {name}")
            setattr(bench, name, size)
