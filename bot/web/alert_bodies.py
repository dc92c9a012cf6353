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
from bot.web.body import alert_of
from bot.web.sns import SnsVerifier

ALERTS_LIMIT = 500  # in one body; a larger one would keep a processor busy for seconds
# Bytes; a longer body is parsed in a thread, while the event loop does other work. Not a shorter
# one: beside a busy thread each statement of SQLite may wait 5 ms for the interpreter.
LONG = 65_536


class AlertBodies:
    """Reads bodies. `channel` gets the card of a new incident that no route matches.

    `config` has the operator's mappings.
    """

    def __init__(self, channel: str, sns: SnsVerifier, config: LiveConfiguration) -> None:
        self._channel = channel
        self._config = config
        self._sns = sns
        # One after the other: the end of an alert must not overtake its beginning, and no body
        # that waits is decoded, which takes many times its length.
        self._in_order = asyncio.Lock()

    async def read_bytes(
        self, source: str, data: bytes, content_type: str, key: str
    ) -> tuple[Reading, Delivery]:
        """Decode a body of that source, and read it; see `read`. InputError as `body.alert_of`."""
        async with self._in_order:
            body = alert_of(data, content_type)
            if len(data) > LONG:
                reading = await asyncio.to_thread(self._parse, source, body)
            else:
                reading = self._parse(source, body)
        return await self._delivered(source, body, reading, key)

    async def read(self, source: str, body: Any, key: str) -> tuple[Reading, Delivery]:
        """Read a decoded body of that source. `key` identifies the delivery, unless SNS signed an
        id. TooLarge over 500 alerts.
        """
        return await self._delivered(source, body, self._parse(source, body), key)

    def _parse(self, source: str, body: Any) -> Reading:
        _check_count(_listed(body))  # before the alerts are parsed, which costs more
        return parse_body(source, body, self._config.current.mappings)

    async def _delivered(
        self, source: str, body: Any, reading: Reading, key: str
    ) -> tuple[Reading, Delivery]:
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
