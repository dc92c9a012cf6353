"""The outcome of a message of the outbox: sent, retried, given up, or deleted in Slack."""

from __future__ import annotations

from datetime import datetime, timedelta

from store.messages import OrderClass, OutboxMessage
from store.operations import leases
from store.operations.outbox import PENDING, enqueue
from store.operations.part import Part
from store.statements import (
    Operation,
    execute,
    last,
    notify,
    query,
    run,
    to_db_time,
    to_db_time_or_none,
)
from store.topics import Topic

PROMOTED_AFTER = timedelta(seconds=60)
_REFRESH = "UPDATE outbox SET desired_version = desired_version + 1 WHERE key = ?"


# Work that was queued with the incident and waits for its card.
_WORK = """
 EXISTS (SELECT 1 FROM advice WHERE advice.incident_id = outbox.incident_id
    AND advice.state = 'wanted') AS advice,
 EXISTS (SELECT 1 FROM proposing WHERE proposing.incident_id = outbox.incident_id
    AND proposing.state = 'wanted') AS proposals
"""


def sent(
    message: OutboxMessage,
    ts: str,
    owner: str,
    paced_until: datetime | None,
    posted_at: datetime | None,
) -> Operation[bool]:
    """Record that Slack shows this version of it, under `ts`.

    1. Store until when the channel's posts are paced.
    2. Requeue its "undelivered" message in the ops channel: it names the present place.
    3. Let the incident's card link to an approval that was posted.
    4. Store `ts` and the version; False if another replica recorded its own copy first.
    5. Wake the outbox for the replies; after a first card, wake the steps whose work waits for it.
    """
    if paced_until is not None:
        yield run(
            "UPDATE claims SET paced_until = ? WHERE name = ? AND owner = ?",
            to_db_time(paced_until),
            leases.channel_claim_name(message.channel),
            owner,
        )
    if message.error:
        yield run(_REFRESH, f"undelivered:{message.key}")
    is_linked = message.kind == "approval" and message.ts is None
    if is_linked:
        yield run(_REFRESH, f"card:{message.incident_id}")
    is_first = message.kind == "card" and (message.ts is None or bool(message.error))
    rows = yield last(
        query(
            "UPDATE outbox SET ts = ?, turn = 0, sent_version ="  # noqa: S608 - constants
            " CASE WHEN sent_version > ? THEN sent_version ELSE ? END,"
            " attempts = 0, unsure = 0, error = '', posted_at = COALESCE(posted_at, ?)"
            f" WHERE id = ? AND (ts IS NULL OR ts = ?) RETURNING {_WORK if is_first else 'id'}",
            ts,
            message.desired_version,
            message.desired_version,
            to_db_time_or_none(posted_at),
            message.id,
            ts,
        )
    )
    # Replies may have waited for this ts; one that is being enqueued now is in no snapshot yet.
    if is_first or is_linked or message.error:
        yield notify(Topic.OUTBOX)
    if is_first and rows and rows[0]["advice"]:
        yield notify(Topic.ADVICE)
    if is_first and rows and rows[0]["proposals"]:
        yield notify(Topic.PROPOSE)
    return bool(rows)


def drop(message_id: int) -> Operation[None]:
    """Delete the card of an incident that became a child before its card was posted.

    1. Let the replies that wait for it go to the root's thread. 2. Delete it.
    """
    yield run(
        "UPDATE outbox SET (incident_id, channel) = (SELECT r.id, r.channel FROM outbox card"
        " JOIN incidents c ON c.id = card.incident_id JOIN incidents r ON r.id = c.parent_id"
        " WHERE card.id = ?) WHERE in_thread = 1 AND ts IS NULL AND incident_id = (SELECT"
        " c.id FROM outbox card JOIN incidents c ON c.id = card.incident_id"
        " WHERE card.id = ? AND c.parent_id IS NOT NULL)",
        message_id,
        message_id,
    )
    yield run(
        "DELETE FROM outbox WHERE id = ? AND ts IS NULL AND EXISTS (SELECT 1 FROM incidents c"
        " WHERE c.id = outbox.incident_id AND c.parent_id IS NOT NULL)",
        message_id,
    )


def requeue(message_id: int) -> Operation[None]:
    """Send the message again: Slack may show an older version than the one that was sent last."""
    yield run("UPDATE outbox SET desired_version = desired_version + 1 WHERE id = ?", message_id)
    yield notify(Topic.OUTBOX)


def retry(message_id: int, not_before: datetime, error: str, maybe_posted: bool) -> Operation[None]:
    """Try again at `not_before`.

    After `maybe_posted` the next try first looks for the message in Slack.
    """
    yield run(
        "UPDATE outbox SET attempts = attempts + 1, not_before = ?, error = ?,"
        " unsure = CASE WHEN ? = 1 THEN 1 ELSE unsure END WHERE id = ?",
        to_db_time(not_before),
        error,
        int(maybe_posted),
        message_id,
    )


def give_up(message: OutboxMessage, error: str, ops_channel: str, now: datetime) -> Operation[None]:
    """Give up a message that Slack does not take.

    1. Keep it, with the time and the reason.
    2. Enqueue a message to the ops channel in its place: one message, however often this one is
       tried again and given up again.
    """
    yield run(
        "UPDATE outbox SET given_up_at = ?, error = ? WHERE id = ?",
        to_db_time(now),
        error,
        message.id,
    )
    if not ops_channel or message.channel == ops_channel:
        return
    yield from enqueue(
        kind="undelivered",
        subject=message.key,
        channel=ops_channel,
        incident_id=message.incident_id,
        in_thread=False,
        severity=message.severity,
        now=now,
    )


