"""The outbox's messages: the state of each in Slack, and its place in the order."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import IntEnum, StrEnum

from bot.incidents.model import Severity
from store.statements import Row, from_db_time, from_db_time_or_none


class OrderClass(IntEnum):
    """The first key of the order in a channel, as the column `class` holds it.

    A notice comes first: a digest behind the cards that it counts would be useless. A state
    change is shown before new cards, and replies come after every card.
    """

    NOTICE = 0
    STATE_CHANGE = 1
    CARD = 2
    REPLY = 3


class MessageClass(StrEnum):
    """The cost of sending a message in Slack's rate limits, and its urgency.

    A NEW message is not in Slack yet. A STATE_CHANGE shows what a person did or what turned out;
    a REFRESH only brings a message up to date.
    """

    NEW = "new"
    STATE_CHANGE = "state_change"
    REFRESH = "refresh"

    @classmethod
    def of(cls, message: OutboxMessage) -> MessageClass:
        """The class of a message."""
        if message.ts is None:
            return cls.NEW
        return cls.STATE_CHANGE if message.order <= OrderClass.STATE_CHANGE else cls.REFRESH


EVERYTHING = frozenset(MessageClass)


@dataclass(frozen=True, slots=True, kw_only=True)
class OutboxMessage:
    """A message that Slack shows or should show. `kind` and `subject` say what to render.

    A `desired_version` above `sent_version` must be posted (`ts` is None) or changed. `thread_ts`
    is the card's ts for a reply, None while the card itself is not posted. `unsure`: an earlier try
    ended so that it may be posted already. `given_up_at`: Slack refused it then for good. `sender`:
    whose alerts it is about, '' for the bot's own.
    """

    id: int
    key: str
    kind: str
    incident_id: int | None
    subject: str
    channel: str
    in_thread: bool
    thread_ts: str | None
    order: OrderClass
    severity: Severity
    desired_version: int
    sent_version: int
    ts: str | None
    unsure: bool
    attempts: int
    given_up_at: datetime | None
    error: str
    created_at: datetime
    sender: str = ""


_SEVERITIES = tuple(Severity)


def outbox_from(row: Row) -> OutboxMessage:
    """An outbox row joined with its card's ts as `thread_ts`."""
    return OutboxMessage(
        id=row["id"],
        key=row["key"],
        kind=row["kind"],
        incident_id=row["incident_id"],
        subject=row["subject"],
        channel=row["channel"],
        in_thread=bool(row["in_thread"]),
        thread_ts=row["thread_ts"],
        order=OrderClass(row["class"]),
        severity=_SEVERITIES[row["severity"]],
        desired_version=row["desired_version"],
        sent_version=row["sent_version"],
        ts=row["ts"],
        unsure=bool(row["unsure"]),
        attempts=row["attempts"],
        given_up_at=from_db_time_or_none(row["given_up_at"]),
        error=row["error"],
        created_at=from_db_time(row["created_at"]),
        sender=row["sender"],
    )
