"""Wrap what happened as the Events API does."""

import base64
import itertools
import json
from typing import Any

from .clock import Clock
from .people import TEAM_ID, App

JSON = dict[str, Any]

# Which `message.*` subscription covers which channel_type.
MESSAGE_KINDS = {"channel": "message.channels", "group": "message.groups", "im": "message.im"}


class EventWriter:
    """Makes `event_callback` payloads with ids that never repeat."""

    def __init__(self, clock: Clock, app: App) -> None:
        self._clock = clock
        self._app = app
        self._ids = itertools.count(1)
        self._authorizations = [
            {
                "enterprise_id": None,
                "team_id": TEAM_ID,
                "user_id": app.user_id,
                "is_bot": True,
                "is_enterprise_install": False,
            }
        ]

    def callback(self, event: JSON) -> JSON:
        """The payload of one events_api envelope."""
        number = next(self._ids)
        return {
            "token": "simulated-verification",
            "team_id": TEAM_ID,
            "context_team_id": TEAM_ID,
            "context_enterprise_id": None,
            "api_app_id": self._app.app_id,
            "event": event,
            "type": "event_callback",
            "event_id": f"Ev{number:010X}",
            "event_time": int(self._clock.now()),
            "authorizations": self._authorizations,
            "is_ext_shared_channel": False,
            "event_context": f"4-{_context(event)}",
        }


def app_rate_limited(now: float, app: App) -> JSON:
    """The payload that Slack sends instead of events over 30,000 an hour."""
    return {
        "token": "simulated-verification",
        "type": "app_rate_limited",
        "team_id": TEAM_ID,
        "minute_rate_limited": int(now) - int(now) % 60,
        "api_app_id": app.app_id,
    }


def subscription(event: JSON) -> str:
    """The name under which a manifest subscribes to this event."""
    kind = str(event.get("type", ""))
    if kind == "message":
        return MESSAGE_KINDS.get(str(event.get("channel_type")), "message")
    return kind


def _context(event: JSON) -> str:
    about = {"et": event.get("type"), "tid": TEAM_ID, "cid": event.get("channel", "")}
    return base64.urlsafe_b64encode(json.dumps(about).encode()).decode().rstrip("=")
