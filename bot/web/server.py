"""The routes, and the server that listens."""

from __future__ import annotations

import time
from typing import Any

from aiohttp import web
from prometheus_client import CONTENT_TYPE_LATEST

from bot.observability.health import Health
from bot.observability.metrics import Metrics
from bot.web.access import bearer_only
from bot.web.body import BODY_LIMIT
from bot.web.errors import errors_as_json
from bot.web.ingest import Ingest
from bot.web.trace import trace_route
from store.contract import Store

VERSION = "0.1.0"


def web_app(
    *, store: Store, ingest: Ingest, health: Health, metrics: Metrics, token: str
) -> web.Application:
    """Every route there is."""
    app = web.Application(
        client_max_size=BODY_LIMIT, middlewares=[errors_as_json, bearer_only(token)]
    )
    began = time.monotonic()

    async def healthz(_request: web.Request) -> web.Response:
        return web.json_response({"status": "ok"})

    async def readyz(_request: web.Request) -> web.Response:
        body = {"status": "ready" if health.ready else "not ready", "checks": health.report()}
        return web.json_response(body, status=200 if health.ready else 503)

    def summary() -> dict[str, Any]:
        status = "healthy" if health.ready else "unhealthy"
        return {"status": status, "adapter": "qchat", "service": "sopbot", "version": VERSION}

    async def overall(_request: web.Request) -> web.Response:
        return web.json_response(summary(), status=200 if health.ready else 503)

    async def detailed(_request: web.Request) -> web.Response:
        waiting, failed = await store.outbox_backlog()
        body = summary() | {
            "uptime_seconds": round(time.monotonic() - began, 1),
            "checks": health.report(),
            "incidents": await store.incident_counts(),
            "outbox": {"waiting": waiting, "failed": failed},
        }
        return web.json_response(body, status=200 if health.ready else 503)

    async def shown_metrics(_request: web.Request) -> web.Response:
        return web.Response(body=metrics.text(), headers={"Content-Type": CONTENT_TYPE_LATEST})

    app.add_routes(
        [
            web.get("/healthz", healthz),
            web.get("/readyz", readyz),
            web.get("/health", overall),
            web.get("/health/detailed", detailed),
            web.get("/metrics", shown_metrics),
            web.post("/incident", ingest.incident),
            web.post("/alerts/{source}", ingest.alerts),
            web.post("/webhook/alerts", ingest.alerts),
            web.get("/api/v3/trace/{tracking_id}", trace_route(store)),
        ]
    )
    return app


async def serve(app: web.Application, host: str, port: int) -> tuple[web.AppRunner, str]:
    """Listen; returns what to clean up, and the address. Port 0 is a free one.

    OSError when the address cannot be had.
    """
    runner = web.AppRunner(app, access_log=None, handle_signals=False)
    await runner.setup()
    try:
        await web.TCPSite(runner, host, port).start()
    except OSError:
        await runner.cleanup()
        raise
    bound = runner.addresses[0]
    shown = f"[{bound[0]}]" if ":" in bound[0] else bound[0]
    return runner, f"http://{shown}:{bound[1]}"
