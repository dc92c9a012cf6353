"""The story, step by step, as people live it. Each step is looked for in the local Slack."""

import asyncio
import time
from collections.abc import Callable
from typing import TypeVar

from bot.demo.errors import DemoFailedError
from bot.demo.printing import Printer, Said
from bot.demo.world import World
from bot.simulator import Message
from handlers.outbound.metadata import kind_of

T = TypeVar("T")

LOOK = 0.05  # seconds between two looks
CHANNEL = "alerts"


class Story:
    """Plays one incident from the failed health check to its end."""

    def __init__(
        self, world: World, printer: Printer, *, approver: str = "ben", patience: float = 20.0
    ) -> None:
        self.world = world
        self.deeds: list[Said] = []  # what people did, which Slack shows nobody
        self._printer = printer
        self._approver = approver
        self._patience = patience  # seconds each step may take

    async def play(self) -> None:
        """The staircase. DemoFailedError names the step that did not come true."""
        await self.falls_ill()
        await self.opens_a_thread()
        await self.advice_lands()
        await self.approval_is_asked()
        await self.is_acknowledged("ana")
        await self.is_refused("chloe")
        await self.is_approved(self._approver)
        await self.is_restarted()
        await self.is_well_again()
        await self.is_verified()
        await self.is_resolved()

    async def falls_ill(self) -> None:
        """The leak passes its limit, and the alert is posted."""
        seen = self.world.monitor.seen
        await self.until("checkout-api to fall ill", lambda: seen.firing)
        self._printer.done(
            f"checkout-api is ill: /healthz answers {seen.status}, it holds {seen.held} of "
            f"{seen.limit} (pid {seen.pids[0]}); Alertmanager's message is in #{CHANNEL}"
        )

    async def opens_a_thread(self) -> None:
        """The bot's card stands in the channel."""
        card = await self.until("the incident's card", self.card)
        self._printer.done(f"card: {card.text.splitlines()[0]}")

    async def advice_lands(self) -> None:
        """The advice is in the card's thread."""
        advice = await self.until("advice in the thread", lambda: self.reply("advice"))
        self._printer.done(f"thread: {advice.text.splitlines()[0]}")

    async def approval_is_asked(self) -> None:
        """The approval card has its two buttons."""
        asked = await self.until("the approval card", lambda: self.reply("approval"))
        self.demand(asked.buttons[:2] == ["Approve", "Reject"], f"buttons are {asked.buttons}")
        self._printer.done(f"thread: {asked.text.splitlines()[0]}")

    async def is_acknowledged(self, who: str) -> None:
        """A first person looks after it."""
        card = self.card()
        self.demand(card, "the card is gone")
        await self._press(who, card, "Acknowledge")
        await self.until(
            f"the card to say that {who} looks after it",
            lambda: _says(self.card(), f"acknowledged by @{who}"),
        )
        self._printer.done(f"{who} presses Acknowledge: the card says so")

    async def is_refused(self, who: str) -> None:
        """A person who is no approver is told so alone, and nothing changes."""
        why = await self._try_to_approve(who)
        self.demand(why, f"{who} is no approver, and yet the press counted")
        self._printer.done(f"{who} presses Approve and is refused: {why}")

    async def is_approved(self, who: str) -> None:
        """A second person says yes."""
        why = await self._try_to_approve(who)
        self.demand(not why, f"{who} pressed Approve and was refused: {why}")
        self._printer.done(f"{who} presses Approve: it counts, and the buttons are gone")

    async def is_restarted(self) -> None:
        """The process is another one: seen at the service itself, not in what the bot says."""
        seen = self.world.monitor.seen
        await self.until("checkout-api to run as a new process", lambda: len(seen.pids) > 1)
        ran = await self.until("the result in the thread", lambda: self.reply("result"))
        self._printer.done(
            f"gateway restarted checkout-api: pid {seen.pids[0]} → {seen.pids[-1]}; "
            f"thread: {ran.text.splitlines()[0]}"
        )

    async def is_well_again(self) -> None:
        """The health check is green for some seconds, and Alertmanager says so."""
        seen = self.world.monitor.seen
        await self.until("the health check to stay green", lambda: "RESOLVED" in seen.posted)
        self._printer.done(f"/healthz answers {seen.status}; Alertmanager posts [RESOLVED]")

    async def is_verified(self) -> None:
        """The bot has looked too."""
        found = await self.until(
            "the remediation to be verified", lambda: _says(self.reply("result"), "Verified:")
        )
        self._printer.done(f"thread: {found.text.splitlines()[-1]}")

    async def is_resolved(self) -> None:
        """Thread and card say that it is over."""
        await self.until("the end in the thread", lambda: self.reply("resolved"))
        card = await self.until(
            "the card to say that it is over",
            lambda: _says(self.card(), "RESOLVED"),
        )
        self._printer.done(f"card: {card.text.splitlines()[0]}")

    def cards(self) -> list[Message]:
        """Every card in the channel."""
        return _of_kind(self.world.slack.messages(CHANNEL), "card")

    def card(self) -> Message | None:
        """The newest card as it stands."""
        return next(reversed(self.cards()), None)

    def thread(self) -> list[Message]:
        """The replies to the newest card."""
        card = self.card()
        return self.world.slack.thread(CHANNEL, card.ts) if card else []

    def reply(self, kind: str) -> Message | None:
        """The first reply of a kind as it stands."""
        return next(iter(_of_kind(self.thread(), kind)), None)

    async def until(
        self, what: str, predicate: Callable[[], T | None], patience: float | None = None
    ) -> T:
        """The first true answer; DemoFailedError says what was awaited."""
        self._printer.waiting(f"waiting for {what}")
        loop = asyncio.get_running_loop()
        deadline = loop.time() + (patience or self._patience)
        while not (answer := predicate()):
            self.world.check()
            self.demand(loop.time() < deadline, f"waited {self._patience:g} s in vain for {what}")
            await asyncio.sleep(LOOK)
        return answer

    def demand(self, found: object, otherwise: str) -> None:
        """DemoFailedError unless `found` is true."""
        if not found:
            raise DemoFailedError(otherwise)

    async def _try_to_approve(self, who: str) -> str:
        """Press Approve: '' once it counted, else what only the presser was told."""
        slack = self.world.slack
        asked = self.reply("approval")
        self.demand(asked, "the approval card is gone")
        told = len(slack.ephemerals(who))
        await self._press(who, asked, "Approve")

        def outcome() -> str | None:
            private = slack.ephemerals(who)[told:]
            now = self.reply("approval")
            if private:
                return private[-1].text
            return "counted" if now and not now.buttons else None

        said = await self.until(f"the answer to {who}'s press", outcome)
        if said == "counted":
            return ""
        self.deeds.append(Said(time.time(), f"to {who} alone", said))
        return said

    async def _press(self, who: str, on: Message | None, button: str) -> None:
        assert on is not None  # noqa: S101 - looked at by the caller
        self.deeds.append(Said(time.time(), f"{who} presses [{button}]", ""))
        await self.world.slack.as_user(who).press(on, button)


def _says(message: Message | None, words: str) -> Message | None:
    """The message, once it holds the words."""
    return message if message and words in message.text else None


def _of_kind(messages: list[Message], kind: str) -> list[Message]:
    return [one for one in messages if kind_of(one.metadata.get("event_type")) == kind]
