"""`python -m bot services …`: drafts services.yaml, and suggests calls to declare.

Only the arguments are defined here, because every start of the bot imports this; `commands` does
the work. Both verbs print, and write nothing.
"""

from __future__ import annotations

import argparse


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the verbs and their options."""
    verbs = parser.add_subparsers(dest="verb", required=True)
    draft = verbs.add_parser(
        "draft", help="print a services.yaml of the services that the stored alerts name"
    )
    draft.add_argument(
        "--from",
        dest="origin",
        nargs=2,
        metavar=("KIND", "FILE"),
        help="backstage FILE (catalog-info.yaml) or kubernetes FILE (kubectl get … -o json);"
        " FILE may be - for the standard input",
    )
    verbs.add_parser(
        "suggest", help="print what the history of incidents, splits and merges suggests to declare"
    )
