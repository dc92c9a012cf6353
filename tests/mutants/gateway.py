"""The behaviours of the gateway, without its executors, that `make mutants` removes."""

from __future__ import annotations

from tests.mutants.mutant import Mutant

GATEWAY = [
    Mutant(
        "bot/gateway/dispatch.py",
        "Dispatcher._once",
        "tests/gateway/test_modes.py",
        without="had_lock, call =",
    ),
    Mutant(
        "bot/gateway/dispatch.py",
        "Dispatcher._plan",
        "tests/gateway/test_attack_answers.py",
        returns="await self._complete_plan(call)",
    ),
    Mutant(
        "bot/gateway/probes.py",
        "Probes._answer_of",
        "tests/gateway/test_attack_answers.py",
        without="TEXT_CHARS",
    ),
    Mutant(
        "bot/gateway/network.py",
        "Visitors.check",
        "tests/gateway/test_network.py",
        returns="None",
    ),
    Mutant(
        "bot/gateway/network.py",
        "Tls.load",
        "tests/gateway/test_network.py",
        without="PROTOCOL_TLS_SERVER",
    ),
    Mutant(
        "bot/gateway/plan_rate.py",
        "PlanRate.take",
        "tests/gateway/test_modes.py",
        returns="None",
    ),
    Mutant(
        "bot/gateway/execution.py",
        "Runner._announce",
        "tests/gateway/test_audit.py",
        returns="None",
    ),
    Mutant(
        "bot/gateway/audit_check.py",
        "_check",
        "tests/gateway/test_audit.py",
        returns='""',
    ),
    Mutant(
        "bot/gateway/audit_check.py",
        "_hash",
        "tests/gateway/test_audit.py",
        returns="text",
    ),
    Mutant(
        "bot/gateway/audit.py",
        "entry_of",
        "tests/gateway/test_audit.py",
        returns='__import__("json").loads(line)',
    ),
    Mutant(
        "bot/gateway/health.py",
        "HealthCheck._written",
        "tests/gateway/test_health.py",
        returns="await self._write()",
    ),
    Mutant(
        "bot/gateway/auth.py",
        "check_headers",
        "tests/gateway/test_auth.py tests/gateway/test_holes.py",
        returns="None",
    ),
    Mutant(
        "bot/gateway/journal.py",
        "claim_nonce",
        "tests/gateway/test_auth.py tests/gateway/test_http.py",
        returns="True",
    ),
    Mutant("bot/gateway/ourselves.py", "is_one_of_us", "tests/gateway", returns="False"),
    Mutant("bot/gateway/config.py", "_self_targets", "tests/gateway/test_config.py", returns="[]"),
    Mutant(
        "bot/gateway/routes.py",
        "_refuse_pages",
        "tests/gateway/test_http.py tests/gateway/test_holes.py",
        returns="None",
    ),
]
