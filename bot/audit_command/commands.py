"""Runs the audit commands and prints every failure as text. They change nothing in the store."""

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
from store.audit.proof.export import read_export, verify_export
from store.audit.proof.rows import Fault
from store.audit.sealing import AuditKey

EXIT_FAILED, EXIT_CONFIG = 1, 78
_NUMBER = re.compile(r"(?:INC-)?([1-9]\d{0,17})", re.IGNORECASE)


def run(options: argparse.Namespace) -> int:
    """Run one command. 0 for success; 1 for a fault; 78 for bad settings."""
    hide_memory()
    command: Callable[[AuditSettings, AuditKey, argparse.Namespace], int] = _export
    if options.command == "audit":
        command = _reset_trail if options.verb == "begin-anew" else _verify
    try:
        settings = load_audit()
        return command(settings, AuditKey(settings.audit_key.get_secret_value()), options)
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


def _verify(settings: AuditSettings, key: AuditKey, options: argparse.Namespace) -> int:
    if options.export_file:
        return _verify_export(key, options)
    url = settings.store_url.get_secret_value()
    proof = whole_trail.prove(url, key, head=_head(options))
    if not proof.seq:
        print(f"! {name_of(url)}: the audit trail is empty.")
        return 0
    for note in proof.notes:
        print(f"! {note}.")
    print(f"✓ {name_of(url)}: {proof.rows:,} rows, {proof.seq - proof.rows + 1} to {proof.seq},")
    print("  each as it was written, none missing, none added.")
    print(f"  head {proof.head}")
    if options.head:
        print("✓ The posted head is part of the trail.")
    return 0


def _verify_export(key: AuditKey, options: argparse.Namespace) -> int:
    try:
        text = options.export_file.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise InputError(f"{options.export_file} cannot be read.") from error
    export = read_export(text)
    rows, until = verify_export(key.raw, export, head=_head(options))
    print(
        f"✓ {export['incident']}: every part is unchanged since the export"
        f" at {export['exported_at']}."
    )
    if rows:
        print(f"  {rows} rows of the audit trail, which lead to the head {until}")
    else:
        print("! The audit trail has no row of it: the incident is older, or its rows were pruned.")
    return 0


def _reset_trail(settings: AuditSettings, key: AuditKey, options: argparse.Namespace) -> int:
    url = settings.store_url.get_secret_value()
    first = whole_trail.reset_trail(url, key, options.reason, options.backup)
    print(f"✓ {name_of(url)}: the audit trail continues at row {first} with the present key.")
    print(f"  The earlier trail is in {options.backup}: verify it there with its own key.")
    return 0


def _head(options: argparse.Namespace) -> str:
    head = str(options.head).strip().lower()
    if head and not re.fullmatch("[0-9a-f]{64}", head):
        raise InputError("A head has 64 hexadecimal digits.", remedy="Copy the whole posted head.")
    return head


def _export(settings: AuditSettings, key: AuditKey, options: argparse.Namespace) -> int:
    match = _NUMBER.fullmatch(options.incident)
    if match is None:
        raise InputError(f"{options.incident[:40]!r} is no incident.", remedy="Name it as INC-142.")
    export = whole_trail.export(settings.store_url.get_secret_value(), key, int(match[1]))
    text = json.dumps(export, indent=1, default=str) + "\n"
    if options.out is None:
        print(text, end="")
        return 0
    _write(options.out, text)
    print(f"✓ {export['incident']} is in {options.out}: {len(text):,} bytes.")
    print(f"  `python -m bot audit verify --bundle {options.out}` proves it.")
    return 0


def _write(file: Path, text: str) -> None:
    """Write a new file that only its owner can read."""
    try:
        made = os.open(file, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(made, "w", encoding="utf-8") as out:
            out.write(text)
    except FileExistsError as error:
        raise InputError(f"{file} is there already.", remedy="Name another file.") from error
    except OSError as error:
        raise InputError(f"{file} cannot be written: {error.strerror}.") from error
