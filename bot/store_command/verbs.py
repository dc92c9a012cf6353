"""The verbs. Each prints its results to stdout, one fact per line."""

from __future__ import annotations

import argparse
import asyncio
from collections.abc import Iterable
from datetime import UTC, datetime, timedelta

from bot.errors import SettingsError
from bot.policy import Retention, read_policy
from bot.response.upkeep import limits_of
from bot.settings import StoreSettings
from bot.store_command.progress import Bar
from store import open_store
from store.admin import backups, condition, files, moves
from store.admin.invariants import INVARIANTS, Broken
from store.admin.locations import file_of, name_of, shown

_FAR_AWAY = 3_650  # days


def migrate(settings: StoreSettings, _: argparse.Namespace, bar: Bar) -> int:
    """Bring the schema up to date."""
    url = settings.store_url.get_secret_value()
    bar.begin("migrating", 0, "")
    done = moves.migrate(url)
    bar.end()
    for step in done:
        print(f"✓ {step}")
    print(f"{name_of(url)} " + ("is up to date now." if done else "was up to date already."))
    return 0


def status(settings: StoreSettings, _: argparse.Namespace, bar: Bar) -> int:
    """Print the condition of the store."""
    url = settings.store_url.get_secret_value()
    bar.begin("looking", 0, "")
    state = condition.read_condition(url)
    bar.end()
    print(f"store     {state.engine} {state.name}")
    print(f"size      {_size(state.size)}")
    print(f"schema    {state.steps[-1] if state.steps else 'none'}")
    if state.behind:
        print(f"✗ older than this sopbot, which needs {', '.join(state.behind)}.")
        print("  `python -m bot store migrate` brings it up to date; so does a start of the bot.")
        return 1
    print(f"growth    {_growth(state)}")
    print(f"rows      {sum(state.rows.values()):,}")
    _print_rows(sorted(state.rows.items()))
    if state.taken is not None:
        print(f"bot       {'running' if state.taken else 'not running'}")
    print(f"replicas  {len(state.replicas)} alive")
    for owner, since, until in state.replicas:
        print(f"  {owner} since {since:%Y-%m-%d %H:%M:%SZ}, lease until {until:%H:%M:%SZ}")
    print(f"outbox    {state.waiting:,} waiting, {state.given_up:,} given up")
    for invariant in INVARIANTS:
        fault = state.broken.get(invariant.name)
        print(f"✗ {fault}" if fault else f"✓ {invariant.name}")
    if state.broken:
        print(f"\n✗ {len(state.broken)} of {len(INVARIANTS)} do not hold. Keep a backup as it is")
        print("  now and report it; `store restore` puts an earlier one in its place.")
    return 1 if state.broken else 0


def _growth(state: condition.Condition) -> str:
    """Return the forecast of the size, in words."""
    growth = state.growth
    if growth is None:
        return "not known yet: the bot measures it for two days first"
    span = f"over the last {growth.days:.0f} days"
    if growth.bytes_a_day < 1:
        return f"none {span}: as much is deleted as comes"
    text = f"{_size(round(growth.bytes_a_day))} a day {span}"
    if state.free is None:
        return f"{text}; the server's disk cannot be seen from here"
    days = state.free / growth.bytes_a_day
    if days > _FAR_AWAY:
        return f"{text}; the disk is not full in {_FAR_AWAY // 365} years"
    full = datetime.now(UTC) + timedelta(days=days)
    return f"{text}; the disk is full in {days:,.0f} days ({full:%Y-%m-%d})"


def _print_rows(rows: Iterable[tuple[str, int]]) -> None:
    """Print one line per table, the counts aligned."""
    counts = dict(rows)
    width = max(map(len, counts), default=0) + 1
    for name, count in counts.items():
        print(f"  {name:<{width}}{count:>12,}")


def copy(settings: StoreSettings, options: argparse.Namespace, bar: Bar) -> int:
    """Copy the store to --to."""
    url = settings.store_url.get_secret_value()
    try:
        file_of(options.to)
    except SettingsError as error:
        problems = [problem.replace("STORE_URL", "--to", 1) for problem in error.problems]
        raise SettingsError(problems) from error
    done = moves.copy(url, options.to, bar, replace=options.replace)
    bar.end()
    moved = done.moved
    _print_rows(moved.rows.items())
    print(f"✓ {moved.total:,} rows are in {name_of(options.to)}: read back, every table is equal.")
    if moved.escaped:
        print(f"  In {moved.escaped:,} rows \\x00 replaces a NUL character.")
    _print_broken(moved.broken, "as in the source")
    if done.rehearsed:
        print("! A rehearsal: a bot is running and still writes to the old store. Stop it,")
        print("  then copy again with --replace.")
    else:
        print(f"Next: set STORE_URL={shown(options.to)} and start the bot.")
    return 0


def backup(settings: StoreSettings, options: argparse.Namespace, bar: Bar) -> int:
    """Write the store to a file."""
    url = settings.store_url.get_secret_value()
    done = backups.backup(url, options.file, bar, force=options.force)
    bar.end()
    print(f"✓ {name_of(url)} is in {options.file}: {done.rows:,} rows, {_size(done.size)}.")
    _print_broken(done.broken, "as in the store")
    return 0


def restore(settings: StoreSettings, options: argparse.Namespace, bar: Bar) -> int:
    """Replace the store by a backup."""
    url = settings.store_url.get_secret_value()
    done = backups.restore(options.file, url, bar, replace=options.replace)
    bar.end()
    if done.kept:
        print(f"✓ The previous store is kept as {done.kept}.")
    print(f"✓ {name_of(url)} is what {options.file} holds: {done.rows:,} rows.")
    for step in done.migrated:
        print(f"✓ brought up to date: {step}")
    _print_broken(done.broken, "as in the backup")
    print(
        "Next: start the bot. It searches Slack before it posts a message"
        " that is not in the backup."
    )
    return 0


def prune(settings: StoreSettings, _: argparse.Namespace, bar: Bar) -> int:
    """Delete the rows that the policy does not keep."""
    url = settings.store_url.get_secret_value()
    retention = read_policy(settings.policy_file).retention
    file = file_of(url)
    condition.read_condition(url)  # raises if the store is unusable, and never creates one
    bar.begin("pruning", 0, "")
    gone = asyncio.run(_prune(url, retention))
    back = files.give_back(file) if file else 0
    bar.end()
    print(
        f"✓ deleted {gone['deliveries']:,} deliveries older than {retention.deliveries_days} days."
    )
    print(
        f"✓ deleted {gone['alerts']:,} alerts of incidents resolved more than"
        f" {retention.alerts_days} days ago."
    )
    others = {table: n for table, n in gone.items() if n and table not in ("deliveries", "alerts")}
    for table, count in sorted(others.items()):
        print(f"✓ deleted {count:,} rows of {table}.")
    if file:
        print(f"✓ {_size(back)} given back to the disk.")
    return 0


async def _prune(url: str, retention: Retention) -> dict[str, int]:
    store = await open_store(url, owner="prune")
    try:
        return await store.prune(limits_of(retention, store.clock()))
    finally:
        await store.close()


def _print_broken(broken: Iterable[Broken], where: str) -> None:
    for fault in broken:
        print(f"✗ {fault} ({where}; `python -m bot store status` says more)")


def _size(size: int) -> str:
    if size < 1024:
        return f"{size} bytes"
    amount = size / 1024
    for unit in ("KiB", "MiB"):
        if amount < 1024:
            return f"{amount:,.1f} {unit}"
        amount /= 1024
    return f"{amount:,.1f} GiB"
