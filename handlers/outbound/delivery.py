"""One message on its way to Slack: shown, found, put off, given up; and each of it written down."""

from __future__ import annotations

import logging
from collections.abc import Callable, Sequence
from datetime import datetime, timedelta
from typing import Any

from bot.errors import OutcomeUnknown, SlackRefused, SopbotError
from bot.observability.events import Event, emit
from handlers.outbound.metadata import Sender, metadata_for
from handlers.outbound.posted_messages import Finder
from handlers.outbound.rate_limiter import Pace
from handlers.outbound.rendering import Rendered, Renderer
from handlers.outbound.slack_client import BAD_TOKEN, POST, SlackCalls
from store import Store
from store.operations.cards import CardContent
from store.operations.leases import ChannelClaim
from store.rows import OutboxMessage

log = logging.getLogger(__name__)

FIRST_BACKOFF = 0.5
MAX_BACKOFF = 60.0
UNWELL_BACKOFF = 15.0  # at most, where it may well be Slack that is at fault
GIVE_UP_AFTER = 8  # tries of one message; with the doubling pauses that is about a minute

# The message is at fault, but its plain text may still be taken.
_TOO_RICH = frozenset(
    {"invalid_blocks", "invalid_blocks_format", "msg_blocks_too_long", "msg_too_long"}
)
# No message is at fault: Slack is away, or does not take our token. Never given up.
_EVERYBODYS = BAD_TOKEN | {"ratelimited", "not_reached"}
_GONE = frozenset({"message_not_found"})


class SlackIsUnwell(Exception):
    """No message is at fault: the whole channel waits."""


