"""`python -m bot runbooks search|index|lint|synonyms`: a folder of runbooks.

Only `synonyms` needs settings, those of the store; none needs a network beside it.

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
    lint = commands.add_parser(
        "lint", help="name what is wrong with the runbooks, by file and line"
    )
    index = commands.add_parser("index", help="write a search index to a file, for `search`")
    synonyms = commands.add_parser(
        "synonyms", help="suggest words for synonyms.txt, from what helped"
    )
    for command in (search, lint, index, synonyms):
        command.add_argument("--dir", type=Path, required=True, metavar="DIR", help="the folder")
    index.add_argument("--index", type=Path, required=True, metavar="FILE", help="the file")
    search.add_argument("--index", type=Path, metavar="FILE", help="a file of `runbooks index`")
    search.add_argument("--limit", type=_count, default=10, help="documents an alert (1 to 100)")
    search.add_argument("--json", action="store_true", help="one JSON line an alert")


def _count(text: str) -> int:
    number = int(text)
    if not 1 <= number <= 100:
        raise argparse.ArgumentTypeError("1 to 100")
    return number
