"""Settings of the backups that the bot makes by itself."""

from __future__ import annotations

from pathlib import Path

from pydantic import BaseModel, Field

from bot.setting_types import BackupSchedule


class BackupGroup(BaseModel):
    """The times of the bot's own backups, their folder, and how many are kept."""

    backup_dir: Path | None = Field(
        None, description="folder of the bot's own backups; empty = it makes none"
    )
    backup_schedule: BackupSchedule = Field(
        "17 3 * * *", description="an interval (90m, 6h, 1d) or five fields of cron, in UTC"
    )
    backup_keep: int = Field(14, ge=2, le=10_000, description="how many good backups are kept")
    backup_max_age_hours: float = Field(
        26, gt=0, le=10_000, description="age of the last good backup at which health fails"
    )
