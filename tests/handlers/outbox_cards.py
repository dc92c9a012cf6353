"""A card of the outbox, as the store hands it out before it was ever posted."""

from __future__ import annotations

from datetime import UTC, datetime

from bot.incidents.model import Severity
from store.messages import OrderClass, OutboxMessage

NOW = datetime(2026, 11, 21, tzinfo=UTC)
CARD = OutboxMessage(
    id=1,
    key="card:1",
    kind="card",
    incident_id=1,
    subject="1",
    channel="C0ALERTS01",
    in_thread=False,
    thread_ts=None,
    order=OrderClass.CARD,
    severity=Severity.CRITICAL,
    desired_version=1,
    sent_version=0,
    ts=None,
    unsure=False,
    attempts=1,
    given_up_at=None,
    error="",
    created_at=NOW,
)
