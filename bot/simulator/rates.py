"""Limits an app's calls as Slack does: one post a second a channel, and a tier for each method."""

import math
from collections import deque
from collections.abc import Mapping
from dataclasses import dataclass

# Calls a minute that each tier grants at least; here they are also the most.
T1, T2, T3, T4 = 1, 20, 50, 100

# chat.postMessage, auth.test, chat.getPermalink and api.test have rules of their own ("special").
# apps.connections.open is Tier 1 on Slack's old page and Tier 3 on the present one.
TIERS: dict[str, int] = {
    "apps.connections.open": T3,
    "bots.info": T3,
    "chat.delete": T3,
    "chat.postEphemeral": T4,
    "chat.update": T3,
    "conversations.history": T3,
    "conversations.info": T3,
    "conversations.join": T3,
    "conversations.list": T2,
    "conversations.members": T4,
    "conversations.open": T3,
    "conversations.replies": T3,
    "files.completeUploadExternal": T4,
    "files.getUploadURLExternal": T4,
    "reactions.add": T3,
    "reactions.remove": T2,
    "usergroups.list": T2,
    "usergroups.users.list": T2,
    "users.info": T4,
    "users.conversations": T3,
    "users.list": T2,
    "views.open": T4,
    "views.publish": T4,
    "views.push": T4,
    "views.update": T4,
}
MINUTE = 60.0
_EDGE = 1e-3  # seconds: a call on time is on time, whatever the floats and the network say


@dataclass(frozen=True)
class Posted:
    """A message that was accepted: when (Unix seconds), where, and by which bot_id."""

    at: float
    channel: str
    by: str
    ts: str


@dataclass(frozen=True)
class Limited:
    """A call that was answered 429: when, which method (`webhook` for one), where, for how long."""

    at: float
    method: str
    channel: str
    retry_after: int


class RateLimits:
    """Slack's limits, strictly: a post more than `burst` in a row waits its second.

    `posts_per_second` is for each app and channel, chat.postMessage and webhooks alike.
    `posts_per_minute` bounds all channels of an app together; Slack has such a limit and does not
    say which. `tiers` are calls a minute for each method; a method without one is not limited.
    """

    def __init__(
        self,
        *,
        posts_per_second: float = 1.0,
        burst: int = 1,
        posts_per_minute: int | None = None,
        tiers: Mapping[str, int] = TIERS,
    ) -> None:
        self._interval = 1.0 / posts_per_second
        self._ahead = (burst - 1) * self._interval
        self._per_minute = posts_per_minute
        self._tiers = dict(tiers)
        self._next: dict[tuple[str, str], float] = {}
        self._posts: dict[str, deque[float]] = {}
        self._calls: dict[str, deque[float]] = {}

    def call(self, method: str, now: float) -> int | None:
        """Count one call; or whole seconds to wait, and it is not counted."""
        most = self._tiers.get(method)
        if most is None:
            return None
        taken = self._calls.setdefault(method, deque())
        if (wait := _wait(taken, most, now)) is None:
            taken.append(now)
        return wait

    def wait_to_post(self, app: str, channel: str, now: float) -> int | None:
        """Whole seconds until this app may post there; None when it may now."""
        waits = []
        early = self._next.get((app, channel), now) - self._ahead - now
        if early > _EDGE:
            waits.append(max(1, math.ceil(early - _EDGE)))
        if self._per_minute is not None:
            taken = self._posts.setdefault(app, deque())
            if (wait := _wait(taken, self._per_minute, now)) is not None:
                waits.append(wait)
        return max(waits, default=None)

    def posted(self, app: str, channel: str, now: float) -> None:
        """Count a post that was accepted."""
        key = (app, channel)
        self._next[key] = max(self._next.get(key, now), now) + self._interval
        if self._per_minute is not None:
            self._posts.setdefault(app, deque()).append(now)


def _wait(taken: deque[float], most: int, now: float) -> int | None:
    while taken and taken[0] <= now - MINUTE + _EDGE:
        taken.popleft()
    if len(taken) < most:
        return None
    return max(1, math.ceil(taken[0] + MINUTE - now - _EDGE))
