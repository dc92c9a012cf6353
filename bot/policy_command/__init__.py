"""`python -m bot policy …`: shows the values in force, and writes a schema for editors.

Only the arguments are defined here, because every start of the bot imports this; `commands` does
the work. All verbs print, and change nothing.
"""

from __future__ import annotations

import argparse
from pathlib import Path


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the verbs and their options."""
    verbs = parser.add_subparsers(dest="verb", required=True)
    verbs.add_parser("schema", help="print a JSON Schema of policy.yaml, for editors")
    shadow = verbs.add_parser(
        "shadow", help="list the alerts about which POLICY_SHADOW_FILE would decide otherwise"
    )
    shadow.add_argument("--since", default="24h", metavar="24h", help="of that time: Nh, Nd or Nw")
    shadow.add_argument("--json", action="store_true", help="one JSON object")
    show = verbs.add_parser("show", help="print each value, and where it comes from")
    show.add_argument("--policy", type=Path, metavar="FILE", help="another file than POLICY_FILE")
    show.add_argument("--service", default="", metavar="NAME", help="the values for that service")
    show.add_argument("--region", default="", metavar="NAME", help="… in that region")
    show.add_argument("--env", default="", metavar="NAME", help="… in that environment")
    show.add_argument("--json", action="store_true", help="one JSON object")
