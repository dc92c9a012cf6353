"""Made-up silences."""

from __future__ import annotations

from datetime import timedelta

from bot.incidents.matchers import Matcher
from bot.incidents.silences import Silence
from tests.helpers.builders import ANA, NOW, OPS

HOURS = 3600


def silence(origin: str = "command/1", hours: float = 2, **match: str | list[str]) -> Silence:
    """A silence of Ana's, made at NOW, of the service web unless `match` says what."""
    return Silence(
        id=0,
        matcher=Matcher.model_validate({"match": match or {"service": "web"}}),
        reason="a planned move",
        author=ANA,
        origin=origin,
        channel=OPS,
        made_at=NOW,
        ends_at=NOW + timedelta(hours=hours),
    )
