"""Knows what the colour of a message says: red fires, green is over."""

from __future__ import annotations

import re
from functools import lru_cache

from bot.incidents.model import AlertStatus
from bot.intake.cleaning import parse_words

FIRING, RESOLVED = AlertStatus.FIRING, AlertStatus.RESOLVED

_COLOURS_FIRING = parse_words(
    # Slack's own names, and as Slack delivers them.
    "danger a30200 warning daa038"
    # Grafana, Uptime Kuma, Zabbix by severity, Robusta, Checkmk, Sentry.
    " d63232 e01e5a ee0000 ef311f e45959 e97659 ffa059 ffc859 7499ff 97aab3 fa4747 e03e2f"
    # What a template writes by hand: red, orange, yellow, and Gatus, Datadog, Jenkins, Pingdom.
    " ff0000 dd0000 cc0000 red d00000 e60000 b22222 dc3545 ff4136 e74c3c d9534f c0392b d40e0d"
    " ff9900 ffa500 ffcc00 ff8800 ff6600 f2c744 ffae42 fbca04 f0ad4e e67e22 f39c12 orange yellow"
    " ff0033 d50200 de3e3b bd2130 f44336 ff5252 ed2e18 e53935 d72b3f e33b3b ec2e2e b71c1c"
)
_COLOURS_RESOLVED = parse_words(
    "good 2eb886 36a64f 009900 00cc00 00b302 4dc771 008000 green 28a745 2ecc71 27ae60 5cb85c 00ff00"
    " 2eb67d 2fb14a 3cb371 1aab1a 00b200 4caf50 43a047 2e7d32 198754 00aa00 7ed321 6ac259 2ea44f"
    " 1e8e3e 0f9d58 55a532 50c878 23c343 3bb143 2da44e 1d9d74"
)


def colour_state(colour: str) -> AlertStatus | None:
    """Return what a colour says (`#36A64F`, `good`), or None for one that says nothing.

    A red, orange or yellow tone fires, a green one is over, whoever mixed it.
    """
    return _colour_state(colour[:40].strip().lstrip("#").lower())


@lru_cache(maxsize=512)
def _colour_state(colour: str) -> AlertStatus | None:
    if colour in _COLOURS_FIRING:
        return FIRING
    if colour in _COLOURS_RESOLVED:
        return RESOLVED
    if not re.fullmatch(r"[0-9a-f]{6}", colour):
        return None
    red, green, blue = (int(colour[at : at + 2], 16) for at in (0, 2, 4))
    if max(red, green, blue) - min(red, green, blue) < 60:
        return None  # grey
    if green > 1.3 * red and green > 1.2 * blue:
        return RESOLVED
    if red > 1.5 * blue and red > green:
        return FIRING
    return None
