"""Sends spans to an OpenTelemetry collector by OTLP over HTTP, from a thread of its own.

Whoever adds a span never waits: the queue is bounded, and a span that finds it full, or that the
collector does not take, is dropped and counted.
"""

from __future__ import annotations

import logging
import queue
import threading
from collections.abc import Callable, Iterable, Sequence
from datetime import datetime
from typing import Protocol
from urllib.parse import unquote

from bot.serving.traces import Span

log = logging.getLogger(__name__)

LIBRARY = "opentelemetry"
WAITING = 4096  # spans that wait for the collector
_AT_ONCE = 512  # spans in a request
_TIMEOUT = 10.0  # seconds of one request with its repeats
SENT, DROPPED = "sent", "dropped"

Send = Callable[[Sequence[Span]], bool]
"""Sends spans; False if the collector did not take them. Blocks for at most `_TIMEOUT` seconds."""


class SpanSink(Protocol):
    """Takes spans."""

    def add(self, spans: Iterable[Span]) -> None:
        """Queue these spans. Never waits, never fails."""
        ...


class SpanExport:
    """A bounded queue before `send`. `count` gets "sent" or "dropped", and how many."""

    def __init__(self, send: Send, count: Callable[[str, int], None]) -> None:
        self._send = send
        self._count = count
        self._waiting: queue.Queue[Span | None] = queue.Queue(WAITING)
        self._is_failing = False
        # Not joined at the end of the process: a collector that hangs must not hold that up.
        self._thread = threading.Thread(target=self._run, name="span export", daemon=True)
        self._thread.start()

    def add(self, spans: Iterable[Span]) -> None:
        """Queue these spans; those for which there is no room are dropped."""
        dropped = 0
        for span in spans:
            try:
                self._waiting.put_nowait(span)
            except queue.Full:
                dropped += 1
        if dropped:
            self._count(DROPPED, dropped)

    def close(self, seconds: float) -> None:
        """Send what waits, for at most `seconds`; what is left then is lost."""
        try:
            self._waiting.put_nowait(None)
        except queue.Full:
            return
        self._thread.join(seconds)

    def _run(self) -> None:
        ends = False
        while not ends:
            first = self._waiting.get()
            spans = [] if first is None else [first]
            ends = first is None
            while not ends and len(spans) < _AT_ONCE:
                try:
                    following = self._waiting.get_nowait()
                except queue.Empty:
                    break
                if following is None:
                    ends = True
                else:
                    spans.append(following)
            if spans:
                self._deliver(spans)

    def _deliver(self, spans: Sequence[Span]) -> None:
        try:
            taken = self._send(spans)
        except Exception as error:  # a bug of the library must not end the thread
            log.debug("the library failed", exc_info=error)
            taken = False
        self._count(SENT if taken else DROPPED, len(spans))
        if taken is self._is_failing:
            self._is_failing = not taken
            if taken:
                log.info("the collector takes spans again")
            else:
                log.warning("the collector does not take spans; they are dropped and counted")


def otlp_sender(endpoint: str, headers: str, service: str) -> Send:
    """Return what sends spans to `endpoint` + /v1/traces as those of `service`.

    `headers` are as in OTEL_EXPORTER_OTLP_HEADERS: `name=value,name=value`, percent-encoded.
    ImportError without the library.
    """
    from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
    from opentelemetry.sdk.resources import Resource
    from opentelemetry.sdk.trace import ReadableSpan
    from opentelemetry.sdk.trace.export import SpanExportResult
    from opentelemetry.trace import SpanContext, SpanKind, Status, StatusCode, TraceFlags

    # The library would log each failed request, and each repeat of it.
    logging.getLogger(LIBRARY).setLevel(logging.CRITICAL)
    exporter = OTLPSpanExporter(
        endpoint=traces_url(endpoint), headers=parse_headers(headers), timeout=_TIMEOUT
    )
    resource = Resource.create({"service.name": service})

    def context(span: Span, span_id: str) -> SpanContext:
        return SpanContext(
            int(span.trace_id, 16), int(span_id, 16), is_remote=False, trace_flags=TraceFlags(1)
        )

    def readable(span: Span) -> ReadableSpan:
        # Not by a tracer: the step is over, and its ids are known.
        return ReadableSpan(
            name=span.name,
            context=context(span, span.span_id),
            parent=context(span, span.parent_id) if span.parent_id else None,
            resource=resource,
            attributes=span.attributes,
            kind=SpanKind.CLIENT if span.calls else SpanKind.INTERNAL,
            status=Status(StatusCode.ERROR if span.failed else StatusCode.UNSET),
            start_time=_nanoseconds(span.began),
            end_time=_nanoseconds(max(span.began, span.ended)),
        )

    def send(spans: Sequence[Span]) -> bool:
        return exporter.export([readable(span) for span in spans]) is SpanExportResult.SUCCESS

    return send


def traces_url(endpoint: str) -> str:
    """Return where the collector with this address takes spans."""
    return f"{endpoint.rstrip('/')}/v1/traces"


def parse_headers(text: str) -> dict[str, str]:
    """Return the headers of OTEL_EXPORTER_OTLP_HEADERS. ValueError for one without a name."""
    headers = {}
    for pair in filter(None, map(str.strip, text.split(","))):
        name, equals, value = pair.partition("=")
        if not equals or not name.strip():
            raise ValueError("must be name=value, comma separated")
        headers[unquote(name.strip()).lower()] = unquote(value.strip())
    return headers


def _nanoseconds(at: datetime) -> int:
    return round(at.timestamp() * 1_000_000) * 1000
