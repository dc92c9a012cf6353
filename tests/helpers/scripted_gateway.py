"""A gateway over HTTP that answers what a test tells it to."""

from __future__ import annotations

import asyncio
import json
from datetime import UTC, datetime

from aiohttp import web

from bot.remediation.client import ActionCall, GatewayClient

CALL = ActionCall(
    action_id="service.restart",
    target="checkout-api",
    parameters={"grace_seconds": 10},
    intent="restart the service",
)


SUCCESS = {
    "request_id": "r-1",
    "timestamp_processed_utc": "2025-06-03T10:00:00.5",  # naive, as the older gateway writes it
    "overall_status": "COMPLETED_SUCCESS",
    "execution_details": {
        "command": "docker restart c",
        "execution_result": {"status": "SUCCESS", "exit_code": 0, "stdout": "c\n", "stderr": ""},
    },
    "error_details": None,
}


def answer(status: str, **more):
    return SUCCESS | {"overall_status": status, "execution_details": None} | more


class ScriptedGateway:
    """Answers every request with the next of `replies` (the last one again) and remembers it."""

    def __init__(self) -> None:
        self.replies: list = []
        self.requests: list[tuple[str, str, dict[str, str], bytes]] = []
        self.url = ""
        self.released = asyncio.Event()

    async def handle(self, request: web.Request) -> web.StreamResponse:
        body = await request.read()
        self.requests.append((request.method, request.raw_path, dict(request.headers), body))
        reply = self.replies.pop(0) if len(self.replies) > 1 else self.replies[0]
        if reply == "silence":
            await self.released.wait()
            return web.Response()
        if reply == "break":
            request.transport.abort()
            return web.Response()
        if reply == "cut":
            response = web.StreamResponse(headers={"Content-Length": "1000"})
            await response.prepare(request)
            await response.write(json.dumps(SUCCESS).encode())
            request.transport.abort()
            return response
        status, value = reply
        data = value if isinstance(value, bytes) else json.dumps(value).encode()
        return web.Response(status=status, body=data, headers={"Location": "/elsewhere"})


def make(session, url: str, **more) -> GatewayClient:
    arguments = {
        "timeout": 5,
        "source_id": "sopbot",
        "clock": lambda: datetime(2026, 1, 1, tzinfo=UTC),
    }
    return GatewayClient(session, url=url, **(arguments | more))
