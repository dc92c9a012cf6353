"""Prints the pending migrations, whether running replicas can go on, and what to do."""

from __future__ import annotations

import argparse
import inspect
import sys
from collections.abc import Sequence
from datetime import datetime

from bot.errors import SettingsError, SopbotError
from bot.hardening import hide_memory
from bot.settings import load_store
from store.admin.locations import alive, file_of, name_of, reading
from store.engines.migrations import MIGRATIONS, Migration
from store.engines.migrations import name_of as migration_name
from store.engines.newer_schema import refuse_newer

EXIT_STOP, EXIT_CONFIG = 1, 78


def run(_options: argparse.Namespace) -> int:
    """Print the plan of the upgrade.

    0: start the new version whenever you like. 1: stop every running bot first, or the store cannot
    be used. 78: the settings are wrong.
    """
    hide_memory()  # STORE_URL may hold a password
    try:
        return check_store(load_store().store_url.get_secret_value())
    except SettingsError as error:
        for problem in error.problems:
            print(f"✗ {problem}", file=sys.stderr)
        return EXIT_CONFIG
    except SopbotError as error:
        print(f"✗ {error}", file=sys.stderr)
        return EXIT_STOP


def check_store(url: str, migrations: Sequence[Migration] = MIGRATIONS) -> int:
    """Print the plan for a store; `migrations` are those of this version. See `run`."""
    with reading(url) as end:
        seen = end.steps()
        refuse_newer(seen, end.name)
        replicas = alive(end) if seen else []
    pending = [migration for migration in migrations if migration_name(migration) not in seen]
    contracts = [migration for migration in pending if is_contract(migration)]
    print(f"store     {name_of(url)}")
    print(f"schema    {seen[-1] if seen else 'none'}")
    _print_replicas(replicas)
    for migration in pending:
        print(f"  {migration_name(migration)}: {first_line(migration)}")
    if not pending:
        print("✓ This version changes nothing in the store: replace the bots one after the other.")
        return 0
    if contracts and replicas:
        names = ", ".join(map(migration_name, contracts))
        print(f"✗ {names}: the running bots still use what this removes. Stop all of them first.")
        return EXIT_STOP
    count = f"{len(pending)} migration{'s' if len(pending) > 1 else ''}"
    if contracts:
        print(f"✓ {count}; no bot runs. The version before cannot use the store afterwards.")
    else:
        print(f"✓ {count}; running bots of the version before can go on meanwhile.")
    print("Next: 1. `python -m bot store backup FILE`, and `python -m bot store drill FILE`.")
    print("      2. `python -m bot check` with the new version's files.")
    if file_of(url):
        print("      3. Stop the bot and start the new version: it migrates the file at its start.")
        print("         Slack keeps the alerts meanwhile, and the bot reads the channel's history.")
    elif contracts:
        print("      3. Start the new version: it migrates the database.")
    else:
        print("      3. Start the new version in place of one replica: it migrates the database.")
        print("      4. Replace the other replicas, one after the other.")
    _print_way_back(pending, in_file=bool(file_of(url)))
    return 0


def _print_way_back(pending: Sequence[Migration], *, in_file: bool) -> None:
    """Print how to return to the version before: it overlooks the migrations that only add."""
    if all("_expand_" in migration_name(migration) for migration in pending):
        print(
            "To go back, start the old version in place of the new one: it ignores what these add."
        )
        return
    file = "FILE" if in_file else "FILE --replace"
    print(
        f"To go back, stop the bots and `python -m bot store restore {file}` with the old version."
    )


def _print_replicas(replicas: list[tuple[str, datetime, datetime]]) -> None:
    print(f"replicas  {len(replicas)} alive")
    for owner, since, _ in replicas:
        print(f"  {owner} since {since:%Y-%m-%d %H:%M:%SZ}")


def is_contract(migration: Migration) -> bool:
    """Return whether the migration removes a part of the schema that older code may still use."""
    return "_contract_" in migration_name(migration)


def first_line(migration: Migration) -> str:
    """Return the first line of the migration's docstring."""
    return (inspect.getdoc(migration) or "").partition("\n")[0]
