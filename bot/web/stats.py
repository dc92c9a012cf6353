"""GET /api/v3/stats and its parts: true numbers of a window, from the store alone."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from datetime import datetime
from typing import Any

from aiohttp import web

from bot.configuration import LiveConfiguration
from bot.incidents.correlation import Reason
from bot.incidents.model import IncidentStatus, Severity
from bot.incidents.stats import BECAME_CHILDREN, JOINED, Durations, IncidentStats, Span
from bot.incidents.windows import Window, parse_window
from bot.policy import Slo
from bot.web.times import rfc3339
from store import Store

DEFAULT_WINDOW = "24h"
MOST_TYPES = 100
MOST_NAMED = 50  # repeated or suppressed alerts

Answer = Callable[[Window, datetime], Awaitable[dict[str, Any]]]


class StatsEndpoints:
    """The endpoints of statistics. Each takes `?window=` or `time_range=`, by default 24h."""

    def __init__(
        self, store: Store, config: LiveConfiguration, clock: Callable[[], datetime]
    ) -> None:
        self._store = store
        self._config = config
        self._clock = clock

    def routes(self) -> list[web.RouteDef]:
        """Return the routes."""
        answers = {
            "": self.totals,
            "/severity": self.severity,
            "/type": self.types,
            "/duplicates": self.duplicates,
            "/suppressions": self.suppressions,
        }
        return [web.get(f"/api/v3/stats{path}", self._route(get)) for path, get in answers.items()]

    def _route(self, answer: Answer) -> Any:
        async def handle(request: web.Request) -> web.Response:
            value = request.query.get("window") or request.query.get("time_range")
            window, now = parse_window(value or DEFAULT_WINDOW), self._clock()
            since = window.since(now)
            head = {"timestamp": rfc3339(now), "window": window.text, "since": rfc3339(since)}
            return web.json_response({**head, **await answer(window, since)})

        return handle

    async def totals(self, _window: Window, since: datetime) -> dict[str, Any]:
        """Return everything in numbers: incidents, alerts, times, service levels."""
        stats = await self._store.stats(since)
        slo = self._config.current.policy.slo
        return {
            **_statuses(stats.by_status),
            "open_now": stats.open_now,
            "by_severity": _by_severity(stats.by_severity),
            "alerts": _alerts(stats),
            "duplicates": stats.duplicates,
            "suppressions": stats.suppressed,
            "reopened": stats.reopened,
            "flapping_now": stats.flapping_now,
            "cascades": {
                "children": stats.children,
                "by_reason": _counts(stats, BECAME_CHILDREN),
            },
            "mtta_seconds": _durations(stats.period.spans[Span.ACKNOWLEDGED]),
            "mttr_seconds": _durations(stats.period.spans[Span.RESOLVED]),
            "slo": service_levels(stats, slo),
        }

    async def severity(self, _window: Window, since: datetime) -> dict[str, Any]:
        """Return the incidents by severity and status."""
        stats = await self._store.stats(since)
        counts = stats.by_severity_and_status
        return {
            "total": stats.total,
            "by_severity": _by_severity(stats.by_severity),
            "severities": [
                {"severity": severity, **_statuses(counts.get(severity, {}))}
                for severity in Severity
            ],
        }

    async def types(self, _window: Window, since: datetime) -> dict[str, Any]:
        """Return the types with the most incidents."""
        types = await self._store.stats_by_type(since, MOST_TYPES + 1)
        return {
            "by_type": [
                {
                    "type": item.type,
                    "count": item.total,
                    "open": item.open,
                    **_by_severity(item.by_severity),
                }
                for item in types[:MOST_TYPES]
            ],
            "more": len(types) > MOST_TYPES,
        }

    async def duplicates(self, _window: Window, since: datetime) -> dict[str, Any]:
        """Return the alerts that opened nothing new, and those that were repeated most."""
        stats = await self._store.stats(since)
        most = await self._store.most_repeated(since, MOST_NAMED)
        return {
            "duplicates": stats.duplicates,
            "joined": stats.joined,
            "by_reason": _counts(stats, JOINED),
            "repeats": stats.repeats,
            "most_repeated": [
                {
                    "incident": f"INC-{item.incident_id}" if item.incident_id else None,
                    "alert": item.alert,
                    "count": item.count,
                    "last_at": rfc3339(item.last_at),
                }
                for item in most
            ],
        }

    async def suppressions(self, _window: Window, since: datetime) -> dict[str, Any]:
        """Return the silences in force, and the alerts that silences suppressed in the window."""
        stats = await self._store.stats(since)
        newest = await self._store.suppressed_alerts(MOST_NAMED)
        silences = await self._store.silences(self._clock())
        return {
            "suppressions": stats.suppressed,
            "silences_in_force": len(silences),
            "newest": [
                {
                    "tracking_id": item.tracking_id,
                    "name": item.alert.name,
                    "source": item.alert.source,
                    "silence": item.silence.id,
                    "reason": item.silence.reason,
                    "received_at": rfc3339(item.received_at),
                }
                for item in newest
                if item.received_at >= since
            ],
        }


def service_levels(stats: IncidentStats, slo: Slo) -> dict[str, Any]:
    """Return the percentiles of both paths in milliseconds, each beside its target."""
    card, advice = stats.period.spans[Span.CARD], stats.period.spans[Span.ADVICE]
    return {
        "fast_path": _level(card, slo.fast_path_p95_ms, slo.fast_path_p99_ms),
        "insight_path": _level(advice, slo.insight_path_p95_ms, slo.insight_path_p99_ms),
    }


def _level(durations: Durations, p95_target: int, p99_target: int) -> dict[str, Any]:
    measured = {
        name: None if seconds is None else round(seconds * 1000, 1)
        for name, seconds in (
            ("p50_ms", durations.percentile(0.5)),
            ("p95_ms", durations.percentile(0.95)),
            ("p99_ms", durations.percentile(0.99)),
        )
    }
    p95, p99 = measured["p95_ms"], measured["p99_ms"]
    met = None if p95 is None or p99 is None else p95 <= p95_target and p99 <= p99_target
    targets = {"p95_target_ms": p95_target, "p99_target_ms": p99_target}
    return {"count": durations.count, **measured, **targets, "met": met}


def _alerts(stats: IncidentStats) -> dict[str, Any]:
    return {
        "received": stats.accepted + stats.repeats,
        "stored": stats.accepted,
        "joined": stats.joined,
        "repeats": stats.repeats,
        "by_reason": {
            str(reason): count for reason, count in sorted(stats.period.alerts.items()) if count
        },
    }


def _counts(stats: IncidentStats, reasons: frozenset[Reason]) -> dict[str, int]:
    return {str(reason): stats.period.alerts[reason] for reason in Reason if reason in reasons}


def _statuses(counts: Any) -> dict[str, int]:
    by_status = {str(status): counts.get(status, 0) for status in IncidentStatus}
    return {"total": sum(by_status.values()), **by_status}


def _by_severity(counts: Any) -> dict[str, int]:
    return {str(severity): counts.get(severity, 0) for severity in Severity}


def _durations(durations: Durations) -> dict[str, Any]:
    def shown(seconds: float | None) -> float | None:
        return None if seconds is None else round(seconds, 1)

    return {
        "count": durations.count,
        "mean": shown(durations.mean),
        "p50": shown(durations.percentile(0.5)),
        "p95": shown(durations.percentile(0.95)),
        "p99": shown(durations.percentile(0.99)),
    }
