"""The routes, and the HTTP server."""

from __future__ import annotations

import time
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from aiohttp import web
from prometheus_client import CONTENT_TYPE_LATEST

from bot.observability.health import Health
from bot.observability.metrics import Metrics
from bot.serving.machine import Machine
from bot.web.access import TRUSTED, bearer_only
from bot.web.body import BODY_LIMIT
from bot.web.errors import errors_as_json
from bot.web.incidents import incident_routes
from bot.web.ingest import IngestEndpoints
from bot.web.rate_limit import Buckets, rate_limited
from bot.web.stats import StatsEndpoints
from bot.web.trace import trace_route, unmatched_route
from store import Store

VERSION = "0.1.0"


@dataclass(frozen=True, slots=True)
class WebAccess:
    """The callers and their rate. `folder` is on the disk whose space health reports."""

    tokens: Sequence[str]
    buckets: Buckets | None
    folder: Path


def web_app(
    *,
    store: Store,
    ingest: IngestEndpoints,
    stats: StatsEndpoints,
    health: Health,
    metrics: Metrics,
    access: WebAccess,
    dump: Callable[[], Awaitable[dict[str, Any]]],
) -> web.Application:
    """Return the application with every route."""
    app = web.Application(
        client_max_size=BODY_LIMIT,
        middlewares=[
            errors_as_json,
            bearer_only(access.tokens),
            rate_limited(access.buckets, ingest.knows),
        ],
    )

    async def dumped(_request: web.Request) -> web.Response:
        return web.json_response(await dump())

    async def shown_metrics(_request: web.Request) -> web.Response:
        return web.Response(body=metrics.text(), headers={"Content-Type": CONTENT_TYPE_LATEST})

    app.add_routes(
        [
            *_health_routes(store, health, Machine(access.folder)),
            web.get("/dump", dumped),
            web.get("/metrics", shown_metrics),
            web.post("/incident", ingest.incident),
            web.post("/alerts/{source}", ingest.alerts),
            web.post("/alerts/{source}/api/v2/alerts", ingest.alerts),
            web.post("/webhook/alerts", ingest.alerts),
            web.post("/deploys", ingest.deploy),
            web.get("/api/v3/trace/{tracking_id}", trace_route(store)),
            web.get("/api/v3/unmatched", unmatched_route(store)),
            *stats.routes(),
            *incident_routes(store),
        ]
    )
    return app


def _health_routes(store: Store, health: Health, machine: Machine) -> list[web.RouteDef]:
    began = time.monotonic()

    async def healthz(_request: web.Request) -> web.Response:
        return web.json_response({"status": "ok"})

    async def readyz(request: web.Request) -> web.Response:
        checks = health.report()
        if not request[TRUSTED]:  # a reason contains addresses: the gateway's, the store's
            checks = {
                name: {key: value for key, value in check.items() if key != "reason"}
                for name, check in checks.items()
            }
        body = {"status": "ready" if health.ready else "not ready", "checks": checks}
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
            "system": machine.state(),
        }
        return web.json_response(body, status=200 if health.ready else 503)

    return [
        web.get("/healthz", healthz),
        web.get("/readyz", readyz),
        web.get("/health", overall),
        web.get("/health/detailed", detailed),
    ]
