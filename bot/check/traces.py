"""Checks the collector of traces, where OTEL_EXPORTER_OTLP_ENDPOINT is set."""

from __future__ import annotations

import importlib.util

import aiohttp

from bot.check.report import Report
from bot.serving.span_export import LIBRARY, parse_headers, traces_url
from bot.settings import Settings

_SECONDS = 5.0


async def check_traces(report: Report, settings: Settings, session: aiohttp.ClientSession) -> None:
    """Check that the library is there and that the collector takes a request without a span."""
    endpoint = settings.otel_exporter_otlp_endpoint
    if not endpoint:
        return
    if importlib.util.find_spec(LIBRARY) is None:
        why = "OTEL_EXPORTER_OTLP_ENDPOINT is set, and its library is missing"
        report.problem("traces", why, "run `make otel`")
        return
    headers = parse_headers(settings.otel_exporter_otlp_headers.get_secret_value())
    headers["content-type"] = "application/x-protobuf"
    timeout = aiohttp.ClientTimeout(total=_SECONDS)
    try:
        async with session.post(
            traces_url(endpoint), data=b"", headers=headers, timeout=timeout, allow_redirects=False
        ) as answer:
            status = answer.status
    except (aiohttp.ClientError, OSError, TimeoutError, ValueError) as error:
        why = f"OTEL_EXPORTER_OTLP_ENDPOINT: no answer ({type(error).__name__})"
        report.problem("traces", why, "start the collector; its port for OTLP over HTTP is 4318")
        return
    if status == 200:
        report.good("traces", f"{traces_url(endpoint)} takes spans")
    elif status in (401, 403):
        why = f"the collector refuses OTEL_EXPORTER_OTLP_HEADERS ({status})"
        report.problem("traces", why, "correct the key in it")
    else:
        why = f"OTEL_EXPORTER_OTLP_ENDPOINT: {traces_url(endpoint)} answered {status}"
        report.problem("traces", why, "name a collector that takes OTLP over HTTP, not gRPC")
