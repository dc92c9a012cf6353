"""A client of the bot's HTTP endpoints, and the advisor and webhooks of their tests."""

from __future__ import annotations

import json
import shlex
import sys
from collections.abc import Awaitable, Callable
from typing import Any

import aiohttp

from bot.app import Bot
from tests.scenarios.world import SERVICE, World

TOKEN = "a token of the tests"

# Plays an advisor: as its first argument says, it answers, fails, or waits for a file to appear.
ADVISOR = """
import os, sys, time
asked = sys.stdin.read()
mode, gate = sys.argv[1], sys.argv[2]
if "--version" in sys.argv:
    print("advisor 1.0")
elif mode == "fails":
    print("no luck today", file=sys.stderr)
    sys.exit(3)
elif mode == "waits":
    open(gate + ".asked", "a").write("x")
    while not os.path.exists(gate):
        time.sleep(0.01)
    print("it was the disk, and that took a while")
else:
    print("it was the disk: " + ("checkout-api" if "checkout-api" in asked else "unknown"))
"""


class HttpCaller:
    """A client with the bearer token."""

    def __init__(self, bot: Bot, http: aiohttp.ClientSession) -> None:
        self.bot = bot
        self._http = http

    async def ask(
        self, method: str, path: str, body: Any = None, **headers: str
    ) -> tuple[int, Any, dict[str, str]]:
        """(status, JSON or text, headers)."""
        sent_headers = {"Authorization": f"Bearer {TOKEN}"} | headers
        data = body if isinstance(body, bytes | None) else json.dumps(body).encode()
        async with self._http.request(
            method, self.bot.http_url + path, data=data, headers=sent_headers
        ) as answer:
            text = await answer.text()
            is_json = answer.content_type == "application/json"
            return answer.status, json.loads(text) if is_json else text, dict(answer.headers)

    async def get(self, path: str, **headers: str) -> tuple[int, Any]:
        status, body, _ = await self.ask("GET", path, **headers)
        return status, body

    async def post(self, path: str, body: Any, **headers: str) -> tuple[int, Any]:
        status, answer, _ = await self.ask("POST", path, body, **headers)
        return status, answer


StartWithHttp = Callable[..., Awaitable[HttpCaller]]


def advisor(world: World, mode: str) -> dict[str, str]:
    """Settings with an advisor command that does this."""
    script = world.folder / "advisor.py"
    script.write_text(ADVISOR)
    command = [sys.executable, str(script), mode, str(world.folder / "gate")]
    return {"ADVISOR_COMMAND": shlex.join(command), "QCHAT_MAX_RETRIES": "0"}


def firing(service: str = SERVICE, **labels: str) -> dict[str, Any]:
    """An entry of Alertmanager's webhook."""
    named = {"alertname": "HealthCheckFailing", "env": "prod", "severity": "critical"}
    return {
        "status": "firing",
        "labels": named | {"service": service} | labels,
        "annotations": {"summary": f"{service} is down"},
        "startsAt": "2026-11-21T03:04:05Z",
        "endsAt": "0001-01-01T00:00:00Z",
        "fingerprint": "".join(f"{ord(c):02x}" for c in service)[:16],
    }


def webhook(*alerts: dict[str, Any]) -> dict[str, Any]:
    return {"version": "4", "status": "firing", "alerts": list(alerts)}
