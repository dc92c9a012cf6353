"""`python -m bot store …`: an operator's commands on the whole store.

Only the arguments are defined here, because every start of the bot imports this; `commands.run`
does the work.
"""

from __future__ import annotations

import argparse
from pathlib import Path


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the verbs and their options."""
    commands = parser.add_subparsers(dest="verb", required=True)
    commands.add_parser("migrate", help="bring the schema up to date")
    commands.add_parser("status", help="print size, rows, live replicas and faults (then exit 1)")
    copying = commands.add_parser("copy", help="copy the whole store to another place")
    copying.add_argument("--to", required=True, metavar="URL", help="an empty store")
    copying.add_argument(
        "--replace", action="store_true", help="replace an earlier copy that nobody has used"
    )
    backing_up = commands.add_parser("backup", help="write the store to one file; the bot may run")
    backing_up.add_argument("file", type=Path, metavar="FILE")
    backing_up.add_argument("--force", action="store_true", help="overwrite FILE")
    restoring = commands.add_parser("restore", help="put a backup in the store's place")
    restoring.add_argument("file", type=Path, metavar="FILE")
    restoring.add_argument(
        "--replace", action="store_true", help="PostgreSQL: replace everything in the database"
    )
    drilling = commands.add_parser("drill", help="prove a backup: restore it beside the store")
    drilling.add_argument(
        "file", type=Path, nargs="?", metavar="FILE", help="else the newest in BACKUP_DIR"
    )
    drilling.add_argument(
        "--scratch", default="", metavar="URL", help="an empty PostgreSQL database, not a file"
    )
    commands.add_parser("prune", help="delete rows beyond the policy's retention, free the space")
