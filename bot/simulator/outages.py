"""Breaks the connections, calls and limits of the local Slack for a test, and lists the effects."""

from .addresses import Addresses
from .chaos import Chaos
from .deliveries import Delivery
from .events import app_rate_limited
from .faults import Struck
from .link import SlackConnection
from .rates import Limited, Posted, RateLimits
from .script import Script


class Outages(Addresses):
    """Slack on a bad day. `link` is a link's number; without one it is every link."""

    # Links

    @property
    def links(self) -> list[SlackConnection]:
        """The open Socket Mode links, oldest first; each has its `number` and counts `sent`."""
        return list(self._core.links.links)

    @property
    def deliveries(self) -> list[Delivery]:
        """Every envelope so far: `sent_on` and `acked_on` are link numbers, `sends` how often.

        Empty with `record_calls=False`.
        """
        return self._core.links.deliveries or []

    async def disconnect(
        self, reason: str = "refresh_requested", *, link: int | None = None
    ) -> None:
        """Ask to reconnect: `warning`, `refresh_requested` or `link_disabled`.

        A link that is still there ten seconds later is cut.
        """
        self._core.links.disconnect(reason, number=link)

    def drop_connections(self, *, link: int | None = None) -> None:
        """Cut links without a goodbye: what was not acknowledged goes out on another at once."""
        self._core.links.drop(number=link)

    def half_open(self, *, link: int | None = None) -> None:
        """Leave links open and dead: no pong, nothing sent, nothing heard."""
        self._core.links.half_open(number=link)

    def send_app_rate_limited(self) -> Delivery:
        """Say that events were withheld in this minute, as over 30,000 an hour."""
        payload = app_rate_limited(self._core.clock.now(), self._core.workspace.app)
        return self._core.links.deliver("events_api", payload, accepts_response_payload=False)

    # Calls

    @property
    def script(self) -> Script:
        """Plans faults: `slack.script.fail("chat.update", "internal_error")`."""
        return self._core.script

    @property
    def chaos(self) -> Chaos | None:
        """The random faults in force; set it to begin them, or to None to end them."""
        return self._core.chaos

    @chaos.setter
    def chaos(self, chaos: Chaos | None) -> None:
        self._core.unleash(chaos)

    @property
    def struck(self) -> list[Struck]:
        """Every planned or random fault that happened."""
        return self._core.struck

    # Limits

    @property
    def limits(self) -> RateLimits | None:
        """Slack's rate limits; None is without."""
        return self._core.limits

    @limits.setter
    def limits(self, limits: RateLimits | None) -> None:
        self._core.limits = limits

    @property
    def posts(self) -> list[Posted]:
        """Every accepted chat.postMessage and webhook post: `at`, `channel`, `by`, `ts`."""
        return self._core.posts

    @property
    def limited(self) -> list[Limited]:
        """Every call answered 429: `at`, `method`, `channel`, `retry_after`."""
        return self._core.limited
