"""`python -m bot enrich …`: prints the evidence about one alert from a snapshot of a cluster.

Only the arguments are defined here, because every start of the bot imports this; `commands` does
the work.
"""

from __future__ import annotations

import argparse
from pathlib import Path

LIMIT = 12_000


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the options."""
    parser.add_argument(
        "--offline",
        required=True,
        type=Path,
        metavar="DIR",
        help="the snapshot: DIR/QUERY/ARGUMENT.txt, such as pods/shop.txt",
    )
    parser.add_argument(
        "--limit", type=int, default=LIMIT, help="characters of the whole output at most"
    )
