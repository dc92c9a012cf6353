"""Random faults: the same seed gives the n-th call of a method the same fate."""

from collections import Counter
from collections.abc import Mapping
from fnmatch import fnmatchcase
from random import Random
from typing import Any

from aiohttp import web

from .clock import pause
from .faults import Dropped, Faults, rate_limited
from .refusal import Refusal

JSON = dict[str, Any]

METHODS = ("chat.*", "conversations.*", "reactions.*")
RETRY_AFTER = (1, 2)  # whole seconds, at least and at most
# The day that `--chaos` and the control page give.
ROUGH: dict[str, Any] = {
    "drop_after_accept": 0.02,
    "drop_before_accept": 0.02,
    "ratelimited": 0.05,
    "error": {"internal_error": 0.02},
    "latency": (0.0, 0.2),
    "lose_envelope": 0.02,
    "cut_link": 0.005,
    "refuse_socket": 0.1,
}


class Chaos(Faults):
    """Faults with a probability each (0 to 1), for calls of `methods` (patterns) and all sockets.

    `error` gives each error name its probability; `latency` is least and most seconds of a call.
    The fate of a call depends on the seed, its method and how many of that method came before, and
    on nothing else. `calm = True` ends the storm, so that a test can wait for the end of the work.
    """

    def __init__(
        self,
        seed: int,
        *,
        methods: tuple[str, ...] = METHODS,
        drop_before_accept: float = 0.0,
        drop_after_accept: float = 0.0,
        ratelimited: float = 0.0,
        error: Mapping[str, float] | None = None,
        latency: tuple[float, float] | None = None,
        lose_envelope: float = 0.0,
        cut_link: float = 0.0,
        refuse_socket: float = 0.0,
        half_open: float = 0.0,
    ) -> None:
        self.seed = seed
        self.calm = False
        self._methods = methods
        self._drop_before = drop_before_accept
        self._drop_after = drop_after_accept
        self._limited = ratelimited
        self._errors = dict(error or {})
        self._latency = latency
        self._lose = lose_envelope
        self._cut = cut_link
        self._refuse = refuse_socket
        self._half_open = half_open
        self._count: Counter[str] = Counter()

    async def before(self, method: str, args: JSON) -> web.StreamResponse | None:
        """Delay, drop, limit or refuse a call."""
        if not self._meant(method):
            return None
        dice = self._dice(f"before {method}")
        if self._latency is not None:
            await pause(self.clock, dice.uniform(*self._latency))
        about = f"{method} {args.get('channel') or ''}".strip()
        if dice.random() < self._drop_before:
            self.strike("lose_request", about)
            raise Dropped
        if dice.random() < self._limited:
            seconds = dice.randint(*RETRY_AFTER)
            self.strike(f"rate_limited {seconds}", about)
            return rate_limited(seconds)
        for name, chance in self._errors.items():
            if dice.random() < chance:
                self.strike(f"error {name}", about)
                raise Refusal(name)
        return None

    async def after(self, method: str, args: JSON, answer: JSON) -> bool:
        """Drop the connection of a call that was carried out."""
        if not self._meant(method) or not answer.get("ok"):
            return True
        about = f"{method} {args.get('channel') or ''}".strip()
        return not self._falls("lose_answer", self._drop_after, about, f"after {method}")

    async def before_send(self, envelope: JSON) -> bool:
        """Lose an envelope."""
        return not self._falls("lose_envelope", self._lose, str(envelope["type"]))

    async def after_send(self, envelope: JSON) -> bool:
        """Cut a link."""
        return not self._falls("cut_link", self._cut, str(envelope["type"]))

    async def before_socket(self) -> int | None:
        """Refuse a socket as if its ticket had expired."""
        return 408 if self._falls("refuse_socket", self._refuse, "a socket") else None

    async def half_open(self) -> bool:
        """Leave a socket dead."""
        return self._falls("half_open", self._half_open, "a socket")

    def _meant(self, method: str) -> bool:
        return not self.calm and any(fnmatchcase(method, item) for item in self._methods)

    def _dice(self, key: str) -> Random:
        self._count[key] += 1
        return Random(f"{self.seed} {key} {self._count[key]}")  # noqa: S311 - dice, no secret

    def _falls(self, what: str, chance: float, about: str, key: str = "") -> bool:
        if self.calm or not chance or self._dice(key or what).random() >= chance:
            return False
        self.strike(what, about)
        return True
