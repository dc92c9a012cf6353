"""`python -m bot audit verify | begin-anew` and `python -m bot export INC-…`.

Only the arguments are defined here, because every start of the bot imports this; `commands` does
the work.
"""

from __future__ import annotations

import argparse
from pathlib import Path


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the verb and its options."""
    commands = parser.add_subparsers(dest="verb", required=True)
    verifying = commands.add_parser("verify", help="prove the audit trail, or name what is wrong")
    verifying.add_argument("--head", metavar="HASH", default="", help="a posted head")
    verifying.add_argument(
        "--bundle",
        dest="export_file",
        type=Path,
        metavar="FILE",
        help="verify this incident export instead of the store",
    )
    beginning = commands.add_parser(
        "begin-anew", help="another key, or after a fault: a new trail, the old one in a backup"
    )
    beginning.add_argument("--reason", metavar="TEXT", required=True, help="goes on record")
    beginning.add_argument(
        "--backup",
        type=Path,
        metavar="FILE",
        required=True,
        help="file for a copy of the present store",
    )


def add_export_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the incident and the output file."""
    parser.add_argument("incident", metavar="INC-…", help="its number")
    parser.add_argument(
        "--out", type=Path, metavar="FILE", help="write it there instead of to the terminal"
    )
