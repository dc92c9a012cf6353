"""Asks one declared source: Prometheus, Loki or ClickHouse, each by its HTTP interface."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Mapping
from datetime import datetime
from typing import Any

import aiohttp

from bot.enrichment.segment import EvidenceSource

LARGEST = 65_536  # bytes of one answer
LARGEST_RANGE = 16_777_216  # bytes of the series of one detector
LINES = 5  # log lines, or rows
SERIES = 3  # of a metric
_WINDOWS = (("1 h", "1h"), ("24 h", "24h"))


class SourceError(Exception):
    """The source answered in an unexpected way."""


async def ask(
    session: aiohttp.ClientSession,
    source: EvidenceSource,
    query: str,
    values: Mapping[str, str],
    now: datetime,
) -> str:
    """Return the answer to one filled query as text, '' if there is nothing to say."""
    answer = {"prometheus": _prometheus, "loki": _loki, "clickhouse": _clickhouse}[source.kind]
    return await answer(session, source.url, query, values, now)


async def _prometheus(
    session: aiohttp.ClientSession, url: str, query: str, _: Mapping[str, str], now: datetime
) -> str:
    """Return the value now, and its median and 95th percentile of the last hour and day."""

    async def values(expression: str) -> list[dict[str, Any]]:
        parameters = {"query": expression, "time": f"{now.timestamp():.3f}"}
        body = json.loads(await _get(session, f"{url}/api/v1/query", parameters))
        if body.get("status") != "success" or body["data"]["resultType"] != "vector":
            raise SourceError(str(body.get("error") or "the query gives no vector"))
        result: list[dict[str, Any]] = body["data"]["result"]
        return result

    expressions = [query] + [
        f"quantile_over_time({share}, ({query})[{window}:1m])"
        for _, window in _WINDOWS
        for share in (0.5, 0.95)
    ]
    current, *past = await asyncio.gather(*map(values, expressions))
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
    if len(current) > SERIES:
        lines.append(f"and {len(current) - SERIES} more series")
    return "\n".join(lines)


def _value_of(labels: Mapping[str, str], series: list[dict[str, Any]]) -> str:
    """Return the value of the same series; '' if it has none, for a series that is young."""
    same = {name: value for name, value in labels.items() if name != "__name__"}
    for item in series:
        if {name: v for name, v in item["metric"].items() if name != "__name__"} == same:
            return _number(item["value"][1])
    return ""


def _number(text: str) -> str:
    return f"{float(text):.4g}"


async def query_range(
    session: aiohttp.ClientSession, url: str, query: str, *, start: float, end: float, step: float
) -> list[tuple[dict[str, str], list[tuple[float, float]]]]:
    """Return each series of a Prometheus: its labels, and its values with their times."""
    parameters = {
        "query": query,
        "start": f"{start:.3f}",
        "end": f"{end:.3f}",
        "step": f"{step:g}",
    }
    data = await _get(session, f"{url}/api/v1/query_range", parameters, LARGEST_RANGE)
    body = json.loads(data)
    if body.get("status") != "success" or body["data"]["resultType"] != "matrix":
        raise SourceError(str(body.get("error") or "the query gives no series"))
    return [
        (dict(series["metric"]), [(float(at), float(value)) for at, value in series["values"]])
        for series in body["data"]["result"]
    ]


async def _loki(
    session: aiohttp.ClientSession, url: str, query: str, _: Mapping[str, str], now: datetime
) -> str:
    """Return the newest lines of the last hour."""
    parameters = {
        "query": query,
        "limit": str(LINES),
        "start": f"{int(now.timestamp()) - 3600}000000000",
        "end": f"{int(now.timestamp())}000000000",
        "direction": "backward",
    }
    body = json.loads(await _get(session, f"{url}/loki/api/v1/query_range", parameters))
    entries = [entry for stream in body["data"]["result"] for entry in stream["values"]]
    return "\n".join(str(line) for _, line in sorted(entries, reverse=True)[:LINES])


async def _clickhouse(
    session: aiohttp.ClientSession, url: str, query: str, values: Mapping[str, str], _: datetime
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
    rows = (await _get(session, f"{url}/", parameters)).decode(errors="replace").splitlines()
    return "\n".join(rows[: LINES + 1]) if len(rows) > 1 else ""


async def _get(
    session: aiohttp.ClientSession,
    url: str,
    parameters: Mapping[str, str],
    largest: int = LARGEST,
) -> bytes:
    async with session.get(url, params=parameters, allow_redirects=False) as answer:
        body = await answer.content.read(largest + 1)
        while len(body) <= largest and (more := await answer.content.read(largest + 1)):
            body += more
        if answer.status != 200:
            detail = body[:200].decode(errors="replace").strip()
            raise SourceError(f"HTTP {answer.status}: {detail}")
        if len(body) > largest:
            raise SourceError(f"the answer is over {largest} bytes")
        return body
