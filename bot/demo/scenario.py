"""Plays one incident step by step. The local Slack shows the result of each step."""

import asyncio
import time
from collections.abc import Callable
from typing import TypeVar

from bot.demo.errors import DemoFailedError
from bot.demo.printing import Entry, Printer
from bot.demo.world import World
from bot.simulator import Message
from handlers.outbound.metadata import kind_of

T = TypeVar("T")

CHECK_SECONDS = 0.05  # seconds between two checks
CHANNEL = "alerts"


class Scenario:
    """Plays one incident from the failed health check to its end."""

    def __init__(
        self, world: World, printer: Printer, *, approver: str = "ben", timeout: float = 20.0
    ) -> None:
        self.world = world
        self.deeds: list[Entry] = []  # people's actions, which Slack does not show
        self._printer = printer
        self._approver = approver
        self._timeout = timeout  # seconds that each step may take

    async def play(self) -> None:
        """Run all steps in order. DemoFailedError names the step that failed."""
        await self.falls_ill()
        await self.opens_a_thread()
        await self.advice_lands()
        await self.approval_is_requested()
        await self.is_acknowledged("ana")
        await self.is_refused("chloe")
        await self.is_approved(self._approver)
        await self.is_restarted()
        await self.is_well_again()
        await self.is_verified()
        await self.is_resolved()

    async def falls_ill(self) -> None:
        """Wait until the leak passes its limit and the alert is posted."""
        seen = self.world.monitor.seen
        await self.until("checkout-api to fail", lambda: seen.firing)
        self._printer.done(
            f"checkout-api is unhealthy: /healthz answers {seen.status}, it holds {seen.held} of "
            f"{seen.limit} (pid {seen.pids[0]}); Alertmanager's message is in #{CHANNEL}"
        )

    async def opens_a_thread(self) -> None:
        """Wait for the bot's card in the channel."""
        card = await self.until("the incident's card", self.card)
        self._printer.done(f"card: {card.text.splitlines()[0]}")

    async def advice_lands(self) -> None:
        """Wait for the advice in the card's thread."""
        advice = await self.until("advice in the thread", lambda: self.reply("advice"))
        self._printer.done(f"thread: {advice.text.splitlines()[0]}")

    async def approval_is_requested(self) -> None:
        """Check that the approval card has its two buttons."""
        card = await self.until("the approval card", lambda: self.reply("approval"))
        self.require(card.buttons[:2] == ["Approve", "Reject"], f"buttons are {card.buttons}")
        self._printer.done(f"thread: {card.text.splitlines()[0]}")

    async def is_acknowledged(self, who: str) -> None:
        """Let a first person acknowledge the incident."""
        card = self.card()
        self.require(card, "the card is gone")
        await self._press(who, card, "Acknowledge")
        await self.until(
            f"the card to show {who}'s acknowledgement",
            lambda: _if_it_contains(self.card(), f"acknowledged by @{who}"),
        )
        self._printer.done(f"{who} presses Acknowledge: the card says so")

    async def is_refused(self, who: str) -> None:
        """Check that a person who is no approver is refused in private, without any other
        effect.
        """
        why = await self._try_to_approve(who)
        self.require(why, f"{who} is no approver, and yet the press counted")
        self._printer.done(f"{who} presses Approve and is refused: {why}")

    async def is_approved(self, who: str) -> None:
        """Let a second person approve."""
        why = await self._try_to_approve(who)
        self.require(not why, f"{who} pressed Approve and was refused: {why}")
        self._printer.done(f"{who} presses Approve: it counts, and the buttons are gone")

    async def is_restarted(self) -> None:
        """Wait for a new process, as the service itself reports it, not as the bot does."""
        seen = self.world.monitor.seen
        await self.until("checkout-api to run as a new process", lambda: len(seen.pids) > 1)
        ran = await self.until("the result in the thread", lambda: self.reply("result"))
        self._printer.done(
            f"gateway restarted checkout-api: pid {seen.pids[0]} → {seen.pids[-1]}; "
            f"thread: {ran.text.splitlines()[0]}"
        )

    async def is_well_again(self) -> None:
        """Wait until the health check stays green for some seconds and Alertmanager resolves the
        alert.
        """
        seen = self.world.monitor.seen
        await self.until("the health check to stay green", lambda: "RESOLVED" in seen.posted)
        self._printer.done(f"/healthz answers {seen.status}; Alertmanager posts [RESOLVED]")

    async def is_verified(self) -> None:
        """Wait until the bot has verified the remediation."""
        message = await self.until(
            "the remediation to be verified",
            lambda: _if_it_contains(self.reply("result"), "Verified:"),
        )
        self._printer.done(f"thread: {message.text.splitlines()[-1]}")

    async def is_resolved(self) -> None:
        """Wait until thread and card show the end."""
        await self.until("the end in the thread", lambda: self.reply("resolved"))
        card = await self.until(
            "the card to show the end",
            lambda: _if_it_contains(self.card(), "RESOLVED"),
        )
        self._printer.done(f"card: {card.text.splitlines()[0]}")

    def cards(self) -> list[Message]:
        """Return every card in the channel."""
        return _of_kind(self.world.slack.messages(CHANNEL), "card")

    def card(self) -> Message | None:
        """Return the newest card in its present state."""
        return next(reversed(self.cards()), None)

    def thread(self) -> list[Message]:
        """Return the replies to the newest card."""
        card = self.card()
        return self.world.slack.thread(CHANNEL, card.ts) if card else []

    def reply(self, kind: str) -> Message | None:
        """Return the first reply of a kind in its present state."""
        return next(iter(_of_kind(self.thread(), kind)), None)

    async def until(
        self, what: str, predicate: Callable[[], T | None], timeout: float | None = None
    ) -> T:
        """Return the first true result; DemoFailedError names the awaited event."""
        self._printer.waiting(f"waiting for {what}")
        loop = asyncio.get_running_loop()
        deadline = loop.time() + (timeout or self._timeout)
        while not (answer := predicate()):
            self.world.check()
            self.require(loop.time() < deadline, f"waited {self._timeout:g} s in vain for {what}")
            await asyncio.sleep(CHECK_SECONDS)
        return answer

    def require(self, condition: object, otherwise: str) -> None:
        """Raise DemoFailedError unless `condition` is true."""
        if not condition:
            raise DemoFailedError(otherwise)

    async def _try_to_approve(self, who: str) -> str:
        """Press Approve: return '' if it counted, else the private answer to the presser."""
        slack = self.world.slack
        card = self.reply("approval")
        self.require(card, "the approval card is gone")
        before = len(slack.ephemerals(who))
        await self._press(who, card, "Approve")

        def outcome() -> str | None:
            private = slack.ephemerals(who)[before:]
            now = self.reply("approval")
            if private:
                return private[-1].text
            return "counted" if now and not now.buttons else None

        answer = await self.until(f"the answer to {who}'s press", outcome)
        if answer == "counted":
            return ""
        self.deeds.append(Entry(time.time(), f"to {who} alone", answer))
        return answer

    async def _press(self, who: str, on: Message | None, button: str) -> None:
        assert on is not None  # noqa: S101 - the caller has checked it
        self.deeds.append(Entry(time.time(), f"{who} presses [{button}]", ""))
        await self.world.slack.as_user(who).press(on, button)


def _if_it_contains(message: Message | None, text: str) -> Message | None:
    """Return the message if it contains the text."""
    return message if message and text in message.text else None


def _of_kind(messages: list[Message], kind: str) -> list[Message]:
    return [message for message in messages if kind_of(message.metadata.get("event_type")) == kind]
