"""Limits how many requests an address may send in a minute; alerts of a known sender are exempt."""

from __future__ import annotations

import math
import time
from collections import OrderedDict
from collections.abc import Awaitable, Callable

from aiohttp import web
from aiohttp.typedefs import Middleware

from bot.serving.gate import caller_of
from bot.web.access import OPEN
from bot.web.errors import problem

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]

MOST_ADDRESSES = 10_000  # that are remembered, the latest ones
_UNLIMITED = OPEN | {"/metrics", "/health"}  # what watches the bot must see a busy one


class Buckets:
    """A token bucket for each address: `per_minute` requests at once, and as many each minute."""

    def __init__(self, per_minute: int, clock: Callable[[], float] = time.monotonic) -> None:
        self._capacity = float(per_minute)
        self._rate = per_minute / 60
        self._clock = clock
        self._buckets: OrderedDict[str, tuple[float, float]] = OrderedDict()

    def take(self, address: str) -> float:
        """Take one token. Returns 0.0, or the seconds until there is one again."""
        now = self._clock()
        left, at = self._buckets.pop(address, (self._capacity, now))
        left = min(self._capacity, left + (now - at) * self._rate)
        wait = 0.0 if left >= 1 else (1 - left) / self._rate
        self._buckets[address] = (left if wait else left - 1, now)
        if len(self._buckets) > MOST_ADDRESSES:
            self._buckets.popitem(last=False)
        return wait


def rate_limited(buckets: Buckets | None, is_known_source: Callable[[str], bool]) -> Middleware:
    """Return the middleware that answers 429 with Retry-After; None limits nothing.

    It stands behind the check of the token, so only a trusted caller can name a known source. A
    known sender's alerts are never refused and take no token: a burst of them is what the bot is
    for. An alert of an unknown source counts like a question.
    """

    @web.middleware
    async def limit(request: web.Request, handler: Handler) -> web.StreamResponse:
        if buckets is None or request.path in _UNLIMITED or _is_known_alert(request):
            return await handler(request)
        # As connections are counted: else each address of one IPv6 host would be a caller.
        wait = buckets.take(caller_of((request.remote,)))
        if not wait:
            return await handler(request)
        seconds = str(math.ceil(wait))
        sentence = f"Too many requests from this address; wait {seconds} s."
        return problem(429, "rate_limited", sentence, {"Retry-After": seconds})

    def _is_known_alert(request: web.Request) -> bool:
        if request.method != "POST":
            return False
        if request.path == "/webhook/alerts":
            return True
        # Of a path without a route nothing is known, and no sender of alerts asks for it.
        source = request.match_info.get("source")
        return source is not None and is_known_source(source)

    return limit
