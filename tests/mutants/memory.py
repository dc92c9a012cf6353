"""The behaviours of what the bot keeps of incidents, which `make mutants` removes."""

from __future__ import annotations

from tests.mutants.mutant import Mutant

MEMORY = [
    Mutant(
        "bot/approvals/outcomes.py",
        "_weight",
        "tests/approvals/test_outcomes.py",
        returns="float(len(attempts))",
    ),
    Mutant(
        "bot/retrieval/synonyms.py",
        "Synonyms.weights_of",
        "tests/retrieval/test_synonyms.py",
        returns="dict(weights)",
    ),
    Mutant(
        "bot/response/memory.py",
        "Memory._refresh",
        "tests/response/test_memory.py",
        without="index.replace",
    ),
    Mutant(
        "bot/retrieval/learned_synonyms.py",
        "_joins",
        "tests/retrieval/test_learned_synonyms.py",
        returns="False",
    ),
    Mutant(
        "bot/serving/traces.py",
        "parse_traceparent",
        "tests/gateway/test_traces.py",
        returns="None",
    ),
]
