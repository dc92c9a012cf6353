"""The gateway's metrics, in a registry of their own."""

from __future__ import annotations

from collections.abc import Collection

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, generate_latest


class Metrics:
    """`sources` are the configured ones; any other source_id counts as `other`."""

    def __init__(self, sources: Collection[str]) -> None:
        self._sources = frozenset(sources)
        self._registry = CollectorRegistry()
        self.requests = Counter(
            "gateway_requests",
            "Requests to run something, by caller and overall_status",
            ["source_id", "status"],
            registry=self._registry,
        )
        self.duration = Histogram(
            "gateway_request_duration_seconds",
            "From receipt to answer",
            ["source_id"],
            registry=self._registry,
        )
        self.generation = Counter(
            "gateway_command_generation",
            "Requests turned into a catalogue action, or not",
            ["status"],
            registry=self._registry,
        )
        self.execution = Counter(
            "gateway_command_execution",
            "Executions by verb and how they ended",
            ["command_type", "status"],
            registry=self._registry,
        )
        self.operation = Histogram(
            "gateway_operation_duration_seconds",
            "Time that an execution took on its target",
            ["command_type"],
            registry=self._registry,
        )
        self._last: tuple[Gauge, Gauge] | None = None
        self.refusals = Counter(
            "gateway_refusals",
            "Requests refused before anything ran, by reason",
            ["code"],
            registry=self._registry,
        )
        self.active = Gauge(
            "gateway_active_requests", "Requests being answered", registry=self._registry
        )
        self._spans = Counter(
            "gateway_trace_spans",
            "Spans of traces, by outcome",
            ["outcome"],
            registry=self._registry,
        )

    def count_spans(self, outcome: str, spans: int) -> None:
        """Count spans of traces: sent, or dropped because the collector did not take them."""
        self._spans.labels(outcome).inc(spans)

    def source(self, source_id: str) -> str:
        """Return a label value; the number of values is bounded by the sources of the config."""
        return source_id if source_id in self._sources else "other"

    def ended(self, verb: str, *, success: bool, seconds: float) -> None:
        """Count the end of an execution. Before the first one its two gauges are absent: neither
        0 nor 1 would be true.
        """
        self.operation.labels(verb).observe(seconds)
        if self._last is None:
            self._last = (
                Gauge(
                    "gateway_success_rate",
                    "1 if the last execution succeeded, else 0",
                    registry=self._registry,
                ),
                Gauge(
                    "gateway_command_execution_time_ms",
                    "How long the last execution took",
                    registry=self._registry,
                ),
            )
        rate, duration = self._last
        rate.set(1 if success else 0)
        duration.set(seconds * 1000)

    def render(self) -> bytes:
        """Prometheus text."""
        return generate_latest(self._registry)
