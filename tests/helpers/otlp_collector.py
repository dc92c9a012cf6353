"""An OpenTelemetry collector: takes spans by OTLP over HTTP and decodes them by their protobuf."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field
from typing import Any

from aiohttp import web
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import (
    ExportTraceServiceRequest,
    ExportTraceServiceResponse,
)


@dataclass(frozen=True)
class Received:
    """One span as it arrived."""

    service: str
    name: str
    trace_id: str
    span_id: str
    parent_id: str
    seconds: float
    failed: bool
    attributes: dict[str, Any]


@dataclass
class Collector:
    """Keeps what it received; `behaviour` is "take", "hang" or a status."""

    behaviour: str = "take"
    spans: list[Received] = field(default_factory=list)
    headers: list[dict[str, str]] = field(default_factory=list)

    async def handle(self, request: web.Request) -> web.StreamResponse:
        body = await request.read()
        self.headers.append({name.lower(): value for name, value in request.headers.items()})
        if self.behaviour == "hang":
            await asyncio.Event().wait()
        if self.behaviour.isdigit():
            return web.Response(status=int(self.behaviour))
        if request.path != "/v1/traces" or request.content_type != "application/x-protobuf":
            return web.Response(status=404)
        self.spans += _spans(ExportTraceServiceRequest.FromString(body))
        answer = ExportTraceServiceResponse().SerializeToString()
        return web.Response(body=answer, content_type="application/x-protobuf")

    def named(self, name: str) -> list[Received]:
        return [span for span in self.spans if span.name == name]

    def span(self, name: str) -> Received:
        """The span of this name; it may have been sent twice, by the same ids."""
        spans = self.named(name)
        assert len({span.span_id for span in spans}) == 1, [span.name for span in self.spans]
        return spans[0]


def _spans(request: ExportTraceServiceRequest) -> list[Received]:
    return [
        Received(
            service=_attributes(resource.resource.attributes)["service.name"],
            name=span.name,
            trace_id=span.trace_id.hex(),
            span_id=span.span_id.hex(),
            parent_id=span.parent_span_id.hex(),
            seconds=(span.end_time_unix_nano - span.start_time_unix_nano) / 1e9,
            failed=span.status.code == 2,
            attributes=_attributes(span.attributes),
        )
        for resource in request.resource_spans
        for scope in resource.scope_spans
        for span in scope.spans
    ]


def _attributes(pairs: Any) -> dict[str, Any]:
    return {pair.key: getattr(pair.value, pair.value.WhichOneof("value")) for pair in pairs}
