"""The seed of every random choice in a test, and the command that repeats a run."""

from __future__ import annotations

import os

SEED = int(os.environ.get("SOPBOT_SEED", "20261125"))


def command_to_repeat(test: str, *, chaos: bool) -> str:
    """Return the command that repeats this test (its node id) with the same seed."""
    return f"SOPBOT_SEED={SEED} make {'chaos' if chaos else 'test'} ARGS={test}"
