"""Sends a notice by HTTP: to ntfy, to PagerDuty's Events API v2, or as JSON to any address."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import aiohttp

from bot.errors import OutcomeUnknown
from bot.notify.model import NoticeKind, NotTaken, OutsideMessage

TIMEOUT = aiohttp.ClientTimeout(total=15)


@dataclass(frozen=True, slots=True)
class _Request:
    url: str
    body: Mapping[str, Any]
    headers: Mapping[str, str]


class Webhook:
    """One address. `token` is sent as a bearer token, if there is one."""

    name = "webhook"

    def __init__(self, session: aiohttp.ClientSession, url: str, token: str = "") -> None:
        self._session = session
        self._url = url
        self._token = token

    async def send(self, message: OutsideMessage) -> None:
        """Send it. NotTaken if the target refused it, OutcomeUnknown if its answer is missing."""
        request = self._request(message)
        try:
            async with self._session.post(
                request.url,
                json=request.body,
                headers=request.headers,
                timeout=TIMEOUT,
                allow_redirects=False,  # a redirect would carry the facts and the token elsewhere
            ) as answer:
                if not 200 <= answer.status < 300:
                    raise NotTaken(f"HTTP {answer.status}")
        except aiohttp.ClientConnectorError as error:
            raise NotTaken("cannot be reached") from error
        except (aiohttp.ClientError, TimeoutError) as error:
            # The text of the error may name the address, which may be a secret.
            raise OutcomeUnknown(f"no answer ({type(error).__name__})") from error

    def _request(self, message: OutsideMessage) -> _Request:
        body = {
            "event": message.kind.value,
            "key": message.key,
            "title": message.title,
            "text": message.text,
            "incidents": list(message.incidents),
            **message.facts,
        }
        return _Request(self._url, body, {"Idempotency-Key": message.key, **self._bearer()})

    def _bearer(self) -> dict[str, str]:
        return {"Authorization": f"Bearer {self._token}"} if self._token else {}


class Ntfy(Webhook):
    """A topic of ntfy: https://docs.ntfy.sh/publish/#publish-as-json."""

    name = "ntfy"

    def _request(self, message: OutsideMessage) -> _Request:
        server, _, topic = self._url.rstrip("/").rpartition("/")
        is_urgent = message.kind is NoticeKind.TRIGGER
        body = {
            "topic": topic,
            "title": message.title,
            "message": message.text,
            "priority": 5 if is_urgent else 3,
            "tags": ["rotating_light" if is_urgent else "white_check_mark"],
        }
        return _Request(f"{server}/", body, self._bearer())


class PagerDuty(Webhook):
    """Events API v2: https://developer.pagerduty.com/docs/events-api-v2-overview.

    Slack's return acknowledges the event: people see the incident again, and nobody else is paged.
    """

    name = "pagerduty"

    async def send(self, message: OutsideMessage) -> None:
        """Send an event for each incident; the same key is the same event at PagerDuty."""
        for number in message.incidents:
            event = OutsideMessage(
                message.kind, message.key, message.title, message.text, (number,), message.facts
            )
            await super().send(event)

    def _request(self, message: OutsideMessage) -> _Request:
        body: dict[str, Any] = {
            "routing_key": self._token,
            "event_action": "trigger" if message.kind is NoticeKind.TRIGGER else "acknowledge",
            "dedup_key": f"sopbot/{message.incidents[0]}",
        }
        if message.kind is NoticeKind.TRIGGER:
            body["payload"] = {
                "summary": message.title[:1024],
                "source": message.facts.get("service") or "sopbot",
                "severity": "critical",
                "custom_details": {**message.facts, "text": message.text},
            }
        return _Request(f"{self._url}/v2/enqueue", body, {})
