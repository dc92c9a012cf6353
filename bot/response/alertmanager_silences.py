"""Keeps the silences of an Alertmanager and of the bot alike."""

from __future__ import annotations

import asyncio
import json
import logging
from collections.abc import Callable
from datetime import datetime
from typing import Any

import aiohttp

from bot.configuration import LiveConfiguration
from bot.errors import InputError
from bot.incidents.alertmanager_silences import ORIGIN, body_of, silence_from
from bot.incidents.silences import Silence
from store import Store

log = logging.getLogger(__name__)

TIMEOUT = aiohttp.ClientTimeout(total=10)
LARGEST = 4 * 1024 * 1024  # bytes of the list
MOST = 100  # silences that are taken over at once


class AlertmanagerSilences:
    """Reads the silences of Alertmanager; with a token it also writes those of people back."""

    def __init__(
        self,
        session: aiohttp.ClientSession,
        store: Store,
        config: LiveConfiguration,
        clock: Callable[[], datetime],
        *,
        url: str,
        token: str,
        channel: str,
    ) -> None:
        self._session = session
        self._store = store
        self._config = config
        self._clock = clock
        self._url = url.rstrip("/")
        self._token = token
        self._channel = channel
        self._unreadable: set[str] = set()
        self._one_at_a_time = asyncio.Lock()  # two at once would write a silence twice

    async def sync(self) -> None:
        """Take over what Alertmanager has, then write back what it lacks. Nothing without a URL."""
        if not self._url:
            return
        try:
            async with self._one_at_a_time:
                items = await self._read()
                await self._take_over(items)
                if self._token:
                    await self._write_back(items)
        except (aiohttp.ClientError, TimeoutError, ValueError, KeyError, TypeError) as error:
            why = str(error)[:200] or type(error).__name__
            log.warning("the silences of Alertmanager are not read: %s", why)

    async def _read(self) -> list[dict[str, Any]]:
        """Return the active silences."""
        async with self._request("GET", "/api/v2/silences") as answer:
            answer.raise_for_status()
            body = await answer.content.read(LARGEST)
            if not answer.content.at_eof():
                raise ValueError(f"the list is longer than {LARGEST} bytes")
        return [item for item in json.loads(body) if item["status"]["state"] == "active"]

    async def _take_over(self, items: list[dict[str, Any]]) -> None:
        mark = await self._mark()
        environments = self._config.current.policy.remediate.declared
        read: list[Silence] = []
        for item in items:
            if mark in str(item.get("comment", "")):
                continue  # the bot's own
            try:
                read.append(silence_from(item, self._channel, environments))
            except InputError as error:
                if str(item["id"]) not in self._unreadable:
                    self._unreadable.add(str(item["id"]))
                    log.warning("silence %.40s of Alertmanager is not used: %s", item["id"], error)
        over = {silence.origin for silence in read[MOST:]}
        await self._store.take_over_silences(ORIGIN, read[:MOST], self._clock(), keep=over)

    async def _write_back(self, items: list[dict[str, Any]]) -> None:
        mark = await self._mark()
        environments = self._config.current.policy.remediate.declared
        for silence in await self._store.unwritten_silences(self._clock()):
            own = f"{mark} {silence.id}]"
            body = body_of(silence, own, environments)
            if body is None:
                continue
            # A bot that was killed may have written it already.
            known = next((item["id"] for item in items if own in str(item["comment"])), None)
            await self._store.set_remote_silence(silence.id, known or await self._post(body))
        for silence_id, remote_id in await self._store.silences_ended_here():
            async with self._request("DELETE", f"/api/v2/silence/{remote_id}") as answer:
                if answer.status not in (200, 404):
                    answer.raise_for_status()
            await self._store.set_remote_silence(silence_id, "")

    async def _post(self, body: dict[str, Any]) -> str:
        async with self._request("POST", "/api/v2/silences", body) as answer:
            answer.raise_for_status()
            return str((await answer.json())["silenceID"])

    def _request(self, method: str, path: str, body: Any = None) -> Any:
        headers = {"Authorization": f"Bearer {self._token}"} if self._token else {}
        return self._session.request(
            method,
            f"{self._url}{path}",
            json=body,
            headers=headers,
            timeout=TIMEOUT,
            allow_redirects=False,
        )

    async def _mark(self) -> str:
        """Return what the comments of this store's silences have, up to the silence's id."""
        return f"[sopbot {await self._store.identity()}"
