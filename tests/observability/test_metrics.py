"""Metrics: one method for each thing that happens."""

from bot.approvals.model import Choice
from bot.incidents.remediation import RemediationStatus
from bot.observability.events import Event
from bot.observability.metrics import Metrics


def value(metrics, name, **labels):
    return metrics.registry.get_sample_value(name, labels)


def test_a_question_is_active_until_it_is_answered_or_has_failed():
    metrics = Metrics()
    metrics.advisor.record("started", 0.1)
    metrics.advisor.record("started", 0.1)
    metrics.advisor.record("retried", 1)
    assert value(metrics, "qchat_active_requests") == 2
    metrics.advisor.record("answered", 8)
    metrics.advisor.record("timeout", 120)
    metrics.advisor.record("busy", 0)
    assert value(metrics, "qchat_active_requests") == 0
    assert value(metrics, "qchat_requests_total") == 2
    assert value(metrics, "qchat_errors_total", type="timeout") == 1
    assert value(metrics, "qchat_errors_total", type="busy") == 1


def test_the_percentiles_are_those_of_the_last_thousand_answers():
    metrics = Metrics()
    names = ("qchat_request_duration_p50", "qchat_request_duration_p99")
    assert [value(metrics, name) for name in names] == [0, 0]
    for seconds in [500.0] * 7 + [float(number) for number in range(1000)]:
        metrics.advisor.record("started", 0)
        metrics.advisor.record("answered", seconds)
    assert [value(metrics, name) for name in names] == [500, 990]


def test_questions_that_started_no_advisor_are_counted_by_the_reason():
    metrics = Metrics()
    for kind in ("cached", "cached", "shared", "budget"):
        metrics.advisor.not_started(kind)
    assert value(metrics, "sopbot_advice_reused_total", how="cached") == 2
    assert value(metrics, "sopbot_advice_reused_total", how="shared") == 1
    assert value(metrics, "qchat_errors_total", type="budget") == 1


def test_a_pause_of_an_advisor_and_the_queue_are_shown():
    metrics = Metrics()
    paused = [False]
    metrics.advisor.watch("Amazon Q", lambda: paused[0])
    metrics.advisor.watch_queue(lambda: 7)
    assert value(metrics, "sopbot_advisor_paused", advisor="Amazon Q") == 0
    paused[0] = True
    assert value(metrics, "sopbot_advisor_paused", advisor="Amazon Q") == 1
    assert value(metrics, "qchat_waiting_requests") == 7


def test_deliveries_are_counted_by_outcome():
    metrics = Metrics()
    metrics.received("zabbix", 2, 1, 1)
    assert value(metrics, "sopbot_alerts_total", source="zabbix", outcome="accepted") == 2
    assert value(metrics, "sopbot_alerts_total", source="zabbix", outcome="duplicate") == 1
    assert value(metrics, "sopbot_incidents_opened_total") == 1


def test_the_episodes_of_incidents_are_counted():
    metrics = Metrics()
    metrics.logged(Event.INCIDENT_REOPENED, {"why": "fires again"})
    metrics.logged(Event.INCIDENT_RESOLVED, {"actor": None, "resolution": "stale"})
    metrics.logged(Event.INCIDENT_FLAPPING, {"changes": 4})
    metrics.logged(Event.INCIDENT_FLAPPING, {"changes": 0})
    assert value(metrics, "sopbot_incidents_reopened_total") == 1
    assert value(metrics, "sopbot_incidents_resolved_total", resolution="stale") == 1
    assert value(metrics, "sopbot_incidents_flapping_total") == 1, "its end is none"


def test_the_last_dispatch_says_whether_each_gateway_works():
    metrics = Metrics()
    metrics.dispatched("succeeded", 0.5, "default")
    assert value(metrics, "gateway_success_rate", gateway="default") == 1
    assert value(metrics, "gateway_command_execution_time_ms", gateway="default") == 500
    metrics.dispatched("failed", None, "default")
    metrics.dispatched("succeeded", None, "payments")
    assert value(metrics, "gateway_success_rate", gateway="default") == 0
    assert value(metrics, "gateway_success_rate", gateway="payments") == 1


def test_two_bots_in_one_process_do_not_share_a_count():
    first, second = Metrics(), Metrics()
    first.refused("frozen")
    assert value(second, "sopbot_refusals_total", reason="frozen") is None
    assert b'sopbot_refusals_total{reason="frozen"} 1.0' in first.text()


def test_each_outcome_and_vote_begins_at_zero_so_that_the_first_one_is_an_increase():
    metrics = Metrics()
    outcomes = {
        *(RemediationStatus.SUCCEEDED, RemediationStatus.FAILED, RemediationStatus.OUTCOME_UNKNOWN),
        *(RemediationStatus.VERIFIED, RemediationStatus.NOT_VERIFIED),
    }
    for outcome in outcomes:
        assert value(metrics, "sopbot_remediations_total", state=outcome) == 0
    for choice in Choice:
        assert value(metrics, "sopbot_votes_total", choice=choice) == 0