def retry_failed(
    given_up_before: datetime, created_after: datetime, now: datetime
) -> Operation[int]:
    """Make given-up messages due, each in its old place, so that no burst arises.

    Returns how many.
    """
    revived: int = yield execute(
        "UPDATE outbox SET given_up_at = NULL, attempts = 0, revived = 1, not_before = ?"
        " WHERE given_up_at <= ? AND sent_version < desired_version AND created_at > ?",
        to_db_time(now),
        to_db_time(given_up_before),
        to_db_time(created_after),
    )
    if revived:
        yield notify(Topic.OUTBOX)
    return revived


def make_due_now(channel: str, now: datetime) -> Operation[None]:
    """Make due at once, in their order, the messages that wait only because a try failed."""
    yield run(
        f"UPDATE outbox SET not_before = ? WHERE channel = ? AND {PENDING}"  # noqa: S608 - constants
        " AND attempts > 0 AND not_before > ?",
        to_db_time(now),
        channel,
        to_db_time(now),
    )
    yield notify(Topic.OUTBOX)


def raise_priority(now: datetime) -> Operation[None]:
    """Raise the priority of messages that have waited for a minute.

    1. Move replies up behind the cards of their severity.
    2. Move changes up among the most severe cards: a channel takes fewer changes than many cards
       that change again and again would need.
    """
    since = to_db_time(now - PROMOTED_AFTER)
    yield run(
        f"UPDATE outbox SET class = {OrderClass.CARD:d}, promoted = 1"  # noqa: S608 - constants
        f" WHERE in_thread = 1 AND ts IS NULL AND class = {OrderClass.REPLY:d}"
        f" AND {PENDING} AND created_at <= ?",
        since,
    )
    yield run(
        f"UPDATE outbox SET class = {OrderClass.CARD:d}, severity = 0, promoted = 0"  # noqa: S608 - constants
        f" WHERE ts IS NOT NULL AND (class, severity, promoted) > ({OrderClass.CARD:d}, 0, 0)"
        f" AND {PENDING} AND not_before <= ?",
        since,
    )


def mark_deleted(message: OutboxMessage) -> Operation[None]:
    """Post the message again: it does not exist in Slack any more."""
    yield run(
        "UPDATE outbox SET ts = NULL, sent_version = 0, given_up_at = NULL, attempts = 0,"
        " unsure = 0, revived = 1 WHERE id = ? AND ts = ?",
        message.id,
        message.ts,
    )
    yield notify(Topic.OUTBOX)


class OutboxResultsPart(Part):
    """The methods of `Store` for the outcome of a message."""

    async def outbox_sent(
        self,
        message: OutboxMessage,
        ts: str,
        paced_until: datetime | None = None,
        *,
        posted_at: datetime | None = None,
    ) -> bool:
        """Record that Slack shows this version under `ts`; its channel is paced until then.

        `posted_at`: when it was posted; None when it was changed in place.
        False when another replica posted it as well and recorded that first: then `ts` is one too
        many.
        """
        return await self._write(sent, message, ts, self.owner, paced_until, posted_at)

    async def outbox_drop(self, message: OutboxMessage) -> None:
        """Delete the card of an incident that became a child before its card was posted."""
        await self._write(drop, message.id)

    async def outbox_requeue(self, message: OutboxMessage) -> None:
        """Send the message again: Slack may show an older version of it."""
        await self._write(requeue, message.id)

    async def outbox_retry(
        self, message: OutboxMessage, not_before: datetime, error: str, *, maybe_posted: bool
    ) -> None:
        """Try again at `not_before`. After `maybe_posted` the next try checks before it posts."""
        await self._write(retry, message.id, not_before, error, maybe_posted)

    async def outbox_give_up(
        self, message: OutboxMessage, error: str, ops_channel: str, now: datetime
    ) -> None:
        """Give the message up: Slack refuses it.

        `ops_channel` ('' for none) shows it instead, as one message with the reason, which is
        changed in place.
        """
        await self._write(give_up, message, error, ops_channel, now)

    async def outbox_retry_failed(
        self,
        now: datetime,
        older_than: timedelta = timedelta(minutes=10),
        younger_than: timedelta = timedelta(hours=24),
    ) -> int:
        """Make due the messages that were given up `older_than` ago and first enqueued
        `younger_than` ago.

        Somebody may have invited the bot meanwhile. Returns how many.
        """
        return await self._write(retry_failed, now - older_than, now - younger_than, now)

    async def outbox_make_due_now(self, channel: str, now: datetime) -> None:
        """Make due at once the messages that wait only because a try failed: Slack works again."""
        await self._write(make_due_now, channel, now)

    async def outbox_raise_priority(self, now: datetime) -> None:
        """Raise the priority of messages that have waited for a minute: replies behind the cards of
        their severity, changes among the most severe cards.
        """
        await self._write(raise_priority, now)

    async def outbox_mark_deleted(self, message: OutboxMessage) -> None:
        """Post the message again: somebody deleted it in Slack."""
        await self._write(mark_deleted, message)
