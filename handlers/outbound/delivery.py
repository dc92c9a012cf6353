"""Delivers one message: shows it, finds its earlier post, postpones it or gives it up."""

from __future__ import annotations

import contextlib
import logging
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any

from bot.errors import OutcomeUnknown, SlackRefused, SopbotError
from bot.observability.events import Event, emit
from handlers.outbound.metadata import Sender, as_object, file_key, metadata_for
from handlers.outbound.posted_messages import PostedMessageLookup
from handlers.outbound.rate_limiter import RateLimiter
from handlers.outbound.refused_blocks import RefusedBlocks
from handlers.outbound.rendered import File, Rendered
from handlers.outbound.rendering import Renderer
from handlers.outbound.slack_client import BAD_TOKEN, POST, UPLOAD, SlackClient
from handlers.views.newer_blocks import newer_kinds, plain_form
from store import Store
from store.messages import OutboxMessage
from store.operations.cards import CardContent
from store.operations.leases import ChannelClaim
from store.operations.outbox_fetch import ChannelWork

log = logging.getLogger(__name__)

FIRST_BACKOFF = 0.5
MAX_BACKOFF = 60.0
UNAVAILABLE_BACKOFF = 15.0  # at most, if Slack may be at fault rather than the message
GIVE_UP_AFTER = 8  # tries of one message; with the doubling pauses that is about a minute

# Slack refuses these blocks, but may still take the plain text.
_BLOCKS_REFUSED = frozenset(
    {"invalid_blocks", "invalid_blocks_format", "msg_blocks_too_long", "msg_too_long"}
)
# No message is at fault: Slack is away, or refuses our token. The bot never gives up here.
_NO_MESSAGES_FAULT = BAD_TOKEN | {"ratelimited", "not_reached"}
_DELETED = frozenset({"message_not_found"})


class SlackUnavailable(Exception):
    """Slack is away, or refuses our token: the whole channel waits."""


