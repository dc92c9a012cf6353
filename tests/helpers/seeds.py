"""One seed for all dice of a story, and how to throw them again."""

from __future__ import annotations

import os

SEED = int(os.environ.get("SOPBOT_SEED", "20261125"))


def again(test: str, *, chaos: bool) -> str:
    """The command that throws the same dice in this test (its node id)."""
    return f"SOPBOT_SEED={SEED} make {'chaos' if chaos else 'test'} ARGS={test}"
