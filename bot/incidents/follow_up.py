"""The policy for the time after an incident: reminders of actions, the webhook."""

from __future__ import annotations

from datetime import datetime, time, timedelta
from typing import Annotated
from urllib.parse import urlsplit
from zoneinfo import ZoneInfo

from pydantic import AfterValidator, BaseModel, ConfigDict, Field

from bot.incidents.time_windows import TimeOfDay, Zone

_SATURDAY = 5


def _is_webhook(value: str) -> str:
    if not value:
        return value
    try:
        parts = urlsplit(value)
        usable = parts.scheme in ("http", "https") and bool(parts.hostname) and parts.port != 0
    except ValueError:
        usable = False
    if not usable or parts.username or parts.password:
        raise ValueError("must be an http:// or https:// address without a user and password")
    return value


WebhookUrl = Annotated[str, Field(max_length=2000), AfterValidator(_is_webhook)]
"""An address that the operator declares; '' for none."""


class ActionReminders(BaseModel):
    """The time on each working day at which open actions are reminded of."""

    model_config = ConfigDict(extra="forbid", frozen=True, hide_input_in_errors=True)

    at: TimeOfDay = time(9)
    timezone: Zone = "UTC"

    def due_since(self, now: datetime) -> datetime | None:
        """Return today's time if it has come and today is a working day, else None.

        An action whose owner was not reminded since then is due.
        """
        zone = ZoneInfo(self.timezone)
        local = now.astimezone(zone)
        at = datetime.combine(local.date(), self.at, zone)
        # In UTC: two times of one zone are compared by the clock on the wall.
        at = at.astimezone(now.tzinfo)
        return at if local.weekday() < _SATURDAY and timedelta() <= now - at else None
