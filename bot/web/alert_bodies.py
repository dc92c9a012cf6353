"""Turns the body of POST /alerts/{source} into a delivery: its alerts, and their sender."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from typing import Any

from bot.configuration import LiveConfiguration
from bot.errors import TooLarge
from bot.incidents.model import Alert
from bot.intake import Reading, parse_body
from bot.intake.senders.sns import with_signature
from bot.response import Delivery
from bot.web.sns import SnsVerifier

ALERTS_LIMIT = 500  # in one body; a larger one would keep a processor busy for seconds
LONG = 8_192  # bytes; a longer body is parsed in a thread, while the event loop does other work


class AlertBodies:
    """Reads bodies. `channel` gets the card of a new incident that no route matches.

    `config` has the operator's mappings.
    """

    def __init__(self, channel: str, sns: SnsVerifier, config: LiveConfiguration) -> None:
        self._channel = channel
        self._config = config
        self._sns = sns
        self._one_long = asyncio.Lock()  # each thread more would take the event loop's turns

    async def read(
        self, source: str, body: Any, key: str, length: int = 0
    ) -> tuple[Reading, Delivery]:
        """Read a body of that source. `key` identifies the delivery, unless SNS signed an id.

        `length` is the body's in bytes. TooLarge over 500 alerts.
        """
        _check_count(_listed(body))  # before the alerts are parsed, which costs more
        mappings = self._config.current.mappings
        if length > LONG:
            async with self._one_long:
                reading = await asyncio.to_thread(parse_body, source, body, mappings)
        else:
            reading = parse_body(source, body, mappings)
        alerts: Sequence[Alert] = reading.alerts
        _check_count(alerts)
        sender = f"http:{source}"
        if source == "cloudwatch" and isinstance(body, dict):
            check = await self._sns.check(body)
            alerts, sender = with_signature(alerts, body, check), check.sender
            if check.message_id:  # the id of a verified message identifies a repeated post
                key = f"http/sns/{check.account}/{check.message_id}"
        return reading, Delivery(
            key,
            self._channel,
            alerts,
            repeats=True,
            sender=sender,
            activities=reading.activities,
        )


def _listed(body: Any) -> list[Any]:
    """Return the unparsed alerts of a body: the body itself, or its `alerts`."""
    listed = body.get("alerts") if isinstance(body, dict) else body
    return listed if isinstance(listed, list) else []


def _check_count(alerts: Sequence[Any]) -> None:
    if len(alerts) > ALERTS_LIMIT:
        raise TooLarge(
            f"The body holds {len(alerts):,} alerts; at most {ALERTS_LIMIT} are taken at once.",
            field="alerts",
            remedy="Send them in several requests.",
        )
