"""The behaviours of the gateway's executors that `make mutants` removes, one at a time."""

from __future__ import annotations

from tests.mutants.mutant import Mutant

EXECUTORS = [
    Mutant(
        "bot/gateway/executors/systemd_unit.py",
        "is_ours",
        "tests/gateway/test_systemd.py",
        returns="False",
    ),
    Mutant(
        "bot/gateway/executors/http_sending.py",
        "may_be_called",
        "tests/gateway/test_http_calls.py",
        returns="True",
    ),
    Mutant(
        "bot/gateway/executors/http_sending.py",
        "HttpCall.repeatable",
        "tests/gateway/test_http_calls.py",
        returns="True",
    ),
    Mutant(
        "bot/gateway/executors/file_walk.py",
        "Walk._fits",
        "tests/gateway/test_files.py",
        returns="True",
    ),
    Mutant(
        "bot/gateway/executors/redis_keys.py",
        "_declared",
        "tests/gateway/test_systems.py",
        returns='str(call.parameters["prefix"])',
    ),
    Mutant(
        "bot/gateway/executors/postgres_sessions.py",
        "_Session.key",
        "tests/gateway/test_databases.py",
        returns='f"{self.pid} {self.started.isoformat()} 2026-01-01"',
    ),
    Mutant(
        "bot/gateway/executors/compose_project.py",
        "in_order",
        "tests/gateway/test_compose.py",
        returns="list(members)",
    ),
    Mutant(
        "bot/gateway/executors/systemd.py",
        "_reached",
        "tests/gateway/test_systemd.py",
        returns="True",
    ),
    Mutant(
        "bot/gateway/executors/kubernetes_workload.py",
        "Workload.rolled_out",
        "tests/gateway/test_kubernetes.py",
        returns="True",
    ),
    Mutant(
        "bot/gateway/executors/kubernetes_change.py",
        "_unchanged",
        "tests/gateway/test_kubernetes.py",
        returns="()",
    ),
    Mutant(
        "bot/gateway/executors/swarm.py",
        "SwarmExecutor._is_ours",
        "tests/gateway/test_docker_more.py",
        returns="False",
    ),
    Mutant(
        "bot/remediation/reading.py",
        "is_reading",
        "tests/response/test_gateway_reads.py",
        returns="True",
    ),
]
