"""`python -m bot replay`: plays a stream of alerts through the real rules.

Only the arguments are defined here, because every start of the bot imports this; `commands` does
the work.
"""

from __future__ import annotations

import argparse
from pathlib import Path


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the options."""
    played = parser.add_mutually_exclusive_group(required=True)
    played.add_argument(
        "--since", metavar="30d", help="the stored alerts of that time, compared with what became"
    )
    played.add_argument(
        "--file",
        type=Path,
        metavar="STREAM.jsonl",
        help='lines of {"at": time, "door": "slack" or "http", "source": NAME, "body": payload}',
    )
    parser.add_argument("--json", action="store_true", help="one JSON line a line, then incidents")
    parser.add_argument(
        "--policy", type=Path, metavar="FILE", help="policy.yaml; else the defaults"
    )
    parser.add_argument("--sops", type=Path, metavar="DIR", help="folder of SOP files; else none")
    parser.add_argument("--services", type=Path, metavar="FILE", help="services.yaml; else none")
