"""Runs one verb; returns its exit code and prints every failure as text."""

from __future__ import annotations

import argparse
import signal
import sys

from bot.errors import SettingsError, SopbotError
from bot.hardening import hide_memory
from bot.settings import load_audit, load_store
from bot.store_command import verbs
from bot.store_command.drill import drill
from bot.store_command.progress import Bar
from store.audit.proof.rows import Fault

EXIT_FAILED, EXIT_CONFIG = 1, 78


def run(options: argparse.Namespace) -> int:
    """Run one verb. 0 for success; 1 if it failed or detected a fault; 78 for bad settings."""
    hide_memory()  # STORE_URL may hold a password
    signal.signal(signal.SIGTERM, signal.default_int_handler)  # ends like Ctrl-C
    bar = Bar(sys.stderr)
    try:
        if options.verb == "drill":
            return drill(load_audit(), options, bar)
        return _RUN[options.verb](load_store(), options, bar)
    except SettingsError as error:
        bar.end()
        for problem in error.problems:
            print(f"✗ {problem}", file=sys.stderr)
        return EXIT_CONFIG
    except (SopbotError, Fault) as error:
        bar.end()
        print(f"✗ {error}", file=sys.stderr)
        return EXIT_FAILED
    except KeyboardInterrupt:
        bar.end()
        print("Stopped: nothing was changed.", file=sys.stderr)
        return EXIT_FAILED


_RUN = {
    "migrate": verbs.migrate,
    "status": verbs.status,
    "copy": verbs.copy,
    "backup": verbs.backup,
    "restore": verbs.restore,
    "prune": verbs.prune,
}
