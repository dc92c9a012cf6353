"""Prints the messages that people say were read wrongly, from the store that STORE_URL names."""

from __future__ import annotations

import argparse
import json
import sys
from typing import Any

from bot.errors import SettingsError, SopbotError
from bot.settings import load_store
from store.admin.locations import reading
from store.admin.transfer import answer
from store.operations import reading_cases
from store.operations.reading_cases import ReadingCase

EXIT_CONFIG = 78


def run(options: argparse.Namespace) -> int:
    """List the cases, or print one as a file for `sources try`; returns the exit code."""
    try:
        with reading(load_store().store_url.get_secret_value()) as store:
            cases = answer(store, reading_cases.newest())
    except SettingsError as error:
        for problem in error.problems:
            print(f"✗ {problem}", file=sys.stderr)
        return EXIT_CONFIG
    except SopbotError as error:
        print(f"✗ {error}", file=sys.stderr)
        return 1
    if options.id is None:
        print("\n".join(map(_line, cases)) or "No message was said to be read wrongly.")
        return 0
    case = next((case for case in cases if case.id == options.id), None)
    if case is None:
        print(f"✗ there is no case {options.id}", file=sys.stderr)
        return 1
    print(json.dumps(file_of(case), indent=1, ensure_ascii=False))
    return 0


def file_of(case: ReadingCase) -> dict[str, Any]:
    """Return the case in the form of a file for `sources try`."""
    return {"door": case.intake, "source": case.source, "inputs": [json.loads(case.payload)]}


def _line(case: ReadingCase) -> str:
    at = f"{case.at:%Y-%m-%dT%H:%M:%SZ}"
    return f"{case.id:>5}  {at}  {case.user}  {case.intake}  {case.source}  {case.place}"