class Delivery:
    """Delivers the messages of one process."""

    def __init__(
        self,
        calls: SlackCalls,
        store: Store,
        renderer: Renderer,
        clock: Callable[[], datetime],
        *,
        ops_channel: str,
        sender: Sender,
    ) -> None:
        self._calls = calls
        self._store = store
        self._renderer = renderer
        self._clock = clock
        self._ops_channel = ops_channel
        self._sender = sender
        self._finder = Finder(calls.call, clock, sender)
        self.unsure: dict[int, datetime] = {}  # may be posted, by a try that ended then
        self._gone: set[int] = set()  # was posted, and Slack does not know it any more

    async def deliver(
        self,
        message: OutboxMessage,
        content: CardContent | None,
        claim: ChannelClaim,
        pace: Pace,
        unwell: Callable[[], float],
    ) -> bool:
        """Show it (True), or write down why not. SlackIsUnwell when the others must wait too.

        `content` is what a card shows, where that was read with the message.
        Then `unwell` makes them wait, and says for how many seconds; this message may be at fault
        and waits longer.

        What else is raised is a fault of ours or the store's; the message may be shown already.
        """
        try:
            rendered = await self._renderer.render(message, content)
        except SopbotError as error:
            await self._later(message, str(error), maybe_posted=False)
            return False
        if rendered is None:
            await self._store.outbox_give_up(message, "nothing to show", "", self._clock())
            return False
        if message.in_thread and message.thread_ts is None:
            await self._give_up(message, "Its card is not there either.")
            return False
        try:
            ts = await self._show(message, rendered, claim)
        except OutcomeUnknown as error:
            wait = unwell() + min(self._backoff(message), UNWELL_BACKOFF)
            await self._later(message, str(error), maybe_posted=True, wait=wait)
            raise SlackIsUnwell from error
        except SlackRefused as error:
            if error.error == "ratelimited" and message.ts is None:
                pace.refused(self._clock())
            await self._refused(message, error, unwell)
            return False
        if ts is None:
            return False  # the channel's new owner shows it
        await self._shown(message, ts, claim, pace)
        self._forget(message)
        return True

    async def stumbled(self, message: OutboxMessage, error: Exception) -> None:
        """A bug of ours in this message is not the end of its channel."""
        log.error("%s cannot be shown now", message.key, exc_info=error)
        await self._later(message, type(error).__name__, maybe_posted=True)

    async def _shown(
        self, message: OutboxMessage, ts: str, claim: ChannelClaim, pace: Pace
    ) -> None:
        """Note what Slack shows now, and put right what another replica did meanwhile."""
        if message.ts is not None:
            if self._store.replica.holds_channel(claim):
                await self._store.outbox_sent(message, ts)
            else:  # the claim's new owner may have shown a newer version before this one
                await self._store.outbox_requeue(message)
            return
        paced_until = pace.posted(self._clock())
        if not await self._store.outbox_sent(message, ts, paced_until):
            log.warning("%s was posted by another replica too; this copy goes", message.key)
            await self._calls.call("chat_delete", channel=message.channel, ts=ts)

    async def _show(
        self, message: OutboxMessage, rendered: Rendered, claim: ChannelClaim
    ) -> str | None:
        """Post or change the message; its ts, or None when that is another's to do by now."""
        ts = message.ts
        if ts is None and (tried_at := self._tried_at(message, claim)):
            ts = await self._finder.find(message, tried_at)
            if ts is None and not self._store.replica.holds_channel(claim):
                return None  # to look took so long that another may have posted it since
        try:
            return await self._put(message, rendered.text, rendered.blocks, rendered, ts)
        except SlackRefused as error:
            if error.error not in _TOO_RICH:
                raise
            log.error("Slack refused the blocks of %s: %s", message.key, error)
            return await self._put(message, rendered.text, [], rendered, ts)

    def _tried_at(self, message: OutboxMessage, claim: ChannelClaim) -> datetime | None:
        """Until when it may have been posted already; None when it cannot have been."""
        if tried := self.unsure.get(message.id):
            return tried  # also if it was deleted and its new copy was posted without an answer
        if message.id in self._gone:
            return None
        # Messages enqueued before we claimed this channel may already have been posted by its
        # previous owner.
        return claim.taken_at if message.unsure or message.id <= claim.newest else None

    async def _put(
        self,
        message: OutboxMessage,
        text: str,
        blocks: Sequence[dict[str, Any]],
        rendered: Rendered,
        ts: str | None,
    ) -> str:
        shared: dict[str, Any] = {
            "channel": message.channel,
            "text": text[:3900],
            "blocks": list(blocks),
            "metadata": metadata_for(message, self._sender.store_id, rendered.facts),
        }
        if ts is not None:
            await self._calls.call("chat_update", ts=ts, **shared)
            return ts  # whatever Slack calls it in its answer, that is what was changed
        answer = await self._calls.call(
            POST,
            thread_ts=message.thread_ts,
            reply_broadcast=rendered.broadcast and message.in_thread,
            unfurl_links=False,
            unfurl_media=False,
            **shared,
        )
        posted = answer.get("ts")
        if not isinstance(posted, str) or not posted:
            raise OutcomeUnknown(f"Slack did not say where {message.key} is.")
        return posted

    async def _refused(
        self, message: OutboxMessage, error: SlackRefused, unwell: Callable[[], float]
    ) -> None:
        tired = error.error not in _EVERYBODYS and message.attempts + 1 >= GIVE_UP_AFTER
        if error.error in _GONE and message.ts:
            await self._lost(message)
        elif error.permanent or tired:
            await self._give_up(message, str(error))
        elif error.error == "ratelimited":
            # Not longer than Slack said: the channel's other messages have to wait as well.
            wait = min(error.retry_after or FIRST_BACKOFF, MAX_BACKOFF)
            await self._later(message, str(error), maybe_posted=False, wait=wait)
        elif error.error in _EVERYBODYS:
            await self._later(message, str(error), maybe_posted=False, wait=unwell())
            raise SlackIsUnwell from error
        else:
            # Once only: a thread that is not found beneath a fresh card either is another fault.
            if error.error == "thread_not_found" and error.error not in message.error:
                await self._card_lost(message)
            await self._later(message, str(error), maybe_posted=False)

    async def _give_up(self, message: OutboxMessage, why: str) -> None:
        shown = "nowhere" if message.channel == self._ops_channel else "in the ops channel instead"
        emit(
            Event.OUTBOX_GIVEN_UP,
            message=message.key,
            channel=message.channel,
            shown=shown,
            why=why,
        )
        await self._store.outbox_give_up(message, why, self._ops_channel, self._clock())
        self._forget(message)

    def _forget(self, message: OutboxMessage) -> None:
        self.unsure.pop(message.id, None)
        self._gone.discard(message.id)

    async def _card_lost(self, reply: OutboxMessage) -> None:
        """The card above a reply is gone: post it anew, unless that was done meanwhile."""
        card = await self._store.outbox_message(f"card:{reply.incident_id}")
        if card and card.ts and card.ts == reply.thread_ts:
            await self._lost(card)

    async def _lost(self, message: OutboxMessage) -> None:
        """Slack does not know it any more: it is posted anew, and not looked for."""
        self._gone.add(message.id)
        await self._store.outbox_mark_deleted(message)

    @staticmethod
    def _backoff(message: OutboxMessage) -> float:
        return min(MAX_BACKOFF, FIRST_BACKOFF * float(2 ** min(message.attempts, 10)))

    async def _later(
        self, message: OutboxMessage, why: str, *, maybe_posted: bool, wait: float | None = None
    ) -> None:
        """Try this message again in `wait` seconds, else after a doubling pause.

        A message that waits longer than its channel lets the others go first.
        """
        if maybe_posted:
            self.unsure[message.id] = self._clock()
        if wait is None:
            wait = self._backoff(message)
        until = self._clock() + timedelta(seconds=wait)
        emit(Event.OUTBOX_POSTPONED, message=message.key, until=until.isoformat(), why=why)
        await self._store.outbox_retry(message, until, why, maybe_posted=maybe_posted)
