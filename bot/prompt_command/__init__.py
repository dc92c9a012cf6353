"""`python -m bot prompt INC-7`: prints what the advisor would be sent about an incident.

Only the arguments are defined here, because every start of the bot imports this; `commands` does
the work.
"""

from __future__ import annotations

import argparse


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the incident and the option."""
    parser.add_argument("incident", metavar="INC-7", help="the number of the incident")
    parser.add_argument("--question", default="", help="what a person would ask about it")
