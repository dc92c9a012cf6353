"""The gateway's part of an incident's trace: one span for each execution."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from contextlib import AsyncExitStack
from datetime import datetime

from bot.gateway.errors import ConfigError
from bot.gateway.journal import Execution
from bot.gateway.metrics import Metrics
from bot.gateway.running import Running
from bot.serving.span_export import SpanExport, SpanSink, otlp_sender, parse_headers
from bot.serving.traces import Span, parse_traceparent, span_id_of, trace_id_of

ENDPOINT, HEADERS = "OTEL_EXPORTER_OTLP_ENDPOINT", "OTEL_EXPORTER_OTLP_HEADERS"
_FLUSH_SECONDS = 2.0


def open_spans(
    environ: Mapping[str, str], metrics: Metrics, stack: AsyncExitStack
) -> SpanSink | None:
    """Return what takes spans; None unless the environment names a collector, as for the bot.

    `stack` closes it. ConfigError if the library is missing or a header has no name.
    """
    endpoint, headers = environ.get(ENDPOINT, ""), environ.get(HEADERS, "")
    if not endpoint:
        return None
    try:
        parse_headers(headers)
        send = otlp_sender(endpoint, headers, "sopbot-gateway")
    except ValueError as error:
        raise ConfigError([f"{HEADERS}: {error}"]) from error
    except ImportError as error:
        why = "traces need their library; install it with `make otel`"
        raise ConfigError([f"{ENDPOINT}: {why}"]) from error
    spans = SpanExport(send, metrics.count_spans)
    stack.push_async_callback(asyncio.to_thread, spans.close, _FLUSH_SECONDS)
    return spans


def span_of(
    row: Execution, running: Running, began: datetime, ended: datetime, *, failed: bool
) -> Span:
    """Return the span of an execution.

    The caller's `traceparent` is believed as an id and no more; without a valid one the trace
    follows from the tracking id.
    """
    about = running.tracking_id or row.key
    trace_id, parent_id = parse_traceparent(running.traceparent) or (trace_id_of(about), "")
    return Span(
        name="gateway.execute",
        trace_id=trace_id,
        span_id=span_id_of(about, "gateway.execute", row.source_id, row.key),
        parent_id=parent_id,
        began=began,
        ended=ended,
        attributes={
            "sopbot.tracking_id": running.tracking_id,
            "sopbot.execution": row.key,
            "sopbot.action": row.action,
            "sopbot.target": row.target,
        },
        failed=failed,
    )
