"""Every metric, declared once, with one method for each event.

The registry is the bot's own, so that two bots in one process (tests) never share a count.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from prometheus_client import (
    CollectorRegistry,
    Counter,
    Gauge,
    Histogram,
    ProcessCollector,
    generate_latest,
)

from bot.observability.advisor_metrics import AdvisorMetrics
from bot.observability.backup_metrics import BackupMetrics
from bot.observability.events import Event
from bot.observability.service_levels import ServiceLevels

_CHOICES = ("approve", "reject")
_OUTCOMES = ("succeeded", "failed", "outcome unknown", "verified", "not verified")


class Metrics:
    """The metrics. Label values come from fixed sets, never from alert text."""

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
        self._add_episodes(reg)
        self._votes = Counter("sopbot_votes_total", "Votes counted.", ["choice"], registry=reg)
        _begin_at_zero(self._votes, _CHOICES)
        self._refusals = Counter(
            "sopbot_refusals_total", "Presses refused, by blocker.", ["reason"], registry=reg
        )
        self._endings = Counter(
            "sopbot_approvals_total",
            "Approvals that were decided or ended, by state and reason.",
            ["state", "reason"],
            registry=reg,
        )
        self._remediations = Counter(
            "sopbot_remediations_total", "Remediations by outcome.", ["state"], registry=reg
        )
        _begin_at_zero(self._remediations, _OUTCOMES)
        self._slack = Counter(
            "sopbot_slack_calls_total",
            "Slack calls by outcome.",
            ["method", "outcome"],
            registry=reg,
        )
        self._add_sending(reg)
        self._overdue = Gauge("sopbot_stuck", "Overdue work, by kind.", ["what"], registry=reg)
        self._reload = Gauge(
            "sopbot_config_last_reload_successful",
            "1 when policy and SOPs are as their files say, 0 when the last reload was refused.",
            registry=reg,
        )
        self._add_gateway(reg)
        self.advisor = AdvisorMetrics(reg)
        self.backups = BackupMetrics(reg)
        self.service_levels = ServiceLevels(reg)
        self._add_nats(reg)
        self._spans = Counter(
            "sopbot_trace_spans_total", "Spans of traces by outcome.", ["outcome"], registry=reg
        )

    def _add_episodes(self, reg: CollectorRegistry) -> None:
        self._reopened = Counter(
            "sopbot_incidents_reopened_total", "Incidents reopened.", registry=reg
        )
        self._flapping = Counter(
            "sopbot_incidents_flapping_total", "Incidents that began to flap.", registry=reg
        )
        self._differing = Counter(
            "sopbot_shadow_differences_total",
            "Alerts about which the shadow policy would decide otherwise.",
            ["live", "would_be"],
            registry=reg,
        )
        self._resolved = Counter(
            "sopbot_incidents_resolved_total",
            "Incidents resolved, by the reason.",
            ["resolution"],
            registry=reg,
        )

    def _add_sending(self, reg: CollectorRegistry) -> None:
        self._outside = Counter(
            "sopbot_outside_notices_total",
            "Notices by e-mail and webhook while Slack is unreachable, by outcome.",
            ["target", "outcome"],
            registry=reg,
        )
        self.outbox_waiting = Gauge(
            "sopbot_outbox_waiting", "Messages that wait to be sent.", registry=reg
        )
        self.outbox_failed = Gauge(
            "sopbot_outbox_failed", "Messages that Slack will never accept.", registry=reg
        )
        self.slack_sockets = Gauge(
            "sopbot_slack_sockets", "Open Socket Mode connections.", registry=reg
        )
        self._read_back = Counter(
            "sopbot_read_back_total",
            "Alert messages that only the backfill of Slack's history delivered.",
            registry=reg,
        )

    def _add_gateway(self, reg: CollectorRegistry) -> None:
        self._gateway_seconds = Histogram(
            "gateway_operation_duration_seconds",
            "Time until the gateway answered.",
            ["gateway"],
            registry=reg,
        )
        # Registered with the first operation: before it there is nothing to say.
        self._gateway_success = Gauge(
            "gateway_success_rate",
            "1 when the last operation succeeded, else 0.",
            ["gateway"],
            registry=None,
        )
        self._gateway_ms = Gauge(
            "gateway_command_execution_time_ms",
            "Duration of the last operation.",
            ["gateway"],
            registry=None,
        )
        self._last_operation = [self._gateway_success, self._gateway_ms]

    def _add_nats(self, reg: CollectorRegistry) -> None:
        self.nats_connected = Gauge(
            "sopbot_nats_connected", "1 while the bot is connected to NATS.", registry=reg
        )
        self.nats_waiting = Gauge(
            "sopbot_nats_waiting", "Anomalies at NATS that are not acknowledged yet.", registry=reg
        )
        self._nats_consumed = Counter(
            "sopbot_nats_messages_total",
            "Messages of anomalies by outcome.",
            ["outcome"],
            registry=reg,
        )
        self._nats_published = Counter(
            "sopbot_nats_published_total",
            "Messages that the NATS server acknowledged.",
            ["subject"],
            registry=reg,
        )

    def received(self, source: str, accepted: int, duplicates: int, opened: int) -> None:
        """Count a stored delivery of one source."""
        if accepted:
            self._alerts.labels(source, "accepted").inc(accepted)
        if duplicates:
            self._alerts.labels(source, "duplicate").inc(duplicates)
        if opened:
            self._incidents.inc(opened)

    def count_spans(self, outcome: str, spans: int) -> None:
        """Count spans of traces: sent, or dropped because the collector did not take them."""
        self._spans.labels(outcome).inc(spans)

    def nats_consumed(self, outcome: str) -> None:
        """Count a message of anomalies: accepted, duplicate, or postponed if the store failed."""
        self._nats_consumed.labels(outcome).inc()

    def nats_published(self, subject: str) -> None:
        """Count a message that the NATS server acknowledged."""
        self._nats_published.labels(subject).inc()

    def voted(self, choice: str) -> None:
        """Count a counted vote."""
        self._votes.labels(choice).inc()

    def refused(self, reason: str) -> None:
        """Count a refused press; `reason` is the code of its blocker, '' for any other refusal."""
        self._refusals.labels(reason).inc()

    def logged(self, event: Event, fields: Mapping[str, Any]) -> None:
        """Count the end of an approval, whichever worker or press brought it about, and the
        episodes of incidents.

        `why` among the fields is the code of a blocker or of an end.
        """
        if event is Event.APPROVAL_DECIDED:
            self._endings.labels(fields["state"], fields.get("why", "")).inc()
        elif event is Event.INCIDENT_REOPENED:
            self._reopened.inc()
        elif event is Event.INCIDENT_RESOLVED:
            self._resolved.labels(fields["resolution"]).inc()
        elif event is Event.POLICY_DIFFERS:
            self._differing.labels(fields["live"], fields["would_be"]).inc()
        elif event is Event.INCIDENT_FLAPPING and fields["changes"]:
            self._flapping.inc()

    def watch_gateways(self, names: Iterable[str]) -> None:
        """Expose the operations of these gateways at 0 before the first."""
        _begin_at_zero(self._gateway_seconds, names)

    def dispatched(self, state: str, seconds: float | None, gateway: str) -> None:
        """Count an answer or a missing answer of a gateway; `state` is the remediation's."""
        self._remediations.labels(state).inc()
        while self._last_operation:
            self.registry.register(self._last_operation.pop())
        if seconds is not None:
            self._gateway_seconds.labels(gateway).observe(seconds)
            self._gateway_ms.labels(gateway).set(seconds * 1000)
        self._gateway_success.labels(gateway).set(state == "succeeded")

    def concluded(self, state: str) -> None:
        """Count a remediation that was verified, or was not."""
        self._remediations.labels(state).inc()

    def slack_called(self, method: str, outcome: str) -> None:
        """Count a call of Slack: outcome is ok, ratelimited, refused or unknown."""
        self._slack.labels(method, outcome).inc()

    def outside_notice(self, target: str, outcome: str) -> None:
        """Count a notice outside of Slack: outcome is sent, refused or unknown."""
        self._outside.labels(target, outcome).inc()

    def backfilled(self, messages: int) -> None:
        """Count missed messages that the backfill delivered."""
        self._read_back.inc(messages)

    def set_overdue(self, counts: Mapping[str, int]) -> None:
        """Set the overdue work by kind, 0 for a kind without any."""
        for what, count in counts.items():
            self._overdue.labels(what).set(count)

    def reloaded(self, successful: bool) -> None:
        """Record a load of policy and SOPs: at the start, or by a reload that was accepted or
        refused.
        """
        self._reload.set(successful)

    def text(self) -> bytes:
        """Return all metrics in Prometheus' text format."""
        return generate_latest(self.registry)


def _begin_at_zero(counter: Counter | Histogram, values: Iterable[str]) -> None:
    """Expose the series before their first event.

    Prometheus sees no increase in a series that begins at 1, so the first event would be on no
    dashboard and in no rule.
    """
    for value in values:
        counter.labels(value)
