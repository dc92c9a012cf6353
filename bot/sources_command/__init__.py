"""`python -m bot sources try FILE`: shows how payloads are read.

Only the arguments are defined here, because every start of the bot imports this; `commands` does
the work.
"""

from __future__ import annotations

import argparse
from pathlib import Path


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the verb and its options."""
    commands = parser.add_subparsers(dest="verb", required=True)
    trying = commands.add_parser("try", help="show what alerts become, field by field")
    trying.add_argument(
        "file",
        type=Path,
        metavar="FILE",
        help='JSON: {"door": "slack" or "http", "source": NAME, "inputs": [payload, …]}',
    )
    trying.add_argument(
        "--mapping",
        type=Path,
        metavar="FILE",
        help="a mapping file (config/sources/*.yaml) to read the bodies of its source with",
    )
    cases = commands.add_parser(
        "cases", help="list the messages that people say were read wrongly, or print one"
    )
    cases.add_argument(
        "id", type=int, nargs="?", metavar="NUMBER", help="print this one, for `sources try`"
    )
    trying.add_argument(
        "--json", action="store_true", help="one JSON line an input, then the story"
    )
