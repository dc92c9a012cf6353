"""The interface of faults: rate limits, dropped connections, lost envelopes.

The default does nothing. A test or a bench derives from `Faults` and gives it to the local Slack;
`script.Script` does what it is told once or a few times, `chaos.Chaos` throws dice.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from aiohttp import web

from .clock import Clock, SystemClock

JSON = dict[str, Any]


class Dropped(Exception):
    """The connection breaks before the call is carried out; `Faults.before` may raise it."""


@dataclass(frozen=True)
class Struck:
    """One fault that came true: when (Unix seconds), which, and upon what."""

    at: float
    what: str
    about: str


class Faults:
    """Asked before and after each step; what it answers decides what the bot under test sees.

    The local Slack that it is given to sets `clock`, and keeps what `strike` tells.
    """

    clock: Clock = SystemClock()
    on_strike: Callable[[Struck], None] | None = None

    async def before(
        self,
        method: str,  # noqa: ARG002 - a derived class looks at it
        args: JSON,  # noqa: ARG002 - a subclass reads it
    ) -> web.StreamResponse | None:
        """Answer instead of the Web API method; None lets the call through.

        Dropped breaks the connection, a Refusal is Slack's answer.
        """
        return None

    async def after(
        self,
        method: str,  # noqa: ARG002 - a subclass reads it
        args: JSON,  # noqa: ARG002 - a subclass reads it
        answer: JSON,  # noqa: ARG002 - a subclass reads it
    ) -> bool:
        """False drops the connection although the call has been carried out."""
        return True

    async def before_send(self, envelope: JSON) -> bool:  # noqa: ARG002 - a subclass reads it
        """False loses this envelope on its way; Slack itself believes that it was sent."""
        return True

    async def after_send(self, envelope: JSON) -> bool:  # noqa: ARG002 - a subclass reads it
        """False cuts the link on which this envelope has just been sent."""
        return True

    async def before_socket(self) -> int | None:
        """An HTTP status that refuses a WebSocket; None lets it in."""
        return None

    async def half_open(self) -> bool:
        """True lets a WebSocket in and then leaves it dead: no hello, no pong, no envelope."""
        return False

    def strike(self, what: str, about: str) -> None:
        """Note that a fault came true."""
        if self.on_strike is not None:
            self.on_strike(Struck(self.clock.now(), what, about))


class Chain(Faults):
    """Several at once, asked in order; the first that does something decides."""

    def __init__(self, clock: Clock, on_strike: Callable[[Struck], None]) -> None:
        self.clock = clock
        self.on_strike = on_strike
        self.parts: list[Faults] = []

    def add(self, part: Faults) -> None:
        """Ask this one too, after the others."""
        part.clock = self.clock
        part.on_strike = self.on_strike
        self.parts.append(part)

    def remove(self, part: Faults) -> None:
        """Ask this one no more; harmless when it is not asked."""
        if part in self.parts:
            self.parts.remove(part)

    async def before(self, method: str, args: JSON) -> web.StreamResponse | None:
        """The first answer."""
        for part in list(self.parts):
            if (instead := await part.before(method, args)) is not None:
                return instead
        return None

    async def after(self, method: str, args: JSON, answer: JSON) -> bool:
        """True if every fault lets the answer pass."""
        for part in list(self.parts):
            if not await part.after(method, args, answer):
                return False
        return True

    async def before_send(self, envelope: JSON) -> bool:
        """True if every fault lets the envelope pass."""
        for part in list(self.parts):
            if not await part.before_send(envelope):
                return False
        return True

    async def after_send(self, envelope: JSON) -> bool:
        """True if every fault lets the link live."""
        for part in list(self.parts):
            if not await part.after_send(envelope):
                return False
        return True

    async def before_socket(self) -> int | None:
        """The first status that refuses."""
        for part in list(self.parts):
            if (status := await part.before_socket()) is not None:
                return status
        return None

    async def half_open(self) -> bool:
        """True if a fault makes the link half-open."""
        for part in list(self.parts):
            if await part.half_open():
                return True
        return False


def rate_limited(retry_after: int) -> web.Response:
    """Slack's 429; `retry_after` in seconds."""
    return web.json_response(
        {"ok": False, "error": "ratelimited"},
        status=429,
        headers={"Retry-After": str(retry_after)},
    )
