"""The folder of the bot's own backups: names, manifests, and what is no longer kept.

A backup is `sopbot-<time>.db`, the operator's files beside it are `sopbot-<time>.config.tar.gz`.
It is good once `sopbot-<time>.json`, its manifest, is there: the manifest is written last, after
the drill. So an interrupted or damaged backup is never taken for a good one.
"""

from __future__ import annotations

import json
import os
import re
import shutil
from dataclasses import asdict, dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from bot.errors import InputError
from bot.regular_files import read_regular

_MANIFEST = re.compile(r"sopbot-(\d{8}T\d{6}Z)\.json")
_OURS = re.compile(r"sopbot-(\d{8}T\d{6}Z)\.(?:db|config\.tar\.gz|json)(?:\.partial)?")
_TIME = "%Y%m%dT%H%M%SZ"
SKEW = timedelta(minutes=5)  # by which the clocks of two replicas may differ


@dataclass(frozen=True, slots=True)
class Manifest:
    """The facts about a good backup. Digests are SHA-256 of the files' bytes."""

    taken_at: str
    rows: int
    bytes: int
    sha256: str
    configuration: tuple[str, ...]
    configuration_sha256: str
    counts: dict[str, int]
    audit_rows: int
    audit_head: str
    broken: tuple[str, ...]
    """The invariants that neither the store nor the backup keeps."""


@dataclass(frozen=True, slots=True)
class Backup:
    """The three files of one backup, and when it began."""

    folder: Path
    at: datetime

    @property
    def store(self) -> Path:
        """Return the file that holds the store."""
        return self._named("db")

    @property
    def configuration(self) -> Path:
        """Return the archive of the operator's files."""
        return self._named("config.tar.gz")

    @property
    def manifest(self) -> Path:
        """Return the file that says that the backup is good."""
        return self._named("json")

    def _named(self, end: str) -> Path:
        return self.folder / f"sopbot-{self.at.astimezone(UTC):{_TIME}}.{end}"

    def mark_good(self, manifest: Manifest) -> None:
        """Write the manifest, whole or not at all, readable by its owner only."""
        partial = Path(f"{self.manifest}.partial")
        # A link that somebody put there would lead the writing to another file.
        flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC
        with os.fdopen(os.open(partial, flags, 0o600), "w", encoding="utf-8") as out:
            json.dump(asdict(manifest), out, indent=1)
            out.flush()
            os.fsync(out.fileno())
        partial.replace(self.manifest)

    def read_manifest(self) -> dict[str, Any]:
        """Return the manifest as it stands there. InputError if it cannot be read."""
        try:
            manifest = json.loads(read_regular(self.manifest))
        except (OSError, ValueError) as error:
            raise InputError(f"{self.manifest} cannot be read.") from error
        if not isinstance(manifest, dict):
            raise InputError(f"{self.manifest} is no manifest.")
        return manifest

    def delete(self) -> None:
        """Delete the files; the manifest first, so that no half of it counts as good."""
        partial = Path(f"{self.manifest}.partial")
        for file in (self.manifest, partial, self.configuration, self.store):
            file.unlink(missing_ok=True)


def good_backups(folder: Path, now: datetime | None = None) -> list[Backup]:
    """Return the good backups of the folder, newest first. OSError if it cannot be read.

    With `now` those are left out that claim to be of later: a clock that was wrong made them, or
    somebody else. The newest would be such a one until its time comes, and no other would be due.
    """
    latest = now + SKEW if now is not None else datetime.max.replace(tzinfo=UTC)
    matches = (_MANIFEST.fullmatch(entry.name) for entry in list(folder.iterdir()))
    times = (_time(match[1]) for match in matches if match)
    named = (Backup(folder, at) for at in times if at is not None and at <= latest)
    return sorted(
        (backup for backup in named if backup.store.is_file()),
        key=lambda backup: backup.at,
        reverse=True,
    )


def prune_folder(folder: Path, keep: int, now: datetime) -> list[Path]:
    """Delete all but the newest `keep` good backups, and what failed or killed ones left.

    Returns the deleted files. It never touches a file of another name, or of later than `now`.
    """
    kept = {backup.at for backup in good_backups(folder, now)[:keep]}
    deleted: list[Path] = []
    # Manifests first, so that no half of a backup counts as good.
    for entry in sorted(folder.iterdir(), key=lambda path: path.suffix != ".json"):
        match = _OURS.fullmatch(entry.name)
        at = _time(match[1]) if match else None
        if at is not None and at not in kept and at <= now + SKEW:
            entry.unlink(missing_ok=True)
            deleted.append(entry)
        elif entry.name.startswith(".drill-") and entry.is_dir() and not entry.is_symlink():
            shutil.rmtree(entry, ignore_errors=True)
    return deleted


def _time(text: str) -> datetime | None:
    """Return the time of a name; None if there is no such time: then the name is not ours."""
    try:
        return datetime.strptime(text, _TIME).replace(tzinfo=UTC)
    except ValueError:
        return None
