"""Planned faults: the next call of this method fails, the next socket is refused.

Each plan strikes a number of times and is then over. The first plan that fits strikes.
"""

import itertools
from dataclasses import dataclass
from fnmatch import fnmatchcase
from typing import Any

from aiohttp import web

from .clock import pause
from .faults import Dropped, Faults, rate_limited
from .refusal import Refusal

JSON = dict[str, Any]

# What can be planned, and how the page says it.
KINDS = {
    "error": "is refused with the error",
    "rate_limited": "is answered 429, Retry-After in seconds",
    "http": "is answered with the HTTP status",
    "slow": "is slow by seconds",
    "lose_request": "never arrives: the connection drops before it is carried out",
    "lose_answer": "is carried out, then the connection drops",
    "lose_envelope": "envelope is lost on its way",
    "cut_link": "envelope is sent, then its link is cut",
    "refuse_socket": "socket is refused with the HTTP status",
    "half_open": "socket is half open: it answers nothing",
}
# What Slack may say to any call on a bad day.
ERRORS = (
    "internal_error",
    "msg_too_long",
    "msg_blocks_too_long",
    "channel_not_found",
    "is_archived",
    "not_in_channel",
    "token_revoked",
    "account_inactive",
    "service_unavailable",
)


@dataclass(eq=False)
class Plan:
    """One planned fault.

    `on` is a pattern of Web API methods (`chat.*`), or of envelope types. `value` is the error's
    name, the HTTP status or the seconds. `left` counts down, None is until it is cancelled.
    `number` is its name on the page.
    """

    kind: str
    on: str = "*"
    value: str | float = ""
    channel: str = ""
    left: int | None = 1
    number: int = 0

    def __str__(self) -> str:
        parts = [self.kind, self.on, str(self.value), self.channel]
        return " ".join(part for part in parts if part)


class Script(Faults):
    """Plans, made by a test or on the control page."""

    def __init__(self) -> None:
        self.plans: list[Plan] = []
        self._numbers = itertools.count(1)

    # Making plans

    def fail(self, method: str, error: str, *, times: int | None = 1, channel: str = "") -> Plan:
        """Refuse the next calls with Slack's `error`; only those into `channel` (an id), if given.

        Nothing is carried out. `times=None` is until `cancel`.
        """
        return self.plan(Plan("error", method, error, channel, times))

    def limit(
        self, method: str, retry_after: int = 1, *, times: int | None = 1, channel: str = ""
    ) -> Plan:
        """Answer the next calls 429; `retry_after` in whole seconds."""
        return self.plan(Plan("rate_limited", method, retry_after, channel, times))

    def http(self, method: str, status: int, *, times: int | None = 1) -> Plan:
        """Answer the next calls with a bare HTTP status, as a load balancer does."""
        return self.plan(Plan("http", method, status, left=times))

    def slow(self, method: str, seconds: float, *, times: int | None = 1) -> Plan:
        """Carry the next calls out after `seconds` of the local Slack's clock."""
        return self.plan(Plan("slow", method, seconds, left=times))

    def lose_request(self, method: str, *, times: int | None = 1) -> Plan:
        """Drop the connection of the next calls before they are carried out."""
        return self.plan(Plan("lose_request", method, left=times))

    def lose_answer(self, method: str, *, times: int | None = 1, channel: str = "") -> Plan:
        """Carry the next calls out, then drop the connection instead of answering."""
        return self.plan(Plan("lose_answer", method, "", channel, times))

    def lose_envelopes(self, kind: str = "*", *, times: int | None = 1) -> Plan:
        """Lose the next envelopes (of type `kind`) on their way."""
        return self.plan(Plan("lose_envelope", kind, left=times))

    def cut_links(self, kind: str = "*", *, times: int | None = 1) -> Plan:
        """Cut the link on which an envelope (of type `kind`) has just been sent."""
        return self.plan(Plan("cut_link", kind, left=times))

    def refuse_sockets(self, status: int = 408, *, times: int | None = 1) -> Plan:
        """Refuse the next WebSocket handshakes; 408 is what an expired ticket gets."""
        return self.plan(Plan("refuse_socket", value=status, left=times))

    def half_open_sockets(self, *, times: int | None = 1) -> Plan:
        """Let the next sockets in and answer nothing on them, not even a ping."""
        return self.plan(Plan("half_open", left=times))

    def plan(self, plan: Plan) -> Plan:
        """Add a plan; ValueError for a kind that does not exist or a value of the wrong type."""
        if plan.kind not in KINDS:
            raise ValueError(f"no trouble is called {plan.kind!r}; there is {', '.join(KINDS)}")
        if plan.kind in ("rate_limited", "http", "refuse_socket"):
            plan.value = int(plan.value)
        elif plan.kind == "slow":
            plan.value = float(plan.value)
        elif plan.kind == "error" and not plan.value:
            raise ValueError("an error needs a name")
        if plan.left is not None and plan.left < 1:
            raise ValueError("how many times must be 1 or more")
        plan.number = next(self._numbers)
        self.plans.append(plan)
        return plan

    def cancel(self, plan: Plan) -> None:
        """Cancel a plan; harmless when it is over."""
        if plan in self.plans:
            self.plans.remove(plan)

    def clear(self) -> None:
        """Cancel every plan."""
        self.plans.clear()

    # Striking

    async def before(self, method: str, args: JSON) -> web.StreamResponse | None:
        """Slow, drop, refuse or limit the call."""
        if (slow := self._due(("slow",), method, args)) is not None:
            await pause(self.clock, float(slow.value))
        kinds = ("error", "rate_limited", "http", "lose_request")
        plan = self._due(kinds, method, args)
        if plan is None:
            return None
        if plan.kind == "error":
            raise Refusal(str(plan.value))
        if plan.kind == "lose_request":
            raise Dropped
        if plan.kind == "rate_limited":
            return rate_limited(int(plan.value))
        return web.Response(status=int(plan.value), text="upstream connect error")

    async def after(self, method: str, args: JSON, answer: JSON) -> bool:
        """Drop the connection of a call that was carried out."""
        return not answer.get("ok") or self._due(("lose_answer",), method, args) is None

    async def before_send(self, envelope: JSON) -> bool:
        """Lose an envelope."""
        return self._due(("lose_envelope",), str(envelope["type"])) is None

    async def after_send(self, envelope: JSON) -> bool:
        """Cut a link."""
        return self._due(("cut_link",), str(envelope["type"])) is None

    async def before_socket(self) -> int | None:
        """Refuse a socket."""
        plan = self._due(("refuse_socket",), "a socket")
        return None if plan is None else int(plan.value)

    async def half_open(self) -> bool:
        """Leave a socket dead."""
        return self._due(("half_open",), "a socket") is not None

    def _due(self, kinds: tuple[str, ...], name: str, args: JSON | None = None) -> Plan | None:
        """The first plan that fits, counted down."""
        channel = str((args or {}).get("channel") or "")
        for plan in self.plans:
            fits = plan.kind in kinds and fnmatchcase(name, plan.on)
            if not fits or (plan.channel and channel != plan.channel):
                continue
            if plan.left is not None:
                plan.left -= 1
                if plan.left == 0:
                    self.plans.remove(plan)
            self.strike(f"{plan.kind} {plan.value}".strip(), f"{name} {channel}".strip())
            return plan
        return None
