"""The console script `sopbot`: the same as `python -m bot`."""

from __future__ import annotations

import gc

from bot.hardening import hide_memory


def main() -> int:
    """Run a command; returns the exit code."""
    # Before the import: it takes long enough for another process to read our memory.
    hide_memory()
    gc.set_threshold(100_000)  # what imports make stays: see bot/__main__.py
    from bot.__main__ import main as run

    return run()
