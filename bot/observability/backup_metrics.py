"""The metrics of the bot's own backups."""

from __future__ import annotations

from prometheus_client import CollectorRegistry, Counter, Gauge


class BackupMetrics:
    """The age and the size of the last good backup, and the age that it may have."""

    def __init__(self, registry: CollectorRegistry) -> None:
        self.made = Counter(
            "sopbot_backups_total",
            "Backups by outcome: good (proved by a drill) or failed.",
            ["outcome"],
            registry=registry,
        )
        self.last_good = Gauge(
            "sopbot_backup_last_success_timestamp_seconds",
            "When the last good backup began; 0 while there is none.",
            registry=registry,
        )
        self.max_age = Gauge(
            "sopbot_backup_max_age_seconds",
            "Age of the last good backup at which health fails; 0 without BACKUP_DIR.",
            registry=registry,
        )
        self.size = Gauge(
            "sopbot_backup_size_bytes", "Size of the last good backup.", registry=registry
        )
