"""The histograms of the service levels: the seconds that people and the bot wait."""

from __future__ import annotations

from prometheus_client import CollectorRegistry, Gauge, Histogram

# The promises of the fast path (1.5 s) and of the insight path (10 s) are edges of buckets.
_BUCKETS = (0.05, 0.1, 0.25, 0.5, 1, 1.5, 2, 3, 5, 10, 20, 30, 60, 120, 300, 600, 1800)
_SPANS = {
    "alert_to_card": "From an alert's first byte to its card in Slack.",
    "incident_to_evidence": "From the opening of an incident to what is known about it.",
    "incident_to_advice": "From the opening of an incident to its first advice.",
    "press_to_dispatch": "From the press that decided an approval to the request to the gateway.",
    "dispatch_to_verified": "From the request to the gateway to the verified result.",
}
SPANS = tuple(_SPANS)


class ServiceLevels:
    """One histogram for each span, in seconds, and the state of the parts of the bot."""

    def __init__(self, registry: CollectorRegistry) -> None:
        self._spans = {
            span: Histogram(f"sopbot_{span}_seconds", text, buckets=_BUCKETS, registry=registry)
            for span, text in _SPANS.items()
        }
        self.replicas = Gauge(
            "sopbot_replicas", "Replicas with a valid lease, this one included.", registry=registry
        )
        self._parts = Gauge(
            "sopbot_health",
            "1 while the last check of a part of the bot passed, else 0.",
            ["part"],
            registry=registry,
        )

    def observe(self, span: str, seconds: float) -> None:
        """Count one duration; a negative one (two clocks) counts as 0."""
        self._spans[span].observe(max(seconds, 0.0))

    def part_checked(self, part: str, ok: bool) -> None:
        """Record the last result of a health check."""
        self._parts.labels(part).set(ok)
