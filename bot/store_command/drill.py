"""`store drill`: proves that a backup can be restored, beside the store and without touching it."""

from __future__ import annotations

import argparse
import time
from datetime import UTC, datetime
from pathlib import Path

from bot.backups.folder import Backup, good_backups
from bot.errors import InputError, SettingsError, StoreError
from bot.settings import AuditSettings
from bot.store_command.progress import Bar
from store.admin import drills
from store.audit.sealing import AuditKey


def drill(settings: AuditSettings, options: argparse.Namespace, bar: Bar) -> int:
    """Restore, migrate, prove and count one backup. 0 if it is good; errors say what is wrong."""
    file, manifest = _chosen(settings, options.file)
    began = time.monotonic()
    bar.begin("reading the backup", 0, "")
    _compare(file, manifest, "sha256")
    if manifest is not None:
        _compare(manifest.configuration, manifest, "configuration_sha256")
    key = AuditKey(settings.audit_key.get_secret_value())
    done = drills.drill(file, key, bar, scratch=options.scratch)
    bar.end()
    print(f"✓ {file} was restored in a scratch place: {done.rows:,} rows.")
    for name, count in done.counts.items():
        print(f"  {name:<12}{count:>12,}")
    for step in done.migrated:
        print(f"✓ brought up to date: {step}")
    print(f"✓ the audit trail: {done.audit_rows:,} rows, each as it was written.")
    print(f"  head {done.head}")
    if manifest is not None:
        age = (time.time() - manifest.at.timestamp()) / 3600
        print(f"✓ both files are as they were written, {age:.1f} hours ago.")
    for fault in done.broken:
        print(f"✗ {fault} (as in the store when it was backed up)")
    print(f"  A restore takes about {time.monotonic() - began:.1f} s on this machine.")
    return 1 if done.broken else 0


def _chosen(settings: AuditSettings, file: Path | None) -> tuple[Path, Backup | None]:
    """Return the backup's file, and the backup if it is one of the bot's own."""
    folder = settings.backup_dir if file is None else file.parent
    if folder is None:
        raise SettingsError(["BACKUP_DIR: missing; name the FILE of a backup, or set it"])
    try:
        good = good_backups(folder, datetime.now(UTC) if file is None else None)
    except OSError as error:
        raise StoreError(f"{folder} cannot be read: {error.strerror}.") from error
    if file is not None and not file.exists():
        raise StoreError(f"There is no file {file}.", remedy="Check its name.")
    if file is not None:
        return file, next((b for b in good if b.store.samefile(file)), None)
    if not good:
        raise StoreError(f"There is no good backup in {folder}.", remedy="See the bot's log.")
    return good[0].store, good[0]


def _compare(file: Path, manifest: Backup | None, field: str) -> None:
    if manifest is None:
        return
    try:
        digest = drills.digest_of_file(file)
    except OSError as error:
        raise StoreError(f"{file} cannot be read: {error.strerror}.") from error
    if digest != manifest.read_manifest().get(field):
        raise InputError(f"{file} is not as it was written: its SHA-256 differs from the manifest.")
