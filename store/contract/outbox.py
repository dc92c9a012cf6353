"""What Slack should show, and what it shows."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Set
from datetime import datetime, timedelta

from store.contract.part import Part
from store.operations import outbox
from store.operations.outbox import EVERYTHING, Which
from store.operations.outbox_look import Ask, Found, look
from store.rows import OutboxMessage


class Outgoing(Part):
    """The methods of `Store` for messages."""

    async def outbox_channels(
        self, now: datetime, asks: Mapping[str, Ask] | None = None
    ) -> dict[str, Found]:
        """What each channel has to send now, except channels claimed by another replica.

        `asks`: the channels that are free to send; they get their messages in the same read.
        """
        return await self._engine.read(look, now, self.owner, asks or {})

    async def outbox_due(
        self,
        channel: str,
        now: datetime,
        limit: int = 20,
        which: Set[Which] = EVERYTHING,
        yielding: Collection[str] = (),
    ) -> list[OutboxMessage]:
        """What of `which` to send next: news, the bot's own notices, the most severe cards, then
        what stands in threads.

        Within a severity the senders take turns, and of each what waits longest; a reply only after
        its card, and beside the other cards only when it has waited for a minute. New cards of the
        senders in `yielding` come after those of all others.
        """
        return await self._engine.read(outbox.due, channel, now, limit, which, tuple(yielding))

    async def outbox_overdue(self, before: datetime) -> list[str]:
        """Channels with a message that was due by then and is neither shown nor given up."""
        return await self._engine.read(outbox.overdue, before)

    async def outbox_hurry(self, channel: str, now: datetime) -> None:
        """Slack is well again: what waits only because it failed before is due at once."""
        await self._write(outbox.hurry, channel, now)

    async def outbox_promote(self, now: datetime) -> None:
        """What waits for a minute gets its turn: replies behind their cards, changes among the
        gravest.
        """
        await self._write(outbox.promote, now)

    async def outbox_sent(
        self, message: OutboxMessage, ts: str, paced_until: datetime | None = None
    ) -> bool:
        """Slack shows this version of the message under `ts`; that is how far its lane is paced.

        False when another replica posted it as well and said so first: then `ts` is one too many.
        """
        return await self._write(outbox.sent, message, ts, self.owner, paced_until)

    async def outbox_again(self, message: OutboxMessage) -> None:
        """What Slack shows of it may be an older version: it is to be sent once more."""
        await self._write(outbox.again, message.id)

    async def outbox_retry(
        self, message: OutboxMessage, not_before: datetime, error: str, *, maybe_posted: bool
    ) -> None:
        """Try again then. `maybe_posted` makes the next try look before it posts."""
        await self._write(outbox.retry, message.id, not_before, error, maybe_posted)

    async def outbox_give_up(
        self, message: OutboxMessage, error: str, ops_channel: str, now: datetime
    ) -> None:
        """Slack does not take it; the row stays, and `ops_channel` ('' for none) shows it instead.

        There it is one message, with the reason, that is changed in place.
        """
        await self._write(outbox.give_up, message, error, ops_channel, now)

    async def outbox_revive(
        self,
        now: datetime,
        older_than: timedelta = timedelta(minutes=10),
        younger_than: timedelta = timedelta(hours=24),
    ) -> int:
        """What was given up `older_than` ago is due again, if wished less than `younger_than` ago.

        Somebody may have invited the bot meanwhile. Returns how many.
        """
        return await self._write(outbox.revive, now - older_than, now - younger_than, now)

    async def outbox_lost(self, message: OutboxMessage) -> None:
        """Somebody deleted it in Slack: it is to be posted anew."""
        await self._write(outbox.lost, message)

    async def outbox_message(self, key: str) -> OutboxMessage | None:
        """The message with that idempotency key."""
        return await self._engine.read(outbox.find, key)

    async def outbox_backlog(self) -> tuple[int, int]:
        """(waiting, given up). A reply fails with its card."""
        return await self._engine.read(outbox.backlog)
