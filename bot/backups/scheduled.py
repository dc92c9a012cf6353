"""Makes a backup when one is due, proves it, and tells how old the last good one is."""

from __future__ import annotations

import asyncio
import logging
import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path

from bot.backups.configuration_archive import ConfigurationFiles, write_archive
from bot.backups.folder import Backup, Manifest, good_backups, prune_folder
from bot.backups.schedule import Schedule
from bot.errors import SopbotError, StoreError
from bot.observability.metrics import Metrics
from store.admin import backups
from store.admin.drills import digest_of_file, drill
from store.admin.transfer import Progress
from store.admin.unseen import Unseen
from store.audit.proof.rows import Fault
from store.audit.sealing import AuditKey

log = logging.getLogger(__name__)

RETRY = timedelta(minutes=15)  # after a failure: each attempt reads the whole store


@dataclass(frozen=True, slots=True)
class BackupPlan:
    """The source, the times and the folder of the backups.

    `secrets` are values that the archive of the operator's files must not hold.
    """

    folder: Path
    schedule: Schedule
    keep: int
    max_age: timedelta
    store_url: str
    key: AuditKey
    files: ConfigurationFiles
    secrets: Sequence[str]


class ScheduledBackups:
    """The step that backs up, and the health check of the backups."""

    def __init__(self, plan: BackupPlan, clock: Callable[[], datetime], metrics: Metrics) -> None:
        self._plan = plan
        self._clock = clock
        self._metrics = metrics
        self._failed_at: datetime | None = None
        self._failure = ""
        self._stopping = threading.Event()
        metrics.backups.max_age.set(plan.max_age.total_seconds())

    async def run(self) -> None:
        """Back up if it is due. A failure is logged and counted, and tried again after RETRY."""
        now = self._clock()
        if self._failed_at is not None and now - self._failed_at < RETRY:
            return
        try:
            good = await asyncio.to_thread(good_backups, self._plan.folder, now)
            if not self._plan.schedule.is_due(good[0].at if good else None, now):
                return
            made = await asyncio.to_thread(
                make_backup, self._plan, now, _UntilStopped(self._stopping)
            )
        except asyncio.CancelledError:
            self._stopping.set()  # else the end of the process would wait for the thread
            raise
        except (SopbotError, OSError, Fault) as error:
            self._failed_at, self._failure = now, str(error)
            self._metrics.backups.made.labels("failed").inc()
            log.error("the backup failed, the next attempt is in %s: %s", RETRY, error)
            return
        self._failed_at = None
        self._metrics.backups.made.labels("good").inc()
        for fault in made.broken:
            log.warning("the backup is as broken as the store: %s", fault)
        log.info("backed up: %d rows, %d bytes, proved by a drill", made.rows, made.bytes)
        await self.check()

    async def check(self) -> None:
        """Raise StoreError while the last good backup is too old, or the last attempt failed."""
        try:
            good = await asyncio.to_thread(good_backups, self._plan.folder, self._clock())
        except OSError as error:
            raise StoreError(
                f"The folder of backups {self._plan.folder} cannot be read: {error.strerror}.",
                remedy="Mount it, or correct BACKUP_DIR.",
            ) from error
        numbers = self._metrics.backups
        numbers.last_good.set(good[0].at.timestamp() if good else 0)
        if good:
            numbers.size.set(good[0].store.stat().st_size)
        if self._failed_at is not None:
            raise StoreError(f"The last backup failed: {self._failure}")
        if not good:
            raise StoreError("There is no good backup yet.", remedy="The bot makes the first soon.")
        age = self._clock() - good[0].at
        if age > self._plan.max_age:
            raise StoreError(
                f"The last good backup is {age.total_seconds() / 3600:.1f} hours old.",
                remedy="See the log for the reason.",
            )


class _UntilStopped(Unseen):
    """A Progress that ends the backup when the process ends."""

    def __init__(self, stopping: threading.Event) -> None:
        self._stopping = stopping

    def begin(self, stage: str, total: int, unit: str) -> None:  # noqa: ARG002 - it prints nothing
        """See Progress."""
        self.advance(0)

    def advance(self, by: int) -> None:  # noqa: ARG002 - it prints nothing
        """See Progress."""
        if self._stopping.is_set():
            raise StoreError("The bot stops, so this backup was not finished.")


def make_backup(plan: BackupPlan, now: datetime, progress: Progress) -> Manifest:
    """Write the store and the operator's files, drill the backup, and prune the folder.

    Blocks for as long as the store takes to be read twice. StoreError, InputError and OSError leave
    nothing of this backup, and the good ones before it stay. `Fault` leaves it without a manifest,
    because it may be all that is left of a store that somebody changed by hand.
    """
    prune_folder(plan.folder, plan.keep, now)
    backup = Backup(plan.folder, now)
    try:
        done = backups.backup(plan.store_url, backup.store, progress)
        names = write_archive(plan.files, backup.configuration, plan.secrets)
        proof = drill(backup.store, plan.key, progress, folder=plan.folder)
        manifest = Manifest(
            taken_at=now.isoformat(),
            rows=done.rows,
            bytes=done.size,
            sha256=digest_of_file(backup.store),
            configuration=tuple(names),
            configuration_sha256=digest_of_file(backup.configuration),
            counts=proof.counts,
            audit_rows=proof.audit_rows,
            audit_head=proof.head,
            broken=tuple(map(str, proof.broken)),
        )
        backup.mark_good(manifest)
    except Fault:
        raise
    except BaseException:
        backup.delete()
        raise
    prune_folder(plan.folder, plan.keep, now)
    return manifest
