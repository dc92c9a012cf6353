"""Plays Prometheus and Alertmanager: probes the health check and posts its state."""

import asyncio
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import aiohttp

from bot.demo.files import SERVICE
from bot.demo.service import MIB

LOOK_SECONDS = 0.25
BAD_PROBES = 3  # in a row, before it fires
GOOD_PROBES = 14  # in a row, before it resolves: a few seconds, as Alertmanager also waits

LABELS = "HealthCheckFailing prod ({service} availability critical)"


@dataclass
class Seen:
    """The results of the health check. Times are Unix seconds."""

    status: int = 0  # 0: no answer
    body: dict[str, Any] = field(default_factory=dict)
    pids: list[int] = field(default_factory=list)  # each new pid once, in order
    first_bad: float = 0.0  # the first of all
    firing: bool = False
    value: str = ""  # the leak's size when it fired: an alert keeps the value with which it fired
    posted: list[str] = field(default_factory=list)  # FIRING, RESOLVED, …

    @property
    def held(self) -> str:
        """Return the size of the leak as text."""
        return f"{self.body.get('held_bytes', 0) / MIB:.1f} MiB"

    @property
    def limit(self) -> str:
        """Return the limit of the leak as text."""
        return f"{self.body.get('limit_bytes', 0) / MIB:.0f} MiB"


class Monitor:
    """Probes four times a second until cancelled; posts to an incoming-webhook address."""

    def __init__(
        self,
        session: aiohttp.ClientSession,
        *,
        service_url: str,
        webhook_url: str,
        on_ill: Callable[[], None],
    ) -> None:
        self.seen = Seen()
        self._session = session
        self._service_url = service_url
        self._webhook_url = webhook_url
        self._on_ill = on_ill

    async def run(self) -> None:
        """Probe for ever; a state is posted once, after it has lasted long enough."""
        seen, run = self.seen, 0
        while True:
            was_good = 200 <= seen.status < 300
            await self._probe()
            good = 200 <= seen.status < 300
            run = run + 1 if good == was_good else 1
            if not good and seen.pids and not seen.first_bad:
                seen.first_bad = time.time()
                self._on_ill()
            if not seen.firing and seen.pids and not good and run >= BAD_PROBES:
                seen.firing, seen.value = True, seen.held
                await self._post("FIRING")
            elif seen.firing and good and run >= GOOD_PROBES:
                seen.firing = False
                await self._post("RESOLVED")
            await asyncio.sleep(LOOK_SECONDS)

    async def _probe(self) -> None:
        try:
            async with self._session.get(f"{self._service_url}/healthz") as answer:
                self.seen.body = await answer.json()
                self.seen.status = answer.status
        except (aiohttp.ClientError, TimeoutError, ValueError):
            self.seen.status = 0
            return
        pid = int(self.seen.body["pid"])
        if pid not in self.seen.pids:
            self.seen.pids.append(pid)

    async def _post(self, state: str) -> None:
        self.seen.posted.append(state)
        body = alertmanager_message(state, self.seen, self._service_url)
        async with self._session.post(self._webhook_url, json=body) as answer:
            answer.raise_for_status()


def alertmanager_message(state: str, seen: Seen, url: str) -> dict[str, Any]:
    """Return Alertmanager's message: its default title, and `text` from the alert's annotations."""
    mark = "[FIRING:1]" if state == "FIRING" else "[RESOLVED]"
    title = f"{mark} {LABELS.format(service=SERVICE)}"
    link = f"{url}/#/alerts?receiver=demo"
    return {
        "channel": "#alerts",
        "username": "Alertmanager",
        "attachments": [
            {
                "title": title,
                "title_link": link,
                "text": (
                    f"*Summary:* {SERVICE} fails its health check\n"
                    f"*Value:* {seen.value} held\n*Threshold:* {seen.limit}"
                ),
                "fallback": f"{title} | {link}",
                "callback_id": "",
                "footer": "",
                "color": "danger" if state == "FIRING" else "good",
                "mrkdwn_in": ["fallback", "pretext", "text"],
            }
        ],
    }
