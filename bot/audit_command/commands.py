"""What the commands do and say; every failure in words. They change nothing in the store."""

from __future__ import annotations

import argparse
import json
import os
import re
import sys
from collections.abc import Callable
from pathlib import Path

from bot.errors import InputError, SettingsError, SopbotError
from bot.hardening import hide_memory
from bot.settings import AuditSettings, load_audit
from store.admin.locations import name_of
from store.audit import whole_trail
from store.audit.proof import Fault, read_bundle, verify_bundle
from store.audit.sealing import AuditKey

EXIT_FAILED, EXIT_CONFIG = 1, 78
_NUMBER = re.compile(r"(?:INC-)?([1-9]\d{0,17})", re.IGNORECASE)


def run(given: argparse.Namespace) -> int:
    """Run one. 0; 1 when something is wrong; 78 for the settings."""
    hide_memory()
    command: Callable[[AuditSettings, AuditKey, argparse.Namespace], int] = _export
    if given.command == "audit":
        command = _begin_anew if given.verb == "begin-anew" else _verify
    try:
        settings = load_audit()
        return command(settings, AuditKey(settings.audit_key.get_secret_value()), given)
    except SettingsError as error:
        for problem in error.problems:
            print(f"✗ {problem}", file=sys.stderr)
        return EXIT_CONFIG
    except Fault as fault:
        print(f"✗ {fault}.")
        return EXIT_FAILED
    except SopbotError as error:
        print(f"✗ {error}", file=sys.stderr)
        return EXIT_FAILED


def _verify(settings: AuditSettings, key: AuditKey, given: argparse.Namespace) -> int:
    if given.bundle:
        return _verify_bundle(key, given)
    url = settings.store_url.get_secret_value()
    found = whole_trail.prove(url, key, head=_head(given))
    if not found.seq:
        print(f"! {name_of(url)}: nothing is on record yet.")
        return 0
    for note in found.notes:
        print(f"! {note}.")
    print(f"✓ {name_of(url)}: {found.rows:,} rows, {found.seq - found.rows + 1} to {found.seq},")
    print("  each as it was written, none missing, none added.")
    print(f"  head {found.head}")
    if given.head:
        print("✓ The head that was posted is part of it.")
    return 0


def _verify_bundle(key: AuditKey, given: argparse.Namespace) -> int:
    try:
        text = given.bundle.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise InputError(f"{given.bundle} cannot be read.") from error
    bundle = read_bundle(text)
    rows, until = verify_bundle(key.raw, bundle, head=_head(given))
    print(f"✓ {bundle['incident']}: every part is as it was exported at {bundle['exported_at']}.")
    if rows:
        print(f"  {rows} rows of the audit trail, which lead to the head {until}")
    else:
        print("! Nothing of it is in the audit trail: it is older, or pruned.")
    return 0


def _begin_anew(settings: AuditSettings, key: AuditKey, given: argparse.Namespace) -> int:
    url = settings.store_url.get_secret_value()
    first = whole_trail.reset_trail(url, key, given.reason, given.backup)
    print(
        f"✓ {name_of(url)}: the audit trail goes on with row {first}, by the key that is set now."
    )
    print(f"  All of before is in {given.backup}: prove it there with the key that it was made by.")
    return 0


def _head(given: argparse.Namespace) -> str:
    head = str(given.head).strip().lower()
    if head and not re.fullmatch("[0-9a-f]{64}", head):
        raise InputError("A head has 64 hexadecimal digits.", remedy="Copy all that was posted.")
    return head


def _export(settings: AuditSettings, key: AuditKey, given: argparse.Namespace) -> int:
    match = _NUMBER.fullmatch(given.incident)
    if match is None:
        raise InputError(f"{given.incident[:40]!r} is no incident.", remedy="Name it as INC-142.")
    bundle = whole_trail.export(settings.store_url.get_secret_value(), key, int(match[1]))
    text = json.dumps(bundle, indent=1, default=str) + "\n"
    if given.out is None:
        print(text, end="")
        return 0
    _write(given.out, text)
    print(f"✓ {bundle['incident']} is in {given.out}: {len(text):,} bytes.")
    print(f"  `python -m bot audit verify --bundle {given.out}` proves it.")
    return 0


def _write(file: Path, text: str) -> None:
    """A new file for its owner alone."""
    try:
        made = os.open(file, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(made, "w", encoding="utf-8") as out:
            out.write(text)
    except FileExistsError as error:
        raise InputError(f"{file} is there already.", remedy="Name another file.") from error
    except OSError as error:
        raise InputError(f"{file} cannot be written: {error.strerror}.") from error
