"""Every metric, declared once, with one method for each thing that happens.

The registry is the bot's own, so that two bots in one process (tests) never share a count.
"""

from __future__ import annotations

from collections.abc import Mapping

from prometheus_client import (
    CollectorRegistry,
    Counter,
    Gauge,
    Histogram,
    ProcessCollector,
    generate_latest,
)

_WITHOUT_A_START = frozenset({"busy", "paused", "retried"})  # told while nothing ends


class Metrics:
    """What is counted. Label values come from fixed sets, never from alert text."""

    def __init__(self) -> None:
        self.registry = CollectorRegistry()
        ProcessCollector(registry=self.registry)  # process_*: memory, CPU, open files
        reg = self.registry
        self._alerts = Counter(
            "sopbot_alerts_total",
            "Alerts by source and outcome.",
            ["source", "outcome"],
            registry=reg,
        )
        self._incidents = Counter(
            "sopbot_incidents_opened_total", "Incidents opened.", registry=reg
        )
        self._votes = Counter("sopbot_votes_total", "Votes counted.", ["choice"], registry=reg)
        self._refusals = Counter("sopbot_refusals_total", "Presses refused.", registry=reg)
        self._remediations = Counter(
            "sopbot_remediations_total", "Remediations by outcome.", ["state"], registry=reg
        )
        self._slack = Counter(
            "sopbot_slack_calls_total",
            "Slack calls by outcome.",
            ["method", "outcome"],
            registry=reg,
        )
        self.outbox_waiting = Gauge(
            "sopbot_outbox_waiting", "Messages that wait to be sent.", registry=reg
        )
        self.outbox_failed = Gauge(
            "sopbot_outbox_failed", "Messages that Slack will never take.", registry=reg
        )
        self.slack_sockets = Gauge(
            "sopbot_slack_sockets", "Socket Mode links that listen.", registry=reg
        )
        self._read_back = Counter(
            "sopbot_read_back_total",
            "Alert messages that came only by reading Slack's history.",
            registry=reg,
        )
        self._stuck = Gauge(
            "sopbot_stuck", "What should have happened by now and has not.", ["what"], registry=reg
        )
        self._reload = Gauge(
            "sopbot_config_last_reload_successful",
            "1 when policy and SOPs are as their files say, 0 when the last reload was refused.",
            registry=reg,
        )
        self._gateway_seconds = Histogram(
            "gateway_operation_duration_seconds", "Time until the gateway answered.", registry=reg
        )
        self._gateway_success = Gauge(
            "gateway_success_rate", "1 when the last operation succeeded, else 0.", registry=reg
        )
        self._gateway_ms = Gauge(
            "gateway_command_execution_time_ms", "Duration of the last operation.", registry=reg
        )
        self._q_requests = Counter("qchat_requests_total", "Questions asked.", registry=reg)
        self._q_active = Gauge("qchat_active_requests", "Questions under way.", registry=reg)
        self._q_seconds = Histogram(
            "qchat_request_duration_seconds",
            "Time until the advisor answered.",
            buckets=(0.5, 1, 2, 5, 10, 20, 30, 60, 120, 300),
            registry=reg,
        )
        self._q_errors = Counter(
            "qchat_errors_total", "Questions without an answer, by kind.", ["type"], registry=reg
        )

    def received(self, source: str, accepted: int, duplicates: int, opened: int) -> None:
        """A delivery of one source was written."""
        if accepted:
            self._alerts.labels(source, "accepted").inc(accepted)
        if duplicates:
            self._alerts.labels(source, "duplicate").inc(duplicates)
        if opened:
            self._incidents.inc(opened)

    def voted(self, choice: str) -> None:
        """A vote was counted."""
        self._votes.labels(choice).inc()

    def refused(self) -> None:
        """A press was refused."""
        self._refusals.inc()

    def dispatched(self, state: str, seconds: float | None) -> None:
        """The gateway answered, or did not; `state` is the remediation's."""
        self._remediations.labels(state).inc()
        if seconds is not None:
            self._gateway_seconds.observe(seconds)
            self._gateway_ms.set(seconds * 1000)
        self._gateway_success.set(state == "succeeded")

    def concluded(self, state: str) -> None:
        """A remediation was verified, or was not."""
        self._remediations.labels(state).inc()

    def slack_called(self, method: str, outcome: str) -> None:
        """Slack was called: outcome is ok, ratelimited, refused or unknown."""
        self._slack.labels(method, outcome).inc()

    def backfilled(self, messages: int) -> None:
        """So many messages had been missed and were read back."""
        self._read_back.inc(messages)

    def stuck(self, counts: Mapping[str, int]) -> None:
        """How many of each kind stand still, 0 for those of which none does."""
        for what, count in counts.items():
            self._stuck.labels(what).set(count)

    def reloaded(self, successful: bool) -> None:
        """Policy and SOPs were read: at the start, or by a reload that was taken or refused."""
        self._reload.set(successful)

    def advisor_told(self, kind: str, seconds: float) -> None:
        """The advisor command said how it goes: started, answered, retried, or a failure."""
        if kind == "started":
            self._q_requests.inc()
            self._q_active.inc()
            return
        if kind not in _WITHOUT_A_START:
            self._q_active.dec()
        if kind == "answered":
            self._q_seconds.observe(seconds)
        else:
            self._q_errors.labels(kind).inc()

    def text(self) -> bytes:
        """All of it in Prometheus' text format."""
        return generate_latest(self.registry)
