"""Acknowledges alerts at PagerDuty and Opsgenie when a person acknowledges their incident here."""

from __future__ import annotations

import asyncio
import logging
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import aiohttp

from store import Store
from store.operations.source_acknowledgements import DueAcknowledgement

log = logging.getLogger(__name__)

TIMEOUT = aiohttp.ClientTimeout(total=10)
MOST_ATTEMPTS = 6
FIRST_PAUSE = timedelta(seconds=5)  # doubles after each attempt
_TAKEN = (200, 202)
_AGAIN = frozenset({408, 425, 429})  # and every 5xx
_ID = re.compile(r"[A-Za-z0-9-]{1,100}")  # it becomes a part of a path


@dataclass(frozen=True, slots=True)
class PagingAccess:
    """Addresses and keys of the paging services. Without a key nothing is sent there."""

    pagerduty_url: str = ""
    pagerduty_token: str = ""
    pagerduty_from: str = ""
    opsgenie_url: str = ""
    opsgenie_api_key: str = ""

    @property
    def sources(self) -> list[str]:
        """Return the sources of alerts that can be acknowledged."""
        keys = {"pagerduty": self.pagerduty_token, "opsgenie": self.opsgenie_api_key}
        return [source for source, key in keys.items() if key]


@dataclass(frozen=True, slots=True)
class _Request:
    method: str
    url: str
    headers: Mapping[str, str]
    body: Mapping[str, Any]


class SourceAcknowledgements:
    """Passes acknowledgements on, each until the sender took it or refused it for good."""

    def __init__(
        self,
        session: aiohttp.ClientSession,
        store: Store,
        clock: Callable[[], datetime],
        access: PagingAccess,
    ) -> None:
        self._session = session
        self._store = store
        self._clock = clock
        self._access = access

    async def send_due(self) -> None:
        """Send what is due. An alert that is acknowledged twice at its sender stays acknowledged,
        so a bot that was killed in between sends it again.
        """
        if not self._access.sources:
            return
        items = await self._store.due_acknowledgements(self._access.sources, self._clock())
        await asyncio.gather(*map(self._send, items))

    async def _send(self, item: DueAcknowledgement) -> None:
        request = request_for(item, self._access)
        if request is None:  # its sender named no id
            await self._store.record_acknowledgement(item, self._clock(), retry_at=None)
            return
        problem, may_retry = await self._ask(request)
        now = self._clock()
        if not problem:
            await self._store.record_acknowledgement(item, now, retry_at=None)
            return
        log.warning("%s did not take an acknowledgement: %s", item.source, problem)
        if may_retry and item.attempts + 1 < MOST_ATTEMPTS:
            retry_at = now + FIRST_PAUSE * 2**item.attempts
            await self._store.record_acknowledgement(item, now, retry_at=retry_at)
            return
        note = (
            f"{item.source} did not take the acknowledgement ({problem}), so it may page the next"
            " person. Acknowledge there too."
        )
        await self._store.record_acknowledgement(item, now, note=note, retry_at=None)

    async def _ask(self, request: _Request) -> tuple[str, bool]:
        """Return the problem, '' if there is none, and whether another attempt may help."""
        try:
            async with self._session.request(
                request.method,
                request.url,
                json=request.body,
                headers=request.headers,
                timeout=TIMEOUT,
                allow_redirects=False,
            ) as answer:
                if answer.status in _TAKEN:
                    return "", False
                return f"HTTP {answer.status}", answer.status >= 500 or answer.status in _AGAIN
        except (aiohttp.ClientError, TimeoutError) as error:
            return type(error).__name__, True  # the text of the error may name the key


def request_for(item: DueAcknowledgement, access: PagingAccess) -> _Request | None:
    """Return the request that acknowledges an alert at its sender; None without a usable id.

    https://developer.pagerduty.com/api-reference/ (PUT /incidents/{id}) and
    https://docs.opsgenie.com/docs/alert-api (Acknowledge Alert).
    """
    label = "incident" if item.source == "pagerduty" else "alert_id"
    remote_id = item.labels.get(label, "")
    if not _ID.fullmatch(remote_id):
        return None
    if item.source == "pagerduty":
        return _Request(
            "PUT",
            f"{access.pagerduty_url}/incidents/{remote_id}",
            {
                "Authorization": f"Token token={access.pagerduty_token}",
                "From": access.pagerduty_from,
                "Accept": "application/vnd.pagerduty+json;version=2",
            },
            {"incident": {"type": "incident_reference", "status": "acknowledged"}},
        )
    if item.source == "opsgenie":
        note = f"INC-{item.incident_id} was acknowledged in Slack by {item.user}"
        return _Request(
            "POST",
            f"{access.opsgenie_url}/v2/alerts/{remote_id}/acknowledge",
            {"Authorization": f"GenieKey {access.opsgenie_api_key}"},
            {"user": "sopbot", "source": "sopbot", "note": note},
        )
    return None
