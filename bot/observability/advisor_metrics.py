"""The metrics of advice: the questions to the advisors, and the sources of evidence."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from functools import partial

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram

# Reported without the end of a question.
_WITHOUT_A_START = frozenset({"busy", "paused", "retried"})
_SAMPLES = 1000  # answers of which the percentiles are taken


class AdvisorMetrics:
    """The names `qchat_…` are those of the older agent's guide."""

    def __init__(self, reg: CollectorRegistry) -> None:
        self._latest: deque[float] = deque(maxlen=_SAMPLES)
        self._sources_failed = Counter(
            "sopbot_evidence_failures_total",
            "Sources of evidence that did not answer, by kind.",
            ["why"],
            registry=reg,
        )
        self._requests = Counter("qchat_requests_total", "Questions asked.", registry=reg)
        self._active = Gauge("qchat_active_requests", "Questions under way.", registry=reg)
        self._waiting = Gauge(
            "qchat_waiting_requests", "Questions that wait for an advisor.", registry=reg
        )
        self._seconds = Histogram(
            "qchat_request_duration_seconds",
            "Time until the advisor answered.",
            buckets=(0.5, 1, 2, 5, 10, 20, 30, 60, 120, 300),
            registry=reg,
        )
        for percent in (50, 99):
            Gauge(
                f"qchat_request_duration_p{percent}",
                f"Seconds within which {percent} % of the last 1,000 answers came.",
                registry=reg,
            ).set_function(partial(self._percentile, percent / 100))
        self._add_outcomes(reg)

    def _add_outcomes(self, reg: CollectorRegistry) -> None:
        self._errors = Counter(
            "qchat_errors_total", "Questions without an answer, by kind.", ["type"], registry=reg
        )
        self._reused = Counter(
            "sopbot_advice_reused_total",
            "Questions that started no advisor: they got a kept answer, or one under way.",
            ["how"],
            registry=reg,
        )
        self._failures = Counter(
            "sopbot_advisor_failures_total",
            "Advisors that gave no usable answer; the next one was asked.",
            ["advisor", "why"],
            registry=reg,
        )
        self._refusals = Counter(
            "sopbot_advisor_tools_refused_total",
            "Requests of advisors to run a tool or to read a file; each was refused.",
            ["advisor"],
            registry=reg,
        )
        self._paused = Gauge(
            "sopbot_advisor_paused",
            "1 while an advisor is not asked after a failure that only a person can fix.",
            ["advisor"],
            registry=reg,
        )

    def watch(self, advisor: str, is_paused: Callable[[], bool]) -> None:
        """Show whether this advisor is paused."""
        self._paused.labels(advisor).set_function(is_paused)

    def watch_queue(self, waiting: Callable[[], int]) -> None:
        """Show how many questions wait."""
        self._waiting.set_function(waiting)

    def source_failed(self, word: str) -> None:
        """Count a source of evidence without an answer: late, unreachable or failed."""
        self._sources_failed.labels(word).inc()

    def record(self, kind: str, seconds: float) -> None:
        """Record an event of a question: started, answered, retried, or a failure."""
        if kind == "started":
            self._requests.inc()
            self._active.inc()
            return
        if kind not in _WITHOUT_A_START:
            self._active.dec()
        if kind == "answered":
            self._seconds.observe(seconds)
            self._latest.append(seconds)
        else:
            self._errors.labels(kind).inc()

    def not_started(self, kind: str) -> None:
        """Count a question that started no advisor: cached, shared, or the budget is spent."""
        if kind == "budget":
            self._errors.labels(kind).inc()
        else:
            self._reused.labels(kind).inc()

    def failed(self, advisor: str, why: str) -> None:
        """Count an advisor that gave no usable answer, by kind of failure."""
        self._failures.labels(advisor, why).inc()

    def tool_refused(self, advisor: str) -> None:
        """Count a request of an advisor to run a tool or to read a file."""
        self._refusals.labels(advisor).inc()

    def _percentile(self, part: float) -> float:
        """Return it as the guide does: the sample at the index floor(n * part)."""
        ordered = sorted(self._latest)
        return ordered[min(len(ordered) - 1, int(len(ordered) * part))] if ordered else 0.0
