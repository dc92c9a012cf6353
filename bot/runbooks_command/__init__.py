"""`python -m bot runbooks search|index|lint`: a folder of runbooks, without settings or network.

Only the arguments are defined here, because every start of the bot imports this; `commands` does
the work.
"""

from __future__ import annotations

import argparse
from pathlib import Path


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the verbs and their options."""
    commands = parser.add_subparsers(dest="verb", required=True)
    search = commands.add_parser("search", help="find the runbooks of the alerts on standard input")
    search.add_argument("--dir", type=Path, required=True, metavar="DIR", help="the folder")
    search.add_argument("--limit", type=_count, default=10, help="documents an alert (1 to 100)")
    search.add_argument("--json", action="store_true", help="one JSON line an alert")


def _count(text: str) -> int:
    number = int(text)
    if not 1 <= number <= 100:
        raise argparse.ArgumentTypeError("1 to 100")
    return number
