"""`python -m bot upgrade --check`: what an upgrade to this version changes in the store.

Only the arguments are defined here, because every start of the bot imports this; `commands.run`
does the work.
"""

from __future__ import annotations

import argparse


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the options."""
    parser.add_argument(
        "--check",
        action="store_true",
        required=True,
        help="print what this version would change in the store; change nothing",
    )