class Delivery:
    """Delivers the messages of one process."""

    def __init__(
        self,
        slack: SlackClient,
        store: Store,
        renderer: Renderer,
        clock: Callable[[], datetime],
        *,
        ops_channel: str,
        sender: Sender,
        refused_blocks: RefusedBlocks,
    ) -> None:
        self._slack = slack
        self._store = store
        self._renderer = renderer
        self._clock = clock
        self._ops_channel = ops_channel
        self._sender = sender
        self._refused_blocks = refused_blocks
        self._lookup = PostedMessageLookup(slack.call, clock, sender)
        self.unsure: dict[int, datetime] = {}  # ids that may be posted: when the last try ended
        self._deleted: set[int] = set()  # ids that were posted, and then deleted in Slack

    def prepare(self, due: Mapping[str, ChannelWork]) -> None:
        """Render the card that each channel will post first, before it may be posted."""
        for work in due.values():
            if work.messages and work.card:
                self._renderer.prepare(work.messages[0], work.card)

    async def deliver(
        self,
        message: OutboxMessage,
        content: CardContent | None,
        claim: ChannelClaim,
        limiter: RateLimiter,
        back_off: Callable[[], float],
    ) -> bool:
        """Show the message in Slack (True), or note why it is not shown.

        `content` is what a card shows, if the store returned it with the message. `back_off` pauses
        the channel and returns the seconds; this message may be at fault and waits longer.

        SlackUnavailable: the other messages must wait too. Any other error is a bug of ours or the
        store's failure; Slack may show the message already.
        """
        try:
            rendered = await self._renderer.render(message, content)
        except SopbotError as error:
            await self._postpone(message, str(error), maybe_posted=False)
            return False
        if rendered is None:
            await self._store.outbox_give_up(message, "nothing to show", "", self._clock())
            return False
        if message.in_thread and message.thread_ts is None:
            await self._give_up(message, "Its card is not there either.")
            return False
        try:
            ts = await self._show(message, rendered, claim)
            if ts is None and rendered.only_if_posted:
                await self._store.outbox_drop(message)
                return False
        except OutcomeUnknown as error:
            wait = back_off() + min(self._backoff(message), UNAVAILABLE_BACKOFF)
            await self._postpone(message, str(error), maybe_posted=True, wait=wait)
            raise SlackUnavailable from error
        except SlackRefused as error:
            if error.error == "ratelimited" and message.ts is None:
                limiter.refused(self._clock())
            await self._handle_refusal(message, error, back_off)
            return False
        if ts is None:
            return False  # the claim's new owner shows it
        await self._record_shown(message, ts, claim, limiter)
        self._forget(message)
        return True

    async def handle_bug(self, message: OutboxMessage, error: Exception) -> None:
        """Postpone a message that our own code cannot show: a bug must not stop its channel."""
        log.error("%s cannot be shown now", message.key, exc_info=error)
        await self._postpone(message, type(error).__name__, maybe_posted=True)

    async def _record_shown(
        self, message: OutboxMessage, ts: str, claim: ChannelClaim, limiter: RateLimiter
    ) -> None:
        """Record what Slack shows now, and correct what another replica did meanwhile."""
        if message.ts is not None:
            if self._store.replica.holds_channel(claim):
                await self._store.outbox_sent(message, ts)
            else:  # the claim's new owner may have shown a newer version before this one
                await self._store.outbox_requeue(message)
            return
        now = self._clock()
        paced_until = limiter.posted(now)
        if not await self._store.outbox_sent(message, ts, paced_until, posted_at=now):
            log.warning("%s was posted by another replica too; this copy goes", message.key)
            await self._slack.call("chat_delete", channel=message.channel, ts=ts)

    async def _show(
        self, message: OutboxMessage, rendered: Rendered, claim: ChannelClaim
    ) -> str | None:
        """Post or update the message. Returns its ts, or None if another replica has the claim."""
        ts = message.ts
        if ts is None and (tried_at := self._tried_at(message, claim)):
            key = file_key(rendered.file.name) if rendered.file else ""
            ts = await self._lookup.find(message, tried_at, key)
            if ts is None and not self._store.replica.holds_channel(claim):
                return None  # the lookup took so long that another replica may have posted it since
        if ts is None and rendered.only_if_posted:
            return None
        if rendered.file:
            # A shared file is never changed: the next version is a file of its own.
            return ts or await self._upload(message, rendered.text, rendered.file)
        blocks = await self._refused_blocks.accepted_form(rendered.blocks)
        try:
            return await self._send(message, rendered.text, blocks, rendered, ts)
        except SlackRefused as error:
            if error.error not in _BLOCKS_REFUSED:
                raise
            log.error("Slack refused the blocks of %s: %s", message.key, error)
            if newer := newer_kinds(blocks):
                with contextlib.suppress(SlackRefused):
                    plain = plain_form(blocks, newer)
                    shown_at = await self._send(message, rendered.text, plain, rendered, ts)
                    await self._refused_blocks.remember(newer)
                    return shown_at
            return await self._send(message, rendered.text, [], rendered, ts)

    def _tried_at(self, message: OutboxMessage, claim: ChannelClaim) -> datetime | None:
        """The end of the last try that may have posted it; None if no try can have posted it."""
        if tried := self.unsure.get(message.id):
            return tried  # it may also be the new copy of a deleted message
        if message.id in self._deleted:
            return None
        # Messages enqueued before we claimed this channel may already have been posted by its
        # previous owner.
        return claim.taken_at if message.unsure or message.id <= claim.newest else None

    async def _send(
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
            await self._slack.call("chat_update", ts=ts, **shared)
            return ts  # Slack updated this message, even if its answer names another ts
        answer = await self._slack.call(
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

    async def _upload(self, message: OutboxMessage, text: str, file: File) -> str:
        """Share the file in the message's place, with `text` above it. Returns the file's id.

        Slack shares it a moment after its answer, so that the message has no ts yet.
        """
        answer = await self._slack.call(
            UPLOAD,
            channel=message.channel,
            thread_ts=message.thread_ts,
            filename=file.name,
            title=file.name,
            content=file.content,
            initial_comment=text[:3900],
        )
        files = answer.get("files")
        if not isinstance(files, list) or not files or not as_object(files[0]).get("id"):
            raise OutcomeUnknown(f"Slack did not say where {message.key} is.")
        return str(files[0]["id"])

    async def _handle_refusal(
        self, message: OutboxMessage, error: SlackRefused, back_off: Callable[[], float]
    ) -> None:
        exhausted = error.error not in _NO_MESSAGES_FAULT and message.attempts + 1 >= GIVE_UP_AFTER
        if error.error in _DELETED and message.ts:
            await self._mark_deleted(message)
        elif error.permanent or exhausted:
            await self._give_up(message, str(error))
        elif error.error == "ratelimited":
            # Not longer than Slack's Retry-After: the channel's other messages wait as well.
            wait = min(error.retry_after or FIRST_BACKOFF, MAX_BACKOFF)
            await self._postpone(message, str(error), maybe_posted=False, wait=wait)
        elif error.error in _NO_MESSAGES_FAULT:
            await self._postpone(message, str(error), maybe_posted=False, wait=back_off())
            raise SlackUnavailable from error
        else:
            # Once only: if Slack does not find a fresh card's thread either, the fault is another.
            if error.error == "thread_not_found" and error.error not in message.error:
                await self._repost_card(message)
            await self._postpone(message, str(error), maybe_posted=False)

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
        self._deleted.discard(message.id)

    async def _repost_card(self, reply: OutboxMessage) -> None:
        """Post the deleted card of a reply again, unless that was done meanwhile."""
        card = await self._store.outbox_message(f"card:{reply.incident_id}")
        if card and card.ts and card.ts == reply.thread_ts:
            await self._mark_deleted(card)

    async def _mark_deleted(self, message: OutboxMessage) -> None:
        """Note that the message was deleted in Slack: it is posted again without a lookup."""
        self._deleted.add(message.id)
        await self._store.outbox_mark_deleted(message)

    @staticmethod
    def _backoff(message: OutboxMessage) -> float:
        return min(MAX_BACKOFF, FIRST_BACKOFF * float(2 ** min(message.attempts, 10)))

    async def _postpone(
        self, message: OutboxMessage, why: str, *, maybe_posted: bool, wait: float | None = None
    ) -> None:
        """Try this message again in `wait` seconds, by default after a doubling pause.

        The channel's other messages go first if this one waits longer than its channel.
        """
        if maybe_posted:
            self.unsure[message.id] = self._clock()
        if wait is None:
            wait = self._backoff(message)
        until = self._clock() + timedelta(seconds=wait)
        emit(Event.OUTBOX_POSTPONED, message=message.key, until=until.isoformat(), why=why)
        await self._store.outbox_retry(message, until, why, maybe_posted=maybe_posted)
