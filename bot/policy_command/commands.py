"""Prints the effective policy, its schema, and what a shadow policy would do otherwise."""

from __future__ import annotations

import argparse
import json
import sys

from bot.errors import SettingsError, SopbotError
from bot.policy_command.show import effective_values
from bot.settings import load_store

EXIT_FAILED, EXIT_CONFIG = 1, 78


def run(options: argparse.Namespace) -> int:
    """Print it. 0 for success; 1 for a file that cannot be used; 78 for bad settings."""
    try:
        if options.verb == "schema":
            from bot.policy.schema import policy_schema

            print(json.dumps(policy_schema(), indent=2, ensure_ascii=False))
        elif options.verb == "shadow":
            from bot.policy_command.shadow import lines_of

            for line in lines_of(options.since, as_json=options.json):
                print(line)
        else:
            _show(options)
    except SettingsError as error:
        for problem in error.problems:
            print(f"✗ {problem}", file=sys.stderr)
        return EXIT_CONFIG
    except SopbotError as error:
        for problem in error.message.splitlines():
            print(f"✗ {problem}", file=sys.stderr)
        return EXIT_FAILED
    return 0


def _show(options: argparse.Namespace) -> None:
    values = effective_values(
        load_store(), options.policy, options.service, options.region, options.env
    )
    if options.json:
        shown = {value.key: {"value": value.value, "from": value.origin} for value in values}
        print(json.dumps(shown, ensure_ascii=False))
        return
    width = max(len(value.key) for value in values)
    for value in values:
        text = json.dumps(value.value, ensure_ascii=False)
        text = text if len(text) <= 60 else f"{text[:59]}…"
        print(f"{value.key:<{width}}  {text:<24}  {value.origin}".rstrip())
