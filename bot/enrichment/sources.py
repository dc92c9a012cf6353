"""Asks one declared source: Prometheus, Loki, ClickHouse or Elasticsearch, each by HTTP."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any

import aiohttp

from bot.enrichment.http import NO_ACCESS, SourceError, get
from bot.enrichment.plot import COLUMNS, plot
from bot.enrichment.segment import Access, EvidenceSource

LARGEST_RANGE = 16_777_216  # bytes of the series of one detector
LINES = 5  # log lines, or rows
SERIES = 3  # of a metric
PLOT_SECONDS = 3_600
LARGEST_PLOT = 262_144  # bytes of the series of one query: about 150 of them
_WINDOWS = (("1 h", "1h"), ("24 h", "24h"))


Labels = frozenset[tuple[str, str]]


async def ask(
    session: aiohttp.ClientSession,
    source: EvidenceSource,
    query: str,
    values: Mapping[str, str],
    now: datetime,
) -> str:
    """Return the answer to one filled query as text, '' if there is nothing to say."""
    return await _ANSWERS[source.kind](session, source, query, values, now)


async def _prometheus(
    session: aiohttp.ClientSession,
    source: EvidenceSource,
    query: str,
    _: Mapping[str, str],
    now: datetime,
) -> str:
    """Return the value now, its median and 95th percentile of the last hour and day, and a plot."""

    async def values(expression: str) -> list[dict[str, Any]]:
        parameters = {"query": expression, "time": f"{now.timestamp():.3f}"}
        body = json.loads(
            await get(session, f"{source.url}/api/v1/query", parameters, source.access)
        )
        if body.get("status") != "success" or body["data"]["resultType"] != "vector":
            raise SourceError(str(body.get("error") or "the query gives no vector"))
        result: list[dict[str, Any]] = body["data"]["result"]
        return result

    expressions = [query] + [
        f"quantile_over_time({share}, ({query})[{window}:1m])"
        for _, window in _WINDOWS
        for share in (0.5, 0.95)
    ]
    (current, *past), courses = await asyncio.gather(
        asyncio.gather(*map(values, expressions)), _courses(session, source, query, now)
    )
    lines = []
    for series in current[:SERIES]:
        labels = series["metric"]
        usual = [_value_of(labels, answer) for answer in past]
        parts = [
            f"p50 {p50}, p95 {p95} over {window}"
            for (window, _), p50, p95 in zip(_WINDOWS, usual[::2], usual[1::2], strict=True)
            if p50 and p95
        ]
        named = ", ".join(f"{k}={v}" for k, v in sorted(labels.items()) if k != "__name__")
        past_text = f" ({'; '.join(parts)})" if parts else ""
        lines.append(f"now {_number(series['value'][1])}{past_text} {named}".rstrip())
        if course := courses.get(_key_of(labels)):
            lines.append(f"last hour {course}")
    if len(current) > SERIES:
        lines.append(f"and {len(current) - SERIES} more series")
    return "\n".join(lines)


async def _courses(
    session: aiohttp.ClientSession, source: EvidenceSource, query: str, now: datetime
) -> dict[Labels, str]:
    """Return the plot of each series over the last hour. Without one the values say enough."""
    end = now.timestamp()
    try:
        series = await query_range(
            session,
            source.url,
            query,
            start=end - PLOT_SECONDS,
            end=end,
            step=PLOT_SECONDS / (2 * COLUMNS),
            access=source.access,
            largest=LARGEST_PLOT,
        )
    except (SourceError, ValueError, LookupError, TypeError, AttributeError):
        return {}
    return {_key_of(labels): plot([value for _, value in points]) for labels, points in series}


def _key_of(labels: Mapping[str, str]) -> Labels:
    return frozenset((name, value) for name, value in labels.items() if name != "__name__")


def _value_of(labels: Mapping[str, str], series: list[dict[str, Any]]) -> str:
    """Return the value of the same series; '' if it has none, for a series that is young."""
    same = _key_of(labels)
    for item in series:
        if _key_of(item["metric"]) == same:
            return _number(item["value"][1])
    return ""


def _number(text: str) -> str:
    return f"{float(text):.4g}"


async def query_range(
    session: aiohttp.ClientSession,
    url: str,
    query: str,
    *,
    start: float,
    end: float,
    step: float,
    access: Access = NO_ACCESS,
    largest: int = LARGEST_RANGE,
) -> list[tuple[dict[str, str], list[tuple[float, float]]]]:
    """Return each series of a Prometheus: its labels, and its values with their times."""
    parameters = {
        "query": query,
        "start": f"{start:.3f}",
        "end": f"{end:.3f}",
        "step": f"{step:g}",
    }
    data = await get(session, f"{url}/api/v1/query_range", parameters, access, largest=largest)
    body = json.loads(data)
    if body.get("status") != "success" or body["data"]["resultType"] != "matrix":
        raise SourceError(str(body.get("error") or "the query gives no series"))
    return [
        (dict(series["metric"]), [(float(at), float(value)) for at, value in series["values"]])
        for series in body["data"]["result"]
    ]


async def _loki(
    session: aiohttp.ClientSession,
    source: EvidenceSource,
    query: str,
    _: Mapping[str, str],
    now: datetime,
) -> str:
    """Return the newest lines of the last hour."""
    parameters = {
        "query": query,
        "limit": str(LINES),
        "start": f"{int(now.timestamp()) - 3600}000000000",
        "end": f"{int(now.timestamp())}000000000",
        "direction": "backward",
    }
    body = json.loads(
        await get(session, f"{source.url}/loki/api/v1/query_range", parameters, source.access)
    )
    entries = [entry for stream in body["data"]["result"] for entry in stream["values"]]
    return "\n".join(str(line) for _, line in sorted(entries, reverse=True)[:LINES])


async def _clickhouse(
    session: aiohttp.ClientSession,
    source: EvidenceSource,
    query: str,
    values: Mapping[str, str],
    _: datetime,
) -> str:
    """Return the first rows, tab separated. The values are parameters, and the query only reads."""
    parameters = {
        "query": query,
        "readonly": "1",
        "max_result_rows": str(LINES),
        "result_overflow_mode": "break",
        "default_format": "TSVWithNames",
        **{f"param_{name}": value for name, value in values.items() if value},
    }
    body = await get(session, f"{source.url}/", parameters, source.access)
    rows = body.decode(errors="replace").splitlines()
    return "\n".join(rows[: LINES + 1]) if len(rows) > 1 else ""


async def _elasticsearch(
    session: aiohttp.ClientSession,
    source: EvidenceSource,
    query: str,
    _: Mapping[str, str],
    now: datetime,
) -> str:
    """Return the newest messages of the last hour."""
    since = (now - timedelta(hours=1)).isoformat()
    parameters = {
        "q": f'({query}) AND @timestamp:["{since}" TO *]',
        "sort": "@timestamp:desc",
        "size": str(LINES),
        "_source_includes": "@timestamp,message",
        "timeout": "1s",
    }
    body = json.loads(await get(session, f"{source.url}/_search", parameters, source.access))
    hits = [hit["_source"] for hit in body["hits"]["hits"]]
    return "\n".join(
        f"{hit.get('@timestamp', '')} {hit.get('message', '')}".strip() for hit in hits
    )


_ANSWERS = {
    "prometheus": _prometheus,
    "loki": _loki,
    "clickhouse": _clickhouse,
    "elasticsearch": _elasticsearch,
}
